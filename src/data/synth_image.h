/* SPDX-License-Identifier: Apache-2.0
 *
 * One synthetic picture: textured ground and shapes with their boxes.
 */
#ifndef OD_DATA_SYNTH_IMAGE_H
#define OD_DATA_SYNTH_IMAGE_H

#include "image/image.h"
#include "util/rng.h"

enum { OD_SYNTH_MAX_SHAPES = 8 };
typedef enum od_synth_class { OD_SYNTH_LOOKALIKE, OD_SYNTH_SQUARE, OD_SYNTH_TRIANGLE } od_synth_class;

typedef struct od_synth_box {
    int label;                  /* OD_SYNTH_SQUARE or OD_SYNTH_TRIANGLE: the label map's ids */
    int xmin, ymin, xmax, ymax; /* pixels; the first inside, the first outside */
} od_synth_box;

typedef struct od_synth_picture {
    od_image image; /* the caller deinits */
    od_synth_box boxes[OD_SYNTH_MAX_SHAPES];
    int box_count; /* 0: a null image (it may still hold pentagons) */
} od_synth_picture;

/* Draws into *out (zeroed) from the generator's state alone. */
od_status od_synth_picture_draw(od_synth_picture *out, od_rng *rng, int width, int height, od_error *err);

#endif
