/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of an image to find its near copies among many: a perceptual hash of the whole (signs of its lowest cosine
 * frequencies), a very small picture, and its strongest local features. About 1.4 kB an image, plain bytes.
 */
#ifndef OD_DATA_FINGERPRINT_H
#define OD_DATA_FINGERPRINT_H

#include "image/keypoints.h"
#include "image/picture_match.h"

enum { OD_FINGERPRINT_SIDE = 16, OD_FINGERPRINT_KEYPOINTS = 48, OD_FINGERPRINT_VARIANTS = 8 };

/* A keypoint in 24 bytes. */
typedef struct od_packed_keypoint {
    uint64_t bits[2];
    uint16_t x, y, scale; /* 1/128 pixel of the small copy */
    uint16_t angle;       /* 1/65536 of a turn */
} od_packed_keypoint;

typedef struct od_fingerprint {
    int width, height; /* of the small copy */
    int flat;          /* 1: next to nothing is to be seen: compared with nothing */
    uint64_t hash;
    int8_t small[OD_FINGERPRINT_SIDE * OD_FINGERPRINT_SIDE]; /* zero mean, unit deviation 32; rows from the top */
    int keypoint_count;
    od_packed_keypoint keypoints[OD_FINGERPRINT_KEYPOINTS];
} od_fingerprint;

od_status od_fingerprint_make(od_fingerprint *f, const od_gray *gray, od_error *err);

/* The hash that the transformed picture would have; variants as in od_affine_whole. */
uint64_t od_fingerprint_hash_variant(uint64_t hash, int variant);

/* Correlation of a's small picture, transformed, with b's: -1..1. */
double od_fingerprint_small_correlation(const od_fingerprint *a, const od_fingerprint *b, int variant);

#endif
