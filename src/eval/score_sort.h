/* SPDX-License-Identifier: Apache-2.0
 *
 * A stable sort of scores from high to low: equal scores keep their order, as numpy.argsort(-scores, kind='mergesort').
 */
#ifndef OD_EVAL_SCORE_SORT_H
#define OD_EVAL_SCORE_SORT_H

#include <stddef.h>
#include <stdint.h>

typedef struct od_scored {
    double score;
    uint32_t index; /* the caller's */
} od_scored;

/* `scratch` has room for n elements. Scores must not be NaN. */
void od_score_sort(od_scored *items, od_scored *scratch, size_t n);

#endif
