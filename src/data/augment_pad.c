/* SPDX-License-Identifier: Apache-2.0
 *
 * random_pad_image, random_absolute_pad_image and random_crop_pad_image of core/preprocessor.py.
 */
#include "data/augment.h"
#include "data/crop.h"
#include "data/pad.h"

typedef ObjectDetection__Protos__RandomPadImage pad_t;
typedef ObjectDetection__Protos__RandomAbsolutePadImage absolute_t;
typedef ObjectDetection__Protos__RandomCropPadImage crop_pad_t;

static od_status check_pad(const od_config *config, const void *options, od_error *err)
{
    const pad_t *o = options;
    if (!o->has_min_image_height != !o->has_min_image_width || !o->has_max_image_height != !o->has_max_image_width)
        return od_config_error(
            config, o, NULL, err, OD_ERR_CONFIG,
            "random_pad_image: heights and widths of min_image and max_image must be given both or not at all");
    return od_pad_check_count(config, o, "pad_color", o->n_pad_color, 3, err);
}

static od_status pad(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const pad_t *o = options;
    int h = sample->view.height, w = sample->view.width;
    return od_pad_random(
        sample, o->has_min_image_height ? o->min_image_height : h, o->has_min_image_width ? o->min_image_width : w,
        o->has_max_image_height ? o->max_image_height : 2 * h, o->has_max_image_width ? o->max_image_width : 2 * w,
        o->n_pad_color ? o->pad_color : NULL, rng, err);
}

static od_status check_absolute(const od_config *config, const void *options, od_error *err)
{
    const absolute_t *o = options;
    return od_pad_check_count(config, o, "pad_color", o->n_pad_color, 3, err);
}

static od_status absolute(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const absolute_t *o = options;
    int h = sample->view.height, w = sample->view.width;
    int more_h = o->max_height_padding ? o->max_height_padding : 1,
        more_w = o->max_width_padding ? o->max_width_padding : 1;
    return od_pad_random(sample, h, w, h + more_h, w + more_w, o->n_pad_color ? o->pad_color : NULL, rng, err);
}

static od_status check_crop_pad(const od_config *config, const void *options, od_error *err)
{
    const crop_pad_t *o = options;
    od_crop_params p = OD_CROP_PARAMS_OF(o);
    const char *problem = od_crop_params_problem(&p);
    if (problem) return od_config_error(config, o, NULL, err, OD_ERR_CONFIG, "random_crop_pad_image: %s", problem);
    OD_TRY(od_pad_check_count(config, o, "min_padded_size_ratio", o->n_min_padded_size_ratio, 2, err));
    OD_TRY(od_pad_check_count(config, o, "max_padded_size_ratio", o->n_max_padded_size_ratio, 2, err));
    return od_pad_check_count(config, o, "pad_color", o->n_pad_color, 3, err);
}

/* Sizes are relative to the picture before cropping. */
static od_status crop_pad(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    static const float once[2] = {1, 1}, twice[2] = {2, 2};
    const crop_pad_t *o = options;
    const float *low = o->n_min_padded_size_ratio ? o->min_padded_size_ratio : once,
                *high = o->n_max_padded_size_ratio ? o->max_padded_size_ratio : twice;
    float h = (float)sample->view.height, w = (float)sample->view.width;
    od_crop_params p = OD_CROP_PARAMS_OF(o);
    od_crop_random(&p, sample, rng);
    return od_pad_random(sample, (int)(h * low[0]), (int)(w * low[1]), (int)(h * high[0]), (int)(w * high[1]),
                         o->n_pad_color ? o->pad_color : NULL, rng, err);
}

#define STEP(name) OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_##name
const od_augmentation od_augmentation_pad_image = {STEP(RANDOM_PAD_IMAGE), check_pad, pad};
const od_augmentation od_augmentation_absolute_pad_image = {STEP(RANDOM_ABSOLUTE_PAD_IMAGE), check_absolute, absolute};
const od_augmentation od_augmentation_crop_pad_image = {STEP(RANDOM_CROP_PAD_IMAGE), check_crop_pad, crop_pad};
