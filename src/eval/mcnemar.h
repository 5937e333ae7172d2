/* SPDX-License-Identifier: Apache-2.0
 *
 * Two detectors right and wrong on the same images.
 */
#ifndef OD_EVAL_MCNEMAR_H
#define OD_EVAL_MCNEMAR_H

#include "eval/resample.h"
#include "objdet/interval.h"

/* McNemar's two-sided mid-p value for `only_a` and `only_b` images that one alone gets right; 1 when there are none. The
 * exact p is too large, the mid-p keeps its level (Fagerland, Lydersen and Laake, BMC Med. Res. Methodol. 13, 2013). */
double od_mcnemar_mid_p(int64_t only_a, int64_t only_b);

/* Share right of b less that of a, with Newcombe's paired score interval (Stat. Med. 17, 1998, method 10), and McNemar's
 * mid-p test. Where units are grouped: Wald's with the between-group variance (Eliasziw and Donner, Stat. Med. 10, 1991),
 * Student's t. right_*: [n] 1, 0, or -1 not counted (for both alike). scratch: [2 * units->count]. Something is counted. */
od_interval od_paired_difference(const int8_t *right_a, const int8_t *right_b, size_t n, const od_units *units, double level,
                                 double *scratch, double *p);

#endif
