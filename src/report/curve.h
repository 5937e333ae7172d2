/* SPDX-License-Identifier: Apache-2.0
 *
 * A curve over training steps, and what losses of training and evaluation say about overfitting.
 */
#ifndef OD_REPORT_CURVE_H
#define OD_REPORT_CURVE_H

#include <stddef.h>
#include <stdint.h>

typedef struct od_curve {
    char *tag;     /* as in the event file; NULL: an empty curve */
    double *step;  /* [count], ascending */
    double *value; /* [count], finite */
    size_t count;
} od_curve;

void od_curve_deinit(od_curve *c);
/* Index of the smallest or largest value; the first of equal ones. count > 0. */
size_t od_curve_lowest(const od_curve *c);
size_t od_curve_highest(const od_curve *c);
/* Mean of the values at steps in (after, upto]; NAN when there are none. */
double od_curve_mean(const od_curve *c, double after, double upto);

typedef enum od_overfit_kind {
    OD_OVERFIT_UNKNOWN,   /* fewer than 3 evaluations */
    OD_OVERFIT_NONE,      /* the evaluation loss is lowest at the end, or doesn't rise beyond its noise */
    OD_OVERFIT_FOUND,     /* it rises beyond its noise while the training loss doesn't */
    OD_OVERFIT_DIVERGING, /* both rise: the training itself goes wrong */
    OD_OVERFIT_NO_TRAIN   /* it rises; without a training loss nobody can tell from what */
} od_overfit_kind;

typedef struct od_overfit {
    od_overfit_kind kind;
    double start;                /* the step of the lowest evaluation loss, after which it begins */
    double clear;                /* the first step from which on the loss stays above the noise; NAN: none */
    double lowest, last;         /* evaluation loss there (from 6 evaluations on, with its neighbours'), and its mean over the last (up to 3) evaluations */
    double noise;                /* standard deviation of an evaluation's loss around the curve */
    double train_then, train_last; /* mean training loss between evaluations, there and at the end; NAN without */
    size_t evaluations;
} od_overfit;

/* The noise is estimated from second differences (Gasser, Sroka, Jennen-Steinmetz, Biometrika 73, 1986; here by their median),
 * and taken as at least half a percent of the loss. A rise counts when the last evaluations' mean exceeds the lowest by 3
 * standard deviations of the noise and by 3 percent. `train` may be empty. */
od_overfit od_overfit_find(const od_curve *train, const od_curve *eval);

#endif
