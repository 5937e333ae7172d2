/* SPDX-License-Identifier: Apache-2.0 */
#include "train/variables_io.h"

#include "checkpoint/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIMIZER "optimizer"
#define AVERAGED OPTIMIZER "/ema_base_optimizer" /* the optimiser that ExponentialMovingAverage wraps */
#define AVERAGE "average"

static const char *base_path(const od_optimizer *o)
{
    return o->averages ? AVERAGED : OPTIMIZER;
}

static od_status write_slot(od_checkpoint_writer *w, const od_variables *vars, const char *optimizer, const char *slot, int k, od_error *err)
{
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        if (v->trainable) OD_TRY(od_checkpoint_writer_add_slot(w, v->name, optimizer, slot, OD_F32, v->rank, v->shape, vars->slot[k] + v->offset, err));
    }
    return OD_OK;
}

static od_status write_variables(od_checkpoint_writer *w, const od_variables *vars, const od_optimizer *o, od_error *err)
{
    const char *const *slots = od_optimizer_slots(o);
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        OD_TRY(od_checkpoint_writer_add(w, v->name, OD_F32, v->rank, v->shape, vars->value + v->offset, err));
    }
    for (int k = 0; slots[k]; k++) OD_TRY(write_slot(w, vars, base_path(o), slots[k], k, err));
    if (o->averages) OD_TRY(write_slot(w, vars, OPTIMIZER, AVERAGE, od_optimizer_average_slot(o), err));
    return OD_OK;
}

static od_status write_counters(od_checkpoint_writer *w, int64_t step, int64_t save_counter, const od_optimizer *optimizer, od_error *err)
{
    od_optimizer_number numbers[4];
    int n = od_optimizer_numbers(optimizer, numbers);
    OD_TRY(od_checkpoint_writer_add_i64(w, "step", step, err));
    OD_TRY(od_checkpoint_writer_add_i64(w, "save_counter", save_counter, err));
    char path[64];
    snprintf(path, sizeof path, "%s/iter", base_path(optimizer));
    OD_TRY(od_checkpoint_writer_add_i64(w, path, step, err));
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", base_path(optimizer), numbers[i].name);
        OD_TRY(od_checkpoint_writer_add_f32(w, path, numbers[i].value, err));
    }
    return OD_OK;
}

od_status od_variables_save(od_model_dir *dir, od_model *model, int64_t step, const od_optimizer *optimizer, od_error *err)
{
    od_checkpoint_writer *w;
    OD_TRY(od_checkpoint_writer_create(&w, od_model_dir_next(dir), err));
    od_status status = write_variables(w, od_model_variables(model), optimizer, err);
    if (status == OD_OK) status = write_counters(w, step, od_model_dir_next_number(dir), optimizer, err);
    if (status != OD_OK) {
        od_checkpoint_writer_abort(w);
        return status;
    }
    OD_TRY(od_checkpoint_writer_finish(w, err));
    return od_model_dir_commit(dir, err);
}

static void format_shape(int rank, const int64_t *shape, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < rank && n < size; i++) n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? "," : "", (long long)shape[i]);
    if (n < size) snprintf(out + n, size - n, "]");
}

/* Copies a tensor into `to` after comparing its shape with the variable's. */
static od_status copy_tensor(const char *prefix, const od_variable *v, const od_checkpoint_tensor *t, float *to, od_error *err)
{
    int same = t->dtype == OD_F32 && t->rank == v->rank;
    for (int i = 0; same && i < v->rank; i++) same = t->shape[i] == v->shape[i];
    if (same) {
        memcpy(to, t->data, t->bytes);
        return OD_OK;
    }
    char have[128], want[128];
    format_shape(t->rank, t->shape, have, sizeof have);
    format_shape(v->rank, v->shape, want, sizeof want);
    return od_error_set(err, OD_ERR_MISMATCH,
                        "%s: %s is %s; this config's model has %s; use the config that the checkpoint was trained with (num_classes, "
                        "depth_multiplier, ...) or fine_tune_checkpoint_type: \"detection\"",
                        prefix, v->name, have, want);
}

static od_status restore_slot(od_checkpoint *c, float *slot, const char *name, const od_variable *v, int *missing, od_error *err)
{
    od_checkpoint_tensor t;
    if (od_checkpoint_find_slot(c, v->name, name, &t, NULL) == OD_OK)
        return copy_tensor(od_checkpoint_prefix(c), v, &t, slot + v->offset, err);
    memset(slot + v->offset, 0, (size_t)v->size * sizeof *slot);
    (*missing)++;
    return OD_OK;
}

static od_status restore_all(od_checkpoint *c, od_variables *vars, const od_optimizer *o, od_error *err)
{
    const char *const *slots = o ? od_optimizer_slots(o) : NULL;
    int missing = 0, average = o ? od_optimizer_average_slot(o) : -1;
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        od_checkpoint_tensor t;
        OD_TRY(od_checkpoint_find(c, v->name, &t, err));
        OD_TRY(copy_tensor(od_checkpoint_prefix(c), v, &t, vars->value + v->offset, err));
        for (int k = 0; slots && slots[k] && v->trainable; k++) OD_TRY(restore_slot(c, vars->slot[k], slots[k], v, &missing, err));
        if (average >= 0 && v->trainable) OD_TRY(restore_slot(c, vars->slot[average], AVERAGE, v, &missing, err));
    }
    vars->version++;
    if (missing)
        od_log(OD_LOG_WARNING, "%s: no %s of the optimiser for %d variables; they start at rest", od_checkpoint_prefix(c),
               slots[1] ? "state" : slots[0], missing);
    return OD_OK;
}

od_status od_variables_restore(const char *prefix, od_model *model, const od_optimizer *optimizer, int64_t *step, od_error *err)
{
    od_checkpoint *c;
    OD_TRY(od_checkpoint_open(&c, prefix, err));
    od_status status = restore_all(c, od_model_variables(model), optimizer, err);
    if (status == OD_OK && od_checkpoint_step(c, step, NULL) != OD_OK) *step = -1;
    od_checkpoint_close(c);
    return status;
}

static od_status restore_average(od_checkpoint *c, od_variables *vars, const od_variable *v, od_error *err)
{
    od_checkpoint_tensor t;
    if (od_checkpoint_find_slot(c, v->name, AVERAGE, &t, NULL) == OD_OK) return copy_tensor(od_checkpoint_prefix(c), v, &t, vars->value + v->offset, err);
    return od_error_set(err, OD_ERR_MISMATCH, "%s: no moving average of %s, but eval_config has use_moving_averages: true; train with optimizer { use_moving_average: "
                                              "true } or set use_moving_averages: false", od_checkpoint_prefix(c), v->name);
}

static od_status restore_averages(const char *prefix, od_model *model, int64_t *step, od_error *err)
{
    od_variables *vars = od_model_variables(model);
    OD_TRY(od_variables_restore(prefix, model, NULL, step, err));
    od_checkpoint *c;
    OD_TRY(od_checkpoint_open(&c, prefix, err));
    od_status status = OD_OK;
    for (size_t i = 0; i < vars->count && status == OD_OK; i++)
        if (vars->items[i].trainable) status = restore_average(c, vars, &vars->items[i], err);
    vars->version++;
    od_checkpoint_close(c);
    return status;
}

od_status od_variables_restore_evaluated(const char *prefix, const od_config *config, od_model *model, int64_t *step, od_error *err)
{
    const ObjectDetection__Protos__EvalConfig *e = od_config_proto(config)->eval_config;
    return e && e->use_moving_averages ? restore_averages(prefix, model, step, err) : od_variables_restore(prefix, model, NULL, step, err);
}

/* --- fine-tuning -------------------------------------------------------------------------------------------------------- */

typedef struct fine_tuning {
    const char *take[2]; /* variables below these paths (NULL: unused) ... */
    const char *as[2];   /* ... stand below these in the checkpoint */
    int first_layer[2];  /* ... where path/layer_with_weights-N has this much larger an N */
    const char *type;
} fine_tuning;

static const char layer_name[] = "/layer_with_weights-";

/* One more than the largest N of the variables path/layer_with_weights-N/... */
static int layer_count(const od_variables *vars, const char *path)
{
    size_t n = strlen(path), m = sizeof layer_name - 1;
    long most = -1;
    for (size_t i = 0; i < vars->count; i++) {
        const char *name = vars->items[i].name;
        if (strncmp(name, path, n) || strncmp(name + n, layer_name, m)) continue;
        long number = strtol(name + n + m, NULL, 10);
        if (number > most) most = number;
    }
    return (int)most + 1;
}

static od_status choose(const od_config *config, od_model *model, fine_tuning *f, od_error *err)
{
    const ObjectDetection__Protos__TrainConfig *t = od_config_proto(config)->train_config;
    const od_model_info *info = od_model_get_info(model);
    *f = (fine_tuning){0};
    f->type = od_config_fine_tune_type(t);
    if (!strcmp(f->type, "classification")) {
        if (!info->backbone_paths[0])
            return od_config_error(config, t, "fine_tune_checkpoint_type", err, OD_ERR_CONFIG,
                                   "fine_tune_checkpoint_type: \"classification\", but %s has no classification network (nor in the OD API); write "
                                   "\"detection\" or \"full\", with a detector's checkpoint",
                                   info->type);
        memcpy(f->take, info->backbone_paths, sizeof f->take);
        f->as[0] = f->as[1] = "feature_extractor";
        if (info->backbone_continues) f->first_layer[1] = layer_count(od_model_variables(model), info->backbone_paths[0]);
    } else if (!strcmp(f->type, "detection")) {
        memcpy(f->take, info->features_paths, sizeof f->take);
        memcpy(f->as, info->features_paths, sizeof f->as);
    } else if (!strcmp(f->type, "full")) {
        f->take[0] = f->as[0] = "model";
    } else {
        return od_config_error(config, t, "fine_tune_checkpoint_type", err, OD_ERR_CONFIG,
                               "fine_tune_checkpoint_type: \"%s\"; expected \"classification\", \"detection\" or \"full\"", f->type);
    }
    return OD_OK;
}

/* The path that the variable is taken from; 0 when it isn't. */
static int source_path(const fine_tuning *f, const od_variable *v, char *path, size_t size)
{
    for (int i = 0; i < 2 && f->take[i]; i++) {
        size_t n = strlen(f->take[i]);
        if (strncmp(v->name, f->take[i], n) || v->name[n] != '/') continue;
        const char *rest = v->name + n;
        size_t m = sizeof layer_name - 1;
        if (f->first_layer[i] && !strncmp(rest, layer_name, m)) {
            char *end;
            long number = strtol(rest + m, &end, 10) + f->first_layer[i];
            snprintf(path, size, "%s%s%ld%s", f->as[i], layer_name, number, end);
        } else {
            snprintf(path, size, "%s%s", f->as[i], rest);
        }
        return 1;
    }
    return 0;
}

static od_status fine_tune_variable(od_checkpoint *c, const fine_tuning *f, od_variables *vars, const od_variable *v, const char *path, od_error *err)
{
    od_checkpoint_tensor t;
    od_status status = od_checkpoint_find(c, path, &t, err);
    if (status == OD_OK) return copy_tensor(od_checkpoint_prefix(c), v, &t, vars->value + v->offset, err);
    if (err && !strcmp(f->type, "classification") && !od_checkpoint_has(c, "feature_extractor") && od_checkpoint_has(c, "model"))
        return od_error_set(err, OD_ERR_MISMATCH,
                            "%s: this is a detection checkpoint, but fine_tune_checkpoint_type is \"classification\"; write "
                            "fine_tune_checkpoint_type: \"detection\" (or \"full\" to take the heads, too)",
                            od_checkpoint_prefix(c));
    return status;
}

od_status od_variables_fine_tune(const od_config *config, od_model *model, size_t *restored, od_error *err)
{
    const ObjectDetection__Protos__TrainConfig *t = od_config_proto(config)->train_config;
    *restored = 0;
    if (!t || !t->fine_tune_checkpoint[0]) return OD_OK;
    fine_tuning f;
    od_checkpoint *c;
    OD_TRY(choose(config, model, &f, err));
    od_status status = od_checkpoint_open(&c, t->fine_tune_checkpoint, err);
    if (status != OD_OK) {
        od_error_prefix(err, "fine_tune_checkpoint");
        return status;
    }
    od_variables *vars = od_model_variables(model);
    for (size_t i = 0; status == OD_OK && i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        char path[1024];
        if (!source_path(&f, v, path, sizeof path)) continue;
        status = fine_tune_variable(c, &f, vars, v, path, err);
        (*restored)++;
    }
    vars->version++;
    od_checkpoint_close(c);
    return status;
}
