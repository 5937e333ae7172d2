/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes that a picture may suffer on its way to a detector, in steps, for asking how much a trained one minds them. The kinds of
 * disturbance and their five-step idea are Hendrycks and Dietterich's (ICLR 2019) and, for detectors, Michaelis et al.'s
 * (arXiv:1907.07484); ours have three steps and are sized by the picture, so that they mean the same for every size.
 *
 * What a change does depends on the kind, the level and the picture's number alone.
 */
#ifndef OD_DATA_CORRUPTION_H
#define OD_DATA_CORRUPTION_H

#include "image/image.h"

#include <stdint.h>

enum { OD_CORRUPTION_LEVELS = 3 };

typedef enum od_corruption_kind {
    OD_CORRUPT_NONE,
    OD_CORRUPT_FLIP_HORIZONTAL,
    OD_CORRUPT_FLIP_VERTICAL,
    OD_CORRUPT_ROTATE_90, /* anticlockwise */
    OD_CORRUPT_ROTATE_180,
    OD_CORRUPT_ROTATE_270,
    OD_CORRUPT_TILT,       /* rotated by a few degrees, one half of the pictures each way */
    OD_CORRUPT_ZOOM_OUT,   /* smaller, with grey around */
    OD_CORRUPT_RESOLUTION, /* fewer pixels, enlarged again */
    OD_CORRUPT_BRIGHTER,
    OD_CORRUPT_DARKER,
    OD_CORRUPT_CONTRAST, /* less */
    OD_CORRUPT_NOISE,
    OD_CORRUPT_BLUR,
    OD_CORRUPT_JPEG,
    OD_CORRUPTIONS
} od_corruption_kind;

typedef struct od_corruption {
    od_corruption_kind kind;
    int level; /* 1 to od_corruption_levels(kind) */
} od_corruption;

/* "flip_horizontal". */
const char *od_corruption_name(od_corruption_kind kind);
/* 1 for flips and quarter turns, else OD_CORRUPTION_LEVELS. 0 for OD_CORRUPT_NONE. */
int od_corruption_levels(od_corruption_kind kind);
/* 1: it moves what is in the picture. */
int od_corruption_is_geometric(od_corruption_kind kind);
/* What it is, for people: "blurred, sigma 0.6 % of the longer side". Caller frees with od_free; NULL when out of memory. */
char *od_corruption_describe(od_corruption c);

/* Replaces the image by the changed one. On failure the image is as before. OD_ERR_NOMEM. */
od_status od_corruption_apply(od_corruption c, uint64_t number, od_image *image, od_error *err);
/* A box found in the changed picture, in the original: both ymin, xmin, ymax, xmax relative to the picture. `width` and `height` are the
 * original's. Exact but for OD_CORRUPT_TILT, where a box stands for the ellipse that fills it. */
void od_corruption_map_back(od_corruption c, uint64_t number, int width, int height, const float found[4], float original[4]);

#endif
