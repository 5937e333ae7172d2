/* SPDX-License-Identifier: Apache-2.0
 *
 * ssd_random_crop, ssd_random_crop_pad, ssd_random_crop_fixed_aspect_ratio and ssd_random_crop_pad_fixed_aspect_ratio
 * of core/preprocessor.py: one of several crops, each as likely; the config's operations, or the defaults of the SSD
 * paper.
 */
#include "data/augment.h"
#include "data/crop.h"
#include "data/pad.h"

typedef ObjectDetection__Protos__SSDRandomCrop crop_t;
typedef ObjectDetection__Protos__SSDRandomCropPad crop_pad_t;
typedef ObjectDetection__Protos__SSDRandomCropFixedAspectRatio fixed_t;
typedef ObjectDetection__Protos__SSDRandomCropPadFixedAspectRatio pad_fixed_t;

enum { DEFAULTS = 7 };

static od_crop_params default_crop(int i)
{
    static const float covered[DEFAULTS] = {0, .1f, .3f, .5f, .7f, .9f, 1};
    return (od_crop_params){covered[i], .5f, 2, .1f, 1, covered[i], 1, .15f};
}

static int draw(size_t given, int defaults, od_rng *rng)
{
    return (int)od_rng_int(rng, 0, given ? (int64_t)given : defaults);
}

static od_status check_crop(const od_config *config, const void *operation, const od_crop_params *p, const char *step,
                            od_error *err)
{
    const char *problem = od_crop_params_problem(p);
    return problem ? od_config_error(config, operation, NULL, err, OD_ERR_CONFIG, "%s: %s", step, problem) : OD_OK;
}

/* --- ssd_random_crop ---------------------------------------------------------------------------------------------- */

static od_status check_ssd_crop(const od_config *config, const void *options, od_error *err)
{
    const crop_t *o = options;
    for (size_t i = 0; i < o->n_operations; i++) {
        od_crop_params p = OD_CROP_PARAMS_OF(o->operations[i]);
        OD_TRY(check_crop(config, o->operations[i], &p, "ssd_random_crop", err));
    }
    return OD_OK;
}

static od_status ssd_crop(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    const crop_t *o = options;
    int i = draw(o->n_operations, DEFAULTS, rng);
    od_crop_params p = o->n_operations ? OD_CROP_PARAMS_OF(o->operations[i]) : default_crop(i);
    od_crop_random(&p, sample, rng);
    return OD_OK;
}

/* --- ssd_random_crop_pad: six defaults, from covered .1 ----------------------------------------------------------- */

static od_status check_ssd_crop_pad(const od_config *config, const void *options, od_error *err)
{
    const crop_pad_t *o = options;
    for (size_t i = 0; i < o->n_operations; i++) {
        const ObjectDetection__Protos__SSDRandomCropPadOperation *op = o->operations[i];
        od_crop_params p = OD_CROP_PARAMS_OF(op);
        OD_TRY(check_crop(config, op, &p, "ssd_random_crop_pad", err));
        if (op->n_min_padded_size_ratio != 2 || op->n_max_padded_size_ratio != 2)
            return od_config_error(config, op, NULL, err, OD_ERR_CONFIG,
                                   "ssd_random_crop_pad: each operation needs two numbers of min_padded_size_ratio and "
                                   "of max_padded_size_ratio");
    }
    return OD_OK;
}

static od_status ssd_crop_pad(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const crop_pad_t *o = options;
    int i = draw(o->n_operations, DEFAULTS - 1, rng);
    float h = (float)sample->view.height, w = (float)sample->view.width;
    if (!o->n_operations) {
        od_crop_params p = default_crop(i + 1);
        od_crop_random(&p, sample, rng);
        return od_pad_random(sample, (int)h, (int)w, (int)(2 * h), (int)(2 * w), NULL, rng, err);
    }
    const ObjectDetection__Protos__SSDRandomCropPadOperation *op = o->operations[i];
    const float *low = op->min_padded_size_ratio, *high = op->max_padded_size_ratio;
    const float color[3] = {op->pad_color_r, op->pad_color_g, op->pad_color_b};
    od_crop_params p = OD_CROP_PARAMS_OF(op);
    od_crop_random(&p, sample, rng);
    return od_pad_random(sample, (int)(h * low[0]), (int)(w * low[1]), (int)(h * high[0]), (int)(w * high[1]), color,
                         rng, err);
}

/* --- with a fixed aspect ratio ------------------------------------------------------------------------------------ */

static od_status check_aspect(const od_config *config, const void *options, float aspect, const char *step,
                              od_error *err)
{
    if (aspect > 0) return OD_OK;
    return od_config_error(config, options, "aspect_ratio", err, OD_ERR_CONFIG,
                           "%s: aspect_ratio is %g; expected more than 0", step, (double)aspect);
}

static od_crop_params fixed_crop(const fixed_t *o, int i)
{
    od_crop_params p;
    if (o->n_operations) {
        const ObjectDetection__Protos__SSDRandomCropFixedAspectRatioOperation *op = o->operations[i];
        p = (od_crop_params){
            op->min_object_covered, 1, 1, op->min_area, op->max_area, op->overlap_thresh, op->clip_boxes,
            op->random_coef};
    } else {
        p = default_crop(i);
    }
    p.min_aspect = p.max_aspect = o->aspect_ratio;
    return p;
}

static od_status check_fixed(const od_config *config, const void *options, od_error *err)
{
    const fixed_t *o = options;
    OD_TRY(check_aspect(config, o, o->aspect_ratio, "ssd_random_crop_fixed_aspect_ratio", err));
    for (size_t i = 0; i < o->n_operations; i++) {
        od_crop_params p = fixed_crop(o, (int)i);
        OD_TRY(check_crop(config, o->operations[i], &p, "ssd_random_crop_fixed_aspect_ratio", err));
    }
    return OD_OK;
}

/* The second crop, to the aspect ratio, has overlap_thresh .3 and always clips. */
static od_status ssd_crop_fixed(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    const fixed_t *o = options;
    od_crop_params p = fixed_crop(o, draw(o->n_operations, DEFAULTS, rng));
    od_crop_random(&p, sample, rng);
    od_crop_to_aspect_ratio(sample, o->aspect_ratio, .3f, 1, rng);
    return OD_OK;
}

static od_status check_pad_fixed(const od_config *config, const void *options, od_error *err)
{
    const pad_fixed_t *o = options;
    OD_TRY(check_aspect(config, o, o->aspect_ratio, "ssd_random_crop_pad_fixed_aspect_ratio", err));
    OD_TRY(od_pad_check_count(config, o, "min_padded_size_ratio", o->n_min_padded_size_ratio, 2, err));
    OD_TRY(od_pad_check_count(config, o, "max_padded_size_ratio", o->n_max_padded_size_ratio, 2, err));
    for (size_t i = 0; i < o->n_operations; i++) {
        od_crop_params p = OD_CROP_PARAMS_OF(o->operations[i]);
        OD_TRY(check_crop(config, o->operations[i], &p, "ssd_random_crop_pad_fixed_aspect_ratio", err));
    }
    return OD_OK;
}

static od_status ssd_crop_pad_fixed(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    static const float once[2] = {1, 1}, twice[2] = {2, 2};
    const pad_fixed_t *o = options;
    int i = draw(o->n_operations, DEFAULTS, rng);
    od_crop_params p = o->n_operations ? OD_CROP_PARAMS_OF(o->operations[i]) : default_crop(i);
    od_crop_random(&p, sample, rng);
    return od_pad_to_aspect_ratio(sample, o->aspect_ratio, o->n_min_padded_size_ratio ? o->min_padded_size_ratio : once,
                                  o->n_max_padded_size_ratio ? o->max_padded_size_ratio : twice, rng, err);
}

#define STEP(name) OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_##name
const od_augmentation od_augmentation_ssd_crop = {STEP(SSD_RANDOM_CROP), check_ssd_crop, ssd_crop};
const od_augmentation od_augmentation_ssd_crop_pad = {STEP(SSD_RANDOM_CROP_PAD), check_ssd_crop_pad, ssd_crop_pad};
const od_augmentation od_augmentation_ssd_crop_fixed_aspect = {STEP(SSD_RANDOM_CROP_FIXED_ASPECT_RATIO), check_fixed,
                                                               ssd_crop_fixed};
const od_augmentation od_augmentation_ssd_crop_pad_fixed_aspect = {STEP(SSD_RANDOM_CROP_PAD_FIXED_ASPECT_RATIO),
                                                                   check_pad_fixed, ssd_crop_pad_fixed};
