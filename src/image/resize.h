/* SPDX-License-Identifier: Apache-2.0
 *
 * The resizers of TensorFlow 1 that the OD API uses (tf.compat.v1.image.resize_images: no half-pixel centres), in
 * float32 with TensorFlow's order of operations, from bytes or floats, with normalisation before or after in the same
 * pass. Source: tensorflow/core/kernels/image/resize_{bilinear,nearest_neighbor,bicubic,area}_op.cc.
 */
#ifndef OD_IMAGE_RESIZE_H
#define OD_IMAGE_RESIZE_H

#include "image/image.h"
#include "image/normalize.h"

#include <stddef.h>

/* A rectangle of RGB pixels somewhere in memory: a whole image, a crop of it, mirrored or not. Borrowed. */
typedef struct od_image_view {
    const uint8_t *bytes;  /* the top left pixel, or NULL when the pixels are floats */
    const float *floats;   /* 0..255; used when bytes is NULL */
    int width, height;     /* positive */
    ptrdiff_t row_step;    /* elements from a pixel to the one below; negative: upside down */
    ptrdiff_t column_step; /* elements from a pixel to the one to its right: 3, or -3 for mirrored */
} od_image_view;

od_image_view od_image_view_of(const od_image *image);
/* The part with its corner at (y, x); the caller keeps it inside. */
od_image_view od_image_view_crop(od_image_view v, int y, int x, int height, int width);
od_image_view od_image_view_flip_horizontal(od_image_view v);
od_image_view od_image_view_flip_vertical(od_image_view v);

/* Numbered as the config's ResizeType. */
typedef enum od_resize_method {
    OD_RESIZE_BILINEAR = 0,
    OD_RESIZE_NEAREST = 1,
    OD_RESIZE_BICUBIC = 2,
    OD_RESIZE_AREA = 3
} od_resize_method;

typedef struct od_resize_params {
    od_resize_method method;
    int align_corners;
    int width, height;              /* of the result, positive */
    const od_normalization *before; /* NULL: none */
    const od_normalization *after;
} od_resize_params;

/* out [params->height, params->width, 3], `out_step` floats from row to row. OD_ERR_NOMEM. */
od_status od_image_resize(const od_image_view *in, const od_resize_params *params, float *out, ptrdiff_t out_step,
                          od_error *err);

#endif
