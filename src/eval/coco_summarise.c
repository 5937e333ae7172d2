/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_summarise.h"

/* numpy's pairwise summation: eight running sums in blocks of up to 128 values, halves above that. */
static double pairwise_sum(const double *v, size_t n)
{
    if (n < 8) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += v[i];
        return sum;
    }
    if (n <= 128) {
        double r[8];
        for (int j = 0; j < 8; j++) r[j] = v[j];
        size_t i = 8;
        for (; i < n - n % 8; i += 8)
            for (size_t j = 0; j < 8; j++) r[j] += v[i + j];
        double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        for (; i < n; i++) sum += v[i];
        return sum;
    }
    size_t half = n / 2;
    half -= half % 8;
    return pairwise_sum(v, half) + pairwise_sum(v + half, n - half);
}

double od_coco_numpy_mean(const double *values, size_t n)
{
    return pairwise_sum(values, n) / (double)n;
}

/* Which part of the grid a number is the mean of: IoU thresholds first..last, one area, one limit (recall only). */
typedef struct part {
    int is_recall, first_t, last_t, area, limit;
} part;

static const part parts[OD_COCO_NUM_STATS] = {
    {0, 0, 9, 0, 2}, {0, 0, 0, 0, 2}, {0, 5, 5, 0, 2}, {0, 0, 9, 1, 2}, {0, 0, 9, 2, 2}, {0, 0, 9, 3, 2},
    {1, 0, 9, 0, 0}, {1, 0, 9, 0, 1}, {1, 0, 9, 0, 2}, {1, 0, 9, 1, 2}, {1, 0, 9, 2, 2}, {1, 0, 9, 3, 2},
};

/* Gathers the values above -1 in the order [T, R, K] or [T, K]. */
static size_t gather(const part *p, const od_coco_class_result *results, size_t num_classes, double *values)
{
    size_t n = 0;
    for (int t = p->first_t; t <= p->last_t; t++) {
        for (int r = 0; r < (p->is_recall ? 1 : OD_COCO_R); r++) {
            for (size_t k = 0; k < num_classes; k++) {
                double v = p->is_recall ? results[k].recall[p->limit][p->area][t] : results[k].precision[p->area][t][r];
                if (v > -1) values[n++] = v;
            }
        }
    }
    return n;
}

void od_coco_summarise(const od_coco_class_result *results, size_t num_classes, double *scratch,
                       double stats[OD_COCO_NUM_STATS])
{
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) {
        size_t n = gather(&parts[i], results, num_classes, scratch);
        stats[i] = n ? od_coco_numpy_mean(scratch, n) : -1;
    }
}
