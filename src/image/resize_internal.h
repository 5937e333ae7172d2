/* SPDX-License-Identifier: Apache-2.0
 *
 * What the resizing methods share: rows of the source as normalised floats. Private to src/image.
 */
#ifndef OD_IMAGE_RESIZE_INTERNAL_H
#define OD_IMAGE_RESIZE_INTERNAL_H

#include "image/resize.h"
#include "image/row_kernels.h"

/* Rows get this many floats of padding, so that a pixel may be read or written as four floats. */
enum { OD__ROW_PAD = 4 };

typedef struct od__row_source {
    const od_image_view *view;
    const od__row_kernels *kernels;
    const od_normalization *before; /* NULL: none */
    /* How bytes become floats. */
    enum { OD__BYTES_STEPS, OD__BYTES_TABLE, OD__BYTES_SCALED } bytes; /* step by step; by the table; in one pass */
    float table[3][256];
    float factor[3], offset[3];
} od__row_source;

void od__row_source_init(od__row_source *source, const od_image_view *view, const od_normalization *before);

/* Row y of the view, normalised, [width, 3]; from left to right in MEMORY, so mirrored views come out mirrored: find a
 * pixel with od__column. `y` is cut to the image. */
void od__row_load(const od__row_source *source, int64_t y, float *row);

/* Index in a loaded row of the view's column x, x cut to the image. */
static inline size_t od__column(const od_image_view *view, int64_t x)
{
    if (x < 0) x = 0;
    if (x >= view->width) x = view->width - 1;
    return (size_t)(view->column_step < 0 ? view->width - 1 - x : x) * 3;
}

/* TensorFlow's CalculateResizeScale. */
static inline float od__resize_scale(int in, int out, int align_corners)
{
    return align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
}

/* The methods; rows after normalisation by params->before, params->after not applied. */
od_status od__resize_bilinear(const od__row_source *in, const od_resize_params *p, float *out, ptrdiff_t step,
                              od_error *err);
od_status od__resize_nearest(const od__row_source *in, const od_resize_params *p, float *out, ptrdiff_t step,
                             od_error *err);
od_status od__resize_bicubic(const od__row_source *in, const od_resize_params *p, float *out, ptrdiff_t step,
                             od_error *err);
od_status od__resize_area(const od__row_source *in, const od_resize_params *p, float *out, ptrdiff_t step,
                          od_error *err);

#endif
