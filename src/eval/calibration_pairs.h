/* SPDX-License-Identifier: Apache-2.0
 *
 * Detections with their outcomes, for calibration.
 */
#ifndef OD_EVAL_CALIBRATION_PAIRS_H
#define OD_EVAL_CALIBRATION_PAIRS_H

#include "eval/coco_eval.h"
#include "objdet/calibration.h"

typedef struct od_calibration_pair {
    double score;       /* within 0..1 */
    double iou;         /* with the object found; 0 when wrong */
    int32_t class_index;
    uint8_t right;
} od_calibration_pair;

typedef struct od_calibration_pairs {
    od_calibration_pair *items;
    size_t count;
    int64_t outside; /* scores that were outside 0..1 */
} od_calibration_pairs;

od_status od_calibration_pairs_build(od_calibration_pairs *out, const od_coco_eval *e, const od_calibration_options *o,
                                     od_error *err);
void od_calibration_pairs_deinit(od_calibration_pairs *p);

/* Moves a score into 0..1, counting when it had to. */
double od_score_within(double score, int64_t *outside);

#endif
