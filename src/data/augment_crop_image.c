/* SPDX-License-Identifier: Apache-2.0
 *
 * random_crop_image of core/preprocessor.py.
 */
#include "data/augment.h"
#include "data/crop.h"

typedef ObjectDetection__Protos__RandomCropImage options_t;

static od_crop_params params_of(const options_t *o)
{
    return (od_crop_params){o->min_object_covered, o->min_aspect_ratio, o->max_aspect_ratio, o->min_area,
                            o->max_area,           o->overlap_thresh,   o->clip_boxes,       o->random_coef};
}

static od_status check(const od_config *config, const void *options, od_error *err)
{
    od_crop_params p = params_of(options);
    const char *problem = od_crop_params_problem(&p);
    if (!problem) return OD_OK;
    return od_config_error(config, options, NULL, err, OD_ERR_CONFIG, "random_crop_image: %s", problem);
}

static od_status apply(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    od_crop_params p = params_of(options);
    od_crop_random(&p, sample, rng);
    return OD_OK;
}

const od_augmentation od_augmentation_crop_image = {
    OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_CROP_IMAGE, check, apply};
