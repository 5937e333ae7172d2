/* SPDX-License-Identifier: Apache-2.0
 *
 * PASCAL VOC's average precision of a part of the curve: eval_config's recall_lower_bound to recall_upper_bound.
 */
#include "eval/pascal_metrics.h"

static od_status compute(const od_metric_input *in, od_metric_list *out, od_error *err)
{
    od_pascal_metric metric = {.prefix = "PrecisionAtRecallBoxes", .rules = {.difficult = 1, .filter = in->skip_unlabeled ? OD_PASCAL_LABELED : OD_PASCAL_ALL},
                               .recall_low = in->recall_low, .recall_high = in->recall_high};
    return od_pascal_metric_compute(&metric, in, out, err);
}

const od_metric_set od_metric_set_precision_at_recall = {"precision_at_recall_detection_metrics", 0, compute};
