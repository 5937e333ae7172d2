/* SPDX-License-Identifier: Apache-2.0
 *
 * Two stable counting sorts (by image rank, then by class rank), then a merge of the two sorted lists.
 */
#include "eval/coco_groups.h"

#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

/* One item to be sorted: where it came from and its two keys. */
typedef struct item {
    uint32_t index;
    int32_t image_rank, class_rank;
} item;

typedef struct ranked {
    int64_t id;
    const char *text;
    int32_t index;
} ranked;

static int by_id(const void *pa, const void *pb)
{
    const ranked *a = pa, *b = pb;
    if (a->text && b->text) {
        int c = strcmp(a->text, b->text);
        if (c) return c;
    }
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* rank_of[index], and index_at[rank] when not NULL. */
static void rank_ids(ranked *items, size_t n, int32_t *rank_of, int32_t *index_at)
{
    qsort(items, n, sizeof *items, by_id);
    for (size_t i = 0; i < n; i++) {
        rank_of[items[i].index] = (int32_t)i;
        if (index_at) index_at[i] = items[i].index;
    }
}

/* Stable counting sort of `in` by one of its keys into `out`; `begin` has room for keys + 1. */
static void sort_by(const item *in, item *out, size_t n, size_t keys, int by_class, size_t *begin)
{
    memset(begin, 0, (keys + 1) * sizeof *begin);
    for (size_t i = 0; i < n; i++) begin[(by_class ? in[i].class_rank : in[i].image_rank) + 1]++;
    for (size_t k = 0; k < keys; k++) begin[k + 1] += begin[k];
    for (size_t i = 0; i < n; i++) out[begin[by_class ? in[i].class_rank : in[i].image_rank]++] = in[i];
}

typedef struct ranks {
    int32_t *image, *class_, *image_at;
    size_t num_images, num_classes;
} ranks;

typedef struct sorter {
    item *a, *b;
    size_t *begin;
} sorter;

static od_status sorter_init(sorter *s, size_t n, const ranks *r, od_error *err)
{
    size_t keys = (r->num_images > r->num_classes ? r->num_images : r->num_classes) + 1;
    *s = (sorter){od_malloc(n, sizeof(item)), od_malloc(n, sizeof(item)), od_malloc(keys, sizeof(size_t))};
    return s->a && s->b && s->begin ? OD_OK : od_error_nomem(err, "the sort of boxes by class and image");
}

static void sorter_deinit(sorter *s)
{
    od_free(s->a);
    od_free(s->b);
    od_free(s->begin);
}

/* Leaves the sorted items in s->a. */
static void sorter_run(sorter *s, size_t n, const ranks *r)
{
    int ordered = 1;
    for (size_t i = 1; i < n && ordered; i++) ordered = s->a[i - 1].image_rank <= s->a[i].image_rank;
    if (!ordered)
        sort_by(s->a, s->b, n, r->num_images, 0, s->begin);
    else
        memcpy(s->b, s->a, n * sizeof *s->a);
    sort_by(s->b, s->a, n, r->num_classes, 1, s->begin);
}

static int same_group(const item *a, const item *b)
{
    return a->class_rank == b->class_rank && a->image_rank == b->image_rank;
}

static int before(const item *a, const item *b)
{
    return a->class_rank != b->class_rank ? a->class_rank < b->class_rank : a->image_rank < b->image_rank;
}

/* Merges the two sorted lists; with g->groups NULL it only counts. */
static size_t merge(od_coco_groups *g, const item *dets, size_t nd, const item *truths, size_t nt, const ranks *r)
{
    size_t d = 0, t = 0, count = 0;
    while (d < nd || t < nt) {
        const item *first = t == nt || (d < nd && !before(&truths[t], &dets[d])) ? &dets[d] : &truths[t];
        size_t d0 = d, t0 = t;
        while (d < nd && same_group(first, &dets[d])) d++;
        while (t < nt && same_group(first, &truths[t])) t++;
        if (g->groups) {
            g->groups[count] = (od_coco_group){first->class_rank,   r->image_at[first->image_rank], (uint32_t)d0,
                                               (uint32_t)(d - d0), (uint32_t)t0,                   (uint32_t)(t - t0)};
            g->class_begin[first->class_rank + 1] = count + 1;
        }
        count++;
    }
    return count;
}

static od_status make_groups(od_coco_groups *g, const item *dets, size_t nd, const item *truths, size_t nt,
                             const ranks *r, od_error *err)
{
    g->num_groups = merge(g, dets, nd, truths, nt, r);
    g->groups = od_malloc(g->num_groups, sizeof *g->groups);
    g->class_begin = od_calloc(r->num_classes + 1, sizeof *g->class_begin);
    g->dets = od_malloc(nd, sizeof *g->dets);
    g->truths = od_malloc(nt, sizeof *g->truths);
    if (!g->groups || !g->class_begin || !g->dets || !g->truths) return od_error_nomem(err, "the groups of boxes");
    merge(g, dets, nd, truths, nt, r);
    for (size_t k = 0; k < r->num_classes; k++) /* classes without any box keep an empty range */
        if (g->class_begin[k + 1] < g->class_begin[k]) g->class_begin[k + 1] = g->class_begin[k];
    for (size_t i = 0; i < nd; i++) g->dets[i] = dets[i].index;
    for (size_t i = 0; i < nt; i++) g->truths[i] = truths[i].index;
    return OD_OK;
}

static od_status make_ranks(ranks *r, od_coco_groups *g, const od_coco_image *images, const od_coco_class *classes,
                            od_error *err)
{
    size_t most = r->num_images > r->num_classes ? r->num_images : r->num_classes;
    ranked *items = od_malloc(most, sizeof *items);
    r->image = od_malloc(r->num_images, sizeof *r->image);
    r->image_at = od_malloc(r->num_images, sizeof *r->image_at);
    r->class_ = od_malloc(r->num_classes, sizeof *r->class_);
    g->class_order = od_malloc(r->num_classes, sizeof *g->class_order);
    int ok = items && r->image && r->image_at && r->class_ && g->class_order;
    if (ok) {
        for (size_t i = 0; i < r->num_images; i++) items[i] = (ranked){images[i].id, images[i].text_id, (int32_t)i};
        rank_ids(items, r->num_images, r->image, r->image_at);
        for (size_t i = 0; i < r->num_classes; i++) items[i] = (ranked){classes[i].id, NULL, (int32_t)i};
        rank_ids(items, r->num_classes, r->class_, g->class_order);
    }
    od_free(items);
    return ok ? OD_OK : od_error_nomem(err, "the order of images and classes");
}

od_status od_coco_groups_build(od_coco_groups *out, const od_coco_image *images, size_t num_images,
                               const od_coco_class *classes, size_t num_classes, const od_coco_truth *truths,
                               size_t num_truths, const od_coco_det *dets, size_t num_dets, od_error *err)
{
    od_coco_groups g = {.num_classes = num_classes};
    ranks r = {.num_images = num_images, .num_classes = num_classes};
    sorter sd = {0}, st = {0};
    od_status status;
    OD_TRY_GOTO(make_ranks(&r, &g, images, classes, err));
    OD_TRY_GOTO(sorter_init(&sd, num_dets, &r, err));
    OD_TRY_GOTO(sorter_init(&st, num_truths, &r, err));
    for (size_t i = 0; i < num_dets; i++)
        sd.a[i] = (item){(uint32_t)i, r.image[dets[i].image], r.class_[dets[i].class_index]};
    for (size_t i = 0; i < num_truths; i++)
        st.a[i] = (item){(uint32_t)i, r.image[truths[i].image], r.class_[truths[i].class_index]};
    sorter_run(&sd, num_dets, &r);
    sorter_run(&st, num_truths, &r);
    OD_TRY_GOTO(make_groups(&g, sd.a, num_dets, st.a, num_truths, &r, err));
    *out = g;
    g = (od_coco_groups){0};
done:
    sorter_deinit(&sd);
    sorter_deinit(&st);
    od_free(r.image);
    od_free(r.image_at);
    od_free(r.class_);
    od_coco_groups_deinit(&g);
    return status;
}

void od_coco_groups_deinit(od_coco_groups *g)
{
    od_free(g->groups);
    od_free(g->class_begin);
    od_free(g->dets);
    od_free(g->truths);
    od_free(g->class_order);
    *g = (od_coco_groups){0};
}
