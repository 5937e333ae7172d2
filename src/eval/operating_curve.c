/* SPDX-License-Identifier: Apache-2.0
 *
 * Precision, recall, F1 and cost at thresholds. Each is a ratio of counts (F1 = 2 tp / (2 tp + fp + fn)), so each gets the
 * interval of a ratio whose counts come in clusters: images at box level, groups where there are groups.
 */
#include "eval/operating_walk.h"
#include "eval/resample.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>
#include <string.h>

/* Counts of each unit at the threshold reached. */
typedef struct counter {
    const od_cases *cases;
    const od_operating_options *o;
    od_units units;
    int64_t *tp, *fp, *positives, *negatives; /* [units] */
    int64_t *counts, *totals;                 /* scratch, [units] */
    size_t next;                              /* the first case that isn't counted yet */
} counter;

static int counter_init(counter *c)
{
    size_t n = c->units.count;
    c->tp = od_calloc(n, sizeof *c->tp);
    c->fp = od_calloc(n, sizeof *c->fp);
    c->positives = od_calloc(n, sizeof *c->positives);
    c->negatives = od_calloc(n, sizeof *c->negatives);
    c->counts = od_malloc(n, sizeof *c->counts);
    c->totals = od_malloc(n, sizeof *c->totals);
    if (!c->tp || !c->fp || !c->positives || !c->negatives || !c->counts || !c->totals) return 0;
    for (size_t i = 0; i < c->cases->num_positives; i++) c->positives[c->units.of_image[c->cases->positives[i]]]++;
    if (c->cases->level == OD_LEVEL_IMAGE)
        for (size_t i = 0; i < c->cases->count; i++)
            c->negatives[c->units.of_image[c->cases->items[i].image]] += !c->cases->items[i].right;
    return 1;
}

static void counter_deinit(counter *c)
{
    od_free(c->tp);
    od_free(c->fp);
    od_free(c->positives);
    od_free(c->negatives);
    od_free(c->counts);
    od_free(c->totals);
    od_units_deinit(&c->units);
}

static void advance(counter *c, double threshold)
{
    for (; c->next < c->cases->count && c->cases->items[c->next].score >= threshold; c->next++) {
        const od_scored_case *item = &c->cases->items[c->next];
        uint32_t unit = c->units.of_image[item->image];
        if (item->right)
            c->tp[unit]++;
        else
            c->fp[unit]++;
    }
}

/* Wilson's for images that stand alone, where each answer is a case of its own. */
static od_interval ratio(const counter *c, int independent)
{
    int64_t count = 0, total = 0;
    if (!independent || c->cases->level == OD_LEVEL_BOX || c->units.grouped)
        return od_interval_clustered(c->counts, c->totals, (int64_t)c->units.count, c->o->match.level);
    for (size_t i = 0; i < c->units.count; i++) {
        count += c->counts[i];
        total += c->totals[i];
    }
    return od_interval_wilson(count, total, c->o->match.level);
}

static int64_t sum(const int64_t *v, size_t n)
{
    int64_t s = 0;
    for (size_t i = 0; i < n; i++) s += v[i];
    return s;
}

static void read_point(counter *c, double threshold, od_operating_point *out)
{
    size_t n = c->units.count;
    int64_t positives = sum(c->positives, n), negatives = sum(c->negatives, n);
    *out = (od_operating_point){.threshold = threshold, .tp = sum(c->tp, n), .fp = sum(c->fp, n), .tn = -1};
    out->fn = positives - out->tp;
    for (size_t i = 0; i < n; i++) c->counts[i] = c->tp[i], c->totals[i] = c->tp[i] + c->fp[i];
    out->precision = ratio(c, 1);
    memcpy(c->totals, c->positives, n * sizeof *c->totals);
    out->recall = ratio(c, 1);
    for (size_t i = 0; i < n; i++) c->counts[i] = 2 * c->tp[i], c->totals[i] = c->tp[i] + c->fp[i] + c->positives[i];
    out->f1 = ratio(c, 0);
    out->specificity = (od_interval){.value = NAN, .low = NAN, .high = NAN, .se = NAN, .why_not = "boxes have no true negatives"};
    if (c->cases->level == OD_LEVEL_IMAGE) {
        out->tn = negatives - out->fp;
        for (size_t i = 0; i < n; i++) c->counts[i] = c->negatives[i] - c->fp[i], c->totals[i] = c->negatives[i];
        out->specificity = ratio(c, 1);
        if (!negatives) out->specificity.why_not = "there are no negative images";
    }
    double images = (double)c->cases->num_images;
    out->false_per_image = images > 0 ? (double)out->fp / images : NAN;
    out->cost = images > 0 ? (c->o->cost_fp * (double)out->fp + c->o->cost_fn * (double)out->fn) / images : NAN;
}

/* points[i].threshold are given, falling. */
static od_status read_points(const od_coco_eval *e, const od_cases *cases, const od_operating_options *o,
                             od_operating_point *points, size_t n, od_error *err)
{
    counter c = {.cases = cases, .o = o};
    OD_TRY(od_units_init(&c.units, e->images, e->num_images, err));
    int ok = counter_init(&c);
    for (size_t i = 0; ok && i < n; i++) {
        advance(&c, points[i].threshold);
        read_point(&c, points[i].threshold, &points[i]);
    }
    counter_deinit(&c);
    return ok ? OD_OK : od_error_nomem(err, "the operating curve");
}

static void reverse(od_operating_point *p, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        od_operating_point swap = p[i];
        p[i] = p[n - 1 - i];
        p[n - 1 - i] = swap;
    }
}

od_status od_operating_curve_compute(od_operating_curve *out, const od_coco_eval *e, int64_t class_index, od_level level,
                                     const od_operating_options *options, od_error *err)
{
    enum { POINTS = 101 };
    od_operating_options standard = od_operating_options_default();
    const od_operating_options *o = options ? options : &standard;
    od_cases cases = {0};
    OD_TRY(od_operating_options_check(o, err));
    OD_TRY(od_cases_build(&cases, e, class_index, level, &o->match, err));
    od_operating_curve c = {.class_index = class_index, .level = level, .images = (int64_t)e->num_images,
                            .objects = (int64_t)cases.num_positives, .cost_fp = o->cost_fp, .cost_fn = o->cost_fn,
                            .points = od_calloc(POINTS, sizeof *c.points), .num_points = POINTS};
    od_status status = c.points ? OD_OK : od_error_nomem(err, "the operating curve");
    for (int i = 0; status == OD_OK && i < POINTS; i++) c.points[i].threshold = (100 - i) / 100.;
    if (status == OD_OK) status = read_points(e, &cases, o, c.points, POINTS, err);
    od_cases_deinit(&cases);
    if (status == OD_OK) {
        reverse(c.points, POINTS);
        *out = c;
    } else {
        od_operating_curve_deinit(&c);
    }
    return status;
}

void od_operating_curve_deinit(od_operating_curve *c)
{
    od_free(c->points);
    c->points = NULL;
    c->num_points = 0;
}

od_status od_operating_point_compute(od_operating_point *out, const od_coco_eval *e, int64_t class_index, od_level level,
                                     double threshold, const od_operating_options *options, od_error *err)
{
    od_operating_options standard = od_operating_options_default();
    const od_operating_options *o = options ? options : &standard;
    od_cases cases = {0};
    od_operating_point point = {.threshold = threshold};
    if (isnan(threshold)) return od_error_set(err, OD_ERR_ARG, "the score threshold is not a number");
    OD_TRY(od_operating_options_check(o, err));
    OD_TRY(od_cases_build(&cases, e, class_index, level, &o->match, err));
    od_status status = read_points(e, &cases, o, &point, 1, err);
    od_cases_deinit(&cases);
    if (status == OD_OK) *out = point;
    return status;
}
