/* SPDX-License-Identifier: Apache-2.0
 *
 * random_horizontal_flip, random_vertical_flip and random_rotation90 (counter-clockwise) of core/preprocessor.py. They
 * only turn the view.
 */
#include "data/augment.h"
#include "data/sample_keypoints.h"
#include "data/sample_pixels.h"

#include "util/alloc.h"

/* preprocessor_builder.py passes `probability or None`: 0 ends in an exception there. */
static od_status check_probability(const od_config *config, const void *options, float probability, const char *name,
                                   od_error *err)
{
    if (probability > 0 && probability <= 1) return OD_OK;
    return od_config_error(config, options, "probability", err, OD_ERR_CONFIG,
                           "%s: probability is %g; expected more than 0, at most 1: remove the step to never do it",
                           name, (double)probability);
}

static od_status check_horizontal(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomHorizontalFlip *o = options;
    OD_TRY(check_probability(config, o, o->probability, "random_horizontal_flip", err));
    return od_keypoint_order_check(config, od_keypoint_order_of_horizontal_flip(o), err);
}

static od_status check_vertical(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomVerticalFlip *o = options;
    OD_TRY(check_probability(config, o, o->probability, "random_vertical_flip", err));
    return od_keypoint_order_check(config, od_keypoint_order_of_vertical_flip(o), err);
}

static od_status check_rotation(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RandomRotation90 *o = options;
    OD_TRY(check_probability(config, o, o->probability, "random_rotation90", err));
    return od_keypoint_order_check(config, od_keypoint_order_of_rotation90(o), err);
}

static int draw(float probability, od_rng *rng)
{
    return od_rng_uniform(rng) < (double)probability;
}

static void mirror_x(float point[2], const float *unused)
{
    (void)unused;
    point[1] = 1.0f - point[1];
}

static void mirror_y(float point[2], const float *unused)
{
    (void)unused;
    point[0] = 1.0f - point[0];
}

static void turn(float point[2], const float *unused)
{
    (void)unused;
    float y = point[0];
    point[0] = 1.0f - point[1];
    point[1] = y;
}

static od_status flip_horizontal(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    const ObjectDetection__Protos__RandomHorizontalFlip *o = options;
    if (!draw(o->probability, rng)) return OD_OK;
    od_sample_permute_keypoints(sample, o->keypoint_flip_permutation, o->n_keypoint_flip_permutation);
    od_sample_move_keypoints(sample, mirror_x, NULL);
    sample->view = od_image_view_flip_horizontal(sample->view);
    od_pixel_map_flip_horizontal(&sample->map);
    for (int i = 0; i < sample->object_count; i++) {
        float *box = sample->objects[i].box, left = box[1];
        box[1] = 1.0f - box[3];
        box[3] = 1.0f - left;
    }
    return OD_OK;
}

static od_status flip_vertical(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    const ObjectDetection__Protos__RandomVerticalFlip *o = options;
    if (!draw(o->probability, rng)) return OD_OK;
    od_sample_permute_keypoints(sample, o->keypoint_flip_permutation, o->n_keypoint_flip_permutation);
    od_sample_move_keypoints(sample, mirror_y, NULL);
    sample->view = od_image_view_flip_vertical(sample->view);
    od_pixel_map_flip_vertical(&sample->map);
    for (int i = 0; i < sample->object_count; i++) {
        float *box = sample->objects[i].box, top = box[0];
        box[0] = 1.0f - box[2];
        box[2] = 1.0f - top;
    }
    return OD_OK;
}

/* tf.image.rot90: out[i, j] = in[j, width - 1 - i]. A view with steps the other way round can't be read by the resizers
 * in rows of neighbouring pixels, so the pixels are copied. */
static od_status rotate(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomRotation90 *o = options;
    if (!draw(o->probability, rng)) return OD_OK;
    float *in;
    OD_TRY(od_sample_own_pixels(sample, &in, err));
    int height = sample->view.width, width = sample->view.height;
    float *out = od_malloc((size_t)height * (size_t)width, 3 * sizeof *out);
    if (!out) return od_error_nomem(err, "a rotated image");
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++)
            for (int c = 0; c < 3; c++)
                out[((size_t)i * (size_t)width + (size_t)j) * 3 + (size_t)c] =
                    in[((size_t)j * (size_t)height + (size_t)(height - 1 - i)) * 3 + (size_t)c];
    od_sample_set_pixels(sample, out, height, width);
    od_pixel_map_rotate(&sample->map);
    od_sample_permute_keypoints(sample, o->keypoint_rot_permutation, o->n_keypoint_rot_permutation);
    od_sample_move_keypoints(sample, turn, NULL);
    for (int i = 0; i < sample->object_count; i++) {
        float *b = sample->objects[i].box, turned[4] = {1.0f - b[3], b[0], 1.0f - b[1], b[2]};
        for (int k = 0; k < 4; k++) b[k] = turned[k];
    }
    return OD_OK;
}

const od_augmentation od_augmentation_horizontal_flip = {
    OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_HORIZONTAL_FLIP, check_horizontal,
    flip_horizontal};
const od_augmentation od_augmentation_vertical_flip = {
    OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_VERTICAL_FLIP, check_vertical,
    flip_vertical};
const od_augmentation od_augmentation_rotation90 = {
    OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_ROTATION90, check_rotation, rotate};
