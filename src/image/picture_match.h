/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether two pictures are one: aligns them from a guess and correlates their details.
 *
 * Details are what is left of a small grey copy once its slow changes are taken away and its local contrast is evened out, so that
 * pictures of the same kind (two chests, two streets) differ in them although their large shapes agree, and a copy that is
 * brighter, flatter, recoded or scaled does not.
 */
#ifndef OD_IMAGE_PICTURE_MATCH_H
#define OD_IMAGE_PICTURE_MATCH_H

#include "image/gray.h"

/* The longer side of the copies that are compared. */
enum { OD_PICTURE_SIDE = 256 };

/* (x, y) of one picture to m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5] of another; pixels of the small copies. */
typedef struct od_affine {
    double m[6];
} od_affine;

typedef struct od_picture {
    int original_width, original_height;
    od_gray gray;      /* OD_PICTURE_SIDE at most */
    od_gray detail[2]; /* of gray, and of gray at half its size */
} od_picture;

od_status od_picture_init(od_picture *p, const od_image *image, od_error *err);
void od_picture_deinit(od_picture *p);

typedef struct od_picture_match {
    od_affine map;     /* from a to b, refined */
    double similarity; /* correlation of details where they overlap, -1..1 */
    double inside;     /* the part of the smaller content that lies in the larger, 0..1 */
    double covered;    /* the part of the larger content that both show, 0..1 */
    int mirrored;
    double degrees;    /* b is a (mirrored left to right first), turned counter-clockwise: -180 < degrees <= 180 */
    double scale;      /* size of things in b by their size in a, in pixels of the originals */
    double contrast, brightness; /* b = contrast * a + brightness in grey levels where they overlap */
    double lighter;    /* mean of b minus mean of a there */
} od_picture_match;

/* Refines `guess` and judges it. Never fails: a guess that leads nowhere has a low similarity. */
void od_picture_align(const od_picture *a, const od_picture *b, const od_affine *guess, od_picture_match *out);

/* Whether two pictures agree enough, over enough of them, to be one: measured, see docs/DATA.md. Whether that is evidence: picture_evidence.h. */
int od_picture_match_looks_same(const od_picture_match *m);

/* The same map between the pictures at half their size: pixel centres at (x - .5) / 2 + ... */
od_affine od_affine_half(const od_affine *map);

/* The map of the whole of a onto the whole of b: variant bits 1 mirror left to right, 2 upside down, 4 exchange x and y (first). */
od_affine od_affine_whole(int aw, int ah, int bw, int bh, int variant);

#endif
