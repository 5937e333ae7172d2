/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/pascal_metrics.h"

#include "eval/pascal_precision.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

/* Of the classes that have ground truth; NAN when none has. */
static double mean_over_classes(const double *ap, int n)
{
    double sum = 0;
    int count = 0;
    for (int c = 0; c < n; c++)
        if (!isnan(ap[c])) {
            sum += ap[c];
            count++;
        }
    return count ? sum / count : NAN;
}

/* All classes that have ground truth as one. */
static od_status pooled_precision(const od_pascal_metric *metric, const od_pascal_class *classes, int n, double *out, od_error *err)
{
    size_t count = 0, at = 0;
    double truths = 0;
    for (int c = 0; c < n; c++)
        if (classes[c].num_truths > 0) {
            count += classes[c].num_hits;
            truths += classes[c].num_truths;
        }
    od_pascal_hit *all = od_malloc(count, sizeof *all);
    if (!all && count) return od_error_nomem(err, "average precision");
    for (int c = 0; c < n; c++) {
        if (!(classes[c].num_truths > 0) || !classes[c].num_hits) continue;
        memcpy(all + at, classes[c].hits, classes[c].num_hits * sizeof *all);
        at += classes[c].num_hits;
    }
    od_status status = od_pascal_average_precision(all, count, truths, metric->recall_low, metric->recall_high, out, err);
    if (!(truths > 0)) *out = NAN;
    od_free(all);
    return status;
}

static od_status add_figures(const od_pascal_metric *metric, const od_metric_input *in, double mean, const double *ap, od_metric_list *out, od_error *err)
{
    if (metric->recall_low > 0 || metric->recall_high < 1)
        OD_TRY(od_metric_list_add(out, err, mean, "%s_Precision/mAP@0.5IOU@[%.1f,%.1f]Recall", metric->prefix, metric->recall_low, metric->recall_high));
    else
        OD_TRY(od_metric_list_add(out, err, mean, "%s_Precision/mAP@0.5IOU", metric->prefix));
    for (int c = 0; c < in->num_classes; c++)
        if (in->class_names[c]) OD_TRY(od_metric_list_add(out, err, ap[c], "%s_PerformanceByCategory/AP@0.5IOU/%s", metric->prefix, in->class_names[c]));
    return OD_OK;
}

static od_status compute(const od_pascal_metric *metric, const od_metric_input *in, od_pascal_class *classes, double *ap, od_metric_list *out, od_error *err)
{
    double mean = NAN;
    OD_TRY(od_pascal_match(classes, in->num_classes, in->set, &metric->rules, err));
    if (metric->pooled) OD_TRY(pooled_precision(metric, classes, in->num_classes, &mean, err));
    for (int c = 0; c < in->num_classes; c++)
        OD_TRY(od_pascal_average_precision(classes[c].hits, classes[c].num_hits, classes[c].num_truths, metric->recall_low, metric->recall_high, &ap[c], err));
    return add_figures(metric, in, metric->pooled ? mean : mean_over_classes(ap, in->num_classes), ap, out, err);
}

od_status od_pascal_metric_compute(const od_pascal_metric *metric, const od_metric_input *in, od_metric_list *out, od_error *err)
{
    od_pascal_class *classes = od_calloc((size_t)in->num_classes, sizeof *classes);
    double *ap = od_malloc((size_t)in->num_classes, sizeof *ap);
    od_status status = classes && ap ? compute(metric, in, classes, ap, out, err) : od_error_nomem(err, "metrics");
    od_pascal_classes_free(classes, classes ? in->num_classes : 0);
    od_free(ap);
    return status;
}
