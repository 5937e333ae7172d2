/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/bootstrap_interval.h"

#include "eval/distributions.h"
#include "eval/resample.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

double od_sorted_quantile(const double *sorted, size_t n, double p)
{
    double at = p * (double)(n - 1);
    size_t i = at <= 0 ? 0 : (size_t)at;
    if (i + 1 >= n) return sorted[n - 1];
    return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

/* Skewness of the figure's influence, from leaving out parts (Efron and Tibshirani, eq. 14.15). */
static double acceleration(const od_resampled *r)
{
    double mean = 0, squares = 0, cubes = 0;
    size_t n = 0;
    for (size_t i = 0; i < r->num_jackknife; i++) {
        if (isnan(r->jackknife[i])) continue;
        mean += r->jackknife[i];
        n++;
    }
    if (n < 2) return 0;
    mean /= (double)n;
    for (size_t i = 0; i < r->num_jackknife; i++) {
        if (isnan(r->jackknife[i])) continue;
        double d = mean - r->jackknife[i];
        squares += d * d;
        cubes += d * d * d;
    }
    return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

/* How far the resamples' median lies from the value, in normal units; ties count half. */
static double median_bias(double value, const double *sorted, size_t n)
{
    double below = 0;
    for (size_t i = 0; i < n; i++) below += sorted[i] < value ? 1 : sorted[i] == value ? .5 : 0;
    double p = below / (double)n, least = 1 / (double)(n + 1);
    return od_normal_quantile(fmin(fmax(p, least), 1 - least));
}

static double bca_level(double z0, double a, double z)
{
    double denominator = 1 - a * (z0 + z);
    return denominator > 0 ? od_normal_cdf(z0 + (z0 + z) / denominator) : z0 + z > 0;
}

static double deviation(const double *v, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) mean += v[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) squares += (v[i] - mean) * (v[i] - mean);
    return sqrt(squares / (double)(n - 1));
}

/* The figure's mean over `count` parts of each split, from column `first`; over the splits whose parts all have it. */
static double part_mean(const od_resampled *r, int first, int count)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < r->num_splits; i++) {
        double of_split = 0;
        for (int j = 0; j < count; j++) of_split += r->splits[i * OD_SPLIT_COLUMNS + (size_t)(first + j)];
        if (isnan(of_split)) continue;
        sum += of_split / count;
        n++;
    }
    return n ? sum / (double)n : NAN;
}

/* By how much the value is too high on average. Average precision takes the highest precision at a recall or any higher
 * one, and the maximum of noisy values exceeds the noise-free one: an excess that falls with the size n of the sample as
 * n^-1/2 where the curve is flat, n^-2/3 where it isn't (as for any monotone envelope: Groeneboom 1985), or n^-1 for what
 * smooth figures have. Going from all data to halves and on to quarters shows both the excess and its power; the parts of a
 * split hold each unit once, so that a linear figure gives exactly 0. The resamples' own excess understates it, because
 * images that are drawn twice agree with themselves: percentile and BCa intervals lie too high. */
static double excess_of(double value, const od_resampled *r)
{
    double half = part_mean(r, 0, 2), quarter = part_mean(r, 2, 4), first = half - value;
    if (isnan(half)) return 0;
    double ratio = first != 0 ? (quarter - half) / first : 1.5; /* 2^power */
    if (isnan(ratio)) ratio = 1.5;
    ratio = fmin(fmax(ratio, M_SQRT2), 2);
    return first / (ratio - 1);
}

/* The jackknife's error, and how well it is known: degrees of freedom. Parts of heavy tails (a few images decide a figure)
 * tell less than their number says: Satterthwaite's degrees of freedom from their kurtosis. Not for counts and differences, whose
 * intervals get too wide by it (bench_coverage_figures: false detections a null image). */
typedef struct spread {
    double se, freedom;
    size_t n;
} spread;

static spread jackknife_spread(const od_resampled *r)
{
    double mean = 0, squares = 0, fourths = 0;
    spread out = {0, 1, 0};
    for (size_t i = 0; i < r->num_jackknife; i++) {
        if (isnan(r->jackknife[i])) continue;
        mean += r->jackknife[i];
        out.n++;
    }
    if (out.n < 2) return out;
    double n = (double)out.n;
    mean /= n;
    for (size_t i = 0; i < r->num_jackknife; i++) {
        if (isnan(r->jackknife[i])) continue;
        double d = r->jackknife[i] - mean;
        squares += d * d;
        fourths += d * d * d * d;
    }
    out.se = sqrt(squares * (n - 1) / n);
    double excess = squares > 0 ? n * fourths / (squares * squares) - 3 : 0; /* of the kurtosis */
    out.freedom = r->is_fraction ? fmin(n - 1, fmax(2 * n / (excess + 2), 2)) : n - 1;
    return out;
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

/* Returns 0 where no such interval can be made. The value itself is always within: over many classes the excess may be
 * larger than the error. */
static int student_interval(double value, const od_resampled *r, double level, od_interval *out)
{
    /* Two detectors have nearly the same excess on the same images, so that their difference has none to speak of; estimating it would add
     * more noise than it takes away (bench_coverage difference: 91.5 instead of 94.2 % for AP of large objects). */
    spread parts = jackknife_spread(r);
    double excess = r->is_fraction ? excess_of(value, r) : 0, se = parts.se;
    if (r->is_fraction) excess = fmin(excess, (value - r->lowest) / 2); /* what noise makes of a figure near 0 */
    double centre = value - excess;
    double low = r->lowest, range = r->highest - r->lowest;
    if (!(se > 0) || (r->is_fraction && !(value > low && value < r->highest))) return 0;
    if (r->is_fraction && !(centre > low && centre < r->highest)) centre = value;
    /* The excess itself is known to about a third, unless told otherwise: the powers above, and the noise of finding them. */
    double reach = hypot(se, excess * (r->excess_error > 0 ? r->excess_error : 1. / 3)) * od_student_quantile(.5 + level / 2, parts.freedom);
    if (r->is_fraction) {
        double share = (centre - low) / range, at = log(share / (1 - share)), half = reach / range / (share * (1 - share));
        out->low = low + range * logistic(at - half);
        out->high = low + range * logistic(at + half);
    } else {
        out->low = fmax(centre - reach, r->lowest);
        out->high = fmin(centre + reach, r->highest);
    }
    out->low = fmin(out->low, value);
    out->high = fmax(out->high, value);
    out->se = se;
    out->excess = value - centre;
    out->method = od_bootstrap_method_text(OD_BOOTSTRAP_STUDENT);
    return 1;
}

const char *od_bootstrap_method_text(od_bootstrap_method method)
{
    static const char *const texts[] = {"bias-corrected t", "BCa bootstrap", "percentile bootstrap"};
    return texts[method];
}

od_interval od_bootstrap_interval(double value, const od_resampled *r, od_bootstrap_method method, double level,
                                  double *scratch)
{
    od_interval out = {.value = value, .low = NAN, .high = NAN, .se = NAN};
    size_t n = 0;
    if (isnan(value)) {
        out.why_not = "there is nothing to compute it from";
        return out;
    }
    for (size_t i = 0; i < r->num_samples; i++)
        if (!isnan(r->samples[i])) scratch[n++] = r->samples[i];
    if (n < 2 || n < r->num_samples - r->num_samples / 2) {
        out.why_not = "it rests on so few images that most resamples lack it";
        return out;
    }
    qsort(scratch, n, sizeof *scratch, ascending);
    if (scratch[0] == scratch[n - 1]) {
        out.why_not = "it is the same in every resample: the data hold no variation to judge by";
        return out;
    }
    out.se = deviation(scratch, n);
    if (method == OD_BOOTSTRAP_STUDENT && student_interval(value, r, level, &out)) return out;
    if (method == OD_BOOTSTRAP_STUDENT) method = OD_BOOTSTRAP_PERCENTILE;
    double low = (1 - level) / 2, high = 1 - low;
    if (method == OD_BOOTSTRAP_BCA) {
        spread parts = jackknife_spread(r);
        /* Resamples spread less than the figure by sqrt((n - 1) / n), and their spread is known only so well: expanded percentiles
         * (Hesterberg, Am. Stat. 69, 2015). */
        double units = parts.n > 1 ? (double)parts.n : 2, z0 = median_bias(value, scratch, n), a = acceleration(r);
        double z = sqrt(units / (units - 1)) * od_student_quantile(high, parts.freedom);
        low = bca_level(z0, a, -z);
        high = bca_level(z0, a, z);
    }
    out.low = fmax(od_sorted_quantile(scratch, n, low), r->lowest);
    out.high = fmin(od_sorted_quantile(scratch, n, high), r->highest);
    out.method = od_bootstrap_method_text(method);
    return out;
}
