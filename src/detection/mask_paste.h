/* SPDX-License-Identifier: Apache-2.0
 *
 * From a detection's small mask to the picture's pixels: utils/ops.py reframe_box_masks_to_image_masks (tf.image.crop_and_resize,
 * bilinear, in float32) with the evaluation's threshold.
 */
#ifndef OD_DETECTION_MASK_PASTE_H
#define OD_DETECTION_MASK_PASTE_H

#include <stddef.h>
#include <stdint.h>

/* mask [mask_h, mask_w]: probabilities inside `box` (ymin, xmin, ymax, xmax relative to the picture). out: 1 where the pixel of a
 * picture of height x width is inside with more than one half, else 0; `row_step`, `column_step`: elements to the pixel below and to
 * the right, so that masks can be had row by row or column by column. */
void od_mask_paste(const float *mask, int mask_h, int mask_w, const float box[4], int height, int width, uint8_t *out, ptrdiff_t row_step,
                   ptrdiff_t column_step);

#endif
