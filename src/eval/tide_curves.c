/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/tide_curves.h"

#include "eval/score_sort.h"
#include "util/alloc.h"
#include "util/error.h"
#include "util/vector_clones.h"

#include <math.h>

enum { L = OD_LANES };

/* What a layout is made from. */
typedef struct layout {
    const od_coco_eval *e;
    const od_tide_matches *m;
    uint32_t *as_it_is, *errors_first; /* [num_dets]: positions by score */
} layout;

/* Positions by score; equal scores: as they come, or errors first. */
static int sort_positions(layout *w)
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

/* How a detection counts in a variant: its class, or -1 when it doesn't; *right 1 for a true positive. */
static int32_t place_of(const layout *w, uint32_t position, int variant, uint32_t *right)
{
    const od_tide_det *d = &w->m->dets[position];
    *right = d->use == OD_TIDE_USED;
    if (d->use == OD_TIDE_USED) return w->e->dets[d->det].class_index;
    if (d->use == OD_TIDE_IGNORED && d->kind != variant) return -1;
    if (d->kind != variant) return w->e->dets[d->det].class_index;
    if (d->kind != OD_FAILURE_MISLOCATED && d->kind != OD_FAILURE_CONFUSED) return -1;
    const od_tide_truth *t = &w->m->truths[d->object]; /* only the best of an object is put right; the rest go */
    *right = 1;
    return !t->used && t->best_det == (int32_t)position ? w->e->truths[d->object].class_index : -1;
}

/* Without false positives every true one scores 1, every false one 0. */
static int32_t place_in_pass(const layout *w, uint32_t position, int variant, int pass, uint32_t *right)
{
    int32_t k = place_of(w, position, variant, right);
    if (variant == OD_TIDE_NO_FALSE_POSITIVES && (int)*right == pass) return -1;
    return k;
}

/* A stable counting sort by class. */
static int lay_out_dets(const layout *w, int variant, od_tide_list *out)
{
    const uint32_t *order = variant == OD_TIDE_AS_IT_IS ? w->as_it_is : w->errors_first;
    size_t n = w->m->num_dets, classes = w->e->num_classes;
    int passes = variant == OD_TIDE_NO_FALSE_POSITIVES ? 2 : 1;
    uint32_t right;
    size_t *at = od_malloc(classes, sizeof *at);
    out->steps = od_malloc(n, sizeof *out->steps);
    out->begin = od_calloc(classes + 1, sizeof *out->begin);
    int ok = at && out->steps && out->begin;
    for (size_t i = 0; ok && i < n; i++) {
        int32_t k = place_of(w, order[i], variant, &right);
        if (k >= 0) out->begin[k + 1]++;
    }
    for (size_t k = 0; ok && k < classes; k++) {
        out->begin[k + 1] += out->begin[k];
        at[k] = out->begin[k];
    }
    for (int pass = 0; ok && pass < passes; pass++)
        for (size_t i = 0; i < n; i++) {
            int32_t k = place_in_pass(w, order[i], variant, pass, &right);
            if (k >= 0) out->steps[at[k]++] = (uint32_t)w->e->dets[w->m->dets[order[i]].det].image << 1 | right;
        }
    od_free(at);
    return ok;
}

static int lay_out_objects(const layout *w, const uint8_t *missed, od_tide_list *out)
{
    const od_coco_eval *e = w->e;
    size_t *at = od_malloc(e->num_classes, sizeof *at);
    out->steps = od_malloc(e->num_truths, sizeof *out->steps);
    out->begin = od_calloc(e->num_classes + 1, sizeof *out->begin);
    int ok = at && out->steps && out->begin;
    for (size_t i = 0; ok && i < e->num_truths; i++) out->begin[e->truths[i].class_index + 1] += !e->truths[i].crowd;
    for (size_t k = 0; ok && k < e->num_classes; k++) {
        out->begin[k + 1] += out->begin[k];
        at[k] = out->begin[k];
    }
    for (size_t i = 0; ok && i < e->num_truths; i++) {
        const od_coco_truth *t = &e->truths[i];
        if (!t->crowd) out->steps[at[t->class_index]++] = (uint32_t)t->image << 2 | missed[i] | (w->m->truths[i].used ? 0u : 2u);
    }
    od_free(at);
    return ok;
}

OD_PART_OF_CLONE const od_tide_list *dets_of(const od_tide_curves *c, int variant)
{
    return &c->dets[variant == OD_TIDE_NO_FALSE_NEGATIVES ? OD_FAILURE_MISSED : variant];
}

od_status od_tide_curves_build(od_tide_curves *out, const od_coco_eval *e, const od_tide_matches *m, const uint8_t *missed,
                               int num_threads, od_error *err)
{
    layout w = {.e = e, .m = m};
    *out = (od_tide_curves){.num_classes = e->num_classes};
    int ok = sort_positions(&w) && lay_out_objects(&w, missed, &out->objects);
    int failed = !ok; /* in each thread its own, joined at the end */
#pragma omp parallel for num_threads(od_eval_threads(num_threads)) schedule(dynamic, 1) reduction(|| : failed)
    for (int v = 0; v < OD_TIDE_VARIANTS; v++)
        if (ok && dets_of(out, v) == &out->dets[v]) failed = !lay_out_dets(&w, v, &out->dets[v]) || failed;
    od_free(w.as_it_is);
    od_free(w.errors_first);
    if (!failed) return OD_OK;
    od_tide_curves_deinit(out);
    return od_error_nomem(err, "what the kinds of errors cost");
}

static void list_deinit(od_tide_list *l)
{
    od_free(l->steps);
    od_free(l->begin);
}

void od_tide_curves_deinit(od_tide_curves *c)
{
    for (int v = 0; v < OD_TIDE_VARIANTS; v++) list_deinit(&c->dets[v]);
    list_deinit(&c->objects);
    *c = (od_tide_curves){0};
}

OD_PART_OF_CLONE void count_objects(const od_tide_list *list, size_t k, int variant, const int32_t *weights, int32_t objects[L])
{
    uint32_t without = variant == OD_FAILURE_MISSED ? 1 : variant == OD_TIDE_NO_FALSE_NEGATIVES ? 2 : 0;
    for (int l = 0; l < L; l++) objects[l] = 0;
    for (size_t i = list->begin[k]; i < list->begin[k + 1]; i++) {
        const int32_t *w = weights + (size_t)(list->steps[i] >> 2) * L;
        if (list->steps[i] & without) continue;
        for (int l = 0; l < L; l++) objects[l] += w[l];
    }
}

/* Running counts at each true positive; returns how many there are. found and wrong: of all. */
OD_PART_OF_CLONE size_t walk_dets(const uint32_t *step, const uint32_t *end, const int32_t *weights, od_tide_point *points,
                                  int32_t found[L], int32_t wrong[L])
{
    size_t n = 0;
    for (int l = 0; l < L; l++) found[l] = wrong[l] = 0;
    for (; step < end; step++) {
        const int32_t *w = weights + (size_t)(*step >> 1) * L;
        if (!(*step & 1)) {
            for (int l = 0; l < L; l++) wrong[l] += w[l];
            continue;
        }
        for (int l = 0; l < L; l++) {
            found[l] += w[l];
            points[n].found[l] = found[l];
            points[n].all[l] = found[l] + wrong[l];
        }
        n++;
    }
    return n;
}

/* How many of the recalls 0, .01 ... 1 (as tidecv has them: r / 100.) are reached. */
OD_PART_OF_CLONE double recalls_reached(double found, double objects)
{
    double recall = found / objects, r = (double)(int32_t)(recall * 100);
    r -= r / 100 > recall;
    r += (r + 1) / 100 <= recall;
    return r + 1;
}

/* From the last true positive to the first, as in eval/coco_lanes.c. */
OD_PART_OF_CLONE void average_precision(const od_tide_point *points, size_t n, const double objects[L], double ap[L])
{
    double highest[L] = {0}, sum[L] = {0}, reached[L];
    for (int l = 0; l < L; l++) reached[l] = n ? recalls_reached(points[n - 1].found[l], objects[l]) : 0;
    while (n-- > 0) {
        const od_tide_point *p = &points[n];
        for (int l = 0; l < L; l++) {
            double precision = (double)p->found[l] / (double)(p->all[l] > 0 ? p->all[l] : 1);
            double before = n ? recalls_reached(p[-1].found[l], objects[l]) : 0;
            highest[l] = precision > highest[l] ? precision : highest[l];
            sum[l] += highest[l] * (reached[l] - before);
            reached[l] = before;
        }
    }
    for (int l = 0; l < L; l++) ap[l] = sum[l] / OD_COCO_R;
}

/* A class with detections but no objects counts 0. */
OD_PART_OF_CLONE void add_class(const od_tide_curves *c, int variant, size_t k, const int32_t *weights, od_tide_point *points, double sum[L],
                                double count[L])
{
    const od_tide_list *dets = dets_of(c, variant);
    const uint32_t *begin = dets->steps + dets->begin[k], *end = dets->steps + dets->begin[k + 1];
    int32_t objects[L], found[L], wrong[L];
    double ap[L], n[L];
    count_objects(&c->objects, k, variant, weights, objects);
    size_t num_points = walk_dets(begin, end, weights, points, found, wrong);
    for (int l = 0; l < L; l++) {
        n[l] = objects[l] > 0 ? objects[l] : HUGE_VAL; /* recall 0 */
        count[l] += (objects[l] | found[l] | wrong[l]) != 0;
    }
    average_precision(points, num_points, n, ap);
    for (int l = 0; l < L; l++) sum[l] += objects[l] > 0 ? ap[l] : 0;
}

/* Every true positive has an object of its class of its own. */
size_t od_tide_points_size(const od_tide_curves *c)
{
    size_t most = 0;
    for (size_t k = 0; k < c->num_classes; k++) {
        size_t n = c->objects.begin[k + 1] - c->objects.begin[k];
        if (n > most) most = n;
    }
    return most * sizeof(od_tide_point);
}

OD_VECTOR_CLONES
void od_tide_mean_ap(const od_tide_curves *c, int variant, const int32_t *weights, od_tide_point *points, double mean[L])
{
    double sum[L] = {0}, count[L] = {0};
    for (size_t k = 0; k < c->num_classes; k++) add_class(c, variant, k, weights, points, sum, count);
    for (int l = 0; l < L; l++) mean[l] = count[l] > 0 ? sum[l] / count[l] : (double)NAN;
}
