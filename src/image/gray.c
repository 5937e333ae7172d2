/* SPDX-License-Identifier: Apache-2.0 */
#include "image/gray.h"

#include "util/alloc.h"

#include <math.h>
#include <string.h>

od_status od_gray_init(od_gray *g, int width, int height, od_error *err)
{
    float *pixels = od_malloc((size_t)width * (size_t)height, sizeof *pixels);
    if (!pixels) return od_error_nomem(err, "a grey picture");
    *g = (od_gray){width, height, pixels};
    return OD_OK;
}

void od_gray_deinit(od_gray *g)
{
    od_free(g->pixels);
    *g = (od_gray){0};
}

/* Weights of the input pixels that output pixel `i` of `out` covers of `in`: *first and *count, w[count]. */
static void cover(int i, int in, int out, int *first, int *count, float *w)
{
    double low = (double)i * in / out, high = (double)(i + 1) * in / out;
    *first = (int)low;
    *count = 0;
    for (int k = *first; k < in && k < high; k++) {
        double from = k > low ? k : low, to = k + 1 < high ? k + 1 : high;
        w[(*count)++] = (float)((to - from) / (high - low));
    }
}

/* Rows of `in` come from `row`, which fills a buffer. */
typedef void (*row_fn)(const void *from, int y, float *row);

static void row_of_image(const void *from, int y, float *row)
{
    const od_image *image = from;
    const uint8_t *p = image->pixels + (size_t)y * (size_t)image->width * 3;
    for (int x = 0; x < image->width; x++, p += 3) row[x] = 0.299f * (float)p[0] + 0.587f * (float)p[1] + 0.114f * (float)p[2];
}

static void row_of_gray(const void *from, int y, float *row)
{
    const od_gray *g = from;
    memcpy(row, g->pixels + (size_t)y * (size_t)g->width, (size_t)g->width * sizeof *row);
}

static void average_row(const float *row, int in, float weight, int out, float *w, float *sums)
{
    for (int x = 0; x < out; x++) {
        int first, count;
        cover(x, in, out, &first, &count, w);
        float sum = 0;
        for (int k = 0; k < count; k++) sum += w[k] * row[first + k];
        sums[x] += weight * sum;
    }
}

static od_status average(const void *from, row_fn get_row, int width, int height, od_gray *out, od_error *err)
{
    size_t wide = (size_t)(width > height ? width : height) + 2;
    float *row = od_malloc(wide, sizeof *row), *wx = od_malloc(wide, sizeof *wx), *wy = od_malloc(wide, sizeof *wy);
    od_status status = row && wx && wy ? OD_OK : od_error_nomem(err, "a grey picture");
    for (int y = 0; status == OD_OK && y < out->height; y++) {
        float *sums = out->pixels + (size_t)y * (size_t)out->width;
        int first, count;
        cover(y, height, out->height, &first, &count, wy);
        memset(sums, 0, (size_t)out->width * sizeof *sums);
        for (int k = 0; k < count; k++) {
            get_row(from, first + k, row);
            average_row(row, width, wy[k], out->width, wx, sums);
        }
    }
    od_free(row);
    od_free(wx);
    od_free(wy);
    return status;
}

od_status od_gray_thumbnail(const od_image *image, int max_side, od_gray *out, od_error *err)
{
    int longer = image->width > image->height ? image->width : image->height, w = image->width, h = image->height;
    if (longer > max_side) {
        w = (int)lround((double)w * max_side / longer);
        h = (int)lround((double)h * max_side / longer);
    }
    od_gray g;
    OD_TRY(od_gray_init(&g, w < 1 ? 1 : w, h < 1 ? 1 : h, err));
    od_status status = average(image, row_of_image, image->width, image->height, &g, err);
    if (status == OD_OK)
        *out = g;
    else
        od_gray_deinit(&g);
    return status;
}

od_status od_gray_resize(const od_gray *in, int width, int height, od_gray *out, od_error *err)
{
    od_gray g;
    OD_TRY(od_gray_init(&g, width, height, err));
    od_status status = average(in, row_of_gray, in->width, in->height, &g, err);
    if (status == OD_OK)
        *out = g;
    else
        od_gray_deinit(&g);
    return status;
}

enum { MAX_RADIUS = 64 };

static void blur_row(const float *in, int n, const float *kernel, int radius, float *padded, float *out)
{
    for (int i = 0; i < radius; i++) padded[i] = in[0], padded[radius + n + i] = in[n - 1];
    memcpy(padded + radius, in, (size_t)n * sizeof *in);
    memset(out, 0, (size_t)n * sizeof *out);
    for (int k = 0; k <= 2 * radius; k++)
        for (int x = 0; x < n; x++) out[x] += kernel[k] * padded[x + k];
}

static void blur_columns(const float *in, int width, int height, const float *kernel, int radius, float *out)
{
    for (int y = 0; y < height; y++) {
        float *to = out + (size_t)y * (size_t)width;
        memset(to, 0, (size_t)width * sizeof *to);
        for (int k = -radius; k <= radius; k++) {
            int from = y + k < 0 ? 0 : y + k >= height ? height - 1 : y + k;
            const float *row = in + (size_t)from * (size_t)width;
            float weight = kernel[k + radius];
            for (int x = 0; x < width; x++) to[x] += weight * row[x];
        }
    }
}

od_status od_gray_blur(const od_gray *in, float sigma, od_gray *out, od_error *err)
{
    float kernel[2 * MAX_RADIUS + 1], sum = 0;
    int radius = (int)ceilf(3 * sigma);
    if (radius > MAX_RADIUS) radius = MAX_RADIUS;
    for (int k = -radius; k <= radius; k++) sum += kernel[k + radius] = expf(-(float)(k * k) / (2 * sigma * sigma));
    for (int k = 0; k <= 2 * radius; k++) kernel[k] /= sum;
    size_t w = (size_t)in->width, h = (size_t)in->height;
    float *rows = od_malloc(w * h, sizeof *rows), *padded = od_malloc(w + 2 * MAX_RADIUS, sizeof *padded);
    if (rows && padded) {
        for (size_t y = 0; y < h; y++) blur_row(in->pixels + y * w, in->width, kernel, radius, padded, rows + y * w);
        blur_columns(rows, in->width, in->height, kernel, radius, out->pixels);
    }
    od_status status = rows && padded ? OD_OK : od_error_nomem(err, "a grey picture");
    od_free(rows);
    od_free(padded);
    return status;
}
