/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's numbers, of all classes and of each, under many image weights: those of the bootstrap's resamples and of the
 * jackknife's parts. For one detector, or for the difference between two on the same images.
 */
#ifndef OD_EVAL_RESAMPLE_COCO_H
#define OD_EVAL_RESAMPLE_COCO_H

#include "eval/coco_eval.h"
#include "eval/columns.h"

typedef struct od_resampled_coco {
    size_t num_figures; /* 12 * (1 + classes): figure(class, stat) = 12 * (class + 1) + stat; class -1: all */
    od_columns columns; /* without its units */
    double *rows;       /* [num_figures, columns.total]: NAN without ground truth */
} od_resampled_coco;

/* Of `a`, or with `b` of b - a. Both have been run, and have the same images and classes by index. */
od_status od_resample_coco(od_resampled_coco *out, const od_coco_eval *a, const od_coco_eval *b, const od_units *units,
                           uint64_t seed, size_t num_resamples, int num_threads, od_error *err);
void od_resampled_coco_deinit(od_resampled_coco *r);

/* Figure `figure` of an evaluation, numbered as above. */
double od_coco_figure(const od_coco_eval *e, size_t figure);

/* OD_ERR_MISMATCH unless both have the same images, groups, classes and boxes, in the same order. */
od_status od_coco_same_truth(const od_coco_eval *a, const od_coco_eval *b, od_error *err);

#endif
