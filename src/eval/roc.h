/* SPDX-License-Identifier: Apache-2.0
 *
 * Areas under curves of scores: ROC with DeLong's variance and Obuchowski's for clusters, of one set of scores or of the
 * difference between two; average precision under weights.
 */
#ifndef OD_EVAL_ROC_H
#define OD_EVAL_ROC_H

#include "eval/columns.h"
#include "objdet/interval.h"

/* Scores in order, made once and walked under many weights. */
typedef struct od_score_order {
    size_t n;
    uint32_t *index; /* by score from high to low */
} od_score_order;
od_status od_score_order_init(od_score_order *o, const double *scores, size_t n, od_error *err);
void od_score_order_deinit(od_score_order *o);

/* Structural components (DeLong et al. 1988): for a positive, the share of negatives that score lower (ties half); for a
 * negative, the share of positives that score higher. The AUC is the mean over the positives. NAN AUC without both.
 * components: [n]. */
double od_roc_components(const od_score_order *o, const double *scores, const uint8_t *truth, double *components);

/* Variance of sum of w * AUC from components that were combined alike (w = 1; or b's less a's for a difference): DeLong's,
 * or, where units are grouped, Obuchowski's. scratch: [4 * units->count]. NAN when there are fewer than two of each. */
double od_roc_variance(const double *components, const uint8_t *truth, size_t n, const od_units *units, double *scratch);

/* Interval on the logit scale. With an AUC of 0 or 1 the variance is 0: then the score interval of Hanley and McNeil's
 * variance. `positives` and `negatives` count images, or groups that have some. */
od_interval od_roc_interval(double auc, double variance, const uint8_t *truth, size_t n, const od_units *units,
                            double level);

/* Images by falling score, packed: image << SHIFT, its truth, the last of equal scores. Images: below 2^30. */
enum { OD_RANKING_TRUE = 1, OD_RANKING_END = 2, OD_RANKING_SHIFT = 2 };
void od_ranking_fill(uint32_t *ranking, const od_score_order *o, const double *scores, const uint8_t *truth);

/* Average precision, ties taken together (scikit-learn's average_precision_score), under OD_LANES weights of each image; NAN
 * without positives. weights: [n, OD_LANES]. */
void od_average_precision_lanes(const uint32_t *ranking, size_t n, const int32_t *weights, double ap[OD_LANES]);

#endif
