/* SPDX-License-Identifier: Apache-2.0
 *
 * Augmentations of pixel values (core/preprocessor.py): normalize_image, random_pixel_value_scale,
 * subtract_channel_mean, random_black_patches, random_patch_gaussian, random_jpeg_quality.
 */
#include "data/augment.h"
#include "data/sample_pixels.h"

#include "util/alloc.h"

#include <math.h>
#include <string.h>

static int64_t value_count(const od_sample *s)
{
    return 3 * (int64_t)s->view.height * s->view.width;
}

/* All four are arguments without defaults in the OD API, and only fields that are given are passed. */
static od_status check_normalize(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__NormalizeImage *o = options;
    if (!o->has_original_minval || !o->has_original_maxval || !o->has_target_minval || !o->has_target_maxval)
        return od_config_error(
            config, o, NULL, err, OD_ERR_CONFIG,
            "normalize_image needs original_minval, original_maxval, target_minval and target_maxval, all four");
    if (o->original_maxval == o->original_minval)
        return od_config_error(config, o, "original_maxval", err, OD_ERR_CONFIG,
                               "normalize_image: original_maxval equals original_minval, %g",
                               (double)o->original_minval);
    return OD_OK;
}

static od_status normalize(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)rng;
    const ObjectDetection__Protos__NormalizeImage *o = options;
    float scale = (float)(((double)o->target_maxval - (double)o->target_minval) /
                          ((double)o->original_maxval - (double)o->original_minval)),
          *p;
    OD_TRY(od_sample_own_pixels(sample, &p, err));
    for (int64_t i = 0; i < value_count(sample); i++) p[i] = (p[i] - o->original_minval) * scale + o->target_minval;
    return OD_OK;
}

static od_status scale_values(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomPixelValueScale *o = options;
    float *p;
    OD_TRY(od_sample_own_pixels(sample, &p, err));
    for (int64_t i = 0; i < value_count(sample); i++)
        p[i] = fminf(fmaxf(p[i] * od_rng_uniform_range(rng, o->minval, o->maxval), 0.0f), 255.0f);
    return OD_OK;
}

static od_status check_means(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__SubtractChannelMean *o = options;
    if (o->n_means == 3) return OD_OK;
    return od_config_error(config, o, NULL, err, OD_ERR_CONFIG,
                           "subtract_channel_mean has %zu means; expected 3 (R, G, B)", o->n_means);
}

static od_status subtract_means(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)rng;
    const ObjectDetection__Protos__SubtractChannelMean *o = options;
    float *p;
    OD_TRY(od_sample_own_pixels(sample, &p, err));
    for (int64_t i = 0; i < value_count(sample); i++) p[i] -= o->means[i % 3];
    return OD_OK;
}

static od_status check_patches(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomBlackPatches *o = options;
    if (o->size_to_image_ratio >= 0 && o->size_to_image_ratio < 1) return OD_OK;
    return od_config_error(config, o, "size_to_image_ratio", err, OD_ERR_CONFIG,
                           "random_black_patches: size_to_image_ratio is %g; expected 0 to less than 1",
                           (double)o->size_to_image_ratio);
}

static od_status black_patches(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomBlackPatches *o = options;
    int h = sample->view.height, w = sample->view.width;
    int side = (int)((float)(h < w ? h : w) * o->size_to_image_ratio);
    float *p, most = 1.0f - o->size_to_image_ratio;
    OD_TRY(od_sample_own_pixels(sample, &p, err));
    for (int i = 0; i < o->max_black_patches; i++) {
        if (od_rng_uniform(rng) > (double)o->probability) continue;
        int y0 = (int)(od_rng_uniform_range(rng, 0, most) * (float)h),
            x0 = (int)(od_rng_uniform_range(rng, 0, most) * (float)w);
        for (int y = y0; y < y0 + side && y < h; y++)
            memset(p + ((size_t)y * (size_t)w + (size_t)x0) * 3, 0,
                   3 * sizeof *p * (size_t)(x0 + side < w ? side : w - x0));
    }
    return OD_OK;
}

static od_status check_gaussian(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomPatchGaussian *o = options;
    if (o->min_patch_size < 1 || o->max_patch_size <= o->min_patch_size)
        return od_config_error(
            config, o, NULL, err, OD_ERR_CONFIG,
            "random_patch_gaussian: patch sizes %d to %d; expected 1 <= min_patch_size < max_patch_size",
            (int)o->min_patch_size, (int)o->max_patch_size);
    if (!(o->min_gaussian_stddev >= 0 && o->max_gaussian_stddev >= o->min_gaussian_stddev))
        return od_config_error(
            config, o, NULL, err, OD_ERR_CONFIG,
            "random_patch_gaussian: deviations %g to %g; expected 0 <= min_gaussian_stddev <= max_gaussian_stddev",
            (double)o->min_gaussian_stddev, (double)o->max_gaussian_stddev);
    return OD_OK;
}

/* utils/patch_ops.get_patch_mask: a square around (y, x), cut at the borders. */
static od_status patch_gaussian(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomPatchGaussian *o = options;
    if (od_rng_uniform(rng) < (double)o->random_coef) return OD_OK;
    int h = sample->view.height, w = sample->view.width,
        size = (int)od_rng_int(rng, o->min_patch_size, o->max_patch_size);
    float deviation = od_rng_uniform_range(rng, o->min_gaussian_stddev, o->max_gaussian_stddev), *p;
    int y = (int)od_rng_int(rng, 0, h), x = (int)od_rng_int(rng, 0, w);
    OD_TRY(od_sample_own_pixels(sample, &p, err));
    int y0 = y - size / 2, y1 = y + (size + 1) / 2, x0 = x - size / 2, x1 = x + (size + 1) / 2;
    y0 = y0 > 0 ? y0 : 0, x0 = x0 > 0 ? x0 : 0, y1 = y1 < h ? y1 : h, x1 = x1 < w ? x1 : w;
    for (y = y0; y < y1; y++)
        for (int64_t i = ((int64_t)y * w + x0) * 3; i < ((int64_t)y * w + x1) * 3; i++)
            p[i] = fminf(fmaxf(p[i] / 255.0f + deviation * (float)od_rng_normal(rng), 0.0f), 1.0f) * 255.0f;
    return OD_OK;
}

static od_status check_jpeg(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomJpegQuality *o = options;
    if (o->min_jpeg_quality >= 0 && o->max_jpeg_quality <= 101 && o->min_jpeg_quality < o->max_jpeg_quality)
        return OD_OK;
    return od_config_error(config, o, NULL, err, OD_ERR_CONFIG,
                           "random_jpeg_quality: qualities %d to %d; expected 0 <= min_jpeg_quality < max_jpeg_quality "
                           "<= 100 (which is exclusive)",
                           (int)o->min_jpeg_quality, (int)o->max_jpeg_quality);
}

/* Through a JPEG file and back. Floats are cut to bytes, not rounded: tf.cast(image, tf.uint8). */
static od_status recompress(od_sample *sample, int quality, od_error *err)
{
    float *p;
    od_image image = {0}, decoded = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    OD_TRY(od_sample_own_pixels(sample, &p, err));
    int64_t n = value_count(sample);
    od_status status = od_image_init(&image, sample->view.width, sample->view.height, err);
    for (int64_t i = 0; status == OD_OK && i < n; i++) image.pixels[i] = (uint8_t)fminf(fmaxf(p[i], 0.0f), 255.0f);
    if (status == OD_OK) status = od_image_encode_jpeg(&image, quality < 1 ? 1 : quality, &bytes, &size, err);
    if (status == OD_OK) status = od_image_decode(bytes, size, &decoded, err);
    for (int64_t i = 0; status == OD_OK && i < n; i++) p[i] = (float)decoded.pixels[i];
    od_free(bytes);
    od_image_deinit(&image);
    od_image_deinit(&decoded);
    return status;
}

static od_status jpeg_quality(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomJpegQuality *o = options;
    if (od_rng_uniform(rng) < (double)o->random_coef) return OD_OK;
    return recompress(sample, (int)od_rng_int(rng, o->min_jpeg_quality, o->max_jpeg_quality), err);
}

#define STEP(name) OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_##name
const od_augmentation od_augmentation_normalize_image = {STEP(NORMALIZE_IMAGE), check_normalize, normalize};
const od_augmentation od_augmentation_pixel_value_scale = {STEP(RANDOM_PIXEL_VALUE_SCALE), NULL, scale_values};
const od_augmentation od_augmentation_subtract_channel_mean = {STEP(SUBTRACT_CHANNEL_MEAN), check_means,
                                                               subtract_means};
const od_augmentation od_augmentation_black_patches = {STEP(RANDOM_BLACK_PATCHES), check_patches, black_patches};
const od_augmentation od_augmentation_patch_gaussian = {STEP(RANDOM_PATCH_GAUSSIAN), check_gaussian, patch_gaussian};
const od_augmentation od_augmentation_jpeg_quality = {STEP(RANDOM_JPEG_QUALITY), check_jpeg, jpeg_quality};
