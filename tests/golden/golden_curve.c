/* SPDX-License-Identifier: Apache-2.0
 *
 * The loss over many steps of SGD with momentum .9 on the fixture's images, when the folder has a curve.safetensors
 * (tests/oracle/loss_curve.py): total_loss [steps]; a two-stage detector takes the proposals that stand there. With reruns [n,steps], which tell
 * how far the reference leaves its own curve after a change of the last bits, a two-stage detector runs once more on its own proposals.
 */
#include "golden.h"

#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>

typedef struct course {
    const od_safetensors *proposals; /* where they stand; NULL: the detector's own */
    const float *want;
    float *have;
    int64_t steps;
} course;

static od_status run(golden_case *c, od_instance *inst, const course *curve, od_error *err)
{
    golden_force force;
    golden_force_install(&force, inst);
    for (int64_t step = 0; step < curve->steps; step++) {
        od_losses losses;
        if (curve->proposals)
            golden_force_from(&force, golden_entry(curve->proposals, "step%lld/proposals", (long long)step),
                              golden_entry(curve->proposals, "step%lld/num_proposals", (long long)step));
        od_instance_set_inputs(inst, (const int32_t(*)[3])c->true_shapes, c->truth);
        od_instance_forward(inst, c->images);
        OD_TRY(od_instance_loss(inst, c->truth, &losses, err));
        od_instance_backward(inst);
        golden_update(c);
        curve->have[step] = (float)od_losses_get(&losses, "Loss/total_loss");
    }
    return OD_OK;
}

/* From the fixture's start. */
static od_status run_from_start(golden_case *c, const course *curve, od_error *err)
{
    od_instance *inst;
    OD_TRY(golden_reset_variables(c, err));
    OD_TRY(od_instance_create(&inst, c->model, OD_NET_TRAIN, c->batch, c->height, c->width, c->options, err));
    od_status status = run(c, inst, curve, err);
    od_instance_free(inst);
    return status;
}

/* The largest relative difference of two curves at a step; infinite from one that isn't a number on. */
static double apart(const float *have, const float *want, int64_t steps, int64_t *where)
{
    double worst = 0;
    *where = 0;
    for (int64_t i = 0; i < steps && worst < INFINITY; i++) {
        double error = fabs((double)have[i] - want[i]) / fabs((double)want[i]);
        if (error <= worst) continue;
        worst = isfinite(error) ? error : INFINITY;
        *where = i;
    }
    return worst;
}

static void report(golden_case *c, golden_quantity q, const char *of, const course *curve, const char *more)
{
    char what[100], detail[400];
    int64_t step, last = curve->steps - 1;
    double worst = apart(curve->have, curve->want, curve->steps, &step);
    snprintf(what, sizeof what, "total loss of %lld steps%s", (long long)curve->steps, of);
    snprintf(detail, sizeof detail, ": worst at step %lld: %.6g, expected %.6g; from %.4g to %.4g%s", (long long)step, (double)curve->have[step],
             (double)curve->want[step], (double)curve->want[0], (double)curve->want[last], more);
    golden_report(c, q, what, worst, detail);
}

/* On proposals of its own. */
static od_status check_free(golden_case *c, course *curve, const od_safetensors_entry *reruns, od_error *err)
{
    char more[100];
    double *noise = &c->noise.free_curve;
    if (!reruns) return OD_OK;
    for (int64_t i = 0, step; i < reruns->shape[0]; i++) *noise = fmax(*noise, apart((const float *)reruns->data + i * curve->steps, curve->want, curve->steps, &step));
    if (!isfinite(*noise)) return od_error_set(err, OD_ERR_FORMAT, "%s/curve.safetensors: a rerun isn't finite; make it at a lower learning rate", c->dir);
    snprintf(more, sizeof more, "; the reference's reruns: %.3g", *noise);
    curve->proposals = NULL;
    OD_TRY(run_from_start(c, curve, err));
    report(c, GOLDEN_FREE_CURVE, ", own proposals", curve, more);
    return OD_OK;
}

static od_status check(golden_case *c, const od_safetensors *file, const char *path, od_error *err)
{
    const od_safetensors_entry *e = golden_entry(file, "total_loss");
    if (!e || e->rank != 1 || e->shape[0] < 1) return od_error_set(err, OD_ERR_FORMAT, "%s: no total_loss [steps]", path);
    course curve = {file, e->data, NULL, e->shape[0]};
    curve.have = od_calloc((size_t)curve.steps, sizeof *curve.have);
    if (!curve.have) return od_error_nomem(err, "losses");
    od_status status = run_from_start(c, &curve, err);
    if (status == OD_OK) {
        report(c, GOLDEN_CURVE, "", &curve, "");
        if (golden_entry(file, "step0/proposals")) status = check_free(c, &curve, golden_entry(file, "reruns"), err);
    }
    od_free(curve.have);
    return status;
}

od_status golden_check_curve(golden_case *c, od_error *err)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/curve.safetensors", c->dir);
    if (!od_path_exists(path)) return c->curve_only ? od_error_set(err, OD_ERR_IO, "%s: make it with tests/oracle/loss_curve.py", path) : OD_OK;
    od_safetensors *file;
    OD_TRY(od_safetensors_open(&file, path, err));
    od_status status = check(c, file, path, err);
    od_safetensors_close(file);
    return status;
}
