/* SPDX-License-Identifier: Apache-2.0
 *
 * Random padding around a picture, as random_pad_image and random_pad_to_aspect_ratio of core/preprocessor.py draw it.
 */
#ifndef OD_DATA_PAD_H
#define OD_DATA_PAD_H

#include "data/augment.h"

/* Sizes from min to max (each at least the picture's), the picture anywhere in it. `color` NULL: its mean. */
od_status od_pad_random(od_sample *sample, int min_height, int min_width, int max_height, int max_width,
                        const float *color, od_rng *rng, od_error *err);

/* To width / height = aspect, black at the bottom and on the right, by a random factor between the ratios [height,
 * width]. */
od_status od_pad_to_aspect_ratio(od_sample *sample, float aspect, const float min_ratio[2], const float max_ratio[2],
                                 od_rng *rng, od_error *err);

/* A repeated field that must have `n` numbers or none: "min_padded_size_ratio has 1 number; expected 2". */
od_status od_pad_check_count(const od_config *config, const void *options, const char *field, size_t count, size_t n,
                             od_error *err);

#endif
