/* SPDX-License-Identifier: Apache-2.0
 *
 * Intervals of COCO's numbers by resampling, and of their differences between two detectors.
 *
 * The units that are drawn with replacement are the images or, where the ground truth was loaded with group_by or
 * group_regex, the groups (patients) with all their images. Each resample weighs every image by how often it was drawn
 * and accumulates the matches again; nothing is matched or sorted anew, and nothing is de-duplicated.
 *
 *     od_bootstrap *b;
 *     od_bootstrap_run(&b, e, NULL, &err);                             // after od_coco_eval_run(e, ...)
 *     od_interval map = od_bootstrap_stat(b, OD_COCO_AP);              // map.value, map.low, map.high
 *     od_bootstrap_free(b);
 *
 * The same seed gives the same intervals, whatever the number of threads.
 */
#ifndef OBJDET_BOOTSTRAP_H
#define OBJDET_BOOTSTRAP_H

#include "objdet/eval.h"
#include "objdet/interval.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How an interval is made. By simulation (docs/EVALUATION.md) the first covers the truth as often as it says, for every
 * number; BCa and percentile intervals of average precision lie too high. */
typedef enum od_bootstrap_method {
    OD_BOOTSTRAP_STUDENT,    /* Student's t on the logit scale, error from the jackknife, excess from halves and quarters */
    OD_BOOTSTRAP_BCA,        /* bias-corrected and accelerated (Efron, J. Am. Stat. Assoc. 82, 1987) */
    OD_BOOTSTRAP_PERCENTILE, /* the resamples' quantiles */
    OD_BOOTSTRAP_METHODS
} od_bootstrap_method;

typedef struct od_bootstrap_options {
    int64_t num_resamples; /* 1000; at least 40 */
    double level;          /* .95 */
    uint64_t seed;
    od_bootstrap_method method;
    int num_threads; /* 0: OpenMP's number */
} od_bootstrap_options;

od_bootstrap_options od_bootstrap_options_default(void);

typedef struct od_bootstrap od_bootstrap;

/* `e` must have been run; it is read during the call only. `options` NULL: the default. OD_ERR_ARG for options out of
 * range or an evaluator without results. */
od_status od_bootstrap_run(od_bootstrap **out, const od_coco_eval *e, const od_bootstrap_options *options, od_error *err);
void od_bootstrap_free(od_bootstrap *b);

/* A number with its interval; value NAN (not -1) where no ground truth exists. */
od_interval od_bootstrap_stat(const od_bootstrap *b, od_coco_stat stat);
od_interval od_bootstrap_class_stat(const od_bootstrap *b, int64_t class_index, od_coco_stat stat);

/* The same by another method, from the same resamples. class_index -1: of all classes. */
od_interval od_bootstrap_interval_by(const od_bootstrap *b, int64_t class_index, od_coco_stat stat,
                                     od_bootstrap_method method);

/* The resampled values of a number (class_index -1: of all classes), num_resamples of them, NAN where the resample had no
 * ground truth for it. Borrowed. */
const double *od_bootstrap_samples(const od_bootstrap *b, int64_t class_index, od_coco_stat stat);

typedef struct od_bootstrap_info {
    int64_t units, images; /* what was drawn: `units` groups or images */
    int grouped;           /* 1: the units are groups of images */
    int64_t num_resamples;
    double level;
    uint64_t seed;
    const char *method; /* constant text */
} od_bootstrap_info;
od_bootstrap_info od_bootstrap_describe(const od_bootstrap *b);

/* "95 % intervals: bias-corrected t over 624 images, 1000 resamples, seed 0." and, on a second line, a warning when the
 * sample is small, with the coverage that a simulation found for such a sample. Caller frees with free(); NULL when out of
 * memory. */
char *od_bootstrap_text(const od_bootstrap *b);
/* That warning alone; "" when there is none. Caller frees. */
char *od_bootstrap_warning(const od_bootstrap *b);

/* The difference of a number between detectors A and B on the same images, B - A, from resamples drawn for both alike. */
typedef struct od_difference {
    double a, b;            /* NAN where no ground truth exists */
    od_interval difference; /* of b - a */
    int distinct;           /* 1: the interval excludes 0; 0: they cannot be told apart */
} od_difference;

typedef struct od_compare od_compare;

/* Both must have been run on the same ground truth: OD_ERR_MISMATCH when images, groups, classes or boxes differ. */
od_status od_compare_run(od_compare **out, const od_coco_eval *a, const od_coco_eval *b,
                         const od_bootstrap_options *options, od_error *err);
void od_compare_free(od_compare *c);
od_difference od_compare_stat(const od_compare *c, od_coco_stat stat);
od_difference od_compare_class_stat(const od_compare *c, int64_t class_index, od_coco_stat stat);
/* As od_bootstrap_describe, _warning, of the paired resamples. */
od_bootstrap_info od_compare_describe(const od_compare *c);
char *od_compare_warning(const od_compare *c);

#ifdef __cplusplus
}
#endif
#endif
