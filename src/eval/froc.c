/* SPDX-License-Identifier: Apache-2.0
 *
 * FROC. A threshold takes all detections of equal score or none, so the curve has a point at the end of each run of equal
 * scores.
 */
#include "eval/localisation_options.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>

const double od_froc_rates[OD_FROC_NUM_RATES] = {.125, .25, .5, 1, 2, 4, 8};

typedef struct walker {
    const od_box_list *list;
    const od_coco_eval *e;
    int ignore_duplicates;
} walker;

/* The totals that rates are shares of, under image weights; NULL weights are ones. */
static void count_totals(const walker *w, const uint32_t *weights, double *images, double *objects)
{
    uint64_t n = 0, t = 0;
    for (size_t i = 0; i < w->e->num_images; i++) n += weights ? weights[i] : 1;
    for (size_t i = 0; i < w->list->num_truths; i++) t += weights ? weights[w->list->truth_image[i]] : 1;
    *images = (double)n;
    *objects = (double)t;
}

typedef struct tally {
    uint64_t found, wrong;
} tally;

/* Adds the run of equal scores that starts at `i`; returns where the next one starts. */
static size_t add_run(const walker *w, size_t i, const uint32_t *weights, tally *t)
{
    const od_box_item *items = w->list->items;
    double score = items[i].score;
    for (; i < w->list->count && items[i].score == score; i++) {
        uint32_t weight = weights ? weights[items[i].image] : 1;
        if (items[i].verdict == OD_VERDICT_TRUE) t->found += weight;
        if (items[i].verdict == OD_VERDICT_FALSE || (items[i].verdict == OD_VERDICT_DUPLICATE && !w->ignore_duplicates))
            t->wrong += weight;
    }
    return i;
}

/* Sensitivities at the rates, and their mean last. threshold and interpolated may be NULL. */
static void read_rates(const walker *w, const uint32_t *weights, double *values, double *threshold, double *interpolated)
{
    double images, objects;
    count_totals(w, weights, &images, &objects);
    tally before = {0, 0};
    double score = NAN, sum = 0;
    int rate = 0;
    for (size_t i = 0; rate < OD_FROC_NUM_RATES;) {
        tally after = before;
        double next_score = i < w->list->count ? w->list->items[i].score : NAN;
        size_t next = i < w->list->count ? add_run(w, i, weights, &after) : i;
        while (rate < OD_FROC_NUM_RATES && (next == i || (double)after.wrong > od_froc_rates[rate] * images)) {
            values[rate] = objects > 0 ? (double)before.found / objects : NAN;
            if (threshold) threshold[rate] = score;
            if (interpolated) {
                double gap = (double)(after.wrong - before.wrong);
                double share = gap > 0 ? (od_froc_rates[rate] * images - (double)before.wrong) / gap : 0;
                interpolated[rate] = objects > 0 ? ((double)before.found + share * (double)(after.found - before.found)) / objects : NAN;
            }
            sum += values[rate++];
        }
        before = after;
        score = next_score;
        i = next;
    }
    values[OD_FROC_NUM_RATES] = sum / OD_FROC_NUM_RATES;
}

static void compute(const void *user, const uint32_t *weights, double *values, void *scratch)
{
    (void)scratch;
    read_rates(user, weights, values, NULL, NULL);
}

/* Keeps every n-th of the points, the first and the last. */
static size_t thin_out(od_froc_point *points, size_t n)
{
    enum { MOST = 400 };
    size_t step = n / MOST + 1, kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i % step == 0 || i + 1 == n) points[kept++] = points[i];
    return kept;
}

/* A point for each threshold that finds more objects than the one above it, and the last. */
static od_status make_points(const walker *w, od_froc *out, od_error *err)
{
    double images, objects;
    count_totals(w, NULL, &images, &objects);
    out->points = od_malloc(w->list->count, sizeof *out->points);
    if (!out->points) return od_error_nomem(err, "the FROC curve");
    tally t = {0, 0};
    for (size_t i = 0; i < w->list->count;) {
        uint64_t found = t.found;
        double score = w->list->items[i].score;
        i = add_run(w, i, NULL, &t);
        if (t.found > found || i == w->list->count)
            out->points[out->num_points++] = (od_froc_point){score, images > 0 ? (double)t.wrong / images : NAN,
                                                             objects > 0 ? (double)t.found / objects : NAN};
    }
    out->num_points = thin_out(out->points, out->num_points);
    return OD_OK;
}

static od_status fill(od_froc *out, const walker *w, const od_localisation_options *o, od_error *err)
{
    double values[OD_FROC_NUM_RATES + 1];
    od_interval intervals[OD_FROC_NUM_RATES + 1];
    od_figures figures = {.compute = compute, .user = w, .count = OD_FROC_NUM_RATES + 1, .lowest = 0, .highest = 1,
                          .method = OD_BOOTSTRAP_BCA};
    od_resampling resampling = od_localisation_resampling(o);
    OD_TRY(make_points(w, out, err));
    read_rates(w, NULL, values, out->threshold, out->interpolated);
    OD_TRY(od_resample_figures(w->e, &figures, &resampling, intervals, err));
    for (int i = 0; i < OD_FROC_NUM_RATES; i++) {
        out->sensitivity[i] = intervals[i];
        out->interpolated_mean += out->interpolated[i] / OD_FROC_NUM_RATES;
    }
    out->mean = intervals[OD_FROC_NUM_RATES];
    return OD_OK;
}

od_status od_froc_compute(od_froc *out, const od_coco_eval *e, int64_t class_index, const od_localisation_options *o,
                          od_error *err)
{
    od_localisation_options standard = od_localisation_options_default();
    od_box_list list = {0};
    if (!o) o = &standard;
    OD_TRY(od_localisation_list(e, class_index, o, &list, err));
    walker w = {&list, e, o->ignore_duplicates};
    od_froc f = {.class_index = class_index, .images = (int64_t)e->num_images, .objects = (int64_t)list.num_truths};
    od_status status = fill(&f, &w, o, err);
    od_box_list_deinit(&list);
    if (status == OD_OK)
        *out = f;
    else
        od_froc_deinit(&f);
    return status;
}

void od_froc_deinit(od_froc *f)
{
    od_free(f->points);
    f->points = NULL;
    f->num_points = 0;
}
