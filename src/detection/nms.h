/* SPDX-License-Identifier: Apache-2.0
 *
 * Non-max suppression of one list of boxes, as tf.image.non_max_suppression: by falling score (ties: lower index) a box is
 * kept unless it overlaps a kept one with an IoU above the threshold.
 */
#ifndef OD_DETECTION_NMS_H
#define OD_DETECTION_NMS_H

#include "util/error.h"

#include <stdint.h>

/* boxes [n, 4], scores [n] (NaN and -infinity are never kept). selected[max_output] gets the kept boxes' indices in order, *count their
 * number. OD_ERR_NOMEM. */
od_status od_nms_select(int64_t n, const float *boxes, const float *scores, float iou_threshold, int64_t max_output, int32_t *selected,
                        int64_t *count, od_error *err);

#endif
