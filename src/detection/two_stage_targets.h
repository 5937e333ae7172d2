/* SPDX-License-Identifier: Apache-2.0
 *
 * Which ground truth anchors and proposals learn, in pixels (OD API core/target_assigner.py, create_target_assigner 'FasterRCNN').
 */
#ifndef OD_DETECTION_TWO_STAGE_TARGETS_H
#define OD_DETECTION_TWO_STAGE_TARGETS_H

#include "detection/targets.h"

/* The stages' matchers: anchors at .7 and .3, every box its best one; proposals at .5. */
od_matcher od_rpn_matcher(void);
od_matcher od_box_classifier_matcher(void);

/* An image's ground truth with boxes in pixels; classes and weights stay the caller's. Zero-initialise; grows. */
typedef struct od_pixel_truth {
    od_groundtruth truth;
    float *boxes;
    size_t capacity;
} od_pixel_truth;

/* OD_ERR_ARG, OD_ERR_NAN as od_groundtruth_check; OD_ERR_NOMEM. */
od_status od_pixel_truth_set(od_pixel_truth *out, const od_groundtruth *truth, int64_t image, int num_classes, int64_t height, int64_t width, od_error *err);
void od_pixel_truth_deinit(od_pixel_truth *truth);

/* match[count] of boxes[count, 4]: a ground truth's index, OD_MATCH_BACKGROUND or OD_MATCH_IGNORED. OD_ERR_NOMEM. */
od_status od_two_stage_match(const od_matcher *matcher, const float *boxes, int64_t count, const od_groundtruth *truth, int32_t *match, od_error *err);

/* The weight of what a match learns: the ground truth's, 1 for background, 0 where ignored. */
float od_two_stage_weight(const od_groundtruth *truth, int32_t match);

#endif
