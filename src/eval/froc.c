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

enum { FOUND = 1, WRONG = 2, END = 4, SHIFT = 3 }; /* END: the last of equal scores */

typedef struct walker {
    const od_box_list *list;
    const od_coco_eval *e;
    int ignore_duplicates;
    uint32_t *steps; /* [list->count]: image << SHIFT and the bits above; images are below 2^29 */
} walker;

static uint32_t kind_of(const walker *w, const od_box_item *item)
{
    if (item->verdict == OD_VERDICT_TRUE) return FOUND;
    return item->verdict == OD_VERDICT_FALSE || (item->verdict == OD_VERDICT_DUPLICATE && !w->ignore_duplicates) ? WRONG : 0;
}

static void fill_steps(const walker *w)
{
    const od_box_item *items = w->list->items;
    for (size_t i = 0; i < w->list->count; i++) {
        int is_end = i + 1 == w->list->count || items[i + 1].score != items[i].score;
        w->steps[i] = items[i].image << SHIFT | kind_of(w, &items[i]) | (is_end ? END : 0);
    }
}

typedef struct tally {
    uint64_t found, wrong;
} tally;

/* Adds the run of equal scores that starts at `i`; returns where the next one starts. */
static size_t add_run(const walker *w, size_t i, tally *t)
{
    while (i < w->list->count) {
        uint32_t step = w->steps[i++];
        t->found += step & FOUND;
        t->wrong += step / WRONG & 1;
        if (step & END) break;
    }
    return i;
}

/* At each rate the threshold, and the sensitivity read between the curve's points. */
static void read_rates(const walker *w, double *threshold, double *interpolated)
{
    double images = (double)w->e->num_images, objects = (double)w->list->num_truths;
    tally before = {0, 0};
    double score = NAN;
    int rate = 0;
    for (size_t i = 0; rate < OD_FROC_NUM_RATES;) {
        tally after = before;
        double next_score = i < w->list->count ? w->list->items[i].score : (double)NAN;
        size_t next = add_run(w, i, &after);
        while (rate < OD_FROC_NUM_RATES && (next == i || (double)after.wrong > od_froc_rates[rate] * images)) {
            double gap = (double)(after.wrong - before.wrong);
            double share = gap > 0 ? (od_froc_rates[rate] * images - (double)before.wrong) / gap : 0;
            threshold[rate] = score;
            interpolated[rate] = objects > 0 ? ((double)before.found + share * (double)(after.found - before.found)) / objects : (double)NAN;
            rate++;
        }
        before = after;
        score = next_score;
        i = next;
    }
}

/* What a lane looks for next: sensitivities at the rates, in order. */
typedef struct reader {
    int32_t images[OD_LANES], objects[OD_LANES];
    int32_t limit[OD_LANES]; /* false detections that the next rate allows */
    int rate[OD_LANES], finished;
} reader;

static void count_totals(const walker *w, const int32_t *weights, reader *r)
{
    *r = (reader){.finished = 0};
    for (size_t i = 0; i < w->e->num_images; i++)
        for (size_t l = 0; l < OD_LANES; l++) r->images[l] += weights[i * OD_LANES + l];
    for (size_t i = 0; i < w->list->num_truths; i++)
        for (size_t l = 0; l < OD_LANES; l++) r->objects[l] += weights[w->list->truth_image[i] * (size_t)OD_LANES + l];
    for (int l = 0; l < OD_LANES; l++) r->limit[l] = (int32_t)(od_froc_rates[0] * r->images[l]);
}

/* `wrong` exceeds what the lane's next rate allows: it, and maybe more, are read off as the last threshold was. */
static void read_lane(reader *r, int l, int32_t found, int32_t wrong, double (*values)[OD_LANES])
{
    while (wrong > r->limit[l]) {
        values[r->rate[l]][l] = r->objects[l] ? (double)found / r->objects[l] : (double)NAN;
        r->rate[l]++;
        r->finished += r->rate[l] == OD_FROC_NUM_RATES;
        r->limit[l] = r->rate[l] < OD_FROC_NUM_RATES ? (int32_t)(od_froc_rates[r->rate[l]] * r->images[l]) : INT32_MAX;
    }
}

/* Sensitivities at the rates, and their mean last. */
static void compute(const void *user, const int32_t *weights, double (*values)[OD_LANES], void *scratch)
{
    const walker *w = user;
    reader r;
    int32_t found[OD_LANES] = {0}, wrong[OD_LANES] = {0}, before[OD_LANES] = {0};
    (void)scratch;
    count_totals(w, weights, &r);
    for (size_t i = 0; i < w->list->count && r.finished < OD_LANES; i++) {
        const int32_t *weight = weights + (size_t)(w->steps[i] >> SHIFT) * OD_LANES;
        int32_t of_found = -(int32_t)(w->steps[i] & FOUND), of_wrong = -(int32_t)(w->steps[i] / WRONG & 1), over = 0;
        for (int l = 0; l < OD_LANES; l++) {
            found[l] += weight[l] & of_found;
            wrong[l] += weight[l] & of_wrong;
        }
        if (!(w->steps[i] & END)) continue;
        for (int l = 0; l < OD_LANES; l++) over |= wrong[l] > r.limit[l];
        for (int l = 0; over && l < OD_LANES; l++) read_lane(&r, l, before[l], wrong[l], values);
        for (int l = 0; l < OD_LANES; l++) before[l] = found[l];
    }
    for (int l = 0; l < OD_LANES; l++) {
        double sum = 0;
        while (r.rate[l] < OD_FROC_NUM_RATES) read_lane(&r, l, found[l], INT32_MAX, values);
        for (int i = 0; i < OD_FROC_NUM_RATES; i++) sum += values[i][l];
        values[OD_FROC_NUM_RATES][l] = sum / OD_FROC_NUM_RATES;
    }
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
    double images = (double)w->e->num_images, objects = (double)w->list->num_truths;
    out->points = od_malloc(w->list->count, sizeof *out->points);
    if (!out->points) return od_error_nomem(err, "the FROC curve");
    tally t = {0, 0};
    for (size_t i = 0; i < w->list->count;) {
        uint64_t found = t.found;
        double score = w->list->items[i].score;
        i = add_run(w, i, &t);
        if (t.found > found || i == w->list->count)
            out->points[out->num_points++] = (od_froc_point){score, images > 0 ? (double)t.wrong / images : NAN,
                                                             objects > 0 ? (double)t.found / objects : NAN};
    }
    out->num_points = thin_out(out->points, out->num_points);
    return OD_OK;
}

static od_status fill(od_froc *out, const walker *w, const od_localisation_options *o, od_error *err)
{
    od_interval intervals[OD_FROC_NUM_RATES + 1];
    od_figures figures = {.compute = compute, .user = w, .count = OD_FROC_NUM_RATES + 1, .lowest = 0, .highest = 1,
                          .method = OD_BOOTSTRAP_BCA};
    od_resampling resampling = od_localisation_resampling(o);
    OD_TRY(make_points(w, out, err));
    read_rates(w, out->threshold, out->interpolated);
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
    walker w = {&list, e, o->ignore_duplicates, od_malloc(list.count, sizeof *w.steps)};
    od_froc f = {.class_index = class_index, .images = (int64_t)e->num_images, .objects = (int64_t)list.num_truths};
    od_status status = w.steps ? OD_OK : od_error_nomem(err, "the FROC curve");
    if (status == OD_OK) {
        fill_steps(&w);
        status = fill(&f, &w, o, err);
    }
    od_free(w.steps);
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
