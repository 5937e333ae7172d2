/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing this library with the reference implementation's own numbers (../shared/golden, made by ../shared/oracle/golden.py).
 * One case is a folder; each file here checks one side of it and reports quantities against the bounds of golden_bounds.c.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "checkpoint/safetensors.h"
#include "config/config.h"
#include "data/preprocess.h"
#include "models/model.h"

/* What is bounded. */
typedef enum golden_quantity {
    GOLDEN_VARIABLES,      /* names and shapes that differ */
    GOLDEN_RECIPE,         /* stored weights against the recipe */
    GOLDEN_PIXELS,
    GOLDEN_TRUE_SHAPES,
    GOLDEN_ANCHORS,
    GOLDEN_CLASS_TARGETS,
    GOLDEN_CLASS_WEIGHTS,
    GOLDEN_BOX_TARGETS,
    GOLDEN_BOX_WEIGHTS,
    GOLDEN_PREDICTIONS,
    GOLDEN_POSTPROCESS,
    GOLDEN_END_TO_END_IOU, /* 1 - IoU */
    GOLDEN_END_TO_END_SCORE,
    GOLDEN_LOSSES,         /* step 0 */
    GOLDEN_LATER_LOSSES,   /* steps 1 and 2 */
    GOLDEN_GRADIENT_NORM,
    GOLDEN_GRADIENT_TENSOR_NORMS, /* of each tensor, relative to the global norm */
    GOLDEN_GRADIENT_COSINE,       /* 1 - cosine */
    GOLDEN_UPDATE_0,
    GOLDEN_UPDATE_2,
    GOLDEN_CURVE,          /* of the total loss at any step, relative */
    GOLDEN_FREE_CURVE,     /* the same on proposals of its own */
    GOLDEN_QUANTITIES
} golden_quantity;

/* Two runs of the reference with one thread and with two: how much its own numbers differ. */
typedef struct golden_noise {
    double loss0, loss_later, norm, cosine, update0, update2;
    double tensor;          /* of each gradient tensor's norm; 0: far below the plain bound */
    double prediction, iou; /* the largest prediction's part; 1 - IoU of a detection */
    double free_curve;      /* of the total loss at any step, on proposals of its own */
} golden_noise;

/* The case's noise: DIR/noise.json (tests/oracle/odd_noise.py) when it is there, else the table's row by the case's name, else zeros. */
od_status golden_noise_read(const char *dir, const char *name, golden_noise *noise, od_error *err);
double golden_bound(const golden_noise *noise, golden_quantity q);

typedef struct golden_dump {
    od_safetensors_entry *entries;
    size_t count, capacity;
} golden_dump;

typedef struct golden_case {
    const char *dir, *name;
    od_config *config;
    od_model *model;
    od_safetensors *forward, *train, *moving;
    od_preprocess preprocess;
    golden_noise noise;
    float learning_rate;
    int with_masks; /* the ground truth has masks: golden_make_masks */
    int small; /* gradients and variables are stored whole */
    int64_t batch, height, width; /* of the preprocessed images */
    float *images;                /* [batch, height, width, 3], ours */
    int32_t (*true_shapes)[3];
    od_groundtruth *truth;        /* [batch] */
    int failures;
    golden_dump forward_dump, train_dump;
    int dumping, curve_only, corners_only;
    const od_net_options *options;
} golden_case;

/* Proposals that a two-stage instance is made to take. */
typedef struct golden_force {
    void *state; /* NULL: not a two-stage network */
    const float *boxes; /* [batch, proposals, 4] relative to the padded image; NULL: its own */
    const int32_t *counts; /* [batch] */
} golden_force;
/* `force` must outlive the instance's runs. */
void golden_force_install(golden_force *force, od_instance *inst);
/* From the next run on; 0 (its own proposals) without entries that fit. */
int golden_force_from(golden_force *force, const od_safetensors_entry *boxes, const od_safetensors_entry *counts);

/* Prints a line; counts a failure when error > bound or isn't a number. `detail` (may be NULL) is appended. */
void golden_report(golden_case *c, golden_quantity q, const char *what, double error, const char *detail);
/* Keeps a copy for --dump. */
void golden_dump_add(golden_case *c, golden_dump *dump, od_dtype dtype, int rank, const int64_t *shape, const void *data, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
od_status golden_dump_write(golden_dump *dump, const char *dir, const char *case_name, const char *file, od_error *err);
void golden_dump_free(golden_dump *dump);

/* An entry of a fixture, or NULL after counting a failure when it has another type. */
const od_safetensors_entry *golden_entry(const od_safetensors *st, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets every variable: the recipe's value by its name, then the moving statistics. */
od_status golden_reset_variables(golden_case *c, od_error *err);

/* The case's instance masks by ../shared/oracle/golden.py's rule, owned by the truth. */
od_status golden_make_masks(golden_case *c, od_error *err);
od_status golden_check_variables(golden_case *c, od_error *err);
/* Makes the images, and compares their pixels. */
od_status golden_preprocess(golden_case *c, od_error *err);
od_status golden_check_forward(golden_case *c, od_error *err);
od_status golden_check_targets(golden_case *c, od_error *err);
od_status golden_check_training(golden_case *c, od_error *err);
od_status golden_check_curve(golden_case *c, od_error *err);
/* Prints the activations that a number of threads moves over a corner. */
od_status golden_print_corners(golden_case *c, od_error *err);
/* One step of SGD with momentum .9 at the case's learning rate. */
void golden_update(golden_case *c);

#endif
