/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/binary_figures.h"

#include <math.h>
#include <string.h>

enum { TP = 1u << OD_TP, FP = 1u << OD_FP, TN = 1u << OD_TN, FN = 1u << OD_FN };

static int is_in(unsigned mask, uint8_t cell)
{
    return (int)(mask >> cell & 1);
}

od_interval od_cell_proportion(const uint8_t *cells, size_t n, unsigned counted, unsigned among, const od_units *units,
                               const od_image_options *options, int64_t *scratch)
{
    if (units->grouped) {
        int64_t *counts = scratch, *totals = scratch + units->count;
        memset(scratch, 0, 2 * units->count * sizeof *scratch);
        for (size_t i = 0; i < n; i++) {
            counts[units->of_image[i]] += is_in(counted, cells[i]);
            totals[units->of_image[i]] += is_in(among, cells[i]);
        }
        return od_interval_clustered(counts, totals, (int64_t)units->count, options->level);
    }
    int64_t count = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        count += is_in(counted, cells[i]);
        total += is_in(among, cells[i]);
    }
    return options->exact ? od_interval_clopper_pearson(count, total, options->level)
                          : od_interval_wilson(count, total, options->level);
}

double od_mcc(double tp, double fp, double tn, double fn)
{
    double product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn);
    return product > 0 ? (tp * tn - fp * fn) / sqrt(product) : 0;
}

od_interval od_mean_interval(const od_interval *parts, size_t n, const double *correlation)
{
    od_interval out = {.value = 0, .low = NAN, .high = NAN, .se = NAN};
    double below = 0, above = 0, variance = 0;
    for (size_t i = 0; i < n; i++) out.value += parts[i].value / (double)n;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double r = i == j ? 1 : correlation ? correlation[i * n + j] : 0;
            const od_interval *a = &parts[i], *b = &parts[j];
            below += r * (a->value - a->low) * (b->value - b->low);
            above += r * (a->high - a->value) * (b->high - b->value);
            variance += r * a->se * b->se;
        }
    }
    if (isnan(below) || isnan(above)) {
        out.why_not = "one of its parts has no interval";
        return out;
    }
    out.low = fmax(out.value - sqrt(fmax(below, 0)) / (double)n, 0);
    out.high = fmin(out.value + sqrt(fmax(above, 0)) / (double)n, 1);
    out.se = sqrt(fmax(variance, 0)) / (double)n;
    out.method = correlation ? "MOVER, cluster-robust" : "MOVER";
    return out;
}

double od_cell_correlation(const uint8_t *cells_a, unsigned counted_a, unsigned among_a, const uint8_t *cells_b,
                           unsigned counted_b, unsigned among_b, size_t n, const od_units *units, double *scratch)
{
    double p[2], counts[2] = {0}, totals[2] = {0}, squares[2] = {0}, product = 0, *sums = scratch;
    for (size_t i = 0; i < n; i++) {
        counts[0] += is_in(counted_a, cells_a[i]);
        totals[0] += is_in(among_a, cells_a[i]);
        counts[1] += is_in(counted_b, cells_b[i]);
        totals[1] += is_in(among_b, cells_b[i]);
    }
    for (int c = 0; c < 2; c++) p[c] = totals[c] > 0 ? counts[c] / totals[c] : 0;
    memset(sums, 0, 2 * units->count * sizeof *sums);
    for (size_t i = 0; i < n; i++) {
        double *of_unit = &sums[2 * (size_t)units->of_image[i]];
        of_unit[0] += is_in(counted_a, cells_a[i]) - p[0] * is_in(among_a, cells_a[i]);
        of_unit[1] += is_in(counted_b, cells_b[i]) - p[1] * is_in(among_b, cells_b[i]);
    }
    for (size_t u = 0; u < units->count; u++) {
        for (int c = 0; c < 2; c++) squares[c] += sums[2 * u + (size_t)c] * sums[2 * u + (size_t)c];
        product += sums[2 * u] * sums[2 * u + 1];
    }
    return squares[0] > 0 && squares[1] > 0 ? product / sqrt(squares[0] * squares[1]) : 0;
}

static od_interval missing(const char *why)
{
    return (od_interval){.value = NAN, .low = NAN, .high = NAN, .se = NAN, .why_not = why};
}

/* F1 = 2 J / (1 + J) of the share J of true positives among all but the true negatives; rising, so that J's interval maps
 * to F1's (Flores et al., Stat 11, 2022, call it the indirect interval). */
static od_interval f1_of(od_interval j)
{
    od_interval out = j;
    out.value = 2 * j.value / (1 + j.value);
    out.low = 2 * j.low / (1 + j.low);
    out.high = 2 * j.high / (1 + j.high);
    out.se = 2 * j.se / ((1 + j.value) * (1 + j.value));
    out.count = out.total = 0;
    return out;
}

static od_interval balanced(const od_binary_figures *f, const uint8_t *cells, size_t n, const od_units *units,
                            int64_t *scratch)
{
    double r = units->grouped
                   ? od_cell_correlation(cells, TP, TP | FN, cells, TN, TN | FP, n, units, (double *)(void *)scratch)
                   : 0;
    double correlation[4] = {1, r, r, 1};
    return od_mean_interval((od_interval[]){f->sensitivity, f->specificity}, 2, units->grouped ? correlation : NULL);
}

/* Proportions whose denominator is empty say which images are missing. */
static void explain_missing(od_binary_figures *f)
{
    static const char no_positives[] = "no image has it: there are no positives",
                      no_negatives[] = "every image has it: there are no negatives";
    if (!f->positives) f->sensitivity = missing(no_positives);
    if (!f->negatives) f->specificity = missing(no_negatives);
    if (!f->positives || !f->negatives) {
        const char *why = f->positives ? no_negatives : no_positives;
        f->balanced_accuracy = missing(why);
        f->mcc = missing(why);
    }
    if (!(f->tp + f->fp)) f->ppv = missing("it was never said to be there");
    if (!(f->tn + f->fn)) f->npv = missing("it was always said to be there");
    if (!f->positives) f->f1 = missing(no_positives);
}

void od_binary_figures_fill(od_binary_figures *out, const uint8_t *cells, size_t n, const od_units *units,
                            const od_image_options *options, int64_t *scratch)
{
    int64_t counts[5] = {0};
    for (size_t i = 0; i < n; i++) counts[cells[i]]++;
    out->tp = counts[OD_TP];
    out->fp = counts[OD_FP];
    out->tn = counts[OD_TN];
    out->fn = counts[OD_FN];
    out->positives = out->tp + out->fn;
    out->negatives = out->fp + out->tn;
    out->accuracy = od_cell_proportion(cells, n, TP | TN, TP | FP | TN | FN, units, options, scratch);
    out->sensitivity = od_cell_proportion(cells, n, TP, TP | FN, units, options, scratch);
    out->specificity = od_cell_proportion(cells, n, TN, TN | FP, units, options, scratch);
    out->ppv = od_cell_proportion(cells, n, TP, TP | FP, units, options, scratch);
    out->npv = od_cell_proportion(cells, n, TN, TN | FN, units, options, scratch);
    out->f1 = f1_of(od_cell_proportion(cells, n, TP, TP | FP | FN, units, options, scratch));
    unsigned frequent = out->positives >= out->negatives ? TP | FN : TN | FP;
    out->majority = od_cell_proportion(cells, n, frequent, TP | FP | TN | FN, units, options, scratch);
    out->balanced_accuracy = balanced(out, cells, n, units, scratch);
    out->mcc = missing("it has no interval here");
    out->mcc.value = od_mcc((double)out->tp, (double)out->fp, (double)out->tn, (double)out->fn);
    explain_missing(out);
}
