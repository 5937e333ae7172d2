/* SPDX-License-Identifier: Apache-2.0
 *
 * Yes-or-no answers on images against the truth: counts, and the figures with their intervals.
 */
#ifndef OD_EVAL_BINARY_FIGURES_H
#define OD_EVAL_BINARY_FIGURES_H

#include "eval/resample.h"
#include "objdet/image_level.h"

/* An image's place in the table. */
typedef enum od_cell { OD_TP, OD_FP, OD_TN, OD_FN, OD_LEFT_OUT } od_cell;

static inline od_cell od_cell_of(int truth, int answer)
{
    return truth ? (answer ? OD_TP : OD_FN) : (answer ? OD_FP : OD_TN);
}

/* A proportion over images: `counted` and `among` hold bit masks of cells (1u << cell). Clustered when units are grouped.
 * scratch: [2 * units->count]. */
od_interval od_cell_proportion(const uint8_t *cells, size_t n, unsigned counted, unsigned among, const od_units *units,
                               const od_image_options *options, int64_t *scratch);

/* Fills counts, accuracy, sensitivity, specificity, PPV, NPV, F1, balanced accuracy, majority of `out` from cells [n]; the
 * value of MCC without interval. scratch: [2 * units->count]. */
void od_binary_figures_fill(od_binary_figures *out, const uint8_t *cells, size_t n, const od_units *units,
                            const od_image_options *options, int64_t *scratch);

/* Matthews' correlation coefficient; 0 when a row or column of the table is empty (scikit-learn's convention). */
double od_mcc(double tp, double fp, double tn, double fn);

/* Mean of proportions, from their intervals (MOVER). correlation: [n, n] of their errors, or NULL when independent. */
od_interval od_mean_interval(const od_interval *parts, size_t n, const double *correlation);

/* Correlation of the errors of two proportions when units are grouped: parts given by masks as above. */
double od_cell_correlation(const uint8_t *cells_a, unsigned counted_a, unsigned among_a, const uint8_t *cells_b,
                           unsigned counted_b, unsigned among_b, size_t n, const od_units *units, double *scratch);

#endif
