/* SPDX-License-Identifier: Apache-2.0
 *
 * Intervals of proportions, of independent and of clustered answers.
 */
#include "eval/distributions.h"
#include "objdet/interval.h"

#include <math.h>

static const char no_cases[] = "there are no cases to take a proportion of";

static od_interval start(int64_t count, int64_t total)
{
    od_interval out = {.value = NAN, .low = NAN, .high = NAN, .se = NAN, .count = count, .total = total};
    if (total <= 0) {
        out.why_not = no_cases;
        return out;
    }
    out.value = (double)count / (double)total;
    out.se = sqrt(out.value * (1 - out.value) / (double)total);
    return out;
}

/* n need not be whole. Kept within [0, 1], and exactly at the end where the proportion is. */
static void wilson(double p, double n, double z, od_interval *out)
{
    double z2 = z * z, middle = (p + z2 / (2 * n)) / (1 + z2 / n);
    double half = z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    out->low = p <= 0 ? 0 : fmax(middle - half, 0);
    out->high = p >= 1 ? 1 : fmin(middle + half, 1);
}

od_interval od_interval_wilson(int64_t count, int64_t total, double level)
{
    od_interval out = start(count, total);
    if (out.why_not) return out;
    wilson(out.value, (double)total, od_normal_quantile(.5 + level / 2), &out);
    out.method = "Wilson";
    return out;
}

od_interval od_interval_clopper_pearson(int64_t count, int64_t total, double level)
{
    od_interval out = start(count, total);
    if (out.why_not) return out;
    double k = (double)count, n = (double)total, tail = (1 - level) / 2;
    out.low = count == 0 ? 0 : od_beta_quantile(tail, k, n - k + 1);
    out.high = count == total ? 1 : od_beta_quantile(1 - tail, k + 1, n - k);
    out.method = "Clopper-Pearson";
    return out;
}

od_interval od_interval_clustered(const int64_t *counts, const int64_t *totals, int64_t num_clusters, double level)
{
    int64_t count = 0, total = 0, used = 0;
    for (int64_t i = 0; i < num_clusters; i++) {
        count += counts[i];
        total += totals[i];
        used += totals[i] > 0;
    }
    od_interval out = start(count, total);
    if (out.why_not) return out;
    if (used < 2) {
        out.why_not = "all cases belong to one cluster";
        return out;
    }
    double sum = 0, squares = 0, p = out.value, n = (double)total;
    for (int64_t i = 0; i < num_clusters; i++) {
        double d = (double)counts[i] - p * (double)totals[i];
        sum += d * d;
        squares += (double)totals[i] * (double)totals[i];
    }
    double variance = sum * (double)used / (double)(used - 1) / (n * n);
    /* Where all answers agree the variance says nothing: then as if each cluster gave one answer, which is the least
     * that it can have given (Kish's effective number of clusters). */
    double effective = variance > 0 ? fmin(p * (1 - p) / variance, n) : n * n / squares;
    out.se = sqrt(p * (1 - p) / effective);
    wilson(p, effective, od_student_quantile(.5 + level / 2, (double)(used - 1)), &out);
    out.method = "Wilson, cluster-robust";
    return out;
}
