/* SPDX-License-Identifier: Apache-2.0
 *
 * random_adjust_brightness, _contrast, _hue, _saturation, random_distort_color, adjust_gamma, rgb_to_gray and
 * random_rgb_to_gray of core/preprocessor.py.
 */
#include "data/augment.h"
#include "data/color_adjust.h"
#include "data/sample_pixels.h"

typedef void (*adjust_fn)(float *pixels, int64_t count, float amount);

static od_status adjust(od_sample *sample, od_rng *rng, adjust_fn fn, float low, float high, od_error *err)
{
    float *pixels;
    OD_TRY(od_sample_own_pixels(sample, &pixels, err));
    fn(pixels, (int64_t)sample->view.height * sample->view.width, od_rng_uniform_range(rng, low, high));
    return OD_OK;
}

static od_status brightness(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    float d = ((const ObjectDetection__Protos__RandomAdjustBrightness *)options)->max_delta;
    return adjust(sample, rng, od_color_adjust_brightness, -d, d, err);
}

static od_status contrast(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomAdjustContrast *o = options;
    return adjust(sample, rng, od_color_adjust_contrast, o->min_delta, o->max_delta, err);
}

static od_status hue(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    float d = ((const ObjectDetection__Protos__RandomAdjustHue *)options)->max_delta;
    return adjust(sample, rng, od_color_adjust_hue, -d, d, err);
}

static od_status saturation(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomAdjustSaturation *o = options;
    return adjust(sample, rng, od_color_adjust_saturation, o->min_delta, o->max_delta, err);
}

static od_status check_ordering(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomDistortColor *o = options;
    if (o->color_ordering == 0 || o->color_ordering == 1) return OD_OK;
    return od_config_error(config, o, "color_ordering", err, OD_ERR_CONFIG,
                           "random_distort_color: color_ordering is %d; expected 0 or 1", (int)o->color_ordering);
}

static od_status distort(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    int contrast_second = ((const ObjectDetection__Protos__RandomDistortColor *)options)->color_ordering == 1;
    OD_TRY(adjust(sample, rng, od_color_adjust_brightness, -32.0f / 255.0f, 32.0f / 255.0f, err));
    if (contrast_second) OD_TRY(adjust(sample, rng, od_color_adjust_contrast, .5f, 1.5f, err));
    OD_TRY(adjust(sample, rng, od_color_adjust_saturation, .5f, 1.5f, err));
    OD_TRY(adjust(sample, rng, od_color_adjust_hue, -.2f, .2f, err));
    return contrast_second ? OD_OK : adjust(sample, rng, od_color_adjust_contrast, .5f, 1.5f, err);
}

/* tf.image.adjust_gamma refuses a negative gamma. */
static od_status check_gamma(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__AdjustGamma *o = options;
    if (o->gamma >= 0) return OD_OK;
    return od_config_error(config, o, "gamma", err, OD_ERR_CONFIG, "adjust_gamma: gamma is %g; expected 0 or more",
                           (double)o->gamma);
}

static od_status gamma_apply(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)rng;
    const ObjectDetection__Protos__AdjustGamma *o = options;
    float *pixels;
    OD_TRY(od_sample_own_pixels(sample, &pixels, err));
    od_color_adjust_gamma(pixels, (int64_t)sample->view.height * sample->view.width, o->gamma, o->gain);
    return OD_OK;
}

/* Always grey. (In the OD API the result has one channel, and the model gets zeros for the other two.) */
static od_status to_gray(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)options, (void)rng;
    float *pixels;
    OD_TRY(od_sample_own_pixels(sample, &pixels, err));
    od_color_to_gray(pixels, (int64_t)sample->view.height * sample->view.width);
    return OD_OK;
}

static od_status random_gray(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomRGBtoGray *o = options;
    return od_rng_uniform(rng) > (double)o->probability ? OD_OK : to_gray(NULL, sample, rng, err);
}

#define STEP(name) OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_##name
const od_augmentation od_augmentation_brightness = {STEP(RANDOM_ADJUST_BRIGHTNESS), NULL, brightness};
const od_augmentation od_augmentation_contrast = {STEP(RANDOM_ADJUST_CONTRAST), NULL, contrast};
const od_augmentation od_augmentation_hue = {STEP(RANDOM_ADJUST_HUE), NULL, hue};
const od_augmentation od_augmentation_saturation = {STEP(RANDOM_ADJUST_SATURATION), NULL, saturation};
const od_augmentation od_augmentation_distort_color = {STEP(RANDOM_DISTORT_COLOR), check_ordering, distort};
const od_augmentation od_augmentation_gamma = {STEP(ADJUST_GAMMA), check_gamma, gamma_apply};
const od_augmentation od_augmentation_rgb_to_gray = {STEP(RGB_TO_GRAY), NULL, to_gray};
const od_augmentation od_augmentation_random_rgb_to_gray = {STEP(RANDOM_RGB_TO_GRAY), NULL, random_gray};
