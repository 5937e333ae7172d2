/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/box_match.h"

#include "eval/score_sort.h"
#include "util/alloc.h"
#include "util/error.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct rule {
    od_hit hit;
    double iou;
} rule;

static int centre_inside(const od_coco_box *d, const od_coco_box *g)
{
    double x = d->x + d->w / 2, y = d->y + d->h / 2;
    return x >= g->x && x <= g->x + g->w && y >= g->y && y <= g->y + g->h;
}

static int is_hit(const rule *r, double iou, const od_coco_box *d, const od_coco_truth *g)
{
    if (r->hit == OD_HIT_CENTRE) return centre_inside(d, &g->box);
    return iou > 0 && iou >= fmin(r->iou, 1 - 1e-10);
}

/* Neither found nor missed: crowds, and areas that no range holds (as pycocotools ignores them). */
static int is_ignored(const od_coco_truth *t)
{
    return t->crowd || !(od_coco_area_bits(t->area) & 1);
}

/* What a detection meets among its group's objects; indices into the group, -1 none; the last of equals, as in COCO. */
typedef struct meeting {
    int64_t free, taken, crowd;
    double free_iou, taken_iou, crowd_iou, best_iou;
} meeting;

static void keep_best(int64_t *which, double *best, int64_t j, double iou)
{
    if (*which >= 0 && iou < *best) return;
    *which = j;
    *best = iou;
}

static meeting meet(const rule *r, const od_coco_eval *e, const od_coco_group *g, const od_coco_det *d,
                    const int32_t *truth_found)
{
    meeting m = {-1, -1, -1, 0, 0, 0, 0};
    for (uint32_t j = 0; j < g->num_truths; j++) {
        uint32_t index = e->groups.truths[g->truth + j];
        const od_coco_truth *t = &e->truths[index];
        double iou = od_coco_iou(&d->box, &t->box, t->crowd);
        if (!is_ignored(t) && iou > m.best_iou) m.best_iou = iou;
        if (!is_hit(r, iou, &d->box, t)) continue;
        if (is_ignored(t))
            keep_best(&m.crowd, &m.crowd_iou, index, iou);
        else if (truth_found[index] < 0)
            keep_best(&m.free, &m.free_iou, index, iou);
        else
            keep_best(&m.taken, &m.taken_iou, index, iou);
    }
    return m;
}

static void match_group(const rule *r, const od_coco_eval *e, const od_coco_group *g, od_box_matches *out)
{
    uint32_t n = g->num_dets < OD_COCO_TOP ? g->num_dets : OD_COCO_TOP;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t det = e->groups.dets[g->det + i];
        meeting m = meet(r, e, g, &e->dets[det], out->truth_found);
        od_box_match *b = &out->dets[det];
        if (m.free >= 0) {
            *b = (od_box_match){m.free_iou, (int32_t)m.free, OD_VERDICT_TRUE};
            out->truth_found[m.free] = (int32_t)det;
        } else if (m.crowd >= 0) {
            *b = (od_box_match){m.best_iou, -1, OD_VERDICT_IGNORED};
        } else if (m.taken >= 0) {
            *b = (od_box_match){m.taken_iou, (int32_t)m.taken, OD_VERDICT_DUPLICATE};
        } else {
            *b = (od_box_match){m.best_iou, -1, OD_VERDICT_FALSE};
        }
    }
}

od_status od_box_check(const od_coco_eval *e, int64_t class_index, od_error *err)
{
    if (e->by_masks) return od_error_set(err, OD_ERR_UNSUPPORTED, "this explains boxes; the evaluation is by masks: evaluate with iou_type bbox");
    if (!e->class_rank) return od_error_set(err, OD_ERR_ARG, "the evaluation has not been run (od_coco_eval_run)");
    if (class_index < -1 || class_index >= (int64_t)e->num_classes)
        return od_error_set(err, OD_ERR_ARG, "class index %" PRId64 " is not among the %zu classes (-1 for all)",
                            class_index, e->num_classes);
    return OD_OK;
}

/* The two rules asked for last: hits, and any overlap; and the used detections of all classes by score. */
typedef struct od_box_cache {
    od_box_matches matches[2];
    rule rules[2];
    int filled[2], next;
    uint32_t *all; /* NULL: not asked for yet */
} od_box_cache;

od_box_cache *od_box_cache_create(void)
{
    return od_calloc(1, sizeof(od_box_cache));
}

static void matches_deinit(od_box_matches *m)
{
    od_free(m->dets);
    od_free(m->truth_found);
    *m = (od_box_matches){0};
}

void od_box_cache_clear(od_box_cache *c)
{
    for (int i = 0; c && i < 2; i++) {
        matches_deinit(&c->matches[i]);
        c->filled[i] = 0;
    }
    if (!c) return;
    od_free(c->all);
    c->all = NULL;
}

void od_box_cache_free(od_box_cache *c)
{
    od_box_cache_clear(c);
    od_free(c);
}

static od_status find(const od_coco_eval *e, const rule *r, int num_threads, od_box_matches *out, od_error *err)
{
    od_box_matches m = {od_calloc(e->num_dets, sizeof *m.dets), od_malloc(e->num_truths, sizeof *m.truth_found)};
    if (!m.dets || !m.truth_found) {
        matches_deinit(&m);
        return od_error_nomem(err, "the matches");
    }
    for (size_t i = 0; i < e->num_dets; i++) m.dets[i].truth = -1;
    for (size_t i = 0; i < e->num_truths; i++) m.truth_found[i] = -1;
#pragma omp parallel for num_threads(od_eval_threads(num_threads)) schedule(dynamic, 512)
    for (size_t i = 0; i < e->groups.num_groups; i++) match_group(r, e, &e->groups.groups[i], &m);
    *out = m;
    return OD_OK;
}

od_status od_box_matches_find(const od_coco_eval *e, od_hit hit, double iou, int num_threads, const od_box_matches **out,
                              od_error *err)
{
    rule r = {hit, hit == OD_HIT_IOU ? iou : 0};
    od_box_cache *c = e->box_cache;
    OD_TRY(od_box_check(e, -1, err));
    if (!(iou >= 0 && iou <= 1)) return od_error_set(err, OD_ERR_ARG, "the IoU threshold is %g; expected 0 to 1", iou);
    for (int i = 0; i < 2; i++)
        if (c->filled[i] && c->rules[i].hit == r.hit && c->rules[i].iou == r.iou) {
            *out = &c->matches[i];
            c->next = !i;
            return OD_OK;
        }
    int i = c->next;
    matches_deinit(&c->matches[i]);
    c->filled[i] = 0;
    OD_TRY(find(e, &r, num_threads, &c->matches[i], err));
    c->rules[i] = r;
    c->filled[i] = 1;
    c->next = !i;
    *out = &c->matches[i];
    return OD_OK;
}

static size_t count_dets(const od_coco_eval *e, int64_t class_index)
{
    size_t n = 0;
    for (size_t k = 0; k < e->num_classes; k++)
        if (class_index < 0 || e->groups.class_order[k] == class_index) n += e->curves[k].num_dets;
    return n;
}

static void add_item(od_box_list *list, const od_coco_eval *e, const od_box_matches *m, uint32_t det)
{
    const od_coco_det *d = &e->dets[det];
    list->items[list->count++] = (od_box_item){d->score, m->dets[det].iou, det, (uint32_t)d->image, m->dets[det].verdict};
}

/* Sorts what the classes give one after the other. Returns NULL when out of memory. */
static uint32_t *sort_all(const od_coco_eval *e, size_t n)
{
    od_scored *order = od_malloc(n, sizeof *order), *scratch = od_malloc(n, sizeof *scratch);
    uint32_t *all = od_malloc(n, sizeof *all);
    int ok = order && scratch && all;
    size_t count = 0;
    for (size_t k = 0; ok && k < e->num_classes; k++)
        for (size_t i = 0; i < e->curves[k].num_dets; i++) {
            uint32_t det = e->curves[k].det[i];
            order[count++] = (od_scored){e->dets[det].score, det};
        }
    if (ok) {
        if (e->num_classes > 1) od_score_sort(order, scratch, n);
        for (size_t i = 0; i < n; i++) all[i] = order[i].index;
    } else {
        od_free(all);
        all = NULL;
    }
    od_free(order);
    od_free(scratch);
    return all;
}

static int fill_items(od_box_list *list, const od_coco_eval *e, const od_box_matches *m, int64_t class_index, size_t n)
{
    if (class_index < 0) {
        if (!e->box_cache->all) e->box_cache->all = sort_all(e, n);
        for (size_t i = 0; e->box_cache->all && i < n; i++) add_item(list, e, m, e->box_cache->all[i]);
        return e->box_cache->all != NULL;
    }
    const od_coco_curves *c = &e->curves[e->class_rank[class_index]];
    for (size_t i = 0; i < n; i++) add_item(list, e, m, c->det[i]);
    return 1;
}

od_status od_box_list_build(const od_coco_eval *e, const od_box_matches *m, int64_t class_index, od_box_list *out,
                            od_error *err)
{
    OD_TRY(od_box_check(e, class_index, err));
    size_t n = count_dets(e, class_index);
    od_box_list list = {.items = od_malloc(n, sizeof *list.items),
                        .truth_image = od_malloc(e->num_truths, sizeof *list.truth_image),
                        .truth = od_malloc(e->num_truths, sizeof *list.truth)};
    if (!list.items || !list.truth_image || !list.truth || !fill_items(&list, e, m, class_index, n)) {
        od_box_list_deinit(&list);
        return od_error_nomem(err, "the list of detections");
    }
    for (size_t i = 0; i < e->num_truths; i++) {
        if (is_ignored(&e->truths[i]) || (class_index >= 0 && e->truths[i].class_index != class_index)) continue;
        list.truth[list.num_truths] = (int32_t)i;
        list.truth_image[list.num_truths++] = (uint32_t)e->truths[i].image;
    }
    *out = list;
    return OD_OK;
}

void od_box_list_deinit(od_box_list *list)
{
    od_free(list->items);
    od_free(list->truth_image);
    od_free(list->truth);
    *list = (od_box_list){0};
}
