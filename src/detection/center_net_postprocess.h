/* SPDX-License-Identifier: Apache-2.0
 *
 * From CenterNet's maps to detections: the highest peaks of the heatmaps, each with the size and offset predicted in its
 * cell (OD API meta_architectures/center_net_meta_arch.py, postprocess).
 */
#ifndef OD_DETECTION_CENTER_NET_POSTPROCESS_H
#define OD_DETECTION_CENTER_NET_POSTPROCESS_H

#include "detection/center_net_config.h"
#include "detection/detections.h"

/* The last stack's raw predictions: center [batch, height, width, classes] logits, scale and offset [batch, height, width, 2].
 * true_shapes [batch, 2]: pixels of the image without padding. Boxes come out relative to that; detections->anchors holds
 * the cell, y * width + x. Images in parallel. OD_ERR_NOMEM. */
od_status od_center_net_postprocess(const od_center_net_config *config, int64_t batch, int64_t height, int64_t width, const float *center,
                                    const float *scale, const float *offset, const int64_t (*true_shapes)[2], od_detections *detections,
                                    od_error *err);

#endif
