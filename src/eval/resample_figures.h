/* SPDX-License-Identifier: Apache-2.0
 *
 * Bootstrapped intervals of figures that are a function of image weights.
 */
#ifndef OD_EVAL_RESAMPLE_FIGURES_H
#define OD_EVAL_RESAMPLE_FIGURES_H

#include "eval/coco_eval.h"
#include "eval/columns.h"
#include "objdet/bootstrap.h"

typedef struct od_figures {
    /* Fills values [count, OD_LANES] (NAN where there is none) for whole-number weights of the images [images, OD_LANES], a
     * column each; called from several threads, each with its own scratch. */
    void (*compute)(const void *user, const int32_t *weights, double (*values)[OD_LANES], void *scratch);
    const void *user;
    size_t count, scratch_size; /* bytes */
    double lowest, highest;     /* what a figure can be; HUGE_VAL: no end */
    od_bootstrap_method method;
    double excess_error; /* see od_resampled */
} od_figures;

typedef struct od_resampling {
    int64_t num_resamples; /* 0: values only */
    double level;
    uint64_t seed;
    int num_threads;
} od_resampling;

/* intervals: [figures->count] */
od_status od_resample_figures(const od_coco_eval *e, const od_figures *figures, const od_resampling *r,
                              od_interval *intervals, od_error *err);

#endif
