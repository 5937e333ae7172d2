/* SPDX-License-Identifier: Apache-2.0
 *
 * random_horizontal_flip of core/preprocessor.py.
 */
#include "data/augment.h"

typedef ObjectDetection__Protos__RandomHorizontalFlip options_t;

/* preprocessor_builder.py passes `probability or None`: 0 ends in an exception there. */
static od_status check(const od_config *config, const void *options, od_error *err)
{
    const options_t *o = options;
    if (o->probability > 0 && o->probability <= 1) return OD_OK;
    return od_config_error(
        config, o, "probability", err, OD_ERR_CONFIG,
        "random_horizontal_flip: probability is %g; expected more than 0, at most 1: remove the step to never flip",
        (double)o->probability);
}

static od_status apply(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    const options_t *o = options;
    if (!(od_rng_uniform(rng) < (double)o->probability)) return OD_OK;
    sample->view = od_image_view_flip_horizontal(sample->view);
    for (int i = 0; i < sample->object_count; i++) {
        float *box = sample->objects[i].box, left = box[1];
        box[1] = 1.0f - box[3];
        box[3] = 1.0f - left;
    }
    return OD_OK;
}

const od_augmentation od_augmentation_horizontal_flip = {
    OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_HORIZONTAL_FLIP, check, apply};
