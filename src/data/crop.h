/* SPDX-License-Identifier: Apache-2.0
 *
 * Random crops that keep an object in the picture: tf.image.sample_distorted_bounding_box and what the OD API's
 * _strict_random_crop_image does with boxes. Shared by the augmentations that crop.
 */
#ifndef OD_DATA_CROP_H
#define OD_DATA_CROP_H

#include "data/augment.h"

typedef struct od_crop_params {
    float min_object_covered;     /* the crop covers at least this part of at least one object */
    float min_aspect, max_aspect; /* width / height of the crop */
    float min_area, max_area;     /* of the crop, relative to the picture */
    float overlap_thresh;         /* objects with less of their area inside are dropped */
    int clip_boxes;
    float random_coef; /* probability of leaving the picture as it is */
} od_crop_params;

/* From any config message with these fields. */
#define OD_CROP_PARAMS_OF(o) \
    ((od_crop_params){(o)->min_object_covered, (o)->min_aspect_ratio, (o)->max_aspect_ratio, (o)->min_area, \
                      (o)->max_area, (o)->overlap_thresh, (o)->clip_boxes, (o)->random_coef})

/* In pixels. */
typedef struct od_crop_rect {
    int y, x, height, width;
} od_crop_rect;

/* "min_area is 2; expected ..." for values that TensorFlow's op refuses, else NULL. */
const char *od_crop_params_problem(const od_crop_params *p);

/* A random rectangle of a height x width picture: at most 100 tries, then the whole picture. Objects' boxes are
 * relative. */
od_crop_rect od_crop_sample(const od_crop_params *p, int height, int width, const od_object *objects, int count,
                            od_rng *rng);

/* Cuts the sample to `rect`: drops objects by overlap_thresh, re-frames the others, clips them if asked, when keypoints outside become NaN. */
void od_crop_apply(od_sample *sample, od_crop_rect rect, float overlap_thresh, int clip_boxes);

/* random_crop_image as a whole. */
void od_crop_random(const od_crop_params *p, od_sample *sample, od_rng *rng);

/* random_crop_to_aspect_ratio: the largest part with width / height = aspect, anywhere. */
void od_crop_to_aspect_ratio(od_sample *sample, float aspect, float overlap_thresh, int clip_boxes, od_rng *rng);

#endif
