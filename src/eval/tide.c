/* SPDX-License-Identifier: Apache-2.0
 *
 * What each kind of error costs: the mean AP with that kind put right, minus the mean AP as it is.
 */
#include "eval/resample_figures.h"
#include "eval/tide_curves.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>

static void count_failures(const od_coco_eval *e, const od_tide_matches *m, const uint8_t *missed, od_tide *out)
{
    for (size_t i = 0; i < m->num_dets; i++)
        if (m->dets[i].kind >= 0) out->count[m->dets[i].kind]++;
    for (size_t i = 0; i < e->num_truths; i++) out->count[OD_FAILURE_MISSED] += missed[i];
}

/* Figures: the costs of the six kinds, of false positives, of false negatives; last the mean AP as it is. */
static void find_figures(const void *user, const int32_t *weights, double (*values)[OD_LANES], void *scratch)
{
    const od_tide_curves *c = user;
    double *ap = values[OD_TIDE_AS_IT_IS];
    od_tide_mean_ap(c, OD_TIDE_AS_IT_IS, weights, scratch, ap);
    for (int v = 0; v < OD_TIDE_AS_IT_IS; v++) {
        od_tide_mean_ap(c, v, weights, scratch, values[v]);
        for (int l = 0; l < OD_LANES; l++) {
            /* 0 where nothing is left to take a mean of; NAN where nothing was there to begin with. */
            double gain = isnan(ap[l]) ? (double)NAN : isnan(values[v][l]) ? 0 : values[v][l] - ap[l];
            int is_kind = v < OD_FAILURE_NUM_KINDS; /* below 0 only where a detection's place among its equals changed */
            values[v][l] = is_kind && gain < 0 ? 0 : gain;
        }
    }
}

static od_status find_costs(const od_coco_eval *e, const od_tide_curves *c, const od_tide_options *o, od_tide *out, od_error *err)
{
    od_interval found[OD_TIDE_VARIANTS];
    /* A difference of two APs with an excess each: what remains of them is known badly (bench_coverage_figures: with a third, the
     * cost of duplicates was covered 89 % of the time, so 94 %). */
    od_figures figures = {find_figures, c, OD_TIDE_VARIANTS, od_tide_points_size(c), 0, 1, OD_BOOTSTRAP_STUDENT, 1};
    od_resampling resampling = {o->num_resamples, o->level, o->seed, o->num_threads};
    OD_TRY(od_resample_figures(e, &figures, &resampling, found, err));
    *out = (od_tide){.ap = found[OD_TIDE_AS_IT_IS].value};
    for (int kind = 0; kind < OD_FAILURE_NUM_KINDS; kind++) {
        out->cost[kind] = found[kind].value;
        out->cost_interval[kind] = found[kind];
    }
    out->false_positive_cost = found[OD_TIDE_NO_FALSE_POSITIVES].value;
    out->false_negative_cost = found[OD_TIDE_NO_FALSE_NEGATIVES].value;
    out->false_positive_interval = found[OD_TIDE_NO_FALSE_POSITIVES];
    out->false_negative_interval = found[OD_TIDE_NO_FALSE_NEGATIVES];
    return OD_OK;
}

od_tide_options od_tide_options_default(void)
{
    return (od_tide_options){.iou = .5, .background_iou = .1, .max_detections = 100, .level = .95};
}

static od_status compute(od_tide *out, const od_coco_eval *e, const od_tide_matches *m, const od_tide_options *o, od_error *err)
{
    uint8_t *missed = od_malloc(e->num_truths, 1);
    od_tide_curves curves = {0};
    od_status status;
    if (!missed) return od_error_nomem(err, "what the kinds of errors cost");
    for (size_t i = 0; i < e->num_truths; i++) missed[i] = (uint8_t)od_tide_is_missed(e, m, i);
    OD_TRY_GOTO(od_tide_curves_build(&curves, e, m, missed, o->num_threads, err));
    OD_TRY_GOTO(find_costs(e, &curves, o, out, err));
    count_failures(e, m, missed, out);
done:
    od_tide_curves_deinit(&curves);
    od_free(missed);
    return status;
}

od_status od_tide_compute(od_tide *out, const od_coco_eval *e, const od_tide_options *options, od_error *err)
{
    od_tide_options standard = od_tide_options_default();
    const od_tide_options *o = options ? options : &standard;
    od_tide_matches m = {0};
    OD_TRY(od_tide_match(&m, e, -HUGE_VAL, o, err));
    od_status status = compute(out, e, &m, o, err);
    od_tide_matches_deinit(&m);
    return status;
}

#define X(name, text, tide, sentence) text,
static const char *const names[] = {OD_FAILURE_KINDS(X)};
#undef X
#define X(name, text, tide, sentence) tide,
static const char *const tide_names[] = {OD_FAILURE_KINDS(X)};
#undef X
#define X(name, text, tide, sentence) sentence,
static const char *const sentences[] = {OD_FAILURE_KINDS(X)};
#undef X

const char *od_failure_kind_name(od_failure_kind kind)
{
    return (unsigned)kind < OD_FAILURE_NUM_KINDS ? names[kind] : "?";
}

const char *od_failure_kind_tide(od_failure_kind kind)
{
    return (unsigned)kind < OD_FAILURE_NUM_KINDS ? tide_names[kind] : "?";
}

const char *od_failure_kind_sentence(od_failure_kind kind)
{
    return (unsigned)kind < OD_FAILURE_NUM_KINDS ? sentences[kind] : "?";
}
