/* SPDX-License-Identifier: Apache-2.0
 *
 * A CenterNet's settings for targets, losses and post-processing, read from the config and checked. Box task only.
 */
#ifndef OD_DETECTION_CENTER_NET_CONFIG_H
#define OD_DETECTION_CENTER_NET_CONFIG_H

#include "detection/losses.h"
#include "detection/multiclass_nms.h"

#include "center_net.pb-c.h"

typedef struct od_center_net_config {
    int num_classes;
    int stride;                  /* input pixels a cell of the output maps, 4 for all feature extractors */
    float min_overlap;           /* decides how wide a box's Gaussian is */
    od_penalty_focal_params focal;
    float center_weight, scale_weight, offset_weight; /* of the losses; the last two with the task's weight */
    int max_boxes;               /* peaks taken */
    int peak_kernel;             /* side of the window in which a peak is the largest; 1: every cell is one */
    int suppress;                /* post_processing was given: non-max suppression of the peaks */
    od_nms_params nms;
} od_center_net_config;

/* OD_ERR_UNSUPPORTED names the keypoint, mask, densepose, tracking, temporal and DeepMAC tasks and what else isn't supported. */
od_status od_center_net_config_init(od_center_net_config *out, const ObjectDetection__Protos__CenterNet *config, int stride, od_error *err);

#endif
