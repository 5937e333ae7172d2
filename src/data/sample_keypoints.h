/* SPDX-License-Identifier: Apache-2.0
 *
 * Keypoints on their way through the augmentations (core/keypoint_ops.py). Samples whose keypoints nobody asked for have none of their own,
 * and nothing happens to them.
 */
#ifndef OD_DATA_SAMPLE_KEYPOINTS_H
#define OD_DATA_SAMPLE_KEYPOINTS_H

#include "config/keypoints.h"
#include "data/augment.h"

/* Gives each object of the sample `count` keypoints that can be moved: a copy of its own, NaN where it has none. */
od_status od_sample_own_keypoints(od_sample *sample, int count, od_error *err);

/* Each object's keypoint i becomes what was its keypoint permutation[i]; with n = 0 the order stays. n is the number of keypoints, which
 * od_keypoint_order_check makes sure of. */
void od_sample_permute_keypoints(od_sample *sample, const int32_t *permutation, size_t n);

/* change_coordinate_frame to `window` (ymin, xmin, ymax, xmax); with `prune` those outside become NaN. */
void od_sample_reframe_keypoints(od_sample *sample, const float window[4], int prune);

/* Every keypoint becomes what `move` makes of it. */
void od_sample_move_keypoints(od_sample *sample, void (*move)(float point[2], const float *argument), const float *argument);

/* OD_ERR_CONFIG when the order doesn't go with the training data's keypoints. */
od_status od_keypoint_order_check(const od_config *config, od_keypoint_order order, od_error *err);

#endif
