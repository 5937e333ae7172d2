/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_accumulate.h"

#include "util/alloc.h"

#include <float.h>
#include <string.h>

typedef uint32_t v4 __attribute__((vector_size(16)));

od_status od_coco_accumulator_init(od_coco_accumulator *acc, const od_coco_curves *curves, size_t num_curves,
                                   od_error *err)
{
    size_t slots = 0, events = 0;
    for (size_t k = 0; k < num_curves; k++) {
        if (curves[k].num_slots > slots) slots = curves[k].num_slots;
        for (int i = 0; i < OD_COCO_A * OD_COCO_T; i++) {
            size_t n = curves[k].event_begin[i + 1] - curves[k].event_begin[i];
            if (n > events) events = n;
        }
    }
    acc->inside = od_malloc(slots, sizeof *acc->inside);
    acc->precision = od_malloc(events, sizeof *acc->precision);
    if (acc->inside && acc->precision) return OD_OK;
    od_coco_accumulator_deinit(acc);
    return od_error_nomem(err, "the accumulation of precision and recall");
}

void od_coco_accumulator_deinit(od_coco_accumulator *acc)
{
    od_free(acc->inside);
    od_free(acc->precision);
    *acc = (od_coco_accumulator){0};
}

/* Counts of detections in the four area ranges, noted at every slot. */
static void count_inside(const od_coco_curves *c, uint32_t (*inside)[OD_COCO_A])
{
    v4 ones[16], count = {0};
    for (uint32_t i = 0; i < 16; i++) ones[i] = (v4){i & 1, i >> 1 & 1, i >> 2 & 1, i >> 3 & 1};
    size_t i = 0;
    for (size_t s = 0; s < c->num_slots; s++) {
        for (; i <= c->slots[s]; i++) count += ones[c->det_areas[i]];
        memcpy(inside[s], &count, sizeof count);
    }
}

static void count_truths(const od_coco_curves *c, uint64_t counts[OD_COCO_A])
{
    memset(counts, 0, OD_COCO_A * sizeof *counts);
    for (size_t i = 0; i < c->num_truths; i++)
        for (int a = 0; a < OD_COCO_A; a++) counts[a] += c->truth_areas[i] >> a & 1;
}

/* needed[r]: the fewest true positives whose recall, computed in floating point, reaches threshold r. */
static void find_needed(uint64_t num_truths, uint64_t needed[OD_COCO_R])
{
    double n = (double)num_truths;
    for (int r = 0; r < OD_COCO_R; r++) {
        double threshold = od_coco_recall_threshold(r);
        uint64_t c = (uint64_t)(threshold * n);
        while (c > 0 && (double)(c - 1) / n >= threshold) c--;
        while ((double)c / n < threshold) c++;
        needed[r] = c;
    }
}

/* One area and threshold: precision at each true positive, in acc. Returns how many there are;
 * top[m]: true positives among the first 1, 10, 100 of their image. */
static size_t walk_events(const od_coco_curves *c, int a, int t, od_coco_accumulator *acc, uint64_t top[OD_COCO_M])
{
    size_t n = 0, list = (size_t)(a * OD_COCO_T + t);
    int64_t correction = 0;
    memset(top, 0, OD_COCO_M * sizeof *top);
    for (size_t i = c->event_begin[list]; i < c->event_begin[list + 1]; i++) {
        uint32_t slot = c->events[i].slot;
        if (!(slot & OD_COCO_EVENT_TP)) {
            correction--;
            continue;
        }
        correction += slot / OD_COCO_EVENT_OUTSIDE & 1;
        top[0] += slot / OD_COCO_EVENT_TOP1 & 1;
        top[1] += slot / OD_COCO_EVENT_TOP10 & 1;
        double counted = (double)((int64_t)acc->inside[slot & OD_COCO_EVENT_SLOT][a] + correction);
        n++;
        acc->precision[n - 1] = (double)n / (counted + DBL_EPSILON);
    }
    top[2] = n;
    return n;
}

/* The envelope (highest precision at this recall or a higher one), sampled at the recall thresholds. */
static void sample_envelope(const od_coco_accumulator *acc, size_t n, const uint64_t needed[OD_COCO_R],
                            double precision[OD_COCO_R])
{
    double highest = 0;
    for (int r = OD_COCO_R - 1; r >= 0; r--) {
        for (; n > 0 && n >= needed[r]; n--)
            if (acc->precision[n - 1] > highest) highest = acc->precision[n - 1];
        precision[r] = highest;
    }
}

static void fill_absent(od_coco_class_result *out, int a)
{
    for (int t = 0; t < OD_COCO_T; t++) {
        for (int r = 0; r < OD_COCO_R; r++) out->precision[a][t][r] = -1;
        for (int m = 0; m < OD_COCO_M; m++) out->recall[m][a][t] = -1;
    }
}

void od_coco_accumulate(const od_coco_curves *c, od_coco_accumulator *acc, od_coco_class_result *out)
{
    count_inside(c, acc->inside);
    count_truths(c, out->num_truths);
    for (int a = 0; a < OD_COCO_A; a++) {
        if (!out->num_truths[a]) {
            fill_absent(out, a);
            continue;
        }
        uint64_t needed[OD_COCO_R], top[OD_COCO_M];
        find_needed(out->num_truths[a], needed);
        for (int t = 0; t < OD_COCO_T; t++) {
            size_t n = walk_events(c, a, t, acc, top);
            sample_envelope(acc, n, needed, out->precision[a][t]);
            for (int m = 0; m < OD_COCO_M; m++)
                out->recall[m][a][t] = (double)top[m] / (double)out->num_truths[a];
        }
    }
}

static void sample_scores(const od_coco_curves *c, int a, int t, const od_coco_det *dets,
                          const uint64_t needed[OD_COCO_R], double scores[OD_COCO_R])
{
    size_t list = (size_t)(a * OD_COCO_T + t), i = c->event_begin[list], end = c->event_begin[list + 1];
    uint64_t tp = 0;
    uint32_t position = 0;
    for (int r = 0; r < OD_COCO_R; r++) {
        while (tp < needed[r] && i < end) {
            od_coco_event e = c->events[i++];
            if (!(e.slot & OD_COCO_EVENT_TP)) continue;
            tp++;
            position = c->slots[e.slot & OD_COCO_EVENT_SLOT];
        }
        scores[r] = tp < needed[r] || !c->num_dets ? 0 : dets[c->det[position]].score;
    }
}

void od_coco_accumulate_scores(const od_coco_curves *c, const od_coco_det *dets,
                               double scores[OD_COCO_A][OD_COCO_T][OD_COCO_R])
{
    for (int a = 0; a < OD_COCO_A; a++) {
        uint64_t num_truths = 0, needed[OD_COCO_R];
        for (size_t i = 0; i < c->num_truths; i++) num_truths += c->truth_areas[i] >> a & 1;
        if (num_truths) find_needed(num_truths, needed);
        for (int t = 0; t < OD_COCO_T; t++) {
            if (num_truths)
                sample_scores(c, a, t, dets, needed, scores[a][t]);
            else
                for (int r = 0; r < OD_COCO_R; r++) scores[a][t][r] = -1;
        }
    }
}
