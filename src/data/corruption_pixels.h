/* SPDX-License-Identifier: Apache-2.0
 *
 * What data/corruption.h does to pixels. Amounts are parts of the range 0..255. Private to data/corruption.c and its tests.
 */
#ifndef OD_DATA_CORRUPTION_PIXELS_H
#define OD_DATA_CORRUPTION_PIXELS_H

#include "image/image.h"

#include <stdint.h>

void od_corrupt_flip(od_image *image, int horizontal, int vertical);
void od_corrupt_add(od_image *image, double amount);
/* Towards each channel's mean. */
void od_corrupt_contrast(od_image *image, double factor);
void od_corrupt_noise(od_image *image, double deviation, uint64_t number);

/* These replace the pixels; the image is unchanged when they fail. */
od_status od_corrupt_quarter_turn(od_image *image, int left, od_error *err);
/* Rotated anticlockwise by `angle` about its middle and scaled, bilinear, mid-grey where nothing is; the size stays. */
od_status od_corrupt_turn(od_image *image, double angle, double scale, od_error *err);
/* Averaged down to that part of its size and bilinearly up again. */
od_status od_corrupt_resolution(od_image *image, double part, od_error *err);
/* Gaussian, sigma in pixels. */
od_status od_corrupt_blur(od_image *image, double sigma, od_error *err);
od_status od_corrupt_jpeg(od_image *image, int quality, od_error *err);

#endif
