/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/tide_match.h"

#include "eval/score_sort.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>

/* The objects of each image in order of adding. */
typedef struct by_image {
    size_t *begin; /* [images + 1] */
    uint32_t *index;
} by_image;

typedef struct finder {
    const od_coco_eval *e;
    const od_tide_options *o;
    by_image truths;
    od_tide_matches *m;
} finder;

/* One image's IoUs [detections, objects], crowds left out. */
typedef struct table {
    double *iou;
    const uint32_t *truths;
    size_t num_truths, num_dets;
    od_tide_det *dets;
    size_t first; /* position of dets[0] in all */
} table;

static int group_by_image(by_image *g, const int32_t *image_of_first, size_t stride, size_t n, size_t num_images)
{
    g->begin = od_calloc(num_images + 2, sizeof *g->begin);
    g->index = od_malloc(n, sizeof *g->index);
    if (!g->begin || !g->index) return 0;
    const char *at = (const char *)image_of_first;
    for (size_t i = 0; i < n; i++) g->begin[*(const int32_t *)(at + i * stride) + 2]++;
    for (size_t i = 0; i < num_images; i++) g->begin[i + 2] += g->begin[i + 1];
    for (size_t i = 0; i < n; i++) g->index[g->begin[*(const int32_t *)(at + i * stride) + 1]++] = (uint32_t)i;
    return 1;
}

static void by_image_deinit(by_image *g)
{
    od_free(g->begin);
    od_free(g->index);
}

static const od_coco_det *det_at(const finder *f, const table *t, size_t i)
{
    return &f->e->dets[t->dets[i].det];
}

static const od_coco_truth *truth_at(const finder *f, const table *t, size_t j)
{
    return &f->e->truths[t->truths[j]];
}

enum { ANY = 1, SAME = 2, OTHER = 4, USED = 8 }; /* which objects */

/* The first object with the highest IoU among those wanted; what isn't wanted counts as IoU 0, as in tidecv. */
static size_t best_of(const finder *f, const table *t, size_t i, int which, double *iou)
{
    size_t best = 0;
    *iou = -1;
    for (size_t j = 0; j < t->num_truths; j++) {
        int same = truth_at(f, t, j)->class_index == det_at(f, t, i)->class_index;
        int used = f->m->truths[t->truths[j]].used;
        int wanted = which == ANY || (same && (which & SAME) && (used || !(which & USED))) || (!same && which == OTHER);
        double v = wanted ? t->iou[i * t->num_truths + j] : 0;
        if (v <= *iou) continue;
        *iou = v;
        best = j;
    }
    return best;
}

static void find_objects(const finder *f, table *t)
{
    for (size_t i = 0; i < t->num_dets; i++) {
        size_t best = 0;
        double iou = -1;
        for (size_t j = 0; j < t->num_truths; j++) {
            int open = truth_at(f, t, j)->class_index == det_at(f, t, i)->class_index && !f->m->truths[t->truths[j]].used;
            double v = open ? t->iou[i * t->num_truths + j] : 0;
            if (v > iou) iou = v, best = j;
        }
        if (!t->num_truths || !(iou >= f->o->iou)) continue;
        t->dets[i].use = OD_TIDE_USED;
        t->dets[i].object = (int32_t)t->truths[best];
        t->dets[i].iou = iou;
        f->m->truths[t->truths[best]].used = 1;
    }
}

static void ignore_on_crowds(const finder *f, table *t, int32_t image)
{
    for (size_t k = f->truths.begin[image]; k < f->truths.begin[image + 1]; k++) {
        const od_coco_truth *crowd = &f->e->truths[f->truths.index[k]];
        if (!crowd->crowd) continue;
        for (size_t i = 0; i < t->num_dets; i++)
            if (t->dets[i].use == OD_TIDE_UNUSED && crowd->class_index == det_at(f, t, i)->class_index &&
                od_coco_iou(&det_at(f, t, i)->box, &crowd->box, 1) > f->o->iou)
                t->dets[i].use = OD_TIDE_IGNORED;
    }
}

/* A detection that would be right with another box or class stands for the object, if nothing found that. */
static void stand_for(const finder *f, const table *t, size_t i, size_t j)
{
    od_tide_truth *truth = &f->m->truths[t->truths[j]];
    if (truth->used || truth->best_score >= t->dets[i].score) return;
    truth->best_score = t->dets[i].score;
    truth->best_det = (int32_t)(t->first + i);
}

static void name_failure(const finder *f, table *t, size_t i)
{
    od_tide_det *d = &t->dets[i];
    double same, other, used, any;
    d->object = -1;
    d->kind = OD_FAILURE_INVENTED;
    if (!t->num_truths) return;
    size_t j = best_of(f, t, i, SAME, &same);
    if (same >= f->o->background_iou && same <= f->o->iou) {
        *d = (od_tide_det){d->score, same, d->det, (int32_t)t->truths[j], d->use, OD_FAILURE_MISLOCATED};
        stand_for(f, t, i, j);
        return;
    }
    j = best_of(f, t, i, OTHER, &other);
    if (other >= f->o->iou) {
        *d = (od_tide_det){d->score, other, d->det, (int32_t)t->truths[j], d->use, OD_FAILURE_CONFUSED};
        stand_for(f, t, i, j);
        return;
    }
    j = best_of(f, t, i, SAME | USED, &used);
    if (used >= f->o->iou) {
        *d = (od_tide_det){d->score, used, d->det, (int32_t)t->truths[j], d->use, OD_FAILURE_DUPLICATED};
        return;
    }
    j = best_of(f, t, i, ANY, &any);
    d->iou = any;
    if (any <= f->o->background_iou) return;
    d->kind = OD_FAILURE_BOTH;
    d->object = (int32_t)t->truths[j];
}

static int find_image(const finder *f, int32_t image, uint32_t *objects)
{
    size_t first = f->m->image_begin[image];
    table t = {.truths = objects, .num_dets = f->m->image_begin[image + 1] - first, .dets = f->m->dets + first, .first = first};
    for (size_t k = f->truths.begin[image]; k < f->truths.begin[image + 1]; k++)
        if (!f->e->truths[f->truths.index[k]].crowd) objects[t.num_truths++] = f->truths.index[k];
    t.iou = od_malloc(t.num_dets * t.num_truths, sizeof *t.iou);
    if (!t.iou) return 0;
    for (size_t i = 0; i < t.num_dets; i++)
        for (size_t j = 0; j < t.num_truths; j++)
            t.iou[i * t.num_truths + j] = od_coco_iou(&det_at(f, &t, i)->box, &truth_at(f, &t, j)->box, 0);
    find_objects(f, &t);
    ignore_on_crowds(f, &t, image);
    for (size_t i = 0; i < t.num_dets; i++)
        if (t.dets[i].use != OD_TIDE_USED) name_failure(f, &t, i);
    od_free(t.iou);
    return 1;
}

/* Fills dets and image_begin. */
static int lay_out(finder *f, const by_image *dets, double min_score)
{
    const od_coco_eval *e = f->e;
    od_scored *order = od_malloc(e->num_dets, sizeof *order), *scratch = od_malloc(e->num_dets, sizeof *scratch);
    int ok = order && scratch;
    for (size_t image = 0; ok && image < e->num_images; image++) {
        size_t n = 0, most = f->o->max_detections > 0 ? (size_t)f->o->max_detections : SIZE_MAX;
        for (size_t k = dets->begin[image]; k < dets->begin[image + 1]; k++) {
            double score = e->dets[dets->index[k]].score;
            if (score >= min_score) order[n++] = (od_scored){score, dets->index[k]};
        }
        od_score_sort(order, scratch, n);
        for (size_t i = 0; i < n && i < most; i++)
            f->m->dets[f->m->num_dets++] = (od_tide_det){order[i].score, 0, order[i].index, -1, OD_TIDE_UNUSED, OD_TIDE_NO_FAILURE};
        f->m->image_begin[image + 1] = f->m->num_dets;
    }
    od_free(order);
    od_free(scratch);
    return ok;
}

static int find_all(finder *f)
{
    int failed = 0; /* in each thread its own, joined at the end */
    size_t n = f->e->num_images;
#pragma omp parallel num_threads(od_eval_threads(f->o->num_threads)) reduction(|| : failed)
    {
        uint32_t *objects = od_malloc(f->e->num_truths, sizeof *objects);
        failed = !objects;
#pragma omp for schedule(dynamic, 64)
        for (size_t i = 0; i < n; i++)
            if (!failed) failed = !find_image(f, (int32_t)i, objects);
        od_free(objects);
    }
    return !failed;
}

static od_status check(const od_coco_eval *e, const od_tide_options *o, od_error *err)
{
    if (!e->class_rank) return od_error_set(err, OD_ERR_ARG, "the evaluation has not been run (od_coco_eval_run)");
    if (!(o->iou > 0 && o->iou <= 1)) return od_error_set(err, OD_ERR_ARG, "the IoU threshold is %g; expected above 0, at most 1", o->iou);
    if (!(o->background_iou >= 0 && o->background_iou <= o->iou))
        return od_error_set(err, OD_ERR_ARG, "the background IoU is %g; expected 0 to the IoU threshold, %g", o->background_iou, o->iou);
    return OD_OK;
}

od_status od_tide_match(od_tide_matches *out, const od_coco_eval *e, double min_score, const od_tide_options *o, od_error *err)
{
    OD_TRY(check(e, o, err));
    od_tide_matches m = {.dets = od_malloc(e->num_dets, sizeof *m.dets),
                         .truths = od_malloc(e->num_truths, sizeof *m.truths),
                         .image_begin = od_calloc(e->num_images + 1, sizeof *m.image_begin)};
    finder f = {.e = e, .o = o, .m = &m};
    by_image dets = {0};
    int ok = m.dets && m.truths && m.image_begin;
    for (size_t i = 0; ok && i < e->num_truths; i++) m.truths[i] = (od_tide_truth){-HUGE_VAL, -1, 0};
    ok = ok && group_by_image(&f.truths, e->truths ? &e->truths[0].image : NULL, sizeof *e->truths, e->num_truths, e->num_images) &&
         group_by_image(&dets, e->dets ? &e->dets[0].image : NULL, sizeof *e->dets, e->num_dets, e->num_images) &&
         lay_out(&f, &dets, min_score) && find_all(&f);
    by_image_deinit(&f.truths);
    by_image_deinit(&dets);
    if (ok) {
        *out = m;
        return OD_OK;
    }
    od_tide_matches_deinit(&m);
    return od_error_nomem(err, "the kinds of errors");
}

void od_tide_matches_deinit(od_tide_matches *m)
{
    od_free(m->dets);
    od_free(m->truths);
    od_free(m->image_begin);
    *m = (od_tide_matches){0};
}

int od_tide_is_missed(const od_coco_eval *e, const od_tide_matches *m, size_t truth)
{
    return !e->truths[truth].crowd && !m->truths[truth].used && m->truths[truth].best_det < 0;
}
