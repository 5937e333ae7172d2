/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/mcnemar.h"

#include "eval/distributions.h"

#include <math.h>
#include <string.h>

double od_mcnemar_mid_p(int64_t only_a, int64_t only_b)
{
    double k = (double)(only_a < only_b ? only_a : only_b), n = (double)(only_a + only_b);
    if (n == 0) return 1;
    double here = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * M_LN2); /* P(X = k), X binomial with n, 1/2 */
    if (only_a == only_b) return 1 - here / 2;
    return 2 * od_beta_cdf(.5, n - k, k + 1) - here; /* the first term is 2 P(X <= k) */
}

/* Counts of the paired table: [a right][b right]. */
typedef struct pairs {
    double table[2][2], total;
} pairs;

/* Newcombe's method 10: each share's Wilson limits, and the correlation of the answers with a continuity correction. */
static void newcombe(const pairs *t, double level, od_interval *out)
{
    double e = t->table[1][1], f = t->table[1][0], g = t->table[0][1], h = t->table[0][0];
    od_interval a = od_interval_wilson((int64_t)(e + f), (int64_t)t->total, level);
    od_interval b = od_interval_wilson((int64_t)(e + g), (int64_t)t->total, level);
    double margins = (e + f) * (g + h) * (e + g) * (f + h), phi = 0;
    if (margins > 0) {
        double c = e * h - f * g;
        c = c > t->total / 2 ? c - t->total / 2 : c >= 0 ? 0 : c;
        phi = c / sqrt(margins);
    }
    double al = a.value - a.low, au = a.high - a.value, bl = b.value - b.low, bu = b.high - b.value;
    out->low = out->value - sqrt(fmax(bl * bl - 2 * phi * bl * au + au * au, 0));
    out->high = out->value + sqrt(fmax(bu * bu - 2 * phi * bu * al + al * al, 0));
    out->se = sqrt(fmax(f + g - (f - g) * (f - g) / t->total, 0)) / t->total;
    out->method = "Newcombe, paired";
}

static void clustered(const int8_t *a, const int8_t *b, size_t n, const od_units *units, double total, double level,
                      double *scratch, od_interval *out, double *p)
{
    double *used = scratch + units->count, squares = 0, groups = 0;
    memset(scratch, 0, 2 * units->count * sizeof *scratch);
    for (size_t i = 0; i < n; i++) {
        if (a[i] < 0) continue;
        scratch[units->of_image[i]] += b[i] - a[i] - out->value;
        used[units->of_image[i]] = 1;
    }
    for (size_t u = 0; u < units->count; u++) {
        squares += scratch[u] * scratch[u];
        groups += used[u];
    }
    *p = NAN;
    if (groups < 2 || !(squares > 0)) {
        out->why_not = "the groups hold no variation of the difference to judge by";
        return;
    }
    out->se = sqrt(squares * groups / (groups - 1)) / total;
    double reach = od_student_quantile(.5 + level / 2, groups - 1) * out->se;
    out->low = fmax(out->value - reach, -1);
    out->high = fmin(out->value + reach, 1);
    out->method = "cluster-robust t";
    *p = od_student_two_sided(fabs(out->value) / out->se, groups - 1);
}

od_interval od_paired_difference(const int8_t *right_a, const int8_t *right_b, size_t n, const od_units *units, double level,
                                 double *scratch, double *p)
{
    pairs t = {0};
    for (size_t i = 0; i < n; i++) {
        if (right_a[i] < 0) continue;
        t.table[right_a[i]][right_b[i]]++;
        t.total++;
    }
    od_interval out = {.value = (t.table[0][1] - t.table[1][0]) / t.total, .low = NAN, .high = NAN, .se = NAN};
    if (units->grouped) {
        clustered(right_a, right_b, n, units, t.total, level, scratch, &out, p);
    } else {
        newcombe(&t, level, &out);
        *p = od_mcnemar_mid_p((int64_t)t.table[1][0], (int64_t)t.table[0][1]);
    }
    return out;
}
