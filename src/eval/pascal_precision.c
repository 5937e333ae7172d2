/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/pascal_precision.h"

#include "eval/score_sort.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

/* By score from high to low; of equal ones the later first, as in numpy's reversed ascending sort. */
static od_status sort_hits(od_pascal_hit *hits, size_t n, od_error *err)
{
    od_scored *order = od_malloc(n, sizeof *order), *scratch = od_malloc(n, sizeof *scratch);
    od_pascal_hit *sorted = od_malloc(n, sizeof *sorted);
    int ok = order && scratch && sorted;
    if (ok) {
        for (size_t i = 0; i < n; i++) order[i] = (od_scored){hits[n - 1 - i].score, (uint32_t)(n - 1 - i)};
        od_score_sort(order, scratch, n);
        for (size_t i = 0; i < n; i++) sorted[i] = hits[order[i].index];
        memcpy(hits, sorted, n * sizeof *hits);
    }
    od_free(order);
    od_free(scratch);
    od_free(sorted);
    return ok ? OD_OK : od_error_nomem(err, "average precision");
}

/* Points of the curve inside the bounds; `recall` and `precision` have room for num_hits. */
static size_t find_curve(const od_pascal_hit *hits, size_t num_hits, double num_truths, double low, double high, double *recall, double *precision)
{
    double found = 0, wrong = 0;
    size_t n = 0;
    for (size_t i = 0; i < num_hits; i++) {
        found += hits[i].weight;
        wrong += hits[i].weight <= 0;
        double r = found / num_truths;
        if (r < low || r > high) continue;
        recall[n] = r;
        precision[n++] = found / (found + wrong);
    }
    return n;
}

static double area_under(const double *recall, double *precision, size_t n)
{
    double sum = 0, last = 0;
    for (size_t i = n; i-- > 1;)
        if (precision[i - 1] < precision[i]) precision[i - 1] = precision[i];
    for (size_t i = 0; i < n; i++) {
        sum += (recall[i] - last) * precision[i];
        last = recall[i];
    }
    return sum;
}

od_status od_pascal_average_precision(od_pascal_hit *hits, size_t num_hits, double num_truths, double low, double high, double *out, od_error *err)
{
    *out = num_truths > 0 ? 0 : NAN;
    if (!num_hits || !(num_truths > 0)) return OD_OK;
    OD_TRY(sort_hits(hits, num_hits, err));
    double *recall = od_malloc(num_hits, sizeof *recall), *precision = od_malloc(num_hits, sizeof *precision);
    if (recall && precision) *out = area_under(recall, precision, find_curve(hits, num_hits, num_truths, low, high, recall, precision));
    od_status status = recall && precision ? OD_OK : od_error_nomem(err, "average precision");
    od_free(recall);
    od_free(precision);
    return status;
}
