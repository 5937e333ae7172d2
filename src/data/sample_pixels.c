/* SPDX-License-Identifier: Apache-2.0 */
#include "data/sample_pixels.h"

#include "data/sample_keypoints.h"
#include "util/alloc.h"
#include "util/points.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static od_status new_pixels(float **out, int64_t height, int64_t width, od_error *err)
{
    if (height < 1 || width < 1 || height > OD_IMAGE_MAX_PIXELS / width)
        return od_error_set(err, OD_ERR_FORMAT,
                            "an augmentation would make an image of %" PRId64 " x %" PRId64
                            " pixels; expected 1 to %" PRId64 " pixels",
                            width, height, OD_IMAGE_MAX_PIXELS);
    *out = od_malloc((size_t)(height * width), 3 * sizeof **out);
    return *out ? OD_OK : od_error_nomem(err, "an augmented image");
}

/* Row y of the view as float [width, 3]. */
static void read_row(const od_image_view *v, int y, float *out)
{
    ptrdiff_t at = y * v->row_step;
    for (int x = 0; x < v->width; x++, at += v->column_step, out += 3)
        for (int c = 0; c < 3; c++) out[c] = v->bytes ? (float)v->bytes[at + c] : v->floats[at + c];
}

void od_sample_set_pixels(od_sample *sample, float *pixels, int height, int width)
{
    od_free(sample->floats);
    sample->floats = pixels;
    sample->view = (od_image_view){
        .floats = pixels, .width = width, .height = height, .row_step = 3 * (ptrdiff_t)width, .column_step = 3};
}

od_status od_sample_own_pixels(od_sample *sample, float **out, od_error *err)
{
    const od_image_view *v = &sample->view;
    int is_own =
        sample->floats && v->floats == sample->floats && v->row_step == 3 * (ptrdiff_t)v->width && v->column_step == 3;
    if (!is_own) {
        float *pixels;
        OD_TRY(new_pixels(&pixels, v->height, v->width, err));
        for (int y = 0; y < v->height; y++) read_row(v, y, pixels + (size_t)y * (size_t)v->width * 3);
        od_sample_set_pixels(sample, pixels, v->height, v->width);
    }
    *out = sample->floats;
    return OD_OK;
}

void od_sample_mean_color(const od_sample *sample, float mean[3])
{
    const od_image_view *v = &sample->view;
    double sum[3] = {0, 0, 0};
    for (int y = 0; y < v->height; y++) {
        ptrdiff_t at = y * v->row_step;
        for (int x = 0; x < v->width; x++, at += v->column_step)
            for (int c = 0; c < 3; c++) sum[c] += v->bytes ? v->bytes[at + c] : (double)v->floats[at + c];
    }
    for (int c = 0; c < 3; c++) mean[c] = (float)(sum[c] / ((double)v->height * v->width));
}

static void fill(float *out, int64_t count, const float color[3])
{
    for (int64_t i = 0; i < count; i++, out += 3) memcpy(out, color, 3 * sizeof *out);
}

void od_sample_crop(od_sample *sample, int y, int x, int height, int width)
{
    sample->view = od_image_view_crop(sample->view, y, x, height, width);
    od_pixel_map_crop(&sample->map, y, x, height, width);
}

od_status od_sample_place(od_sample *sample, int offset_y, int offset_x, int height, int width, const float color[3],
                          od_error *err)
{
    float *pixels;
    OD_TRY(new_pixels(&pixels, height, width, err));
    od_image_view v = sample->view;
    if (v.height > height - offset_y) v.height = height - offset_y;
    if (v.width > width - offset_x) v.width = width - offset_x;
    for (int y = 0; y < height; y++) {
        float *row = pixels + (size_t)y * (size_t)width * 3;
        int inside = y >= offset_y && y < offset_y + v.height && v.width > 0;
        fill(row, inside ? offset_x : width, color);
        if (!inside) continue;
        read_row(&v, y - offset_y, row + (size_t)offset_x * 3);
        fill(row + (size_t)(offset_x + v.width) * 3, width - offset_x - v.width, color);
    }
    od_sample_set_pixels(sample, pixels, height, width);
    return od_pixel_map_place(&sample->map, offset_y, offset_x, height, width, err);
}

od_status od_sample_resize(od_sample *sample, od_resize_method method, int align_corners, int height, int width,
                           od_error *err)
{
    if (height == sample->view.height && width == sample->view.width) return OD_OK;
    float *pixels;
    OD_TRY(new_pixels(&pixels, height, width, err));
    od_resize_params p = {.method = method, .align_corners = align_corners, .width = width, .height = height};
    od_status status = od_image_resize(&sample->view, &p, pixels, 3 * (ptrdiff_t)width, err);
    if (status != OD_OK) {
        od_free(pixels);
        return status;
    }
    od_sample_set_pixels(sample, pixels, height, width);
    return od_pixel_map_resize(&sample->map, align_corners, height, width, err);
}

void od_sample_reframe_boxes(od_sample *sample, const float window[4])
{
    int kept = 0;
    for (int i = 0; i < sample->object_count; i++) {
        od_object o = sample->objects[i];
        od_points_change_frame(o.box, 2, window);
        if (o.box[0] >= 1 || o.box[1] >= 1 || o.box[2] <= 0 || o.box[3] <= 0) continue;
        for (int k = 0; k < 4; k++) o.box[k] = fminf(fmaxf(o.box[k], 0.0f), 1.0f);
        sample->objects[kept++] = o;
    }
    sample->object_count = kept;
    od_sample_reframe_keypoints(sample, window, 1);
}

od_status od_sample_pad(od_sample *sample, int offset_y, int offset_x, int height, int width, const float *color,
                        od_error *err)
{
    float mean[3], h = (float)sample->view.height, w = (float)sample->view.width;
    if (!color) od_sample_mean_color(sample, mean);
    OD_TRY(od_sample_place(sample, offset_y, offset_x, height, width, color ? color : mean, err));
    const float window[4] = {(float)-offset_y / h, (float)-offset_x / w, (float)(height - offset_y) / h,
                             (float)(width - offset_x) / w};
    for (int i = 0; i < sample->object_count; i++) od_points_change_frame(sample->objects[i].box, 2, window);
    od_sample_reframe_keypoints(sample, window, 0);
    return OD_OK;
}
