/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/calibrator.h"

#include <math.h>

/* Scores of 0 and 1 have no logit; a float32 sigmoid gives both. */
static double logit(double score)
{
    const double least = 1e-7;
    double s = score < least ? least : score > 1 - least ? 1 - least : score;
    return log(s / (1 - s));
}

double od_platt_apply(double a, double b, double score)
{
    double z = a * logit(score) + b;
    return z >= 0 ? exp(-z) / (1 + exp(-z)) : 1 / (1 + exp(z));
}

typedef struct likelihood {
    double value, ga, gb, haa, hab, hbb;
} likelihood;

/* The negative log likelihood, and its first and second derivatives. */
static likelihood evaluate(const od_score_outcome *v, size_t n, double high, double low, double a, double b)
{
    likelihood l = {0, 0, 0, 1e-12, 0, 1e-12}; /* a little on the diagonal: one score alone has no slope */
    for (size_t i = 0; i < n; i++) {
        double f = logit(v[i].score), t = v[i].right ? high : low, z = a * f + b;
        double small = exp(-fabs(z)), p = z >= 0 ? small / (1 + small) : 1 / (1 + small);
        l.value += (z >= 0 ? t * z : (t - 1) * z) + log1p(small);
        double d = t - p, q = p * (1 - p);
        l.ga += f * d;
        l.gb += d;
        l.haa += f * f * q;
        l.hab += f * q;
        l.hbb += q;
    }
    return l;
}

void od_platt_fit(const od_score_outcome *v, size_t n, double *a, double *b)
{
    double right = 0;
    for (size_t i = 0; i < n; i++) right += v[i].right;
    double wrong = (double)n - right, high = (right + 1) / (right + 2), low = 1 / (wrong + 2);
    *a = 0;
    *b = log((wrong + 1) / (right + 1));
    likelihood l = evaluate(v, n, high, low, *a, *b);
    for (int i = 0; i < 200 && fmax(fabs(l.ga), fabs(l.gb)) > 1e-10 * (double)n; i++) {
        double det = l.haa * l.hbb - l.hab * l.hab;
        double da = -(l.hbb * l.ga - l.hab * l.gb) / det, db = -(l.haa * l.gb - l.hab * l.ga) / det, step = 1;
        likelihood next = evaluate(v, n, high, low, *a + da, *b + db);
        double slope = l.ga * da + l.gb * db;
        while (next.value > l.value + 1e-4 * step * slope && step > 1e-10) {
            step /= 2;
            next = evaluate(v, n, high, low, *a + step * da, *b + step * db);
        }
        if (step <= 1e-10) break;
        *a += step * da;
        *b += step * db;
        l = next;
    }
}
