/* SPDX-License-Identifier: Apache-2.0
 *
 * Local features of a grey picture that survive cropping, scaling, turning, mirroring, recoding and changes of brightness:
 * extrema of differences of Gaussians with gradient histograms around them (Lowe, IJCV 2004), the histograms cut to one bit
 * a bin (above or below their median), so that features are compared by counting different bits.
 */
#ifndef OD_IMAGE_KEYPOINTS_H
#define OD_IMAGE_KEYPOINTS_H

#include "image/gray.h"

#include <stdint.h>

typedef struct od_keypoint {
    uint64_t bits[2];   /* 4 x 4 cells of 8 directions */
    float x, y;         /* pixels */
    float scale;        /* sigma, in pixels */
    float angle;        /* radians, from +x towards +y (down) */
} od_keypoint;

/* The `max` strongest keypoints, strongest first; returns their number in *count. */
od_status od_keypoints_find(const od_gray *g, int max, od_keypoint *out, int *count, od_error *err);

/* What the feature would be in the mirrored picture. */
void od_keypoint_mirror_bits(const uint64_t bits[2], uint64_t mirrored[2]);

static inline int od_keypoint_distance(const uint64_t a[2], const uint64_t b[2])
{
    return __builtin_popcountll(a[0] ^ b[0]) + __builtin_popcountll(a[1] ^ b[1]);
}

#endif
