/* SPDX-License-Identifier: Apache-2.0
 *
 * A figure with its interval, and the intervals of plain proportions.
 *
 *     od_interval sensitivity = od_interval_wilson(371, 390, .95);
 *     printf("%.3f [%.3f, %.3f]\n", sensitivity.value, sensitivity.low, sensitivity.high);
 */
#ifndef OBJDET_INTERVAL_H
#define OBJDET_INTERVAL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_interval {
    double value;         /* NAN: the data can't give it; why_not tells the reason */
    double low, high;     /* NAN: no interval */
    double se;            /* standard error, or NAN */
    double excess;        /* estimated: by how much the value is on average too high on a sample of this size; 0 mostly */
    int64_t count, total; /* of a proportion count / total; total is 0 for other figures */
    const char *method;   /* "Wilson", "BCa bootstrap", ...; NULL without interval. Constant text. */
    const char *why_not;  /* why value or interval is missing; NULL when both are there. Constant text. */
} od_interval;

/* Wilson's score interval (J. Am. Stat. Assoc. 22, 1927). total 0: value NAN. 0 <= count <= total, 0 < level < 1. */
od_interval od_interval_wilson(int64_t count, int64_t total, double level);
/* Clopper and Pearson's exact interval (Biometrika 26, 1934): covers at least `level`, wider than Wilson's. */
od_interval od_interval_clopper_pearson(int64_t count, int64_t total, double level);

/* A proportion of correlated answers, such as several images of a patient: counts[i] of totals[i] in cluster i.
 * Wilson's interval with the effective sample size that the between-cluster variance of the ratio leaves (Korn and
 * Graubard, Surv. Methodol. 24, 1998; Dean and Pagano, J. Surv. Stat. Methodol. 3, 2015), quantile of Student's t
 * with clusters - 1 degrees of freedom. */
od_interval od_interval_clustered(const int64_t *counts, const int64_t *totals, int64_t num_clusters, double level);

#ifdef __cplusplus
}
#endif
#endif
