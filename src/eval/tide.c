/* SPDX-License-Identifier: Apache-2.0
 *
 * What each kind of error costs: the mean AP with that kind put right, minus the mean AP as it is. Detections are walked
 * in tidecv's order: as it is, equal scores in the order of the images; put right, errors before true positives.
 */
#include "eval/score_sort.h"
#include "eval/tide_match.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>
#include <string.h>

enum { AS_IT_IS = -1, NO_FALSE_POSITIVES = OD_FAILURE_NUM_KINDS, NO_FALSE_NEGATIVES };

/* Running precision and recall of a class. */
typedef struct class_curve {
    int64_t objects, found, wrong;
    double *precision; /* at each true positive; room for the class's detections that could become one */
    size_t room;
} class_curve;

typedef struct walk {
    const od_coco_eval *e;
    const od_tide_matches *m;
    class_curve *classes;
    double *precision;   /* what the curves' parts are of */
    uint32_t *as_it_is, *errors_first; /* [num_dets]: positions by score */
} walk;

static double average_precision(const class_curve *c)
{
    if (c->objects <= 0) return 0;
    double sum = 0, values[OD_COCO_R], highest = 0;
    int64_t n = c->found;
    for (int r = OD_COCO_R - 1; r >= 0; r--) {
        for (; n > 0 && (double)n / (double)c->objects >= r / 100.; n--)
            if (c->precision[n - 1] > highest) highest = c->precision[n - 1];
        values[r] = highest;
    }
    for (int r = 0; r < OD_COCO_R; r++) sum += values[r];
    return sum / OD_COCO_R;
}

/* NAN when no class has anything. */
static double mean_ap(const walk *w)
{
    double sum = 0;
    int64_t n = 0;
    for (size_t k = 0; k < w->e->num_classes; k++) {
        const class_curve *c = &w->classes[k];
        if (!c->objects && !c->found && !c->wrong) continue;
        sum += average_precision(c);
        n++;
    }
    return n ? sum / (double)n : NAN;
}

static void add(walk *w, int32_t class_index, int correct)
{
    class_curve *c = &w->classes[class_index];
    if (correct) {
        c->found++;
        c->precision[c->found - 1] = (double)c->found / (double)(c->found + c->wrong);
    } else {
        c->wrong++;
    }
}

/* One detection, with errors of kind `fixed` put right. */
static void add_det(walk *w, size_t position, int fixed)
{
    const od_tide_det *d = &w->m->dets[position];
    int32_t class_index = w->e->dets[d->det].class_index;
    if (d->use == OD_TIDE_USED) {
        add(w, class_index, 1);
    } else if (d->kind != fixed) {
        if (d->use != OD_TIDE_IGNORED) add(w, class_index, 0);
    } else if (d->kind == OD_FAILURE_MISLOCATED || d->kind == OD_FAILURE_CONFUSED) {
        const od_tide_truth *t = &w->m->truths[d->object]; /* only the best of an object is put right; the rest go */
        if (!t->used && t->best_det == (int32_t)position) add(w, w->e->truths[d->object].class_index, 1);
    }
}

static void count_objects(walk *w, int fixed)
{
    for (size_t k = 0; k < w->e->num_classes; k++) w->classes[k].objects = w->classes[k].found = w->classes[k].wrong = 0;
    for (size_t i = 0; i < w->e->num_truths; i++) {
        const od_coco_truth *t = &w->e->truths[i];
        if (t->crowd || (fixed == OD_FAILURE_MISSED && od_tide_is_missed(w->e, w->m, i)) ||
            (fixed == NO_FALSE_NEGATIVES && !w->m->truths[i].used))
            continue;
        w->classes[t->class_index].objects++;
    }
}

static double ap_with(walk *w, int fixed)
{
    count_objects(w, fixed);
    const uint32_t *order = fixed == AS_IT_IS ? w->as_it_is : w->errors_first;
    if (fixed == NO_FALSE_POSITIVES) { /* every true one scores 1, every false one 0 */
        for (int correct = 1; correct >= 0; correct--)
            for (size_t i = 0; i < w->m->num_dets; i++)
                if (w->m->dets[order[i]].use == (correct ? OD_TIDE_USED : OD_TIDE_UNUSED)) add_det(w, order[i], fixed);
    } else {
        for (size_t i = 0; i < w->m->num_dets; i++) add_det(w, order[i], fixed);
    }
    return mean_ap(w);
}

/* Room for the true positives of each class: its objects. */
static int make_room(walk *w)
{
    size_t at = 0;
    w->classes = od_calloc(w->e->num_classes, sizeof *w->classes);
    w->precision = od_malloc(w->e->num_truths, sizeof *w->precision);
    if (!w->classes || !w->precision) return 0;
    for (size_t i = 0; i < w->e->num_truths; i++) w->classes[w->e->truths[i].class_index].room++;
    for (size_t k = 0; k < w->e->num_classes; k++) {
        w->classes[k].precision = w->precision + at;
        at += w->classes[k].room;
    }
    return 1;
}

/* Positions by score; equal scores: as they come, or errors first. */
static int sort_positions(walk *w)
{
    size_t n = w->m->num_dets, k = 0;
    od_scored *order = od_malloc(n, sizeof *order), *scratch = od_malloc(n, sizeof *scratch);
    w->as_it_is = od_malloc(n, sizeof *w->as_it_is);
    w->errors_first = od_malloc(n, sizeof *w->errors_first);
    int ok = order && scratch && w->as_it_is && w->errors_first;
    if (ok) {
        for (size_t i = 0; i < n; i++) order[i] = (od_scored){w->m->dets[i].score, (uint32_t)i};
        od_score_sort(order, scratch, n);
        for (size_t i = 0; i < n; i++) w->as_it_is[i] = order[i].index;
        for (int used = 0; used < 2; used++)
            for (size_t i = 0; i < n; i++)
                if ((w->m->dets[i].use == OD_TIDE_USED) == used) order[k++] = (od_scored){w->m->dets[i].score, (uint32_t)i};
        od_score_sort(order, scratch, n);
        for (size_t i = 0; i < n; i++) w->errors_first[i] = order[i].index;
    }
    od_free(order);
    od_free(scratch);
    return ok;
}

static void count_failures(const walk *w, od_tide *out)
{
    for (size_t i = 0; i < w->m->num_dets; i++)
        if (w->m->dets[i].kind >= 0) out->count[w->m->dets[i].kind]++;
    for (size_t i = 0; i < w->e->num_truths; i++) out->count[OD_FAILURE_MISSED] += od_tide_is_missed(w->e, w->m, i);
}

/* 0 where nothing is left to take a mean of; NAN where nothing was there to begin with. */
static double gain_of(walk *w, int fixed, double ap)
{
    double with = ap_with(w, fixed);
    return isnan(ap) ? NAN : isnan(with) ? 0 : with - ap;
}

static void find_costs(walk *w, od_tide *out)
{
    *out = (od_tide){.ap = ap_with(w, AS_IT_IS)};
    for (int kind = 0; kind < OD_FAILURE_NUM_KINDS; kind++) {
        double gain = gain_of(w, kind, out->ap); /* below 0 only where a detection's place among its equals changed */
        out->cost[kind] = gain < 0 ? 0 : gain;
    }
    out->false_positive_cost = gain_of(w, NO_FALSE_POSITIVES, out->ap);
    out->false_negative_cost = gain_of(w, NO_FALSE_NEGATIVES, out->ap);
    count_failures(w, out);
}

od_tide_options od_tide_options_default(void)
{
    return (od_tide_options){.iou = .5, .background_iou = .1, .max_detections = 100};
}

od_status od_tide_compute(od_tide *out, const od_coco_eval *e, const od_tide_options *options, od_error *err)
{
    od_tide_options standard = od_tide_options_default();
    od_tide_matches m = {0};
    walk w = {.e = e, .m = &m};
    OD_TRY(od_tide_match(&m, e, -HUGE_VAL, options ? options : &standard, err));
    int ok = make_room(&w) && sort_positions(&w);
    if (ok) find_costs(&w, out);
    od_free(w.classes);
    od_free(w.precision);
    od_free(w.as_it_is);
    od_free(w.errors_first);
    od_tide_matches_deinit(&m);
    return ok ? OD_OK : od_error_nomem(err, "what the kinds of errors cost");
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
