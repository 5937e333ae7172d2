/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/variables.h"

#include "util/alloc.h"
#include "util/hashmap.h"

#include <math.h>
#include <string.h>

void od_variables_init(od_variables *v)
{
    *v = (od_variables){0};
}

void od_variables_deinit(od_variables *v)
{
    for (size_t i = 0; i < v->count; i++) od_free(v->items[i].name);
    od_free(v->items);
    od_free(v->sums);
    od_aligned_free(v->value);
    od_aligned_free(v->grad);
    for (int i = 0; i < OD_MAX_SLOTS; i++) od_aligned_free(v->slot[i]);
    *v = (od_variables){0};
}

od_var od_variables_find(const od_variables *v, const char *name)
{
    for (size_t i = 0; i < v->count; i++)
        if (!strcmp(v->items[i].name, name)) return (od_var)i;
    return OD_NO_VAR;
}

static od_status reuse(const od_variable *item, int rank, const int64_t *shape, od_error *err)
{
    int same = item->rank == rank;
    for (int i = 0; same && i < rank; i++) same = item->shape[i] == shape[i];
    if (same) return OD_OK;
    return od_error_set(err, OD_ERR_MISMATCH, "variable %s is used with two different shapes", item->name);
}

od_status od_variables_add(od_variables *v, const char *name, int rank, const int64_t *shape, int trainable, od_decay decay, od_init init,
                           od_var *out, od_error *err)
{
    od_var found = od_variables_find(v, name);
    if (found != OD_NO_VAR) {
        OD_TRY(reuse(&v->items[found], rank, shape, err));
        *out = found;
        return OD_OK;
    }
    if (v->value) return od_error_set(err, OD_ERR_MISMATCH, "variable %s is not part of the model that was built first", name);
    if (od_grow(&v->items, &v->capacity, v->count + 1, sizeof *v->items)) return od_error_nomem(err, name);
    od_variable item = {.rank = rank, .size = 1, .trainable = trainable, .decay = decay, .init = init, .offset = v->elements};
    for (int i = 0; i < rank; i++) {
        item.shape[i] = shape[i];
        if (shape[i] < 1 || item.size > INT64_MAX / 8 / shape[i])
            return od_error_set(err, OD_ERR_CONFIG, "variable %s: dimension %d is %lld; expected a positive size", name, i, (long long)shape[i]);
        item.size *= shape[i];
    }
    item.name = od_strdup(name);
    if (!item.name) return od_error_nomem(err, name);
    v->elements += ((size_t)item.size + 15) & ~(size_t)15;
    *out = (od_var)v->count;
    v->items[v->count++] = item;
    return OD_OK;
}

static float *zeroed(size_t elements)
{
    float *p = od_aligned_malloc(elements, sizeof *p);
    if (p) memset(p, 0, elements * sizeof *p);
    return p;
}

od_status od_variables_allocate(od_variables *v, int with_training, od_error *err)
{
    if (!v->value) v->value = zeroed(v->elements);
    if (with_training && !v->grad) v->grad = zeroed(v->elements);
    if (!v->sums) v->sums = od_calloc(v->count + 1, sizeof *v->sums);
    if (!v->value || !v->sums || (with_training && !v->grad)) return od_error_nomem(err, "the model's variables");
    return with_training ? od_variables_allocate_slots(v, 1, err) : OD_OK;
}

od_status od_variables_allocate_slots(od_variables *v, int count, od_error *err)
{
    for (int i = 0; i < count && i < OD_MAX_SLOTS; i++) {
        if (!v->slot[i]) v->slot[i] = zeroed(v->elements);
        if (!v->slot[i]) return od_error_nomem(err, "the optimiser's state");
    }
    return OD_OK;
}

static float truncated_normal(od_rng *rng)
{
    double x;
    do x = od_rng_normal(rng);
    while (x < -2 || x > 2);
    return (float)x;
}

/* fan-in and fan-out as TensorFlow's initialisers count them: depthwise kernels [H,W,C,1] have fan-in H*W*C. */
static double fan(const od_variable *item, od_fan_mode mode)
{
    double receptive = 1;
    for (int i = 0; i + 2 < item->rank; i++) receptive *= (double)item->shape[i];
    double in = receptive * (double)item->shape[item->rank > 1 ? item->rank - 2 : 0];
    double out = receptive * (double)item->shape[item->rank - 1];
    return mode == OD_FAN_IN ? in : mode == OD_FAN_OUT ? out : (in + out) / 2;
}

static void draw_variance_scaling(const od_variable *item, float *x, od_rng *rng)
{
    double variance = item->init.a / fan(item, item->init.fan);
    if (item->init.uniform) {
        float limit = (float)sqrt(3 * variance);
        for (int64_t i = 0; i < item->size; i++) x[i] = od_rng_uniform_range(rng, -limit, limit);
        return;
    }
    /* A normal cut at two deviations has 0.8796 of the deviation: Keras' VarianceScaling makes up for it. */
    float deviation = (float)(sqrt(variance) / .87962566103423978);
    for (int64_t i = 0; i < item->size; i++) x[i] = deviation * truncated_normal(rng);
}

static void draw(const od_variable *item, float *x, od_rng *rng)
{
    const od_init *init = &item->init;
    for (int64_t i = 0; i < item->size && init->kind != OD_INIT_VARIANCE_SCALING; i++) switch (init->kind) {
        case OD_INIT_ONES: x[i] = 1; break;
        case OD_INIT_CONSTANT: x[i] = init->a; break;
        case OD_INIT_NORMAL: x[i] = (float)(init->a + init->b * od_rng_normal(rng)); break;
        case OD_INIT_TRUNCATED_NORMAL: x[i] = init->a + init->b * truncated_normal(rng); break;
        case OD_INIT_UNIFORM: x[i] = od_rng_uniform_range(rng, init->a, init->b); break;
        default: x[i] = 0; break;
        }
    if (init->kind == OD_INIT_VARIANCE_SCALING) draw_variance_scaling(item, x, rng);
}

void od_variables_initialize(od_variables *v, uint64_t seed, int threads)
{
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (size_t i = 0; i < v->count; i++) {
        od_rng rng;
        od_rng_init(&rng, seed, od_hash_fnv1a(v->items[i].name, strlen(v->items[i].name)));
        draw(&v->items[i], v->value + v->items[i].offset, &rng);
    }
    v->version++;
}

void od_variables_swap_slot(od_variables *v, int slot)
{
    for (size_t i = 0; i < v->count; i++) {
        const od_variable *item = &v->items[i];
        float *a = v->value + item->offset, *b = v->slot[slot] + item->offset;
        for (int64_t j = 0; item->trainable && j < item->size; j++) {
            float kept = a[j];
            a[j] = b[j];
            b[j] = kept;
        }
    }
    v->version++;
}

float *od_variables_value(const od_variables *v, od_var var)
{
    return v->value + v->items[var].offset;
}

float *od_variables_grad(const od_variables *v, od_var var)
{
    return v->grad + v->items[var].offset;
}
