/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/roc.h"

#include "eval/distributions.h"
#include "eval/score_sort.h"
#include "util/alloc.h"

#include <float.h>
#include <math.h>
#include <string.h>

od_status od_score_order_init(od_score_order *o, const double *scores, size_t n, od_error *err)
{
    od_scored *items = od_malloc(n, sizeof *items), *scratch = od_malloc(n, sizeof *scratch);
    *o = (od_score_order){n, od_malloc(n, sizeof *o->index)};
    od_status status = items && scratch && o->index ? OD_OK : od_error_nomem(err, "the order of scores");
    if (status == OD_OK) {
        for (size_t i = 0; i < n; i++) items[i] = (od_scored){scores[i], (uint32_t)i};
        od_score_sort(items, scratch, n);
        for (size_t i = 0; i < n; i++) o->index[i] = items[i].index;
    }
    od_free(items);
    od_free(scratch);
    if (status != OD_OK) od_score_order_deinit(o);
    return status;
}

void od_score_order_deinit(od_score_order *o)
{
    od_free(o->index);
    *o = (od_score_order){0};
}

/* End of the run of equal scores that begins at i. */
static size_t run_end(const od_score_order *o, const double *scores, size_t i)
{
    size_t end = i + 1;
    while (end < o->n && scores[o->index[end]] == scores[o->index[i]]) end++;
    return end;
}

double od_roc_components(const od_score_order *o, const double *scores, const uint8_t *truth, double *components)
{
    double totals[2] = {0}, above[2] = {0}, sum = 0;
    for (size_t i = 0; i < o->n; i++) totals[truth[i] != 0]++;
    if (!totals[0] || !totals[1]) return NAN;
    for (size_t i = 0, end; i < o->n; i = end) {
        double here[2] = {0};
        end = run_end(o, scores, i);
        for (size_t j = i; j < end; j++) here[truth[o->index[j]] != 0]++;
        double of_positive = (totals[0] - above[0] - here[0] + here[0] / 2) / totals[0];
        double of_negative = (above[1] + here[1] / 2) / totals[1];
        for (size_t j = i; j < end; j++) components[o->index[j]] = truth[o->index[j]] ? of_positive : of_negative;
        sum += here[1] * of_positive;
        above[0] += here[0];
        above[1] += here[1];
    }
    return sum / totals[1];
}

/* Both classes' mean component is the AUC (or difference of AUCs). */
static double mean_of(const double *components, const uint8_t *truth, size_t n, int positive, double *count)
{
    double sum = 0;
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        if ((truth[i] != 0) != positive) continue;
        sum += components[i];
        ++*count;
    }
    return sum / *count;
}

static double delong(const double *components, const uint8_t *truth, size_t n)
{
    double squares[2] = {0}, counts[2], means[2];
    for (int c = 0; c < 2; c++) means[c] = mean_of(components, truth, n, c, &counts[c]);
    if (counts[0] < 2 || counts[1] < 2) return NAN;
    for (size_t i = 0; i < n; i++) {
        double d = components[i] - means[truth[i] != 0];
        squares[truth[i] != 0] += d * d;
    }
    return squares[1] / (counts[1] - 1) / counts[1] + squares[0] / (counts[0] - 1) / counts[0];
}

/* Obuchowski 1997, equations 4 to 6: sums of components within each cluster. */
static double obuchowski(const double *components, const uint8_t *truth, size_t n, const od_units *units, double *scratch)
{
    size_t u = units->count;
    double *sums[2] = {scratch, scratch + u}, *sizes[2] = {scratch + 2 * u, scratch + 3 * u};
    double counts[2], clusters[2] = {0}, squares[2] = {0}, products = 0;
    double auc = mean_of(components, truth, n, 1, &counts[1]);
    mean_of(components, truth, n, 0, &counts[0]);
    memset(scratch, 0, 4 * u * sizeof *scratch);
    for (size_t i = 0; i < n; i++) {
        sums[truth[i] != 0][units->of_image[i]] += components[i];
        sizes[truth[i] != 0][units->of_image[i]]++;
    }
    for (size_t i = 0; i < u; i++) {
        double d[2];
        for (int c = 0; c < 2; c++) {
            d[c] = sums[c][i] - sizes[c][i] * auc;
            squares[c] += d[c] * d[c];
            clusters[c] += sizes[c][i] > 0;
        }
        products += d[0] * d[1];
    }
    if (clusters[0] < 2 || clusters[1] < 2) return NAN;
    double all = (double)u;
    return clusters[1] / (clusters[1] - 1) * squares[1] / (counts[1] * counts[1]) +
           clusters[0] / (clusters[0] - 1) * squares[0] / (counts[0] * counts[0]) +
           2 * all / (all - 1) * products / (counts[0] * counts[1]);
}

double od_roc_variance(const double *components, const uint8_t *truth, size_t n, const od_units *units, double *scratch)
{
    return units->grouped ? obuchowski(components, truth, n, units, scratch) : delong(components, truth, n);
}

/* Hanley and McNeil, Radiology 143, 1982. */
static double hanley_mcneil(double auc, double positives, double negatives)
{
    double q1 = auc / (2 - auc), q2 = 2 * auc * auc / (1 + auc);
    return (auc * (1 - auc) + (positives - 1) * (q1 - auc * auc) + (negatives - 1) * (q2 - auc * auc)) /
           (positives * negatives);
}

/* The farthest AUC below 1 (or above 0) whose own error still reaches the end. */
static double end_bound(int at_one, double positives, double negatives, double z)
{
    double far = .5, near = at_one ? 1 : 0;
    for (int i = 0; i < 60; i++) {
        double middle = (far + near) / 2;
        if (fabs((at_one ? 1 : 0) - middle) > z * sqrt(hanley_mcneil(middle, positives, negatives)))
            far = middle;
        else
            near = middle;
    }
    return near;
}

/* How many units have a positive, and a negative, image. */
static void count_units(const uint8_t *truth, size_t n, const od_units *units, double counts[2])
{
    counts[0] = counts[1] = 0;
    if (!units->grouped) {
        for (size_t i = 0; i < n; i++) counts[truth[i] != 0]++;
        return;
    }
    uint8_t *seen = od_calloc(units->count, 2);
    for (size_t i = 0; seen && i < n; i++) {
        uint8_t *flag = &seen[2 * (size_t)units->of_image[i] + (truth[i] != 0)];
        counts[truth[i] != 0] += !*flag;
        *flag = 1;
    }
    if (!seen) counts[0] = counts[1] = 1; /* out of memory: the widest */
    od_free(seen);
}

od_interval od_roc_interval(double auc, double variance, const uint8_t *truth, size_t n, const od_units *units,
                            double level)
{
    od_interval out = {.value = auc, .low = NAN, .high = NAN, .se = NAN};
    double counts[2], tail = .5 + level / 2;
    count_units(truth, n, units, counts);
    if (isnan(auc) || isnan(variance)) {
        out.why_not = isnan(auc) ? (counts[1] ? "no image lacks it: there are no negatives to rank it above"
                                              : "no image has it: there are no positives to rank")
                                 : "it rests on a single positive or negative";
        return out;
    }
    out.se = sqrt(fmax(variance, 0));
    double z = units->grouped ? od_student_quantile(tail, (double)units->count - 1) : od_normal_quantile(tail);
    if (!(auc > 0 && auc < 1) || !(variance > 0)) {
        int at_one = auc > .5;
        double bound = end_bound(at_one, counts[1], counts[0], z);
        out.low = at_one ? bound : 0;
        out.high = at_one ? 1 : bound;
        out.method = "score, Hanley-McNeil";
        return out;
    }
    double at = log(auc / (1 - auc)), half = z * out.se / (auc * (1 - auc));
    out.low = 1 / (1 + exp(half - at));
    out.high = 1 / (1 + exp(-half - at));
    out.method = units->grouped ? "Obuchowski, logit" : "DeLong, logit";
    return out;
}

void od_ranking_fill(uint32_t *ranking, const od_score_order *o, const double *scores, const uint8_t *truth)
{
    for (size_t i = 0, end; i < o->n; i = end) {
        end = run_end(o, scores, i);
        for (size_t j = i; j < end; j++)
            ranking[j] = o->index[j] << OD_RANKING_SHIFT | (truth[o->index[j]] ? OD_RANKING_TRUE : 0) | (j + 1 == end ? OD_RANKING_END : 0);
    }
}

void od_average_precision_lanes(const uint32_t *ranking, size_t n, const int32_t *weights, double ap[OD_LANES])
{
    int32_t answered[OD_LANES] = {0}, tp[OD_LANES] = {0}, here[OD_LANES] = {0};
    double sum[OD_LANES] = {0};
    int any = 0; /* a positive among the equal scores so far */
    for (size_t i = 0; i < n; i++) {
        const int32_t *w = weights + (size_t)(ranking[i] >> OD_RANKING_SHIFT) * OD_LANES;
        for (int l = 0; l < OD_LANES; l++) answered[l] += w[l];
        if (ranking[i] & OD_RANKING_TRUE) {
            any = 1;
            for (int l = 0; l < OD_LANES; l++) here[l] += w[l];
        }
        if (!any || !(ranking[i] & OD_RANKING_END)) continue;
        for (int l = 0; l < OD_LANES; l++) {
            tp[l] += here[l];
            sum[l] += here[l] * ((double)tp[l] / (answered[l] + DBL_MIN)); /* nothing answered: 0 */
            here[l] = 0;
        }
        any = 0;
    }
    for (int l = 0; l < OD_LANES; l++) ap[l] = tp[l] ? sum[l] / tp[l] : (double)NAN;
}
