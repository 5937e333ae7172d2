/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_class_metrics.h"

#include <string.h>

#define PREFIX "DetectionBoxes_"

/* "Precision/mAP" of "DetectionBoxes_Precision/mAP". */
static const char *short_tag(int stat)
{
    return od_coco_stat_tag((od_coco_stat)stat) + sizeof PREFIX - 1;
}

static od_status add_class(const od_coco_eval *e, int64_t c, int all, od_metric_list *out, od_error *err)
{
    const double *stats = od_coco_eval_class_stats(e, c);
    const char *name = od_coco_eval_class_name(e, c);
    OD_TRY(od_metric_list_add(out, err, stats[OD_COCO_AP], PREFIX "PerformanceByCategory/mAP/%s", name));
    for (int i = 0; all && i < OD_COCO_NUM_STATS; i++) OD_TRY(od_metric_list_add(out, err, stats[i], PREFIX "%s ByCategory/%s", short_tag(i), name));
    return OD_OK;
}

/* 1 when `list`, names separated by commas, has `name`. */
static int names(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strcspn(at, ",") == n && !strncmp(at, name, n)) return 1;
    return 0;
}

static double mean_of(const od_coco_eval *e, const char *list, int stat)
{
    double sum = 0;
    int count = 0;
    for (int64_t c = 0; c < od_coco_eval_num_classes(e); c++) {
        double value = od_coco_eval_class_stats(e, c)[stat];
        if (value < 0 || !names(list, od_coco_eval_class_name(e, c))) continue;
        sum += value;
        count++;
    }
    return count ? sum / count : -1;
}

static od_status add_super(const od_coco_eval *e, const od_super_category *s, int all, od_metric_list *out, od_error *err)
{
    OD_TRY(od_metric_list_add(out, err, mean_of(e, s->classes, OD_COCO_AP), PREFIX "PerformanceBySuperCategory/%s", s->name));
    for (int i = 0; all && i < OD_COCO_NUM_STATS; i++)
        OD_TRY(od_metric_list_add(out, err, mean_of(e, s->classes, i), PREFIX "%s BySuperCategory/%s", short_tag(i), s->name));
    return OD_OK;
}

od_status od_coco_class_metrics(const od_coco_eval *e, const od_coco_class_options *options, od_metric_list *out, od_error *err)
{
    for (int64_t c = 0; c < od_coco_eval_num_classes(e); c++) OD_TRY(add_class(e, c, options->all, out, err));
    for (size_t i = 0; i < options->num_supers; i++) OD_TRY(add_super(e, &options->supers[i], options->all, out, err));
    return OD_OK;
}
