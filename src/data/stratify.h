/* SPDX-License-Identifier: Apache-2.0
 *
 * Dealing out units (bundles of images) to parts of given sizes so that each class is spread as the whole: the unit with the rarest
 * class goes first, to the part that lacks most of what it has (after Sechidis, Tsoumakas and Vlahavas, ECML 2011).
 */
#ifndef OD_DATA_STRATIFY_H
#define OD_DATA_STRATIFY_H

#include "util/error.h"

#include <stdint.h>

typedef struct od_stratify {
    int64_t units;
    int classes;             /* columns of `content`; one of them should count images */
    const int64_t *content;  /* [units][classes] */
    int parts;
    const double *fractions; /* [parts], of sum 1 */
    uint64_t seed;           /* decides between equals */
} od_stratify;

/* part[units] receives 0..parts - 1. OD_ERR_NOMEM. */
od_status od_stratify_run(const od_stratify *s, uint8_t *part, od_error *err);

#endif
