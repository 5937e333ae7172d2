/* SPDX-License-Identifier: Apache-2.0
 *
 * What the PASCAL-like metrics sets share: match, one average precision a class, their mean, the tags.
 */
#ifndef OD_EVAL_PASCAL_METRICS_H
#define OD_EVAL_PASCAL_METRICS_H

#include "eval/metric_sets.h"
#include "eval/pascal_match.h"

typedef struct od_pascal_metric {
    const char *prefix; /* of the tags, without the underscore */
    od_pascal_rules rules;
    double recall_low, recall_high; /* 0 and 1: the whole curve */
    int pooled; /* mAP from all classes' detections in one list, instead of the mean over classes */
} od_pascal_metric;

od_status od_pascal_metric_compute(const od_pascal_metric *metric, const od_metric_input *in, od_metric_list *out, od_error *err);

#endif
