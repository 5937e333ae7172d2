/* SPDX-License-Identifier: Apache-2.0
 *
 * Open Images V2: as PASCAL VOC, but detections inside a box around a group of things (group_of) are ignored.
 */
#include "eval/pascal_metrics.h"

static od_status compute(const od_metric_input *in, od_metric_list *out, od_error *err)
{
    od_pascal_metric metric = {.prefix = "OpenImagesV2", .rules = {.group_of = 1}, .recall_high = 1};
    return od_pascal_metric_compute(&metric, in, out, err);
}

const od_metric_set od_metric_set_open_images = {"oid_V2_detection_metrics", 0, compute};
