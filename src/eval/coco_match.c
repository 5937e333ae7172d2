/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_match.h"

#include "eval/score_sort.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

double od_coco_iou(const od_coco_box *d, const od_coco_box *g, int crowd)
{
    double w = fmin(d->w + d->x, g->w + g->x) - fmax(d->x, g->x);
    if (w <= 0) return 0;
    double h = fmin(d->h + d->y, g->h + g->y) - fmax(d->y, g->y);
    if (h <= 0) return 0;
    double area = d->w * d->h, inter = w * h;
    return inter / (crowd ? area : area + g->w * g->h - inter);
}

/* A ground-truth box that a detection overlaps enough for the lowest threshold. */
typedef struct candidate {
    double iou;
    uint32_t truth; /* within the group */
} candidate;

/* What decides without looking at its runs that a mask can't meet another. */
typedef struct extent {
    int32_t top, left, bottom, right; /* the latter two beyond the mask */
    int64_t area;
} extent;

typedef struct scratch {
    od_scored *scored, *scored_tmp; /* [largest number of detections in a group] */
    candidate *candidates;          /* [100 * largest number of truths] */
    uint32_t begin[OD_COCO_TOP + 1];
    uint16_t *taken; /* [truths]: bit t */
    extent *det_extents, *truth_extents; /* [100], [truths]; of masks */
} scratch;

static int scratch_init(scratch *s, size_t most_dets, size_t most_truths)
{
    s->scored = od_malloc(most_dets, sizeof *s->scored);
    s->scored_tmp = od_malloc(most_dets, sizeof *s->scored_tmp);
    s->candidates = od_malloc(most_truths, OD_COCO_TOP * sizeof *s->candidates);
    s->taken = od_malloc(most_truths, sizeof *s->taken);
    s->det_extents = od_malloc(OD_COCO_TOP, sizeof *s->det_extents);
    s->truth_extents = od_malloc(most_truths, sizeof *s->truth_extents);
    return s->scored && s->scored_tmp && s->candidates && s->taken && s->det_extents && s->truth_extents;
}

static void scratch_deinit(scratch *s)
{
    od_free(s->scored);
    od_free(s->scored_tmp);
    od_free(s->candidates);
    od_free(s->taken);
    od_free(s->det_extents);
    od_free(s->truth_extents);
}

static extent extent_of(const od_mask *m)
{
    int32_t b[4];
    od_mask_bounds(m, b);
    return (extent){b[0], b[1], b[0] + b[2], b[1] + b[3], od_mask_area(m)};
}

/* maskApi.c's rleIou: over the detection's area alone for a crowd. Masks of different images' sizes don't meet. */
static double mask_iou(const od_mask *d, const extent *de, const od_mask *g, const extent *ge, int crowd)
{
    if (d->height != g->height || d->width != g->width || de->right <= ge->left || ge->right <= de->left || de->bottom <= ge->top || ge->bottom <= de->top) return 0;
    int64_t shared = od_mask_intersection(d, g);
    return shared ? (double)shared / (double)(crowd ? de->area : de->area + ge->area - shared) : 0;
}

static void measure_masks(const uint32_t *order, size_t n, od_mask *const *masks, extent *out)
{
    for (size_t i = 0; i < n; i++) out[i] = extent_of(masks[order[i]]);
}

static void sort_group(uint32_t *order, size_t n, const od_coco_det *dets, scratch *s)
{
    int ordered = 1;
    for (size_t i = 0; i < n; i++) {
        s->scored[i] = (od_scored){dets[order[i]].score, order[i]};
        ordered &= i == 0 || s->scored[i - 1].score >= s->scored[i].score;
    }
    if (ordered) return;
    od_score_sort(s->scored, s->scored_tmp, n);
    for (size_t i = 0; i < n; i++) order[i] = s->scored[i].index;
}

/* Fills begin and candidates; returns how many. */
static uint32_t find_candidates(const uint32_t *order, size_t n, const uint32_t *truth_order, size_t num_truths,
                                const od_coco_det *dets, const od_coco_truth *truths, const od_coco_masks *masks,
                                const od_coco_keypoints *keypoints, scratch *s)
{
    double lowest = od_coco_iou_threshold(0);
    uint32_t count = 0;
    if (masks) measure_masks(order, n, masks->dets, s->det_extents);
    if (masks) measure_masks(truth_order, num_truths, masks->truths, s->truth_extents);
    for (size_t i = 0; i < n; i++) {
        s->begin[i] = count;
        for (size_t j = 0; j < num_truths; j++) {
            const od_coco_truth *g = &truths[truth_order[j]];
            double iou = keypoints ? od_coco_oks(keypoints, order[i], truth_order[j], g)
                         : masks   ? mask_iou(masks->dets[order[i]], &s->det_extents[i], masks->truths[truth_order[j]], &s->truth_extents[j], g->crowd)
                                   : od_coco_iou(&dets[order[i]].box, &g->box, g->crowd);
            if (!(iou < lowest)) s->candidates[count++] = (candidate){iou, (uint32_t)j};
        }
    }
    s->begin[n] = count;
    return count;
}

static int is_ignored(const od_coco_truth *g, int a)
{
    return g->crowd || g->ignored || !(od_coco_area_bits(g->area) >> a & 1);
}

/* The best candidate that is still free, among those that are (not) ignored; the last of equals. NULL: none. */
static const candidate *best_match(const candidate *from, const candidate *to, double threshold, int t, int a,
                                   int ignored, const uint32_t *truth_order, const od_coco_truth *truths,
                                   const uint16_t *taken)
{
    const candidate *best = NULL;
    double iou = threshold;
    for (const candidate *c = from; c < to; c++) {
        const od_coco_truth *g = &truths[truth_order[c->truth]];
        if (is_ignored(g, a) != ignored || ((taken[c->truth] >> t & 1) && !g->crowd) || c->iou < iou) continue;
        iou = c->iou;
        best = c;
    }
    return best;
}

/* One area range and threshold: sets bit t of the detections' masks where something matches. */
static void match_at(int t, int a, size_t n, const uint32_t *truth_order, const od_coco_truth *truths, scratch *s,
                     od_coco_mask *masks)
{
    double threshold = fmin(od_coco_iou_threshold(t), 1 - 1e-10);
    uint16_t bit = (uint16_t)(1u << t);
    for (size_t i = 0; i < n; i++) {
        const candidate *from = s->candidates + s->begin[i], *to = s->candidates + s->begin[i + 1];
        if (from == to) continue;
        const candidate *best = best_match(from, to, threshold, t, a, 0, truth_order, truths, s->taken);
        int ignored = !best;
        if (!best) best = best_match(from, to, threshold, t, a, 1, truth_order, truths, s->taken);
        if (!best) continue;
        s->taken[best->truth] |= bit;
        if (ignored)
            masks[i].ignored[a] |= bit;
        else if (!truths[truth_order[best->truth]].zero_id)
            masks[i].tp[a] |= bit;
    }
}

/* What nothing matched and lies outside the range is ignored. */
static void ignore_outside(od_coco_mask *mask, double area)
{
    unsigned bits = od_coco_area_bits(area);
    for (int a = 0; a < OD_COCO_A; a++)
        if (!(bits >> a & 1)) mask->ignored[a] |= (uint16_t)(OD_COCO_ALL_T & ~mask->tp[a]);
}

static void match_group(const od_coco_group *group, od_coco_groups *groups, const od_coco_det *dets,
                        const od_coco_truth *truths, const od_coco_masks *segments, const od_coco_keypoints *keypoints, od_coco_mask *masks,
                        scratch *s)
{
    uint32_t *order = groups->dets + group->det;
    const uint32_t *truth_order = groups->truths + group->truth;
    size_t n = group->num_dets < OD_COCO_TOP ? group->num_dets : OD_COCO_TOP;
    sort_group(order, group->num_dets, dets, s);
    if (!group->num_truths) return;
    memset(masks, 0, n * sizeof *masks);
    if (find_candidates(order, n, truth_order, group->num_truths, dets, truths, segments, keypoints, s)) {
        for (int a = 0; a < OD_COCO_A; a++) {
            memset(s->taken, 0, group->num_truths * sizeof *s->taken);
            for (int t = 0; t < OD_COCO_T; t++) match_at(t, a, n, truth_order, truths, s, masks);
        }
    }
    for (size_t i = 0; i < n; i++) ignore_outside(&masks[i], od_coco_det_area(segments, dets, order[i]));
}

/* Where each group's masks go; returns their number, and the largest group. */
static size_t place_masks(const od_coco_groups *groups, uint32_t *mask_at, size_t *most_dets, size_t *most_truths)
{
    size_t count = 0;
    *most_dets = *most_truths = 0;
    for (size_t i = 0; i < groups->num_groups; i++) {
        const od_coco_group *g = &groups->groups[i];
        mask_at[i] = g->num_truths && g->num_dets ? (uint32_t)count : OD_COCO_NO_MASK;
        if (mask_at[i] != OD_COCO_NO_MASK) count += g->num_dets < OD_COCO_TOP ? g->num_dets : OD_COCO_TOP;
        if (g->num_dets > *most_dets) *most_dets = g->num_dets;
        if (g->num_truths > *most_truths) *most_truths = g->num_truths;
    }
    return count;
}

od_status od_coco_match(od_coco_matches *out, od_coco_groups *groups, const od_coco_det *dets,
                        const od_coco_truth *truths, const od_coco_masks *masks, const od_coco_keypoints *keypoints, int num_threads,
                        od_error *err)
{
    size_t most_dets, most_truths, n = groups->num_groups;
    od_coco_matches m = {.mask_at = od_malloc(n, sizeof *m.mask_at)};
    if (!m.mask_at) return od_error_nomem(err, "the matches");
    m.masks = od_malloc(place_masks(groups, m.mask_at, &most_dets, &most_truths), sizeof *m.masks);
    if (!m.masks) {
        od_coco_matches_deinit(&m);
        return od_error_nomem(err, "the matches");
    }
    int failed = 0; /* in each thread its own, joined at the end */
#pragma omp parallel num_threads(num_threads) reduction(|| : failed)
    {
        scratch s = {0};
        failed = !scratch_init(&s, most_dets, most_truths);
#pragma omp for schedule(dynamic, 512)
        for (size_t i = 0; i < n; i++)
            if (!failed && groups->groups[i].num_dets)
                match_group(&groups->groups[i], groups, dets, truths, masks, keypoints,
                            m.mask_at[i] == OD_COCO_NO_MASK ? NULL : m.masks + m.mask_at[i], &s);
        scratch_deinit(&s);
    }
    if (failed) {
        od_coco_matches_deinit(&m);
        return od_error_nomem(err, "the matches");
    }
    *out = m;
    return OD_OK;
}

void od_coco_matches_deinit(od_coco_matches *m)
{
    od_free(m->masks);
    od_free(m->mask_at);
    *m = (od_coco_matches){0};
}
