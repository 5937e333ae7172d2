/* SPDX-License-Identifier: Apache-2.0
 *
 * Augmentations that resize (core/preprocessor.py): random_square_crop_by_scale, random_scale_crop_and_pad_to_square,
 * random_image_scale, resize_image, random_resize_method, random_downscale_to_target_pixels.
 */
#include "data/augment_zoom.h"

#include "data/sample_pixels.h"

#include <math.h>

static const float black[3] = {0, 0, 0};

static int at_least_1(int v)
{
    return v > 1 ? v : 1;
}

/* --- random_square_crop_by_scale (CenterNet) ---------------------------------------------------------------------- */

int od_square_crop_border(int border, int size)
{
    float b = (float)border, i = ceilf(logf(2.0f * b / (float)size) / logf(2.0f));
    int divisor = (int)fminf(fmaxf(powf(2.0f, i), 1.0f), b);
    return border / at_least_1(divisor);
}

/* The last row and column of the picture never show: ymax = min(crop_ymax, height - 1), exclusive, upstream. */
od_status od_square_crop(od_sample *sample, float scale, int center_y, int center_x, od_error *err)
{
    int h = sample->view.height, w = sample->view.width;
    int side = at_least_1((int)(scale * (float)(h > w ? h : w))), half = side / 2;
    int top = center_y - half, left = center_x - half;
    int y0 = top > 0 ? top : 0, x0 = left > 0 ? left : 0;
    int y1 = center_y + half < h - 1 ? center_y + half : h - 1, x1 = center_x + half < w - 1 ? center_x + half : w - 1;
    const float window[4] = {(float)top / (float)h, (float)left / (float)w, (float)(top + side) / (float)h,
                             (float)(left + side) / (float)w};
    if (y1 > y0 && x1 > x0) {
        od_sample_crop(sample, y0, x0, y1 - y0, x1 - x0);
        OD_TRY(od_sample_place(sample, y0 - top, x0 - left, side, side, black, err));
    } else { /* pictures of a pixel or two */
        od_sample_crop(sample, 0, 0, 1, 1);
        OD_TRY(od_sample_place(sample, 0, 0, side, side, black, err));
    }
    od_sample_reframe_boxes(sample, window);
    return OD_OK;
}

static od_status check_square(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomSquareCropByScale *o = options;
    if (o->num_scales < 1)
        return od_config_error(config, o, "num_scales", err, OD_ERR_CONFIG,
                               "random_square_crop_by_scale: num_scales is %d; expected at least 1",
                               (int)o->num_scales);
    if (!(o->scale_min > 0 && o->scale_max > 0 && o->max_border >= 1))
        return od_config_error(config, o, NULL, err, OD_ERR_CONFIG,
                               "random_square_crop_by_scale: scale_min, scale_max and max_border must be positive");
    return OD_OK;
}

static od_status square(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomSquareCropByScale *o = options;
    int h = sample->view.height, w = sample->view.width;
    int which = (int)od_rng_int(rng, 0, o->num_scales);
    float step = o->num_scales > 1 ? (o->scale_max - o->scale_min) / (float)(o->num_scales - 1) : 0;
    int border_y = od_square_crop_border(o->max_border, h), border_x = od_square_crop_border(o->max_border, w);
    int y = h - border_y + 1 > border_y ? (int)od_rng_int(rng, border_y, h - border_y + 1) : h / 2;
    int x = w - border_x + 1 > border_x ? (int)od_rng_int(rng, border_x, w - border_x + 1) : w / 2;
    return od_square_crop(sample, o->scale_min + step * (float)which, y, x, err);
}

/* --- random_scale_crop_and_pad_to_square (EfficientDet) ----------------------------------------------------------- */

od_status od_scale_crop_and_pad(od_sample *sample, int side, float scale, float shift_y, float shift_x, od_error *err)
{
    float h = (float)sample->view.height, w = (float)sample->view.width, longer = fmaxf(h, w);
    int height = at_least_1((int)(scale * (float)side * (h / longer))),
        width = at_least_1((int)(scale * (float)side * (w / longer)));
    int y = (int)(fmaxf(0.0f, (float)(height - side)) * shift_y),
        x = (int)(fmaxf(0.0f, (float)(width - side)) * shift_x);
    OD_TRY(od_sample_resize(sample, OD_RESIZE_BILINEAR, 0, height, width, err));
    od_sample_crop(sample, y, x, height - y < side ? height - y : side, width - x < side ? width - x : side);
    OD_TRY(od_sample_place(sample, 0, 0, side, side, black, err));
    const float window[4] = {(float)y / (float)height, (float)x / (float)width, (float)(y + side) / (float)height,
                             (float)(x + side) / (float)width};
    od_sample_reframe_boxes(sample, window);
    return OD_OK;
}

static od_status check_scale_crop(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomScaleCropAndPadToSquare *o = options;
    if (o->output_size < 1)
        return od_config_error(config, o, "output_size", err, OD_ERR_CONFIG,
                               "random_scale_crop_and_pad_to_square: output_size is %d; expected at least 1",
                               (int)o->output_size);
    if (!(o->scale_min > 0 && o->scale_max >= o->scale_min))
        return od_config_error(
            config, o, "scale_min", err, OD_ERR_CONFIG,
            "random_scale_crop_and_pad_to_square: scales %g to %g; expected 0 < scale_min <= scale_max",
            (double)o->scale_min, (double)o->scale_max);
    return OD_OK;
}

static od_status scale_crop(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomScaleCropAndPadToSquare *o = options;
    float scale = od_rng_uniform_range(rng, o->scale_min, o->scale_max);
    float shift_y = (float)od_rng_uniform(rng), shift_x = (float)od_rng_uniform(rng);
    return od_scale_crop_and_pad(sample, o->output_size, scale, shift_y, shift_x, err);
}

/* --- plain resizing ----------------------------------------------------------------------------------------------- */

static od_status check_image_scale(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomImageScale *o = options;
    if (o->min_scale_ratio > 0 && o->max_scale_ratio >= o->min_scale_ratio) return OD_OK;
    return od_config_error(config, o, NULL, err, OD_ERR_CONFIG,
                           "random_image_scale: ratios %g to %g; expected 0 < min_scale_ratio <= max_scale_ratio",
                           (double)o->min_scale_ratio, (double)o->max_scale_ratio);
}

static od_status image_scale(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomImageScale *o = options;
    float scale = od_rng_uniform_range(rng, o->min_scale_ratio, o->max_scale_ratio);
    return od_sample_resize(sample, OD_RESIZE_BILINEAR, 1, at_least_1((int)((float)sample->view.height * scale)),
                            at_least_1((int)((float)sample->view.width * scale)), err);
}

static od_status check_size(const od_config *config, const void *options, const char *step, int height, int width,
                            od_error *err)
{
    if (height > 0 && width > 0) return OD_OK;
    return od_config_error(config, options, NULL, err, OD_ERR_CONFIG,
                           "%s: a size of %d x %d (height x width); expected positive numbers of pixels", step, height,
                           width);
}

static od_status check_resize(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__ResizeImage *o = options;
    return check_size(config, o, "resize_image", o->new_height, o->new_width, err);
}

static od_status resize(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)rng;
    const ObjectDetection__Protos__ResizeImage *o = options;
    od_resize_method method = OD_RESIZE_BILINEAR;
    if (o->method == OBJECT_DETECTION__PROTOS__RESIZE_IMAGE__METHOD__AREA) method = OD_RESIZE_AREA;
    if (o->method == OBJECT_DETECTION__PROTOS__RESIZE_IMAGE__METHOD__BICUBIC) method = OD_RESIZE_BICUBIC;
    if (o->method == OBJECT_DETECTION__PROTOS__RESIZE_IMAGE__METHOD__NEAREST_NEIGHBOR) method = OD_RESIZE_NEAREST;
    return od_sample_resize(sample, method, 0, o->new_height, o->new_width, err);
}

static od_status check_method(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomResizeMethod *o = options;
    return check_size(config, o, "random_resize_method", o->target_height, o->target_width, err);
}

static od_status resize_method(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomResizeMethod *o = options;
    return od_sample_resize(sample, (od_resize_method)od_rng_int(rng, 0, 4), 0, o->target_height, o->target_width, err);
}

/* The OD API passes only fields that are given, and its own default of max_target_pixels is 800000. */
static int max_target_pixels(const ObjectDetection__Protos__RandomDownscaleToTargetPixels *o)
{
    return o->has_max_target_pixels ? o->max_target_pixels : 800000;
}

static od_status check_downscale(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomDownscaleToTargetPixels *o = options;
    if (o->min_target_pixels > 0 && max_target_pixels(o) > o->min_target_pixels) return OD_OK;
    return od_config_error(
        config, o, NULL, err, OD_ERR_CONFIG,
        "random_downscale_to_target_pixels: %d to %d pixels; expected 0 < min_target_pixels < max_target_pixels",
        (int)o->min_target_pixels, max_target_pixels(o));
}

static od_status downscale(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomDownscaleToTargetPixels *o = options;
    int skip = od_rng_uniform(rng) < (double)o->random_coef, h = sample->view.height, w = sample->view.width;
    int target = (int)od_rng_int(rng, o->min_target_pixels, max_target_pixels(o));
    if (skip || (int64_t)h * w <= target) return OD_OK;
    float scale = sqrtf((float)target / (float)(h * w));
    return od_sample_resize(sample, OD_RESIZE_BILINEAR, 0, at_least_1((int)(scale * (float)h)),
                            at_least_1((int)(scale * (float)w)), err);
}

#define STEP(name) OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_##name
const od_augmentation od_augmentation_square_crop_by_scale = {STEP(RANDOM_SQUARE_CROP_BY_SCALE), check_square, square};
const od_augmentation od_augmentation_scale_crop_and_pad_to_square = {STEP(RANDOM_SCALE_CROP_AND_PAD_TO_SQUARE),
                                                                      check_scale_crop, scale_crop};
const od_augmentation od_augmentation_image_scale = {STEP(RANDOM_IMAGE_SCALE), check_image_scale, image_scale};
const od_augmentation od_augmentation_resize_image = {STEP(RESIZE_IMAGE), check_resize, resize};
const od_augmentation od_augmentation_resize_method = {STEP(RANDOM_RESIZE_METHOD), check_method, resize_method};
const od_augmentation od_augmentation_downscale_to_target_pixels = {STEP(RANDOM_DOWNSCALE_TO_TARGET_PIXELS),
                                                                    check_downscale, downscale};
