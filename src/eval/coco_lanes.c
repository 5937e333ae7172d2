/* SPDX-License-Identifier: Apache-2.0
 *
 * Every loop over lanes has a fixed length and no branches, so that the compiler makes vectors of it on any machine.
 *
 * The envelope (highest precision at this recall or a higher one) is made from the last true positive to the first: each
 * adds the highest precision so far as often as there are recall thresholds that this one reaches and the one before
 * doesn't. A true positive of weight 0 reaches no more than the one before, whose precision is at least its own.
 */
#include "eval/coco_lanes.h"

#include "util/alloc.h"
#include "util/vector_clones.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { L = OD_LANES, AREA_CODES = 1 << OD_COCO_A };

od_status od_coco_lanes_init(od_coco_lanes *w, const od_coco_curves *curves, size_t num_curves, od_error *err)
{
    size_t slots = 0;
    for (size_t k = 0; k < num_curves; k++)
        if (curves[k].num_slots > slots) slots = curves[k].num_slots;
    w->inside = od_malloc(slots, sizeof *w->inside);
    return w->inside ? OD_OK : od_error_nomem(err, "the accumulation of precision and recall");
}

void od_coco_lanes_deinit(od_coco_lanes *w)
{
    od_free(w->inside);
    *w = (od_coco_lanes){0};
}

/* Sums the counts of the area codes that occur (`codes`, ending with 0) into areas. */
OD_PART_OF_CLONE void add_codes(const uint8_t *codes, int32_t of_code[AREA_CODES][L], int32_t of_area[OD_COCO_A][L])
{
    memset(of_area, 0, OD_COCO_A * sizeof *of_area);
    for (; *codes; codes++)
        for (int a = 0; a < OD_COCO_A; a++)
            if (*codes >> a & 1)
                for (int l = 0; l < L; l++) of_area[a][l] += of_code[*codes][l];
}

OD_PART_OF_CLONE void list_codes(const uint8_t *areas, size_t n, uint8_t codes[AREA_CODES + 1])
{
    uint8_t seen[AREA_CODES] = {0};
    size_t count = 0;
    for (size_t i = 0; i < n; i++) seen[areas[i]] = 1;
    for (int code = 1; code < AREA_CODES; code++)
        if (seen[code]) codes[count++] = (uint8_t)code;
    codes[count] = 0;
}

/* Weighted counts of detections in the four area ranges, noted at every slot. */
OD_PART_OF_CLONE void count_inside(const od_coco_curves *c, const int32_t *weights, od_coco_lanes *w)
{
    uint8_t codes[AREA_CODES + 1];
    int32_t of_code[AREA_CODES][L] = {0};
    list_codes(c->det_areas, c->num_dets, codes);
    size_t i = 0;
    for (size_t s = 0; s < c->num_slots; s++) {
        for (; i <= c->slots[s]; i++) {
            const int32_t *from = weights + (size_t)c->det_image[i] * L;
            int32_t *to = of_code[c->det_areas[i]];
            for (int l = 0; l < L; l++) to[l] += from[l];
        }
        add_codes(codes, of_code, w->inside[s]);
    }
}

OD_PART_OF_CLONE void count_truths(const od_coco_curves *c, const int32_t *weights, int32_t of_area[OD_COCO_A][L])
{
    uint8_t codes[AREA_CODES + 1];
    int32_t of_code[AREA_CODES][L] = {0};
    list_codes(c->truth_areas, c->num_truths, codes);
    for (size_t i = 0; i < c->num_truths; i++) {
        const int32_t *from = weights + (size_t)c->truth_image[i] * L;
        int32_t *to = of_code[c->truth_areas[i]];
        for (int l = 0; l < L; l++) to[l] += from[l];
    }
    add_codes(codes, of_code, of_area);
}

/* What the events of a list add up to. */
typedef struct totals {
    int32_t tp[L], correction[L]; /* correction: detections that count otherwise than `inside` says */
    int32_t top[2][L];            /* true positives among the first 1, 10 of their image */
} totals;

OD_PART_OF_CLONE void add_events(const od_coco_event *e, const od_coco_event *end, const int32_t *weights, totals *sums)
{
    *sums = (totals){0};
    for (; e < end; e++) {
        const int32_t *w = weights + (size_t)e->image * L;
        int32_t tp = -(int32_t)(e->slot / OD_COCO_EVENT_TP & 1), outside = -(int32_t)(e->slot / OD_COCO_EVENT_OUTSIDE & 1);
        int32_t top1 = -(int32_t)(e->slot / OD_COCO_EVENT_TOP1 & 1), top10 = -(int32_t)(e->slot / OD_COCO_EVENT_TOP10 & 1);
        for (int l = 0; l < L; l++) {
            sums->tp[l] += w[l] & tp;
            sums->correction[l] += (w[l] & outside) - (w[l] & ~tp);
            sums->top[0][l] += w[l] & top1;
            sums->top[1][l] += w[l] & top10;
        }
    }
}

/* How many recall thresholds, computed as numpy.linspace does, tp of n objects reach: recall 0 reaches the first. */
OD_PART_OF_CLONE double thresholds_reached(double tp, double n)
{
    double recall = tp / n, r = (double)(int32_t)(recall * (OD_COCO_R - 1));
    r -= r * (1. / (OD_COCO_R - 1)) > recall;
    r += (r + 1) * (1. / (OD_COCO_R - 1)) <= recall;
    return r + 1;
}

/* Average precision of one area and threshold. num_truths: above 0 in every lane. */
OD_PART_OF_CLONE void average_precision(const od_coco_curves *c, int a, int t, const int32_t *weights, od_coco_lanes *w,
                              const double num_truths[L], totals *sums, double ap[L])
{
    size_t list = (size_t)(a * OD_COCO_T + t);
    const od_coco_event *begin = c->events + c->event_begin[list], *e = c->events + c->event_begin[list + 1];
    double highest[L] = {0}, sum[L] = {0}, reached[L];
    int32_t tp[L], correction[L];
    add_events(begin, e, weights, sums);
    memcpy(tp, sums->tp, sizeof tp);
    memcpy(correction, sums->correction, sizeof correction);
    for (int l = 0; l < L; l++) reached[l] = thresholds_reached(tp[l], num_truths[l]);
    while (e-- > begin) {
        const int32_t *weight = weights + (size_t)e->image * L;
        if (!(e->slot & OD_COCO_EVENT_TP)) {
            for (int l = 0; l < L; l++) correction[l] += weight[l];
            continue;
        }
        const int32_t *inside = w->inside[e->slot & OD_COCO_EVENT_SLOT][a];
        int32_t outside = -(int32_t)(e->slot / OD_COCO_EVENT_OUTSIDE & 1);
        for (int l = 0; l < L; l++) {
            double precision = (double)tp[l] / ((double)(inside[l] + correction[l]) + DBL_EPSILON);
            highest[l] = precision > highest[l] ? precision : highest[l];
            tp[l] -= weight[l];
            correction[l] -= weight[l] & outside;
            double before = thresholds_reached(tp[l], num_truths[l]);
            sum[l] += highest[l] * (reached[l] - before);
            reached[l] = before;
        }
    }
    for (int l = 0; l < L; l++) ap[l] = (sum[l] + highest[l] * reached[l]) / OD_COCO_R;
}

OD_PART_OF_CLONE void add_recall(double stat[L], const int32_t tp[L], const double num_truths[L])
{
    for (int l = 0; l < L; l++) stat[l] += tp[l] / num_truths[l];
}

OD_PART_OF_CLONE void one_area(const od_coco_curves *c, int a, const int32_t *weights, od_coco_lanes *w, const double num_truths[L],
                     double stats[OD_COCO_NUM_STATS][L])
{
    static const od_coco_stat precision_of[OD_COCO_A] = {OD_COCO_AP, OD_COCO_AP_SMALL, OD_COCO_AP_MEDIUM, OD_COCO_AP_LARGE};
    static const od_coco_stat recall_of[OD_COCO_A] = {OD_COCO_AR100, OD_COCO_AR_SMALL, OD_COCO_AR_MEDIUM, OD_COCO_AR_LARGE};
    for (int t = 0; t < OD_COCO_T; t++) {
        totals sums;
        double ap[L];
        average_precision(c, a, t, weights, w, num_truths, &sums, ap);
        for (int l = 0; l < L; l++) stats[precision_of[a]][l] += ap[l];
        add_recall(stats[recall_of[a]], sums.tp, num_truths);
        if (a > 0) continue;
        add_recall(stats[OD_COCO_AR1], sums.top[0], num_truths);
        add_recall(stats[OD_COCO_AR10], sums.top[1], num_truths);
        if (t == 0) memcpy(stats[OD_COCO_AP50], ap, sizeof ap);
        if (t == 5) memcpy(stats[OD_COCO_AP75], ap, sizeof ap);
    }
}

/* The area range that each number is of. */
static const uint8_t area_of[OD_COCO_NUM_STATS] = {0, 0, 0, 1, 2, 3, 0, 0, 0, 1, 2, 3};

OD_VECTOR_CLONES
void od_coco_lanes_stats(const od_coco_curves *c, const int32_t *weights, od_coco_lanes *w,
                         double stats[OD_COCO_NUM_STATS][OD_LANES])
{
    int32_t truths[OD_COCO_A][L];
    count_inside(c, weights, w);
    count_truths(c, weights, truths);
    memset(stats, 0, OD_COCO_NUM_STATS * sizeof *stats);
    for (int a = 0; a < OD_COCO_A; a++) {
        int any = 0;
        double n[L];
        for (int l = 0; l < L; l++) {
            any |= truths[a][l];
            n[l] = truths[a][l] ? truths[a][l] : 1;
        }
        if (any) one_area(c, a, weights, w, n, stats);
    }
    for (int s = 0; s < OD_COCO_NUM_STATS; s++) {
        double thresholds = s == OD_COCO_AP50 || s == OD_COCO_AP75 ? 1 : OD_COCO_T;
        for (int l = 0; l < L; l++) stats[s][l] = truths[area_of[s]][l] ? stats[s][l] / thresholds : (double)NAN;
    }
}
