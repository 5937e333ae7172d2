/* SPDX-License-Identifier: Apache-2.0
 *
 * The zooming augmentations with everything random decided, for tests against the OD API's.
 */
#ifndef OD_DATA_AUGMENT_ZOOM_H
#define OD_DATA_AUGMENT_ZOOM_H

#include "data/augment.h"

/* random_square_crop_by_scale: a square of scale * longer side around (center_y, center_x), black outside the picture.
 */
od_status od_square_crop(od_sample *sample, float scale, int center_y, int center_x, od_error *err);

/* How far from the edges the square's centre stays: border / 2^k until twice that fits into `size`. */
int od_square_crop_border(int border, int size);

/* random_scale_crop_and_pad_to_square: resized so that the longer side is scale * side, cut at a part (shift_y,
 * shift_x) in 0..1 of what sticks out, padded with black. */
od_status od_scale_crop_and_pad(od_sample *sample, int side, float scale, float shift_y, float shift_x, od_error *err);

#endif
