/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's figures of single classes and of groups of classes under the OD API's tags (metrics/coco_tools.py, ComputeMetrics): its
 * include_metrics_per_category, all_metrics_per_category and super_categories, which need a changed pycocotools there.
 */
#ifndef OD_EVAL_COCO_CLASS_METRICS_H
#define OD_EVAL_COCO_CLASS_METRICS_H

#include "eval/metric_list.h"
#include "objdet/eval.h"

/* A name for several classes. */
typedef struct od_super_category {
    const char *name;
    const char *classes; /* their names, separated by commas */
} od_super_category;

typedef struct od_coco_class_options {
    int all;             /* all 12 figures of a class instead of mAP alone */
    const od_super_category *supers;
    size_t num_supers;
} od_coco_class_options;

/* `e` has run. A group's figure is the mean over its classes that have ground truth, -1 when none has. (The OD API adds the -1 of absent
 * classes into the mean.) Appends to `out`. */
od_status od_coco_class_metrics(const od_coco_eval *e, const od_coco_class_options *options, od_metric_list *out, od_error *err);

#endif
