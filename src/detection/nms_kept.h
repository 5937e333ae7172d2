/* SPDX-License-Identifier: Apache-2.0
 *
 * The boxes that one class's suppression has kept so far, in groups whose coordinates lie side by side so that a candidate
 * meets several at a time. Corners are put in order, as TensorFlow's kernel does.
 */
#ifndef OD_DETECTION_NMS_KEPT_H
#define OD_DETECTION_NMS_KEPT_H

#include <stddef.h>

enum { OD_NMS_GROUP = 8 };
typedef struct od_nms_group {
    float ymin[OD_NMS_GROUP], xmin[OD_NMS_GROUP], ymax[OD_NMS_GROUP], xmax[OD_NMS_GROUP], area[OD_NMS_GROUP];
} od_nms_group;

/* Zero-initialise before use. */
typedef struct od_nms_kept {
    od_nms_group *groups;
    size_t count, capacity; /* boxes; groups allocated */
} od_nms_kept;

/* 0, or -1 when out of memory. */
int od_nms_kept_add(od_nms_kept *kept, const float box[4]);

/* 1 when `box` overlaps a kept box with an IoU above the threshold. */
int od_nms_kept_overlaps(const od_nms_kept *kept, const float box[4], float iou_threshold);

/* What soft suppression (https://arxiv.org/abs/1704.04503) leaves of `score`: for each kept box from the newest down to number
 * `seen`, times e^(iou^2 * scale); it stops once the score isn't above the threshold. scale = -0.5 / sigma. */
float od_nms_kept_soften(const od_nms_kept *kept, const float box[4], float score, size_t seen, float scale, float score_threshold);

void od_nms_kept_deinit(od_nms_kept *kept);

#endif
