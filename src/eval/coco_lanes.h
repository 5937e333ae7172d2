/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's twelve numbers of one class under OD_LANES columns of whole-number image weights at once: what a data set would give
 * in which each image occurs that many times in a row, but for the order in which the 101 precisions are added (and for equal
 * scores within one image, which copies would shuffle).
 */
#ifndef OD_EVAL_COCO_LANES_H
#define OD_EVAL_COCO_LANES_H

#include "eval/coco_curves.h"
#include "eval/columns.h"
#include "objdet/eval.h"

/* Work space, good for any curves no larger than those it was made for. */
typedef struct od_coco_lanes {
    int32_t (*inside)[OD_COCO_A][OD_LANES]; /* [slots]: detections in each area range, up to and with this slot */
} od_coco_lanes;

od_status od_coco_lanes_init(od_coco_lanes *w, const od_coco_curves *curves, size_t num_curves, od_error *err);
void od_coco_lanes_deinit(od_coco_lanes *w);

/* weights: [images, OD_LANES], whose sums must be below 2^31 / 100. stats: NAN without ground truth. */
void od_coco_lanes_stats(const od_coco_curves *c, const int32_t *weights, od_coco_lanes *w,
                         double stats[OD_COCO_NUM_STATS][OD_LANES]);

#endif
