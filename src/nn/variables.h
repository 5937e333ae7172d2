/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's variables: one table of name, shape and role, and one aligned block each for values, gradients and
 * optimiser slots. Graphs refer to variables by index, so that a training graph, an evaluation graph and graphs of
 * other image sizes share one store, and two layers may share one variable.
 */
#ifndef OD_NN_VARIABLES_H
#define OD_NN_VARIABLES_H

#include "util/error.h"
#include "util/rng.h"

#include <stddef.h>
#include <stdint.h>

typedef int32_t od_var; /* index into the store; OD_NO_VAR: none */
#define OD_NO_VAR ((od_var)-1)

typedef enum od_init_kind {
    OD_INIT_ZEROS,
    OD_INIT_ONES,
    OD_INIT_CONSTANT,         /* a */
    OD_INIT_NORMAL,           /* mean a, deviation b */
    OD_INIT_TRUNCATED_NORMAL, /* mean a, deviation b, redrawn beyond two deviations */
    OD_INIT_UNIFORM,          /* [a, b) */
    OD_INIT_VARIANCE_SCALING, /* factor a, mode, distribution */
} od_init_kind;

typedef enum od_fan_mode { OD_FAN_IN, OD_FAN_OUT, OD_FAN_AVG } od_fan_mode;

typedef struct od_init {
    od_init_kind kind;
    float a, b;
    od_fan_mode fan; /* for variance scaling: variance = a / fan */
    int uniform;     /* for variance scaling: uniform instead of truncated normal */
} od_init;

/* A regularisation loss: weight / 2 * sum of squares, or with `l1` weight * sum of absolute values. Zero: none. */
typedef struct od_decay {
    float weight;
    int l1;
} od_decay;

typedef struct od_variable {
    char *name;       /* the checkpoint's object path, e.g. "model/_box_predictor/.../kernel" */
    int rank;
    int64_t shape[4]; /* kernels [H,W,in,out], depthwise kernels [H,W,C,1], vectors [C] */
    int64_t size;
    size_t offset;    /* elements into the store's blocks, a multiple of 16 */
    int trainable;    /* moving statistics are not */
    od_decay decay;
    od_init init;
} od_variable;

enum { OD_MAX_SLOTS = 3 };

typedef struct od_variables {
    od_variable *items;
    size_t count, capacity;
    size_t elements;        /* of each block */
    float *value, *grad;    /* blocks of `elements`; NULL until od_variables_allocate; grad may stay NULL */
    double *sums;           /* [count]: room for one number a variable; sums over variables are made in their order, whatever the threads */
    float *slot[OD_MAX_SLOTS]; /* the optimiser's state, blocks of `elements`; NULL: unused */
    int64_t version;        /* changed by whoever writes values, so that packed copies are renewed */
} od_variables;

void od_variables_init(od_variables *v);
void od_variables_deinit(od_variables *v);

/* Adds a variable, or finds the one of that name (whose shape must be the same: OD_ERR_MISMATCH). */
od_status od_variables_add(od_variables *v, const char *name, int rank, const int64_t *shape, int trainable, od_decay decay, od_init init,
                           od_var *out, od_error *err);
/* Index of a name, or OD_NO_VAR. */
od_var od_variables_find(const od_variables *v, const char *name);

/* Allocates the blocks for all variables added so far (zero); with_training also gradients and one slot. Variables
 * can't be added afterwards. */
od_status od_variables_allocate(od_variables *v, int with_training, od_error *err);
/* The first `count` slots, up to OD_MAX_SLOTS (zero where new). */
od_status od_variables_allocate_slots(od_variables *v, int count, od_error *err);
/* Draws initial values: each variable's own stream of (seed, its name), whatever the order and the threads. */
void od_variables_initialize(od_variables *v, uint64_t seed, int threads);

/* Exchanges values and a slot of the trainable variables: moving averages for an evaluation, and back. */
void od_variables_swap_slot(od_variables *v, int slot);

float *od_variables_value(const od_variables *v, od_var var);
float *od_variables_grad(const od_variables *v, od_var var);

#endif
