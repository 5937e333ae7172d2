/* SPDX-License-Identifier: Apache-2.0
 *
 * Isotonic regression by pooling adjacent violators (Ayer et al., 1955), with straight lines between the steps and their
 * ends' values outside, as scikit-learn's IsotonicRegression(out_of_bounds='clip').
 */
#include "eval/calibrator.h"
#include "util/alloc.h"
#include "util/error.h"

/* Neighbouring scores that share a value. */
typedef struct block {
    double low, high, sum, weight;
} block;

/* Equal scores become a block; a block that isn't above its predecessor is pooled with it. */
static size_t pool(const od_score_outcome *v, size_t n, block *blocks)
{
    size_t count = 0;
    for (size_t i = 0; i < n;) {
        block b = {v[i].score, v[i].score, 0, 0};
        for (; i < n && v[i].score == b.low; i++) {
            b.sum += v[i].right;
            b.weight++;
        }
        while (count > 0 && blocks[count - 1].sum * b.weight >= b.sum * blocks[count - 1].weight) {
            const block *before = &blocks[--count];
            b.low = before->low;
            b.sum += before->sum;
            b.weight += before->weight;
        }
        blocks[count++] = b;
    }
    return count;
}

od_status od_isotonic_fit(const od_score_outcome *v, size_t n, od_score_map *map, od_error *err)
{
    block *blocks = od_malloc(n, sizeof *blocks);
    size_t count = blocks ? pool(v, n, blocks) : 0, k = 0;
    map->x = od_malloc(2 * count, sizeof *map->x);
    map->y = od_malloc(2 * count, sizeof *map->y);
    int ok = blocks && map->x && map->y;
    for (size_t i = 0; ok && i < count; i++) {
        for (int end = 0; end < (blocks[i].high > blocks[i].low ? 2 : 1); end++) {
            map->x[k] = end ? blocks[i].high : blocks[i].low;
            map->y[k++] = blocks[i].sum / blocks[i].weight;
        }
    }
    map->num_knots = k;
    od_free(blocks);
    return ok ? OD_OK : od_error_nomem(err, "the calibrator");
}

double od_isotonic_apply(const od_score_map *map, double score)
{
    const double *x = map->x, *y = map->y;
    size_t low = 0, high = map->num_knots;
    if (!high) return score;
    while (low < high) { /* the first knot above the score */
        size_t middle = low + (high - low) / 2;
        if (x[middle] > score)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == 0) return y[0];
    if (low == map->num_knots || x[low - 1] == score) return y[low - 1];
    double share = (score - x[low - 1]) / (x[low] - x[low - 1]);
    return y[low - 1] + share * (y[low] - y[low - 1]);
}
