/* SPDX-License-Identifier: Apache-2.0
 *
 * What augmentations do to the pixels of a sample, with everything random already decided: copies of its own, padding,
 * resizing, and the boxes and keypoints that follow. Pixels are float32 RGB, 0..255.
 */
#ifndef OD_DATA_SAMPLE_PIXELS_H
#define OD_DATA_SAMPLE_PIXELS_H

#include "data/augment.h"

/* *out: the sample's pixels as float [height, width, 3] without gaps, to be changed in place; they stay the sample's.
 */
od_status od_sample_own_pixels(od_sample *sample, float **out, od_error *err);

/* Makes `pixels` [height, width, 3] (from od_malloc) the sample's picture and frees what it had. */
void od_sample_set_pixels(od_sample *sample, float *pixels, int height, int width);

/* The mean of each channel: tf.reduce_mean(image, [0, 1]). */
void od_sample_mean_color(const od_sample *sample, float mean[3]);

/* The part with its corner at (y, x), which the caller keeps inside; boxes stay as they are. */
void od_sample_crop(od_sample *sample, int y, int x, int height, int width);

/* Puts the picture at (offset_y, offset_x) into one of height x width, the rest in `color`; what lies beyond is cut
 * off. Boxes stay as they are. OD_ERR_FORMAT when the result would be over OD_IMAGE_MAX_PIXELS. */
od_status od_sample_place(od_sample *sample, int offset_y, int offset_x, int height, int width, const float color[3],
                          od_error *err);

/* Resizes the picture as tf.compat.v1.image.resize_images does (same size: nothing happens). Boxes are relative: they
 * stay. */
od_status od_sample_resize(od_sample *sample, od_resize_method method, int align_corners, int height, int width,
                           od_error *err);

/* change_coordinate_frame to `window`, then prune_completely_outside_window, then clip_to_window without filtering:
 * what the augmentations that zoom and pad do with boxes; keypoints outside become NaN. */
void od_sample_reframe_boxes(od_sample *sample, const float window[4]);

/* random_pad_image with its sizes drawn: od_sample_place with boxes moved. `color` NULL: the picture's mean. */
od_status od_sample_pad(od_sample *sample, int offset_y, int offset_x, int height, int width, const float *color,
                        od_error *err);

#endif
