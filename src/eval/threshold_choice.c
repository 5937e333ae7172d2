/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing a threshold among the gaps between scores: above all scores, and below each run of equal ones.
 */
#include "eval/threshold_choice.h"

#include "eval/operating_walk.h"
#include "eval/resample_figures.h"
#include "util/error.h"

#include <math.h>
#include <stdio.h>

typedef struct search {
    const od_cases *cases;
    od_threshold_rule rule;
    double bound, cost_fp, cost_fn;
} search;

/* The gap that was chosen: thresholds above `below`, up to `above`. */
typedef struct gap {
    double below, above;
    int reached;
} gap;

typedef struct state {
    uint64_t tp, fp, positives, images, negatives;
} state;

/* Of what a rule looks at, higher is better. */
static double goodness_of(const search *s, double tp, double fp, double positives)
{
    if (s->rule == OD_RULE_F1) return 2 * tp / (tp + fp + positives);
    return -(s->cost_fp * fp + s->cost_fn * (positives - tp));
}

/* F1 of nothing is 0. */
static double goodness(const search *s, const state *at)
{
    if (s->rule == OD_RULE_F1 && !(at->tp + at->fp + at->positives)) return 0;
    return goodness_of(s, (double)at->tp, (double)at->fp, (double)at->positives);
}

/* The most that lower thresholds can give: everything found, no more false ones. */
static double best_possible(const search *s, const state *at)
{
    state perfect = *at;
    perfect.tp = at->positives;
    return goodness(s, &perfect);
}

static int keeps_bound(const search *s, const state *at)
{
    if (s->rule == OD_RULE_MIN_SENSITIVITY) return (double)at->tp >= s->bound * (double)at->positives;
    double per = (double)(s->cases->level == OD_LEVEL_IMAGE ? at->negatives : at->images);
    return (double)at->fp <= s->bound * per;
}

/* Weights of one lane; NULL: all 1. */
static inline uint32_t weight_of(const int32_t *lane, uint32_t image)
{
    return lane ? (uint32_t)lane[(size_t)image * OD_LANES] : 1;
}

static state count(const search *s, const int32_t *lane)
{
    state t = {0};
    for (size_t i = 0; i < s->cases->num_images; i++) t.images += weight_of(lane, (uint32_t)i);
    for (size_t i = 0; i < s->cases->num_positives; i++) t.positives += weight_of(lane, s->cases->positives[i]);
    t.negatives = t.images - (s->cases->level == OD_LEVEL_IMAGE ? t.positives : 0);
    return t;
}

static gap find(const search *s, const int32_t *lane)
{
    const od_scored_case *items = s->cases->items;
    size_t n = s->cases->count;
    state at = count(s, lane);
    double above = INFINITY;
    int by_bound = s->rule == OD_RULE_MIN_SENSITIVITY || s->rule == OD_RULE_MAX_FALSE_PER_IMAGE;
    gap best = {n ? items[0].score : -INFINITY, INFINITY, 0};
    double best_value = by_bound ? 0 : goodness(s, &at);
    uint64_t seen = 0; /* true positives when goodness was looked at last: false ones alone don't better it */
    for (size_t i = 0;;) {
        double below = i < n ? items[i].score : -INFINITY;
        if (s->rule == OD_RULE_MIN_SENSITIVITY && (keeps_bound(s, &at) || below == -INFINITY))
            return (gap){below, above, keeps_bound(s, &at)};
        if (s->rule == OD_RULE_MAX_FALSE_PER_IMAGE) {
            if (!keeps_bound(s, &at)) return best;
            best = (gap){below, above, 1};
        }
        if (!by_bound && at.tp > seen) {
            double value = goodness(s, &at);
            seen = at.tp;
            if (value > best_value) {
                best_value = value;
                best = (gap){below, above, 1};
            }
            if (best_possible(s, &at) <= best_value) break;
        }
        if (below == -INFINITY) break;
        for (; i < n && items[i].score == below; i++) {
            uint32_t w = weight_of(lane, items[i].image), right = -(uint32_t)items[i].right;
            at.tp += w & right;
            at.fp += w & ~right;
        }
        above = below;
    }
    return best;
}

/* Scores are within 0..1 as a rule; a gap that is open at an end gets one. */
static void close_ends(gap *g)
{
    if (g->above == INFINITY) g->above = g->below > -INFINITY && g->below >= 1 ? nextafter(g->below, INFINITY) : 1;
    if (g->below == -INFINITY) g->below = g->above > 0 ? 0 : g->above - 1;
}

/* The shortest decimal d with below < d <= above that is nearest to the middle. */
double od_threshold_between(double below, double above)
{
    double middle = below + (above - below) / 2, scale = 10;
    for (int digits = 1; digits <= 15; digits++, scale *= 10) {
        char text[40];
        double decimal;
        snprintf(text, sizeof text, "%.*f", digits, middle);
        if (sscanf(text, "%lf", &decimal) == 1 && decimal > below && decimal <= above) return decimal;
    }
    return middle > below ? middle : above;
}

static double threshold_of(gap g)
{
    close_ends(&g);
    return od_threshold_between(g.below, g.above);
}

static double middle_of(gap g)
{
    close_ends(&g);
    return g.below + (g.above - g.below) / 2;
}

/* What is searched for in a lane by highest F1 or lowest cost. */
typedef struct lane_state {
    double tp[OD_LANES], fp[OD_LANES], positives[OD_LANES], best[OD_LANES];
    size_t at[OD_LANES]; /* the case below the best gap */
} lane_state;

/* Looks at the gap above case `i`; returns 0 when lower ones can't be better in any lane: with everything found and no more
 * false ones. */
static int look(const search *s, lane_state *at, size_t i)
{
    int open = 0;
    for (int l = 0; l < OD_LANES; l++) {
        double value = goodness_of(s, at->tp[l], at->fp[l], at->positives[l]);
        if (value > at->best[l]) {
            at->best[l] = value;
            at->at[l] = i;
        }
        open |= goodness_of(s, at->positives[l], at->fp[l], at->positives[l]) > at->best[l];
    }
    return open;
}

/* As `find` by goodness does, in all lanes at once. */
static void find_best(const search *s, const int32_t *weights, double middles[OD_LANES])
{
    const od_scored_case *items = s->cases->items;
    lane_state at = {.tp = {0}};
    int any = 0, open = 1; /* any: something right since the last look; false ones alone don't better it */
    for (size_t i = 0; i < s->cases->num_positives; i++)
        for (size_t l = 0; l < OD_LANES; l++) at.positives[l] += weights[s->cases->positives[i] * (size_t)OD_LANES + l];
    for (int l = 0; l < OD_LANES; l++) at.best[l] = at.positives[l] > 0 ? goodness_of(s, 0, 0, at.positives[l]) : 0;
    for (size_t i = 0; i < s->cases->count && open; i++) {
        const int32_t *w = weights + (size_t)items[i].image * OD_LANES;
        double *counts = items[i].right ? at.tp : at.fp;
        for (int l = 0; l < OD_LANES; l++) counts[l] += w[l];
        any |= items[i].right;
        if (!any || (i + 1 < s->cases->count && items[i + 1].score == items[i].score)) continue;
        open = look(s, &at, i + 1);
        any = 0;
    }
    for (int l = 0; l < OD_LANES; l++) {
        size_t i = at.at[l];
        double below = i < s->cases->count ? items[i].score : -INFINITY, above = i ? items[i - 1].score : INFINITY;
        middles[l] = middle_of((gap){below, above, 1});
    }
}

static void compute(const void *user, const int32_t *weights, double (*values)[OD_LANES], void *scratch)
{
    const search *s = user;
    (void)scratch;
    if (s->rule == OD_RULE_F1 || s->rule == OD_RULE_COST) {
        find_best(s, weights, values[0]);
        return;
    }
    for (int l = 0; l < OD_LANES; l++) values[0][l] = middle_of(find(s, weights + l));
}

static od_status find_interval(const od_coco_eval *e, const search *s, const od_operating_options *o, od_threshold_choice *out,
                               od_error *err)
{
    od_figures figures = {.compute = compute, .user = s, .count = 1, .lowest = -HUGE_VAL, .highest = HUGE_VAL,
                          .method = OD_BOOTSTRAP_PERCENTILE};
    od_resampling resampling = {o->match.num_resamples, o->match.level, o->match.seed, o->match.num_threads};
    OD_TRY(od_resample_figures(e, &figures, &resampling, &out->interval, err));
    out->interval.value = out->threshold;
    if (isfinite(out->interval.low)) { /* of the gaps' middles, beside which the shortest decimal may lie */
        out->interval.low = fmin(out->interval.low, out->threshold);
        out->interval.high = fmax(out->interval.high, out->threshold);
    }
    return OD_OK;
}

static od_status check(od_level level, od_threshold_rule rule, double bound, od_error *err)
{
    if (level != OD_LEVEL_BOX && level != OD_LEVEL_IMAGE)
        return od_error_set(err, OD_ERR_ARG, "level is %d; expected OD_LEVEL_BOX or OD_LEVEL_IMAGE", (int)level);
    if (rule == OD_RULE_MIN_SENSITIVITY && !(bound > 0 && bound <= 1))
        return od_error_set(err, OD_ERR_ARG, "the sensitivity to reach is %g; expected above 0, at most 1", bound);
    if (rule == OD_RULE_MAX_FALSE_PER_IMAGE && !(bound >= 0))
        return od_error_set(err, OD_ERR_ARG, "the false detections allowed per image are %g; expected 0 or more", bound);
    return OD_OK;
}

od_status od_threshold_choose(od_threshold_choice *out, const od_coco_eval *e, int64_t class_index, od_level level,
                              od_threshold_rule rule, double bound, const od_operating_options *options, od_error *err)
{
    od_operating_options standard = od_operating_options_default();
    const od_operating_options *o = options ? options : &standard;
    od_cases cases = {0};
    OD_TRY(check(level, rule, bound, err));
    OD_TRY(od_operating_options_check(o, err));
    OD_TRY(od_cases_build(&cases, e, class_index, level, &o->match, err));
    search s = {&cases, rule, bound, o->cost_fp, o->cost_fn};
    od_threshold_choice c = {.rule = rule, .level = level, .class_index = class_index, .bound = bound};
    od_status status = OD_OK;
    if (!cases.num_positives) {
        status = od_error_set(err, OD_ERR_MISMATCH, "there are no objects%s to choose a threshold by",
                              class_index < 0 ? "" : " of this class");
    } else {
        gap g = find(&s, NULL);
        c.reached = g.reached;
        c.threshold = threshold_of(g);
        status = find_interval(e, &s, o, &c, err);
    }
    od_cases_deinit(&cases);
    OD_TRY(status);
    OD_TRY(od_operating_point_compute(&c.at, e, class_index, level, c.threshold, o, err));
    od_threshold_reason(&c, e, o);
    *out = c;
    return OD_OK;
}
