/* SPDX-License-Identifier: Apache-2.0
 *
 * Precision and recall of one class at every threshold: pycocotools' accumulate, to the bit. (For images that count
 * several times: eval/coco_lanes.h.)
 */
#ifndef OD_EVAL_COCO_ACCUMULATE_H
#define OD_EVAL_COCO_ACCUMULATE_H

#include "eval/coco_curves.h"

typedef struct od_coco_class_result {
    double precision[OD_COCO_A][OD_COCO_T][OD_COCO_R]; /* -1 without ground truth */
    double recall[OD_COCO_M][OD_COCO_A][OD_COCO_T];    /* at 1, 10, 100 detections; -1 without ground truth */
    uint64_t num_truths[OD_COCO_A];                    /* not ignored */
} od_coco_class_result;

/* Work space, good for any curves no larger than those it was made for. */
typedef struct od_coco_accumulator {
    uint32_t (*inside)[OD_COCO_A]; /* [slots]: detections in each area range, up to and with this slot */
    double *precision;             /* [events] */
} od_coco_accumulator;

od_status od_coco_accumulator_init(od_coco_accumulator *acc, const od_coco_curves *curves, size_t num_curves,
                                   od_error *err);
void od_coco_accumulator_deinit(od_coco_accumulator *acc);

void od_coco_accumulate(const od_coco_curves *c, od_coco_accumulator *acc, od_coco_class_result *out);

/* The scores that belong to `precision` (pycocotools' "scores"). */
void od_coco_accumulate_scores(const od_coco_curves *c, const od_coco_det *dets,
                               double scores[OD_COCO_A][OD_COCO_T][OD_COCO_R]);

#endif
