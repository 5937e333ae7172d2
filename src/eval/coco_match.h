/* SPDX-License-Identifier: Apache-2.0
 *
 * Greedy matching of detections to ground truth within each group (one image, one class), for every IoU threshold and
 * area range: pycocotools' evaluateImg. What remains of it is two bits per detection, threshold and area: true
 * positive, and ignored. A detection that is neither is a false positive.
 */
#ifndef OD_EVAL_COCO_MATCH_H
#define OD_EVAL_COCO_MATCH_H

#include "eval/coco_groups.h"
#include "eval/coco_keypoints.h"
#include "eval/coco_masks.h"

typedef struct od_coco_mask {
    uint16_t tp[OD_COCO_A], ignored[OD_COCO_A]; /* bit t */
} od_coco_mask;

enum { OD_COCO_ALL_T = (1 << OD_COCO_T) - 1 };
#define OD_COCO_NO_MASK UINT32_MAX

/* Group g's detections, best first, are groups->dets[group.det + i], i < min(num_dets, 100); i's mask is
 * masks[mask_at[g] + i]. A group without ground truth has mask_at == OD_COCO_NO_MASK: nothing of it is matched, and
 * what lies outside an area range is ignored there. */
typedef struct od_coco_matches {
    od_coco_mask *masks;
    uint32_t *mask_at;
} od_coco_matches;

/* Intersection over union of a detection and a ground-truth box; over the detection's area alone for a crowd
 * (maskApi.c's bbIou). */
double od_coco_iou(const od_coco_box *det, const od_coco_box *truth, int crowd);

/* By the boxes, or by the masks or keypoints where they aren't NULL. Also sorts each group's part of groups->dets by score, stably. */
od_status od_coco_match(od_coco_matches *out, od_coco_groups *groups, const od_coco_det *dets,
                        const od_coco_truth *truths, const od_coco_masks *masks, const od_coco_keypoints *keypoints, int num_threads,
                        od_error *err);
void od_coco_matches_deinit(od_coco_matches *m);

#endif
