/* SPDX-License-Identifier: Apache-2.0
 *
 * Nearest neighbour, bicubic and area resizing. Rarely used in training, so plain loops over normalised float rows.
 */
#include "image/resize_internal.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

static od_status rows_alloc(float **rows, size_t count, int width, od_error *err)
{
    *rows = od_malloc(count * ((size_t)width * 3 + OD__ROW_PAD), sizeof **rows);
    return *rows ? OD_OK : od_error_nomem(err, "rows for resizing");
}

static int64_t nearest_index(int i, float scale, int in, int align_corners)
{
    float position = (float)i * scale;
    int64_t index = (int64_t)(align_corners ? roundf(position) : floorf(position));
    return index < in - 1 ? index : in - 1;
}

od_status od__resize_nearest(const od__row_source *in, const od_resize_params *p, float *out, ptrdiff_t step,
                             od_error *err)
{
    const od_image_view *v = in->view;
    float *row;
    OD_TRY(rows_alloc(&row, 1, v->width, err));
    float sy = od__resize_scale(v->height, p->height, p->align_corners),
          sx = od__resize_scale(v->width, p->width, p->align_corners);
    for (int y = 0; y < p->height; y++) {
        float *to = out + y * step;
        od__row_load(in, nearest_index(y, sy, v->height, p->align_corners), row);
        for (int x = 0; x < p->width; x++)
            memcpy(to + 3 * x, row + od__column(v, nearest_index(x, sx, v->width, p->align_corners)), 3 * sizeof *row);
    }
    od_free(row);
    return OD_OK;
}

/* Four taps of the cubic kernel with A = -0.75, the fraction rounded to 1/1024 as in TensorFlow's table. */
typedef struct cubic_taps {
    int64_t first; /* source index of the first tap; may be -1 */
    float weight[4];
} cubic_taps;

/* TensorFlow fills its table by these expressions: double from the constant, stored as float. */
static float cubic_near(int offset)
{
    const double a = -0.75;
    float x = (float)(offset * 1.0 / 1024);
    return (float)(((a + 2) * x - (a + 3)) * x * x + 1);
}

static float cubic_far(int offset)
{
    const double a = -0.75;
    float x = (float)(offset * 1.0 / 1024);
    x = (float)(x + 1.0);
    return (float)(((a * x - 5 * a) * x + 8 * a) * x - 4 * a);
}

static cubic_taps find_cubic(int i, float scale)
{
    float position = (float)i * scale, low = floorf(position);
    int offset = (int)lrintf((position - low) * 1024.0f);
    return (cubic_taps){(int64_t)low - 1,
                        {cubic_far(offset), cubic_near(offset), cubic_near(1024 - offset), cubic_far(1024 - offset)}};
}

static float blend4(const float *w, float a, float b, float c, float d)
{
    return a * w[0] + b * w[1] + c * w[2] + d * w[3];
}

/* Vertical blend of four source rows, then horizontal. */
static void cubic_row(const od_image_view *v, float *const rows[4], const float *wy, float *mixed,
                      const cubic_taps *columns, int width, float *out)
{
    for (size_t i = 0; i < (size_t)v->width * 3; i++)
        mixed[i] = blend4(wy, rows[0][i], rows[1][i], rows[2][i], rows[3][i]);
    for (int x = 0; x < width; x++) {
        const cubic_taps *t = columns + x;
        const float *tap[4];
        for (int k = 0; k < 4; k++) tap[k] = mixed + od__column(v, t->first + k);
        for (int c = 0; c < 3; c++) out[3 * x + c] = blend4(t->weight, tap[0][c], tap[1][c], tap[2][c], tap[3][c]);
    }
}

od_status od__resize_bicubic(const od__row_source *in, const od_resize_params *p, float *out, ptrdiff_t step,
                             od_error *err)
{
    const od_image_view *v = in->view;
    size_t stride = (size_t)v->width * 3 + OD__ROW_PAD;
    float *rows, *tap_rows[4];
    int64_t held[4] = {-9, -9, -9, -9}; /* source row y lives in slot y mod 4 */
    OD_TRY(rows_alloc(&rows, 5, v->width, err));
    cubic_taps *columns = od_malloc((size_t)p->width, sizeof *columns);
    if (!columns) {
        od_free(rows);
        return od_error_nomem(err, "columns for resizing");
    }
    float sy = od__resize_scale(v->height, p->height, p->align_corners),
          sx = od__resize_scale(v->width, p->width, p->align_corners);
    for (int x = 0; x < p->width; x++) columns[x] = find_cubic(x, sx);
    for (int y = 0; y < p->height; y++) {
        cubic_taps t = find_cubic(y, sy);
        for (int k = 0; k < 4; k++) {
            size_t slot = (size_t)(t.first + k + 4) % 4;
            tap_rows[k] = rows + slot * stride;
            if (held[slot] != t.first + k) od__row_load(in, t.first + k, tap_rows[k]);
            held[slot] = t.first + k;
        }
        cubic_row(v, tap_rows, t.weight, rows + 4 * stride, columns, p->width, out + y * step);
    }
    od_free(columns);
    od_free(rows);
    return OD_OK;
}

/* The part of source cell i that lies in [from, to), which is `scale` long. */
static float area_share(int64_t i, float from, float to, float scale)
{
    if ((float)i < from) return (float)(i + 1) > to ? scale : (float)(i + 1) - from;
    return (float)(i + 1) > to ? to - (float)i : 1.0f;
}

/* Adds share_y times the horizontally weighted sum of one source row. */
static void area_add_row(const od_image_view *v, const float *row, float scale, float share_y, int width, float *out)
{
    for (int x = 0; x < width; x++) {
        float from = (float)x * scale, to = (float)(x + 1) * scale;
        int64_t start = (int64_t)floorf(from), end = (int64_t)ceilf(to);
        const float *cell = row + od__column(v, start);
        float share = area_share(start, from, to, scale), sum[3];
        for (int c = 0; c < 3; c++) sum[c] = cell[c] * share;
        for (int64_t i = start + 1; i < end; i++) {
            cell = row + od__column(v, i);
            share = i == end - 1 ? area_share(i, from, to, scale) : 1.0f;
            for (int c = 0; c < 3; c++) sum[c] += cell[c] * share;
        }
        for (int c = 0; c < 3; c++) out[3 * x + c] += sum[c] * share_y;
    }
}

od_status od__resize_area(const od__row_source *in, const od_resize_params *p, float *out, ptrdiff_t step,
                          od_error *err)
{
    const od_image_view *v = in->view;
    float *row;
    OD_TRY(rows_alloc(&row, 1, v->width, err));
    float sy = od__resize_scale(v->height, p->height, p->align_corners),
          sx = od__resize_scale(v->width, p->width, p->align_corners);
    float inverse_area = (float)(1.0 / (sy * sx));
    for (int y = 0; y < p->height; y++) {
        float *to = out + y * step;
        float from_y = (float)y * sy, to_y = (float)(y + 1) * sy;
        memset(to, 0, (size_t)p->width * 3 * sizeof *to);
        for (int64_t i = (int64_t)floorf(from_y); i < (int64_t)ceilf(to_y); i++) {
            od__row_load(in, i, row);
            area_add_row(v, row, sx, area_share(i, from_y, to_y, sy), p->width, to);
        }
        for (int x = 0; x < p->width * 3; x++) to[x] *= inverse_area;
    }
    od_free(row);
    return OD_OK;
}
