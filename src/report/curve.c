/* SPDX-License-Identifier: Apache-2.0 */
#include "report/curve.h"

#include "util/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void od_curve_deinit(od_curve *c)
{
    od_free(c->tag);
    od_free(c->step);
    od_free(c->value);
    memset(c, 0, sizeof *c);
}

size_t od_curve_lowest(const od_curve *c)
{
    size_t best = 0;
    for (size_t i = 1; i < c->count; i++)
        if (c->value[i] < c->value[best]) best = i;
    return best;
}

size_t od_curve_highest(const od_curve *c)
{
    size_t best = 0;
    for (size_t i = 1; i < c->count; i++)
        if (c->value[i] > c->value[best]) best = i;
    return best;
}

double od_curve_mean(const od_curve *c, double after, double upto)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->step[i] <= after || c->step[i] > upto) continue;
        sum += c->value[i];
        n++;
    }
    return n ? sum / (double)n : (double)NAN;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The second difference of independent errors has 6 times their variance; 1.4826 turns a median of absolute values into
 * the standard deviation of a normal distribution. */
static double noise_of(const od_curve *c)
{
    double floor_value = .005 * fabs(c->value[od_curve_lowest(c)]);
    size_t n = c->count < 6 ? 0 : c->count - 2;
    double *d = n ? od_malloc(n, sizeof *d) : NULL;
    if (!d) return floor_value;
    for (size_t i = 0; i < n; i++) d[i] = fabs(c->value[i + 2] - 2 * c->value[i + 1] + c->value[i]);
    qsort(d, n, sizeof *d, compare_doubles);
    double median = n % 2 ? d[n / 2] : (d[n / 2 - 1] + d[n / 2]) / 2;
    od_free(d);
    return fmax(floor_value, 1.4826 * median / sqrt(6));
}

/* The first evaluation after `low` from which on all are above its loss by more than twice the noise. */
static double clear_from(const od_curve *eval, size_t low, double lowest, double noise)
{
    double step = (double)NAN;
    for (size_t i = eval->count; i-- > low + 1;) {
        if (!(eval->value[i] > lowest + 2 * noise)) break;
        step = eval->step[i];
    }
    return step;
}

enum { SMOOTHED_FROM = 6 };

/* Mean of a point and its neighbours, so that the lowest of many isn't merely the luckiest; of few points the point itself. */
static double smoothed(const od_curve *c, size_t i)
{
    if (c->count < SMOOTHED_FROM) return c->value[i];
    size_t begin = i ? i - 1 : 0, end = i + 1 < c->count ? i + 2 : c->count;
    double sum = 0;
    for (size_t k = begin; k < end; k++) sum += c->value[k];
    return sum / (double)(end - begin);
}

static size_t lowest_smoothed(const od_curve *c)
{
    size_t best = 0;
    for (size_t i = 1; i < c->count; i++)
        if (smoothed(c, i) < smoothed(c, best)) best = i;
    return best;
}

od_overfit od_overfit_find(const od_curve *train, const od_curve *eval)
{
    od_overfit o = {.kind = OD_OVERFIT_UNKNOWN, .evaluations = eval->count, .start = (double)NAN, .clear = (double)NAN, .lowest = (double)NAN,
                    .last = (double)NAN, .noise = (double)NAN, .train_then = (double)NAN, .train_last = (double)NAN};
    if (!eval->count) return o;
    size_t n = eval->count, low = lowest_smoothed(eval), tail = n - 1 - low < 3 ? n - 1 - low : 3;
    o.start = eval->step[low];
    o.lowest = o.last = smoothed(eval, low);
    if (n < 3) return o;
    o.kind = OD_OVERFIT_NONE;
    o.noise = noise_of(eval);
    double spacing = (eval->step[n - 1] - eval->step[0]) / (double)(n - 1);
    o.train_then = od_curve_mean(train, o.start - spacing, o.start);
    o.train_last = od_curve_mean(train, eval->step[n - 1] - spacing, eval->step[n - 1]);
    if (!tail) return o;
    o.last = 0;
    for (size_t i = n - tail; i < n; i++) o.last += eval->value[i] / (double)tail;
    double rise = o.last - o.lowest;
    if (!(rise > 3 * o.noise && rise > .03 * fabs(o.lowest))) return o;
    o.clear = clear_from(eval, low, o.lowest, o.noise);
    if (isnan(o.train_then) || isnan(o.train_last))
        o.kind = OD_OVERFIT_NO_TRAIN;
    else /* a training loss that rises by half as much as the evaluation's, in proportion, is no memorising */
        o.kind = o.train_last - o.train_then > .5 * rise / fabs(o.lowest) * fabs(o.train_then) ? OD_OVERFIT_DIVERGING : OD_OVERFIT_FOUND;
    return o;
}
