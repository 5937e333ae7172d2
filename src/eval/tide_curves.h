/* SPDX-License-Identifier: Apache-2.0
 *
 * The mean AP as it is, and with one kind of error put right, under OD_LANES columns of image weights. Detections are laid out
 * by class once for each variant, in tidecv's order: as it is, equal scores in the order of the images; put right, errors
 * before true positives.
 */
#ifndef OD_EVAL_TIDE_CURVES_H
#define OD_EVAL_TIDE_CURVES_H

#include "eval/columns.h"
#include "eval/tide_match.h"

/* Besides each od_failure_kind put right. */
enum { OD_TIDE_NO_FALSE_POSITIVES = OD_FAILURE_NUM_KINDS, OD_TIDE_NO_FALSE_NEGATIVES, OD_TIDE_AS_IT_IS, OD_TIDE_VARIANTS };

typedef struct od_tide_list {
    uint32_t *steps; /* by class, then by score: image * 2, + 1 for a true positive */
    size_t *begin;   /* [classes + 1] */
} od_tide_list;

typedef struct od_tide_curves {
    size_t num_classes;
    od_tide_list dets[OD_TIDE_VARIANTS]; /* those of NO_FALSE_NEGATIVES are those of OD_FAILURE_MISSED */
    od_tide_list objects;                /* steps: image * 4, + 1 missed, + 2 not found */
} od_tide_curves;

/* missed: [truths]. */
od_status od_tide_curves_build(od_tide_curves *out, const od_coco_eval *e, const od_tide_matches *m, const uint8_t *missed,
                               int num_threads, od_error *err);
void od_tide_curves_deinit(od_tide_curves *c);

/* Work space of a walk: counts at a true positive. */
typedef struct od_tide_point {
    int32_t found[OD_LANES], all[OD_LANES];
} od_tide_point;
size_t od_tide_points_size(const od_tide_curves *c); /* bytes */

/* NAN when no class has anything. */
void od_tide_mean_ap(const od_tide_curves *c, int variant, const int32_t *weights, od_tide_point *points, double mean[OD_LANES]);

#endif
