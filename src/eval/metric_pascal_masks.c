/* SPDX-License-Identifier: Apache-2.0
 *
 * PASCAL VOC by masks: as eval/metric_pascal.c, with the masks' overlap.
 */
#include "eval/pascal_metrics.h"

static od_status compute(const od_metric_input *in, od_metric_list *out, od_error *err)
{
    od_pascal_metric metric = {.prefix = "PascalMasks", .rules = {.difficult = 1, .masks = 1}, .recall_high = 1};
    return od_pascal_metric_compute(&metric, in, out, err);
}

const od_metric_set od_metric_set_pascal_masks = {"pascal_voc_instance_segmentation_metrics", 1, compute};
