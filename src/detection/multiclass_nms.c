/* SPDX-License-Identifier: Apache-2.0
 *
 * With a threshold of 1e-8 nearly all of the anchors x classes scores are candidates, and all but a few hundred never matter.
 * So all classes share one queue by falling score (each class sees its own candidates in the same order as alone, and what
 * is kept comes out sorted), the walk stops at max_total, and the queue is filled in instalments: first the scores above a
 * cutoff guessed from a sample, the rest only if the walk gets there.
 */
#include "detection/multiclass_nms.h"

#include "detection/box.h"
#include "detection/nms_heap.h"
#include "detection/nms_kept.h"
#include "util/alloc.h"
#include "util/points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { sample_size = 1024, first_instalment = 2048 };

typedef struct walk {
    const od_nms_params *params;
    const od_nms_input *in;
    const float *scores; /* the input's, or the best of each box when class-agnostic */
    int64_t stride;
    int classes;
    const int32_t *best_class; /* class-agnostic: [count], else NULL */
    od_nms_heap heap;
    od_nms_kept *kept;         /* [classes] */
    float cutoff;              /* scores below it aren't in the queue yet; -infinity: all are in, NaN: none */
    int64_t wanted;            /* size of the next instalment */
} walk;

static int descending(const void *a, const void *b)
{
    float x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x < y) - (x > y);
}

/* A score that about `wanted` of the scores are not below; -infinity when that is (nearly) all of them. */
static float guess_cutoff(const walk *w, int64_t wanted)
{
    int64_t total = w->in->count * w->classes;
    if (total <= 2 * wanted) return -INFINITY;
    float sample[sample_size];
    int n = 0;
    for (int i = 0; i < sample_size; i++) {
        int64_t at = total / sample_size * i + total % sample_size * i / sample_size;
        float score = w->scores[at / w->classes * w->stride + at % w->classes];
        if (!isnan(score)) sample[n++] = score;
    }
    if (n == 0) return -INFINITY;
    qsort(sample, (size_t)n, sizeof *sample, descending);
    int64_t rank = wanted * n / total;
    return rank < n ? sample[rank] : -INFINITY;
}

static int collect_row(walk *w, int64_t i, float above, float least, float below)
{
    const float *row = w->scores + i * w->stride;
    for (int c = 0; c < w->classes; c++) {
        float s = row[c];
        if (s > above && s >= least && !(s >= below) && od_nms_heap_append(&w->heap, (od_nms_candidate){s, c, (int32_t)i, 0})) return -1;
    }
    return 0;
}

/* Puts the next instalment into the queue: scores in [new cutoff, old cutoff). */
static int fetch(walk *w)
{
    float below = w->cutoff, least = -INFINITY, above = w->params->score_threshold;
    while (w->wanted < w->in->count * w->classes) {
        least = guess_cutoff(w, w->wanted);
        w->wanted *= 8;
        if (!(least >= below)) break;
        least = -INFINITY;
    }
    if (least <= above || least <= 0.0f) least = -INFINITY;
    if (above < 0.0f) above = nextafterf(0.0f, -1.0f); /* negative scores are never given out */
    int failed = 0;
    for (int64_t i = 0; i < w->in->count && !failed; i++) failed = collect_row(w, i, above, least, below);
    w->cutoff = least;
    od_nms_heap_build(&w->heap);
    return failed;
}

/* The box of a candidate, [4]. */
static void locate(const walk *w, const od_nms_candidate *c, float box[4])
{
    const od_nms_input *in = w->in;
    int64_t i = c->anchor;
    int class_id = w->best_class ? w->best_class[i] : c->class_id;
    if (in->coder) od_box_coder_decode(in->coder, 1, in->boxes + i * in->coder->code_size, in->anchors + 4 * i, box);
    else memcpy(box, in->boxes + 4 * (i * in->boxes_each + (in->boxes_each > 1 ? class_id : 0)), 4 * sizeof(float));
}

/* 1: keep it, 0: not (now), -1: out of memory. A softened candidate goes back into the queue with its new score. */
static int survives(walk *w, od_nms_candidate c, const float box[4])
{
    const od_nms_params *p = w->params;
    od_nms_kept *kept = &w->kept[c.class_id];
    if (!(p->soft_sigma > 0.0f)) return !od_nms_kept_overlaps(kept, box, p->iou_threshold);
    float score = od_nms_kept_soften(kept, box, c.score, (size_t)c.seen, -0.5f / p->soft_sigma, p->score_threshold);
    if (score == c.score) return 1;
    c.seen = (int32_t)kept->count;
    c.score = score;
    if (score > p->score_threshold && od_nms_heap_push(&w->heap, c)) return -1;
    return 0;
}

/* core/post_processing.py, _clip_boxes: a box beyond the window gets its ends in the wrong order. */
static void cut_sides(float box[4], const float window[4])
{
    for (int k = 0; k < 2; k++) {
        if (box[k] < window[k]) box[k] = window[k];
        if (box[k + 2] > window[k + 2]) box[k + 2] = window[k + 2];
    }
}

static void emit(const walk *w, const od_nms_candidate *c, const float kept_box[4], od_nms_output *out)
{
    float box[4];
    memcpy(box, kept_box, sizeof box);
    if (w->params->combined) {
        cut_sides(box, w->in->window);
    } else {
        od_box_clip(box, w->in->window);
        if (!(od_box_area(box) > 0.0f)) return;
    }
    if (w->params->change_frame) od_points_change_frame(box, 2, w->in->window);
    int32_t k = out->count++;
    memcpy(out->boxes + 4 * (int64_t)k, box, sizeof box);
    out->scores[k] = c->score;
    out->classes[k] = w->best_class ? w->best_class[c->anchor] : c->class_id;
    if (out->anchors) out->anchors[k] = c->anchor;
}

static int run(walk *w, od_nms_output *out)
{
    size_t most = (size_t)(w->params->class_agnostic ? w->params->max_total : w->params->max_per_class);
    while (out->count < w->params->max_total) {
        int all_in = w->cutoff == -INFINITY;
        if (!w->heap.count && all_in) return 0;
        if (!all_in && (!w->heap.count || w->heap.items[0].score < w->cutoff)) {
            if (fetch(w)) return -1;
            continue;
        }
        od_nms_candidate c = od_nms_heap_pop(&w->heap);
        if (w->kept[c.class_id].count >= most) continue;
        float box[4];
        locate(w, &c, box);
        int keep = survives(w, c, box);
        if (keep < 0 || (keep && od_nms_kept_add(&w->kept[c.class_id], box))) return -1;
        if (keep) emit(w, &c, box, out);
    }
    return 0;
}

/* Each box's best score and its class (the first on a tie). */
static void best_of_classes(const od_nms_input *in, float *best, int32_t *best_class)
{
    for (int64_t i = 0; i < in->count; i++) {
        const float *row = in->scores + i * in->score_stride;
        int c = 0;
        for (int k = 1; k < in->classes; k++)
            if (row[k] > row[c]) c = k;
        best[i] = row[c];
        best_class[i] = c;
    }
}

od_status od_multiclass_nms(const od_nms_params *params, const od_nms_input *input, od_nms_output *output, od_error *err)
{
    walk w = {.params = params, .in = input, .scores = input->scores, .stride = input->score_stride, .classes = input->classes,
              .cutoff = NAN, .wanted = first_instalment > 16 * (int64_t)params->max_total ? first_instalment : 16 * (int64_t)params->max_total};
    float *best = NULL;
    int32_t *best_class = NULL;
    int failed = 0;
    output->count = 0;
    if (params->class_agnostic) {
        best = od_malloc((size_t)input->count + 1, sizeof *best);
        best_class = od_malloc((size_t)input->count + 1, sizeof *best_class);
        failed = !best || !best_class;
        if (!failed) best_of_classes(input, best, best_class);
        w.scores = best;
        w.best_class = best_class;
        w.stride = w.classes = 1;
    }
    w.kept = od_calloc((size_t)w.classes, sizeof *w.kept);
    failed = failed || !w.kept || run(&w, output);
    if (w.kept)
        for (int c = 0; c < w.classes; c++) od_nms_kept_deinit(&w.kept[c]);
    od_free(w.kept);
    od_nms_heap_deinit(&w.heap);
    od_free(best);
    od_free(best_class);
    return failed ? od_error_nomem(err, "non-max suppression") : OD_OK;
}
