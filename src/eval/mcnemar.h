/* SPDX-License-Identifier: Apache-2.0
 *
 * Two detectors right and wrong on the same images.
 */
#ifndef OD_EVAL_MCNEMAR_H
#define OD_EVAL_MCNEMAR_H

#include "eval/resample.h"
#include "objdet/interval.h"

/* McNemar's exact two-sided p value for `only_a` and `only_b` images that one alone gets right; 1 when there are none. */
double od_mcnemar_exact(int64_t only_a, int64_t only_b);

/* Share right of b less that of a, with Newcombe's paired score interval (Stat. Med. 17, 1998, method 10), and McNemar's
 * exact test. Where units are grouped: Wald's with the between-group variance (Eliasziw and Donner, Stat. Med. 10, 1991),
 * Student's t. right_*: [n] 1, 0, or -1 not counted (for both alike). scratch: [2 * units->count]. Something is counted. */
od_interval od_paired_difference(const int8_t *right_a, const int8_t *right_b, size_t n, const od_units *units, double level,
                                 double *scratch, double *p);

#endif
