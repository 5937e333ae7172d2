/* SPDX-License-Identifier: Apache-2.0
 *
 * An object's mask on a picture: a veil in its class's colour with an outline.
 */
#ifndef OD_IMAGE_DRAW_MASK_H
#define OD_IMAGE_DRAW_MASK_H

#include "image/image.h"

/* mask [height, width] of the image, not 0: inside. Draw masks before boxes (image/draw.h), so that labels stay legible. */
void od_image_draw_mask(od_image *image, const uint8_t *mask, int class_index);

/* Its outline alone, in 0xRRGGBB. */
void od_image_draw_outline(od_image *image, const uint8_t *mask, uint32_t color);

#endif
