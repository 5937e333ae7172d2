/* SPDX-License-Identifier: Apache-2.0
 *
 * Grey pictures of floats, for what looks at content instead of colour: fingerprints and the comparison of pictures.
 */
#ifndef OD_IMAGE_GRAY_H
#define OD_IMAGE_GRAY_H

#include "image/image.h"

typedef struct od_gray {
    int width, height;
    float *pixels; /* [height, width], 0..255 for a picture; from od_malloc */
} od_gray;

/* Uninitialised pixels; OD_ERR_NOMEM. */
od_status od_gray_init(od_gray *g, int width, int height, od_error *err);
void od_gray_deinit(od_gray *g);

/* The luma (BT.601) of an image, its longer side brought down to `max_side` by averaging areas; never enlarged. */
od_status od_gray_thumbnail(const od_image *image, int max_side, od_gray *out, od_error *err);

/* Averages areas down (or repeats pixels up) to width x height. */
od_status od_gray_resize(const od_gray *in, int width, int height, od_gray *out, od_error *err);

/* Gaussian of `sigma` pixels (edges repeated); `out` has the size of `in`, may be `in` itself. */
od_status od_gray_blur(const od_gray *in, float sigma, od_gray *out, od_error *err);

/* Bilinear value at (x, y), pixel centres at whole numbers; edges repeated. */
static inline float od_gray_at(const od_gray *g, float x, float y)
{
    x = x < 0 ? 0 : x > (float)(g->width - 1) ? (float)(g->width - 1) : x;
    y = y < 0 ? 0 : y > (float)(g->height - 1) ? (float)(g->height - 1) : y;
    int x0 = (int)x, y0 = (int)y, x1 = x0 + (x0 + 1 < g->width), y1 = y0 + (y0 + 1 < g->height);
    float fx = x - (float)x0, fy = y - (float)y0;
    const float *a = g->pixels + (size_t)y0 * (size_t)g->width, *b = g->pixels + (size_t)y1 * (size_t)g->width;
    float top = a[x0] + fx * (a[x1] - a[x0]), bottom = b[x0] + fx * (b[x1] - b[x0]);
    return top + fy * (bottom - top);
}

#endif
