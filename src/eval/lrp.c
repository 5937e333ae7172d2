/* SPDX-License-Identifier: Apache-2.0
 *
 * LRP and the threshold that makes it lowest. Found and missed add up to the objects, so with T objects the denominator
 * is T + false; the false ones alone give at least false / (T + false), where the search can stop.
 */
#include "eval/localisation_options.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>

typedef struct lists {
    od_box_list *of; /* [classes + 1]: by class index, then all together */
    size_t num_classes;
    double tau;
} lists;

typedef struct best {
    double lrp, error; /* error: sum of 1 - IoU of the found */
    double threshold;
    uint64_t found, wrong, objects;
} best;

static best find_best(const od_box_list *list, double tau)
{
    best b = {.lrp = NAN, .threshold = NAN, .objects = list->num_truths};
    if (!b.objects) return b;
    double objects = (double)b.objects, error = 0;
    uint64_t found = 0, wrong = 0;
    b.lrp = 1; /* without any detection */
    for (size_t i = 0; i < list->count;) {
        double score = list->items[i].score;
        for (; i < list->count && list->items[i].score == score; i++) {
            const od_box_item *item = &list->items[i];
            if (item->verdict == OD_VERDICT_TRUE) {
                found++;
                error += 1 - item->iou;
            } else if (item->verdict != OD_VERDICT_IGNORED) {
                wrong++;
            }
        }
        double denominator = objects + (double)wrong;
        double lrp = (error / (1 - tau) + (double)wrong + (double)(b.objects - found)) / denominator;
        if (lrp < b.lrp) b = (best){lrp, error, score, found, wrong, b.objects};
        if ((double)wrong / denominator >= b.lrp) break;
    }
    return b;
}

/* The lowest LRP under OD_LANES weights. It falls only where something is found. */
static void find_lowest(const od_box_list *list, double tau, const int32_t *weights, double lowest[OD_LANES])
{
    double objects[OD_LANES] = {0}, error[OD_LANES] = {0}, found[OD_LANES] = {0}, wrong[OD_LANES] = {0};
    int any = 0, open = 1;
    for (size_t i = 0; i < list->num_truths; i++)
        for (size_t l = 0; l < OD_LANES; l++) objects[l] += weights[list->truth_image[i] * (size_t)OD_LANES + l];
    for (int l = 0; l < OD_LANES; l++) lowest[l] = 1;
    for (size_t i = 0; i < list->count && open; i++) {
        const od_box_item *item = &list->items[i];
        const int32_t *w = weights + (size_t)item->image * OD_LANES;
        if (item->verdict == OD_VERDICT_TRUE) {
            any = 1;
            for (int l = 0; l < OD_LANES; l++) found[l] += w[l];
            for (int l = 0; l < OD_LANES; l++) error[l] += w[l] * (1 - item->iou);
        } else if (item->verdict != OD_VERDICT_IGNORED) {
            for (int l = 0; l < OD_LANES; l++) wrong[l] += w[l];
        }
        if (!any || (i + 1 < list->count && item[1].score == item->score)) continue;
        any = open = 0;
        for (int l = 0; l < OD_LANES; l++) {
            double lrp = (error[l] / (1 - tau) + wrong[l] + (objects[l] - found[l])) / (objects[l] + wrong[l]);
            lowest[l] = lrp < lowest[l] ? lrp : lowest[l];
            open |= wrong[l] < lowest[l] * (objects[l] + wrong[l]);
        }
    }
    for (int l = 0; l < OD_LANES; l++)
        if (!(objects[l] > 0)) lowest[l] = NAN;
}

/* [mean, together, class 0, ...] */
static void compute(const void *user, const int32_t *weights, double (*values)[OD_LANES], void *scratch)
{
    const lists *l = user;
    (void)scratch;
    double sum[OD_LANES] = {0}, n[OD_LANES] = {0};
    for (size_t k = 0; k < l->num_classes; k++) {
        find_lowest(&l->of[k], l->tau, weights, values[2 + k]);
        for (int i = 0; i < OD_LANES; i++) {
            if (isnan(values[2 + k][i])) continue;
            sum[i] += values[2 + k][i];
            n[i]++;
        }
    }
    for (int i = 0; i < OD_LANES; i++) values[0][i] = n[i] > 0 ? sum[i] / n[i] : (double)NAN;
    find_lowest(&l->of[l->num_classes], l->tau, weights, values[1]);
}

static od_lrp describe(const od_box_list *list, double tau, od_interval interval)
{
    best b = find_best(list, tau);
    od_lrp out = {.lrp = interval, .threshold = b.threshold, .localisation = NAN, .false_share = NAN, .missed_share = NAN,
                  .found = (int64_t)b.found, .false_detections = (int64_t)b.wrong, .missed = (int64_t)(b.objects - b.found)};
    if (b.found) out.localisation = b.error / (double)b.found;
    if (b.found + b.wrong) out.false_share = (double)b.wrong / (double)(b.found + b.wrong);
    if (b.objects) out.missed_share = (double)out.missed / (double)b.objects;
    return out;
}

static void add_mean(double *sum, int64_t *n, double value)
{
    if (isnan(value)) return;
    *sum += value;
    ++*n;
}

/* Each component is the mean over the classes that have it. */
static od_lrp mean_of(const od_lrp *classes, size_t n, od_interval interval)
{
    od_lrp out = {.lrp = interval, .threshold = NAN};
    int64_t with[3] = {0, 0, 0};
    for (size_t k = 0; k < n; k++) {
        const od_lrp *c = &classes[k];
        if (isnan(c->lrp.value)) continue;
        add_mean(&out.localisation, &with[0], c->localisation);
        add_mean(&out.false_share, &with[1], c->false_share);
        add_mean(&out.missed_share, &with[2], c->missed_share);
        out.found += c->found;
        out.false_detections += c->false_detections;
        out.missed += c->missed;
    }
    out.localisation = with[0] ? out.localisation / (double)with[0] : NAN;
    out.false_share = with[1] ? out.false_share / (double)with[1] : NAN;
    out.missed_share = with[2] ? out.missed_share / (double)with[2] : NAN;
    return out;
}

static od_status fill(od_lrps *out, const od_coco_eval *e, lists *l, const od_localisation_options *o, od_error *err)
{
    size_t n = l->num_classes;
    od_interval *intervals = od_malloc(n + 2, sizeof *intervals);
    out->classes = od_malloc(n, sizeof *out->classes);
    if (!intervals || !out->classes) {
        od_free(intervals);
        return od_error_nomem(err, "LRP");
    }
    od_figures figures = {.compute = compute, .user = l, .count = n + 2, .lowest = 0, .highest = 1,
                          .method = OD_BOOTSTRAP_STUDENT};
    od_resampling resampling = od_localisation_resampling(o);
    od_status status = od_resample_figures(e, &figures, &resampling, intervals, err);
    if (status == OD_OK) {
        for (size_t k = 0; k < n; k++) out->classes[k] = describe(&l->of[k], l->tau, intervals[2 + k]);
        out->num_classes = n;
        out->together = describe(&l->of[n], l->tau, intervals[1]);
        out->mean = mean_of(out->classes, n, intervals[0]);
    }
    od_free(intervals);
    return status;
}

static od_status make_lists(lists *l, const od_coco_eval *e, const od_localisation_options *o, od_error *err)
{
    const od_box_matches *m;
    l->of = od_calloc(e->num_classes + 1, sizeof *l->of);
    if (!l->of) return od_error_nomem(err, "LRP");
    l->num_classes = e->num_classes;
    l->tau = o->iou;
    OD_TRY(od_box_matches_find(e, OD_HIT_IOU, o->iou, o->num_threads, &m, err));
    od_status status = OD_OK;
    for (size_t k = 0; k <= e->num_classes && status == OD_OK; k++)
        status = od_box_list_build(e, m, k < e->num_classes ? (int64_t)k : -1, &l->of[k], err);
    return status;
}

od_status od_lrp_compute(od_lrps *out, const od_coco_eval *e, const od_localisation_options *o, od_error *err)
{
    od_localisation_options standard = od_localisation_options_default();
    lists l = {0};
    od_lrps r = {0};
    if (!o) o = &standard;
    OD_TRY(od_localisation_options_check(o, err));
    OD_TRY(od_box_check(e, -1, err));
    if (o->hit != OD_HIT_IOU || o->iou >= 1)
        return od_error_set(err, OD_ERR_ARG, "LRP needs hits by IoU, below 1; the threshold is %g", o->iou);
    od_status status = make_lists(&l, e, o, err);
    if (status == OD_OK) status = fill(&r, e, &l, o, err);
    for (size_t k = 0; l.of && k <= e->num_classes; k++) od_box_list_deinit(&l.of[k]);
    od_free(l.of);
    if (status == OD_OK)
        *out = r;
    else
        od_lrps_deinit(&r);
    return status;
}

void od_lrps_deinit(od_lrps *l)
{
    od_free(l->classes);
    *l = (od_lrps){0};
}
