/* SPDX-License-Identifier: Apache-2.0
 *
 * The distributions that intervals need.
 */
#ifndef OD_EVAL_DISTRIBUTIONS_H
#define OD_EVAL_DISTRIBUTIONS_H

double od_normal_cdf(double z);
/* Inverse of the above; -HUGE_VAL at 0, HUGE_VAL at 1. */
double od_normal_quantile(double p);

/* Regularised incomplete beta function I_x(a, b), a and b > 0; and its inverse in x. */
double od_beta_cdf(double x, double a, double b);
double od_beta_quantile(double p, double a, double b);

/* Student's t; df > 0. */
double od_student_quantile(double p, double df);
/* P(|T| >= t), t >= 0. */
double od_student_two_sided(double t, double df);

#endif
