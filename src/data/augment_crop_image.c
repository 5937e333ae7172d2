/* SPDX-License-Identifier: Apache-2.0
 *
 * random_crop_image and random_crop_to_aspect_ratio of core/preprocessor.py.
 */
#include "data/augment.h"
#include "data/crop.h"

typedef ObjectDetection__Protos__RandomCropImage options_t;

static od_status check(const od_config *config, const void *options, od_error *err)
{
    od_crop_params p = OD_CROP_PARAMS_OF((const options_t *)options);
    const char *problem = od_crop_params_problem(&p);
    if (!problem) return OD_OK;
    return od_config_error(config, options, NULL, err, OD_ERR_CONFIG, "random_crop_image: %s", problem);
}

static od_status apply(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    od_crop_params p = OD_CROP_PARAMS_OF((const options_t *)options);
    od_crop_random(&p, sample, rng);
    return OD_OK;
}

const od_augmentation od_augmentation_crop_image = {
    OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_CROP_IMAGE, check, apply};

static od_status check_to_aspect(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomCropToAspectRatio *o = options;
    if (o->aspect_ratio > 0) return OD_OK;
    return od_config_error(config, o, "aspect_ratio", err, OD_ERR_CONFIG,
                           "random_crop_to_aspect_ratio: aspect_ratio is %g; expected more than 0",
                           (double)o->aspect_ratio);
}

static od_status apply_to_aspect(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    const ObjectDetection__Protos__RandomCropToAspectRatio *o = options;
    od_crop_to_aspect_ratio(sample, o->aspect_ratio, o->overlap_thresh, o->clip_boxes, rng);
    return OD_OK;
}

const od_augmentation od_augmentation_crop_to_aspect_ratio = {
    OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_CROP_TO_ASPECT_RATIO, check_to_aspect,
    apply_to_aspect};
