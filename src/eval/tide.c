/* SPDX-License-Identifier: Apache-2.0
 *
 * What each kind of error costs: the mean AP with that kind put right, minus the mean AP as it is. Detections are walked
 * in tidecv's order: as it is, equal scores in the order of the images; put right, errors before true positives.
 */
#include "eval/resample_figures.h"
#include "eval/score_sort.h"
#include "eval/tide_match.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>
#include <string.h>

enum { AS_IT_IS = -1, NO_FALSE_POSITIVES = OD_FAILURE_NUM_KINDS, NO_FALSE_NEGATIVES };

/* Running precision and recall of a class. Images may count several times (a resample) or not at all. */
typedef struct class_curve {
    int64_t objects, found, wrong;
    struct point {
        int64_t found;
        double precision;
    } *points; /* at each true positive; room for one an object of the class */
    size_t count;
} class_curve;

/* What is walked through; the same for all weights. */
typedef struct walk {
    const od_coco_eval *e;
    const od_tide_matches *m;
    size_t *room;                      /* [num_classes + 1]: where each class's points begin */
    uint32_t *as_it_is, *errors_first; /* [num_dets]: positions by score */
    uint8_t *missed;                   /* [num_truths] */
} walk;

/* One walk with its weights. */
typedef struct pass {
    const walk *w;
    const uint32_t *weights; /* [num_images] */
    class_curve *classes;
} pass;

static double average_precision(const class_curve *c)
{
    if (c->objects <= 0) return 0;
    double sum = 0, values[OD_COCO_R], highest = 0;
    size_t n = c->count;
    for (int r = OD_COCO_R - 1; r >= 0; r--) {
        for (; n > 0 && (double)c->points[n - 1].found / (double)c->objects >= r / 100.; n--)
            if (c->points[n - 1].precision > highest) highest = c->points[n - 1].precision;
        values[r] = highest;
    }
    for (int r = 0; r < OD_COCO_R; r++) sum += values[r];
    return sum / OD_COCO_R;
}

/* NAN when no class has anything. */
static double mean_ap(const pass *p)
{
    double sum = 0;
    int64_t n = 0;
    for (size_t k = 0; k < p->w->e->num_classes; k++) {
        const class_curve *c = &p->classes[k];
        if (!c->objects && !c->found && !c->wrong) continue;
        sum += average_precision(c);
        n++;
    }
    return n ? sum / (double)n : NAN;
}

static void add(pass *p, int32_t class_index, int correct, uint32_t times)
{
    class_curve *c = &p->classes[class_index];
    if (correct) {
        c->found += times;
        c->points[c->count++] = (struct point){c->found, (double)c->found / (double)(c->found + c->wrong)};
    } else {
        c->wrong += times;
    }
}

/* One detection, with errors of kind `fixed` put right. */
static void add_det(pass *p, size_t position, int fixed)
{
    const walk *w = p->w;
    const od_tide_det *d = &w->m->dets[position];
    const od_coco_det *det = &w->e->dets[d->det];
    uint32_t times = p->weights[det->image];
    if (!times) return;
    if (d->use == OD_TIDE_USED) {
        add(p, det->class_index, 1, times);
    } else if (d->kind != fixed) {
        if (d->use != OD_TIDE_IGNORED) add(p, det->class_index, 0, times);
    } else if (d->kind == OD_FAILURE_MISLOCATED || d->kind == OD_FAILURE_CONFUSED) {
        const od_tide_truth *t = &w->m->truths[d->object]; /* only the best of an object is put right; the rest go */
        if (!t->used && t->best_det == (int32_t)position) add(p, w->e->truths[d->object].class_index, 1, times);
    }
}

static void count_objects(pass *p, int fixed)
{
    const walk *w = p->w;
    for (size_t k = 0; k < w->e->num_classes; k++) p->classes[k].objects = p->classes[k].found = p->classes[k].wrong = 0, p->classes[k].count = 0;
    for (size_t i = 0; i < w->e->num_truths; i++) {
        const od_coco_truth *t = &w->e->truths[i];
        if (t->crowd || (fixed == OD_FAILURE_MISSED && w->missed[i]) || (fixed == NO_FALSE_NEGATIVES && !w->m->truths[i].used)) continue;
        p->classes[t->class_index].objects += p->weights[t->image];
    }
}

static double ap_with(pass *p, int fixed)
{
    const walk *w = p->w;
    count_objects(p, fixed);
    const uint32_t *order = fixed == AS_IT_IS ? w->as_it_is : w->errors_first;
    if (fixed == NO_FALSE_POSITIVES) { /* every true one scores 1, every false one 0 */
        for (int correct = 1; correct >= 0; correct--)
            for (size_t i = 0; i < w->m->num_dets; i++)
                if (w->m->dets[order[i]].use == (correct ? OD_TIDE_USED : OD_TIDE_UNUSED)) add_det(p, order[i], fixed);
    } else {
        for (size_t i = 0; i < w->m->num_dets; i++) add_det(p, order[i], fixed);
    }
    return mean_ap(p);
}

/* Where each class's true positives go: as many as it has objects. */
static int make_room(walk *w)
{
    const od_coco_eval *e = w->e;
    w->room = od_calloc(e->num_classes + 1, sizeof *w->room);
    w->missed = od_malloc(e->num_truths, 1);
    if (!w->room || !w->missed) return 0;
    for (size_t i = 0; i < e->num_truths; i++) {
        w->room[e->truths[i].class_index + 1]++;
        w->missed[i] = (uint8_t)od_tide_is_missed(e, w->m, i);
    }
    for (size_t k = 0; k < e->num_classes; k++) w->room[k + 1] += w->room[k];
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
    for (size_t i = 0; i < w->e->num_truths; i++) out->count[OD_FAILURE_MISSED] += w->missed[i];
}

/* Figures of a walk: the mean AP, the six kinds' costs, the two others. */
enum { AP = 0, COSTS = 1, FALSE_POSITIVES = COSTS + OD_FAILURE_NUM_KINDS, FALSE_NEGATIVES, FIGURES };

/* 0 where nothing is left to take a mean of; NAN where nothing was there to begin with. */
static double gain_of(pass *p, int fixed, double ap)
{
    double with = ap_with(p, fixed);
    return isnan(ap) ? NAN : isnan(with) ? 0 : with - ap;
}

static size_t scratch_size(const walk *w)
{
    return w->e->num_classes * sizeof(class_curve) + w->e->num_truths * sizeof(struct point);
}

static void find_figures(const void *user, const uint32_t *weights, double *values, void *scratch)
{
    const walk *w = user;
    pass p = {w, weights, scratch};
    struct point *points = (struct point *)(p.classes + w->e->num_classes);
    for (size_t k = 0; k < w->e->num_classes; k++) p.classes[k].points = points + w->room[k];
    values[AP] = ap_with(&p, AS_IT_IS);
    for (int kind = 0; kind < OD_FAILURE_NUM_KINDS; kind++) {
        double gain = gain_of(&p, kind, values[AP]); /* below 0 only where a detection's place among its equals changed */
        values[COSTS + kind] = gain < 0 ? 0 : gain;
    }
    values[FALSE_POSITIVES] = gain_of(&p, NO_FALSE_POSITIVES, values[AP]);
    values[FALSE_NEGATIVES] = gain_of(&p, NO_FALSE_NEGATIVES, values[AP]);
}

static od_status find_costs(const walk *w, const od_tide_options *o, od_tide *out, od_error *err)
{
    od_interval found[FIGURES];
    od_figures figures = {find_figures, w, FIGURES, scratch_size(w), 0, HUGE_VAL, OD_BOOTSTRAP_STUDENT};
    od_resampling resampling = {o->num_resamples, o->level, o->seed, o->num_threads};
    OD_TRY(od_resample_figures(w->e, &figures, &resampling, found, err));
    *out = (od_tide){.ap = found[AP].value};
    for (int kind = 0; kind < OD_FAILURE_NUM_KINDS; kind++) {
        out->cost[kind] = found[COSTS + kind].value;
        out->cost_interval[kind] = found[COSTS + kind];
    }
    out->false_positive_cost = found[FALSE_POSITIVES].value;
    out->false_negative_cost = found[FALSE_NEGATIVES].value;
    out->false_positive_interval = found[FALSE_POSITIVES];
    out->false_negative_interval = found[FALSE_NEGATIVES];
    count_failures(w, out);
    return OD_OK;
}

od_tide_options od_tide_options_default(void)
{
    return (od_tide_options){.iou = .5, .background_iou = .1, .max_detections = 100, .level = .95};
}

od_status od_tide_compute(od_tide *out, const od_coco_eval *e, const od_tide_options *options, od_error *err)
{
    od_tide_options standard = od_tide_options_default();
    const od_tide_options *o = options ? options : &standard;
    od_tide_matches m = {0};
    walk w = {.e = e, .m = &m};
    OD_TRY(od_tide_match(&m, e, -HUGE_VAL, o, err));
    od_status status = make_room(&w) && sort_positions(&w) ? find_costs(&w, o, out, err) : od_error_nomem(err, "what the kinds of errors cost");
    od_free(w.room);
    od_free(w.missed);
    od_free(w.as_it_is);
    od_free(w.errors_first);
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
