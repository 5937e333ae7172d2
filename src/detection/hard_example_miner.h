/* SPDX-License-Identifier: Apache-2.0
 *
 * Hard-example mining (OD API core/losses.py, HardExampleMiner): the loss counts only the anchors that non-max suppression
 * of the decoded predictions, scored by their own loss, selects; of those without a match only the first few.
 */
#ifndef OD_DETECTION_HARD_EXAMPLE_MINER_H
#define OD_DETECTION_HARD_EXAMPLE_MINER_H

#include "util/error.h"

#include "losses.pb-c.h"

#include <stdint.h>

typedef struct od_hard_example_miner {
    int64_t max_examples; /* 0: as many as there are anchors */
    float iou_threshold;
    float class_weight, box_weight; /* of the two losses in an anchor's score; 0 leaves one out */
    int max_negatives_per_positive; /* 0: no limit */
    int min_negatives;
} od_hard_example_miner;

/* class_weight and box_weight: the loss message's classification_weight and localization_weight. OD_ERR_CONFIG. */
od_status od_hard_example_miner_init(od_hard_example_miner *miner, const ObjectDetection__Protos__HardExampleMiner *config,
                                     float class_weight, float box_weight, od_error *err);

/* For one image: keep[count] = 1 for the anchors that count, else 0. boxes [count, 4] decoded predictions, class_losses and
 * box_losses [count], match [count] as of the matcher. OD_ERR_NOMEM. */
od_status od_hard_example_miner_select(const od_hard_example_miner *miner, int64_t count, const float *boxes, const float *class_losses,
                                       const float *box_losses, const int32_t *match, uint8_t *keep, od_error *err);

#endif
