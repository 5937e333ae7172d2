/* SPDX-License-Identifier: Apache-2.0 */
#include "image/resize.h"

#include "image/resize_internal.h"

#include <string.h>

od_image_view od_image_view_of(const od_image *image)
{
    return (od_image_view){.bytes = image->pixels,
                           .width = image->width,
                           .height = image->height,
                           .row_step = (ptrdiff_t)image->width * 3,
                           .column_step = 3};
}

static od_image_view move(od_image_view v, ptrdiff_t offset)
{
    if (v.bytes)
        v.bytes += offset;
    else
        v.floats += offset;
    return v;
}

od_image_view od_image_view_crop(od_image_view v, int y, int x, int height, int width)
{
    v = move(v, y * v.row_step + x * v.column_step);
    v.width = width;
    v.height = height;
    return v;
}

od_image_view od_image_view_flip_horizontal(od_image_view v)
{
    v = move(v, (v.width - 1) * v.column_step);
    v.column_step = -v.column_step;
    return v;
}

od_image_view od_image_view_flip_vertical(od_image_view v)
{
    v = move(v, (v.height - 1) * v.row_step);
    v.row_step = -v.row_step;
    return v;
}

/* Divisions cost more than a look-up. */
static int table_pays(const od_normalization *n)
{
    if (n->reverse_channels) return 1;
    for (int i = 0; i < n->count; i++)
        if (n->steps[i].op == OD_NORMALIZE_DIVIDE) return 1;
    return 0;
}

/* At most a multiplication and then a subtraction, which are one pass over the bytes. */
static int scaled_in_one_pass(od__row_source *source)
{
    const od_normalization *n = source->before;
    int count = n ? n->count : 0, i = 0;
    for (int c = 0; c < 3; c++) source->factor[c] = 1, source->offset[c] = 0;
    if (i < count && n->steps[i].op == OD_NORMALIZE_MULTIPLY)
        memcpy(source->factor, n->steps[i++].value, sizeof source->factor);
    if (i < count && n->steps[i].op == OD_NORMALIZE_SUBTRACT)
        memcpy(source->offset, n->steps[i++].value, sizeof source->offset);
    return i == count;
}

void od__row_source_init(od__row_source *source, const od_image_view *view, const od_normalization *before)
{
    *source = (od__row_source){.view = view, .kernels = od__row_kernels_best()};
    source->before = before && (before->count || before->reverse_channels) ? before : NULL;
    if (view->bytes && source->before && table_pays(before)) {
        source->bytes = OD__BYTES_TABLE;
        od_normalize_table(before, source->table);
    } else if (scaled_in_one_pass(source))
        source->bytes = OD__BYTES_SCALED;
}

static void load_by_table(const od__row_source *source, const uint8_t *restrict in, float *restrict row, size_t width)
{
    size_t red = source->before->reverse_channels ? 2 : 0;
    for (size_t x = 0; x < width; x++, in += 3, row += 3) {
        row[0] = source->table[0][in[red]];
        row[1] = source->table[1][in[1]];
        row[2] = source->table[2][in[2 - red]];
    }
}

static void load_bytes(const uint8_t *restrict in, float *restrict row, size_t count)
{
    for (size_t i = 0; i < count; i++) row[i] = (float)in[i];
}

void od__row_load(const od__row_source *source, int64_t y, float *row)
{
    const od_image_view *v = source->view;
    size_t width = (size_t)v->width;
    if (y < 0) y = 0;
    if (y >= v->height) y = v->height - 1;
    ptrdiff_t start = y * v->row_step + (v->column_step < 0 ? (v->width - 1) * v->column_step : 0);
    if (v->bytes && source->bytes == OD__BYTES_TABLE) {
        load_by_table(source, v->bytes + start, row, width);
        return;
    }
    if (v->bytes && source->bytes == OD__BYTES_SCALED) {
        source->kernels->scale_bytes(v->bytes + start, row, width * 3, source->factor, source->offset);
        return;
    }
    if (v->bytes)
        load_bytes(v->bytes + start, row, width * 3);
    else
        memcpy(row, v->floats + start, width * 3 * sizeof *row);
    if (source->before) od_normalize_row(source->before, row, width);
}

od_status od_image_resize(const od_image_view *in, const od_resize_params *params, float *out, ptrdiff_t out_step,
                          od_error *err)
{
    static od_status (*const methods[])(const od__row_source *, const od_resize_params *, float *, ptrdiff_t,
                                        od_error *) = {
        [OD_RESIZE_BILINEAR] = od__resize_bilinear,
        [OD_RESIZE_NEAREST] = od__resize_nearest,
        [OD_RESIZE_BICUBIC] = od__resize_bicubic,
        [OD_RESIZE_AREA] = od__resize_area,
    };
    if (in->width <= 0 || in->height <= 0 || params->width <= 0 || params->height <= 0)
        return od_error_set(err, OD_ERR_ARG, "cannot resize %d x %d pixels to %d x %d; all must be positive", in->width,
                            in->height, params->width, params->height);
    if ((unsigned)params->method > OD_RESIZE_AREA)
        return od_error_set(err, OD_ERR_ARG, "resize method %d; expected 0..3", (int)params->method);
    od_resize_method method = params->method;
    /* A single row or column with aligned corners covers no area (TensorFlow gives NaN). */
    if (method == OD_RESIZE_AREA && params->align_corners && (in->width == 1 || in->height == 1))
        method = OD_RESIZE_NEAREST;
    od__row_source source;
    od__row_source_init(&source, in, params->before);
    OD_TRY(methods[method](&source, params, out, out_step, err));
    for (int y = 0; params->after && y < params->height; y++)
        od_normalize_row(params->after, out + y * out_step, (size_t)params->width);
    return OD_OK;
}
