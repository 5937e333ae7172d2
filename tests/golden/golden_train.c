/* SPDX-License-Identifier: Apache-2.0
 *
 * The training side: targets, then three steps of SGD with momentum .9: losses, gradients, updated variables.
 */
#include "golden.h"

#include "detection/anchors.h"
#include "detection/target_assigner.h"
#include "util/alloc.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 512 };

/* --- targets ------------------------------------------------------------------------------------------------------ */

typedef struct target_tensors {
    float *classes, *class_weights, *boxes, *box_weights;
} target_tensors;

static double worst_difference(const float *a, const float *b, int64_t n)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++) worst = fmax(worst, fabs((double)a[i] - b[i]));
    return worst;
}

static void compare_target(golden_case *c, golden_quantity q, const char *name, const float *ours)
{
    const od_safetensors_entry *e = od_safetensors_find(c->train, name);
    golden_dump_add(c, &c->train_dump, OD_F32, e->rank, e->shape, ours, "%s", name);
    golden_report(c, q, name, worst_difference(e->data, ours, (int64_t)(e->bytes / 4)), NULL);
}

static od_status expand_targets(const golden_case *c, const od_targets *t, target_tensors *out, od_error *err)
{
    int64_t a = t->anchor_count;
    int columns = od_class_scheme_columns(&t->scheme), code = t->coder.code_size;
    size_t n = (size_t)(c->batch * a);
    out->classes = od_calloc(n * (size_t)columns, sizeof(float));
    out->class_weights = od_calloc(n * (size_t)columns, sizeof(float));
    out->boxes = od_calloc(n * (size_t)code, sizeof(float));
    out->box_weights = od_calloc(n, sizeof(float));
    if (!out->classes || !out->class_weights || !out->boxes || !out->box_weights) return od_error_nomem(err, "targets");
    for (int64_t i = 0; i < c->batch; i++) {
        od_targets_expand_classes(t, i, 0, a, out->classes + i * a * columns, out->class_weights + i * a * columns);
        od_targets_expand_boxes(t, i, 0, a, out->boxes + i * a * code, out->box_weights + i * a);
    }
    return OD_OK;
}

od_status golden_check_targets(golden_case *c, od_error *err)
{
    const ObjectDetection__Protos__DetectionModel *model = od_config_proto(c->config)->model;
    const od_safetensors_entry *anchors = golden_entry(c->forward, "predict/anchors");
    if (!anchors || !model->ssd || !golden_entry(c->train, "targets/class")) return OD_OK;
    od_target_assigner *assigner;
    OD_TRY(od_target_assigner_create_ssd(model->ssd, anchors->data, anchors->shape[0], &assigner, err));
    od_targets targets = {0};
    target_tensors t = {0};
    od_status status = od_target_assigner_assign(assigner, c->truth, c->batch, &targets, err);
    if (status == OD_OK) status = expand_targets(c, &targets, &t, err);
    if (status == OD_OK) {
        compare_target(c, GOLDEN_CLASS_TARGETS, "targets/class", t.classes);
        compare_target(c, GOLDEN_CLASS_WEIGHTS, "targets/class_weight", t.class_weights);
        compare_target(c, GOLDEN_BOX_TARGETS, "targets/box", t.boxes);
        compare_target(c, GOLDEN_BOX_WEIGHTS, "targets/box_weight", t.box_weights);
    }
    od_free(t.classes);
    od_free(t.class_weights);
    od_free(t.boxes);
    od_free(t.box_weights);
    od_targets_deinit(&targets);
    od_target_assigner_free(assigner);
    return status;
}

/* --- tensors that the fixture keeps whole or as 512 samples and a norm ------------------------------------------------ */

static int is_sampled(const golden_case *c, const od_variable *v)
{
    return !c->small && v->size > SAMPLES;
}

static int64_t sample_count(const golden_case *c, const od_variable *v)
{
    return is_sampled(c, v) ? SAMPLES : v->size;
}

static float sample(const golden_case *c, const od_variable *v, const float *x, int64_t i)
{
    return is_sampled(c, v) ? x[i * v->size / SAMPLES] : x[i];
}

static double norm_of(const float *x, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += (double)x[i] * x[i];
    return sqrt(s);
}

/* group: "step0/grad", "step2/var", ... */
static void dump_tensor(golden_case *c, const char *group, const od_variable *v, const float *x)
{
    if (!c->dumping) return;
    float samples[SAMPLES];
    int64_t n = sample_count(c, v);
    if (!is_sampled(c, v)) {
        golden_dump_add(c, &c->train_dump, OD_F32, v->rank, v->shape, x, "%s/%s", group, v->name);
        return;
    }
    for (int64_t i = 0; i < n; i++) samples[i] = sample(c, v, x, i);
    golden_dump_add(c, &c->train_dump, OD_F32, 1, &n, samples, "%s/%s", group, v->name);
    float norm = (float)norm_of(x, v->size);
    golden_dump_add(c, &c->train_dump, OD_F32, 0, NULL, &norm, "%s/norm/%s", group, v->name);
}

/* --- gradients ------------------------------------------------------------------------------------------------------------ */

static double global_norm(const od_variables *vars)
{
    double s = 0;
    for (size_t i = 0; i < vars->count; i++) {
        double n = norm_of(vars->grad + vars->items[i].offset, vars->items[i].size);
        s += n * n;
    }
    return sqrt(s);
}

typedef struct cosine {
    double dot, ours, theirs;
} cosine;

/* One variable's gradient; returns the error of its norm relative to the global norm. */
static double compare_gradient(golden_case *c, const od_variable *v, const float *g, double global, cosine *sum)
{
    const od_safetensors_entry *e = golden_entry(c->train, "step0/grad/%s", v->name);
    const od_safetensors_entry *stored = golden_entry(c->train, "step0/grad/norm/%s", v->name);
    int64_t n = sample_count(c, v);
    if (!e) return v->trainable ? norm_of(g, v->size) / global : 0; /* no gradient there: ours must vanish */
    if ((int64_t)(e->bytes / 4) != n) return INFINITY;
    const float *want = e->data;
    double want_norm = stored ? *(const float *)stored->data : norm_of(want, n);
    double each = (double)v->size / (double)n; /* a sample stands for so many elements */
    for (int64_t i = 0; want_norm >= 1e-5 * global && i < n; i++) {
        double a = sample(c, v, g, i), b = want[i];
        sum->dot += each * a * b;
        sum->ours += each * a * a;
        sum->theirs += each * b * b;
    }
    return fabs(norm_of(g, v->size) - want_norm) / global;
}

static void check_gradients(golden_case *c)
{
    od_variables *vars = od_model_variables(c->model);
    double want = *(const float *)golden_entry(c->train, "step0/gradient_norm")->data, worst = 0;
    char detail[600] = "";
    cosine sum = {0};
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        const float *g = vars->grad + v->offset;
        if (v->trainable) dump_tensor(c, "step0/grad", v, g);
        double error = compare_gradient(c, v, g, want, &sum);
        if (!(error <= worst)) {
            worst = error;
            snprintf(detail, sizeof detail, ": worst: %s", v->name);
        }
    }
    golden_report(c, GOLDEN_GRADIENT_TENSOR_NORMS, "step 0 gradient: each tensor's norm", worst, detail);
    golden_report(c, GOLDEN_GRADIENT_COSINE, "step 0 gradient: 1 - cosine", 1 - sum.dot / sqrt(sum.ours * sum.theirs), NULL);
}

static void check_losses(golden_case *c, int step, const od_losses *losses, double norm)
{
    char what[200];
    golden_quantity q = step ? GOLDEN_LATER_LOSSES : GOLDEN_LOSSES;
    for (int i = 0; i < losses->count; i++) {
        float value = (float)losses->item[i].value;
        golden_dump_add(c, &c->train_dump, OD_F32, 0, NULL, &value, "step%d/%s", step, losses->item[i].tag);
        snprintf(what, sizeof what, "step %d %s", step, losses->item[i].tag);
        const od_safetensors_entry *e = golden_entry(c->train, "step%d/%s", step, losses->item[i].tag);
        double want = e ? *(const float *)e->data : NAN;
        golden_report(c, q, what, fabs(losses->item[i].value - want) / fmax(fabs(want), 1e-12), NULL);
    }
    float value = (float)norm;
    golden_dump_add(c, &c->train_dump, OD_F32, 0, NULL, &value, "step%d/gradient_norm", step);
    double want = *(const float *)golden_entry(c->train, "step%d/gradient_norm", step)->data;
    snprintf(what, sizeof what, "step %d gradient norm", step);
    if (step == 0) golden_report(c, GOLDEN_GRADIENT_NORM, what, fabs(norm - want) / want, NULL);
}

/* --- updates ----------------------------------------------------------------------------------------------------------------- */

/* The difference of two values of a variable. A moving statistic that hardly moves (the fixtures start from those of their own images) is
 * wrong by its own rounding; four of them are none. */
static double moved_apart(const od_variable *v, double ours, double theirs)
{
    double d = ours - theirs;
    return !v->trainable && fabs(d) <= 4 * FLT_EPSILON * fabs(theirs) ? 0 : d;
}

static void check_update(golden_case *c, int step, const float *start)
{
    od_variables *vars = od_model_variables(c->model);
    double wrong = 0, change = 0, worst = 0;
    char detail[700] = "", group[32];
    snprintf(group, sizeof group, "step%d/var", step);
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        const float *now = vars->value + v->offset, *was = start + v->offset;
        dump_tensor(c, group, v, now);
        const od_safetensors_entry *e = golden_entry(c->train, "%s/%s", group, v->name);
        if (!e || (int64_t)(e->bytes / 4) != sample_count(c, v)) {
            wrong = INFINITY;
            snprintf(detail, sizeof detail, ": %s is missing or has another size in the fixture", v->name);
            break;
        }
        double each = (double)v->size / (double)sample_count(c, v), mine = 0;
        for (int64_t j = 0; j < sample_count(c, v); j++) {
            double d = moved_apart(v, sample(c, v, now, j), ((const float *)e->data)[j]), r = (double)((const float *)e->data)[j] - sample(c, v, was, j);
            mine += each * d * d;
            change += each * r * r;
        }
        wrong += mine;
        if (mine > worst) {
            worst = mine;
            snprintf(detail, sizeof detail, ": most from %s", v->name);
        }
    }
    char what[64];
    snprintf(what, sizeof what, "variables after step %d", step);
    golden_report(c, step ? GOLDEN_UPDATE_2 : GOLDEN_UPDATE_0, what, sqrt(wrong / change), detail);
}

void golden_update(golden_case *c)
{
    od_variables *vars = od_model_variables(c->model);
    const od_kernels *k = c->options->kernels ? c->options->kernels : od_kernels_get();
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        if (v->trainable) k->momentum_update(v->size, vars->value + v->offset, vars->slot[0] + v->offset, vars->grad + v->offset, c->learning_rate, .9f, 1);
    }
    vars->version++;
}

static od_status run_steps(golden_case *c, od_instance *inst, const float *start, od_error *err)
{
    golden_force force;
    golden_force_install(&force, inst);
    for (int step = 0; step < 3; step++) {
        od_losses losses;
        if (golden_force_from(&force, golden_entry(c->train, "step%d/proposals", step), golden_entry(c->train, "step%d/num_proposals", step)))
            printf("      step %d: on the fixture's proposals\n", step);
        od_instance_set_inputs(inst, (const int32_t(*)[3])c->true_shapes, c->truth);
        od_instance_forward(inst, c->images);
        OD_TRY(od_instance_loss(inst, c->truth, &losses, err));
        od_instance_backward(inst);
        check_losses(c, step, &losses, global_norm(od_model_variables(c->model)));
        if (step == 0) check_gradients(c);
        golden_update(c);
        if (step != 1) check_update(c, step, start);
    }
    return OD_OK;
}

od_status golden_check_training(golden_case *c, od_error *err)
{
    OD_TRY(golden_reset_variables(c, err));
    od_variables *vars = od_model_variables(c->model);
    float *start = od_malloc(vars->elements, sizeof *start);
    if (!start) return od_error_nomem(err, "variables");
    memcpy(start, vars->value, vars->elements * sizeof *start);
    od_instance *inst;
    od_status status = od_instance_create(&inst, c->model, OD_NET_TRAIN, c->batch, c->height, c->width, c->options, err);
    if (status == OD_OK) {
        status = run_steps(c, inst, start, err);
        od_instance_free(inst);
    }
    od_free(start);
    return status;
}
