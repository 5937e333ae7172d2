/* SPDX-License-Identifier: Apache-2.0
 *
 * PASCAL VOC: average precision at IoU .5 of each class, and their mean; boxes marked difficult don't count.
 */
#include "eval/pascal_metrics.h"

static od_status compute(const od_metric_input *in, od_metric_list *out, od_error *err)
{
    od_pascal_metric metric = {.prefix = "PascalBoxes", .rules = {.difficult = 1}, .recall_high = 1};
    return od_pascal_metric_compute(&metric, in, out, err);
}

const od_metric_set od_metric_set_pascal = {"pascal_voc_detection_metrics", 0, compute};
