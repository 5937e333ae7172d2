/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the agreement of two aligned pictures tells that they are one. Two things make pictures agree that have nothing to do with each other: few details
 * (an affine map brings an edge onto any other), and details that repeat (stripes and tiles lie on any others of their width).
 */
#ifndef OD_IMAGE_PICTURE_EVIDENCE_H
#define OD_IMAGE_PICTURE_EVIDENCE_H

#include "image/picture_match.h"

typedef struct od_picture_evidence {
    double deviations; /* how far the similarity is from chance: Fisher's z for as many independent details as there are */
    double repeated;   /* correlation of details when one picture is shifted to where that is highest, a few details away */
    double unique;     /* correlation of what doesn't repeat after that shift */
} od_picture_evidence;

/* `m` from od_picture_align. OD_ERR_NOMEM. */
od_status od_picture_evidence_find(const od_picture *a, const od_picture *b, const od_picture_match *m, od_picture_evidence *out, od_error *err);

/* Enough details, and other ones than repeated ones. */
int od_picture_evidence_suffices(const od_picture_evidence *e, const od_picture_match *m);

#endif
