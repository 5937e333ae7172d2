/* SPDX-License-Identifier: Apache-2.0
 *
 * The colour adjustments of tf.image as core/preprocessor.py uses them: pixels / 255, adjusted, * 255, cut to 0..255.
 * Pixels [count, 3] float32 RGB, in place. Sources:
 * tensorflow/core/kernels/image/adjust_{contrast,hue,saturation}_op.cc, python/ops/image_ops_impl.py.
 */
#ifndef OD_DATA_COLOR_ADJUST_H
#define OD_DATA_COLOR_ADJUST_H

#include <stdint.h>

void od_color_adjust_brightness(float *pixels, int64_t count, float delta); /* + delta, of 1 */
void od_color_adjust_contrast(float *pixels, int64_t count, float factor);  /* about each channel's mean */
void od_color_adjust_hue(float *pixels, int64_t count, float delta);        /* a turn is 1 */
void od_color_adjust_saturation(float *pixels, int64_t count, float factor);
void od_color_adjust_gamma(float *pixels, int64_t count, float gamma, float gain); /* gain * x^gamma */
void od_color_to_gray(float *pixels, int64_t count); /* .2989 R + .587 G + .114 B in all three channels */

#endif
