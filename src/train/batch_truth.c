/* SPDX-License-Identifier: Apache-2.0 */
#include "train/batch_truth.h"

void od_batch_truth(const od_batch *b, od_groundtruth *truth)
{
    for (int i = 0; i < b->count; i++) {
        int64_t at = (int64_t)i * b->max_boxes;
        truth[i] = (od_groundtruth){.boxes = b->boxes + 4 * at,
                                    .classes = b->classes + at,
                                    .weights = b->weights + at,
                                    .count = b->box_counts[i],
                                    .true_shape = b->true_shapes + 3 * i,
                                    .masks = b->items[i].masks,
                                    .mask_height = b->height,
                                    .mask_width = b->width,
                                    .class_targets = b->class_targets ? b->class_targets + at * b->num_classes : NULL,
                                    .keypoints = b->keypoints ? b->keypoints + at * 2 * b->num_keypoints : NULL,
                                    .num_keypoints = b->num_keypoints};
    }
}
