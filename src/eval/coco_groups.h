/* SPDX-License-Identifier: Apache-2.0
 *
 * Detections and ground truth brought together by class and image: groups are ordered by class id, then by image id
 * (pycocotools' sorted ids); within a group both keep the order in which they were added.
 */
#ifndef OD_EVAL_COCO_GROUPS_H
#define OD_EVAL_COCO_GROUPS_H

#include "eval/coco_types.h"
#include "util/error.h"

typedef struct od_coco_group {
    int32_t class_rank, image; /* class: rank by id; image: index */
    uint32_t det, num_dets;    /* range of `dets` */
    uint32_t truth, num_truths;
} od_coco_group;

typedef struct od_coco_groups {
    od_coco_group *groups;
    size_t num_groups;
    size_t *class_begin;     /* [K + 1]: range of groups of each class rank */
    uint32_t *dets, *truths; /* indices, grouped */
    int32_t *class_order;    /* [K]: class index at each rank */
    size_t num_classes;
} od_coco_groups;

/* `counts` must be below 2^31. Arrays are borrowed for the call only. */
od_status od_coco_groups_build(od_coco_groups *out, const od_coco_image *images, size_t num_images,
                               const od_coco_class *classes, size_t num_classes, const od_coco_truth *truths,
                               size_t num_truths, const od_coco_det *dets, size_t num_dets, od_error *err);
void od_coco_groups_deinit(od_coco_groups *g);

#endif
