/* SPDX-License-Identifier: Apache-2.0
 *
 * From resampled values to an interval.
 */
#ifndef OD_EVAL_BOOTSTRAP_INTERVAL_H
#define OD_EVAL_BOOTSTRAP_INTERVAL_H

#include "objdet/bootstrap.h"

#include <stddef.h>

typedef struct od_resampled {
    const double *samples;   /* [num_samples], NAN where the figure has no value */
    size_t num_samples;
    const double *jackknife; /* [num_jackknife], likewise */
    size_t num_jackknife;
    const double *splits;    /* [num_splits, OD_SPLIT_COLUMNS]: of each split's two halves and four quarters; likewise */
    size_t num_splits;
    double lowest, highest;  /* what the figure can be; intervals end there */
    double excess_error;     /* of what is taken off as excess, as a share of it; 0: a third */
    int is_fraction;         /* 1: the t interval is made on the logit scale of its range (Fisher's z for -1..1) */
} od_resampled;

/* `value`: the figure on the data; NAN gives an interval without numbers. `scratch`: [num_samples]. */
od_interval od_bootstrap_interval(double value, const od_resampled *r, od_bootstrap_method method, double level,
                                  double *scratch);

const char *od_bootstrap_method_text(od_bootstrap_method method);

/* Quantile p of sorted values, between the neighbours (type 7 of Hyndman and Fan, numpy's default). */
double od_sorted_quantile(const double *sorted, size_t n, double p);

#endif
