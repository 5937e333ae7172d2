/* SPDX-License-Identifier: Apache-2.0
 *
 * train_config.data_augmentation_options: random changes of a picture and its boxes, in the order of the config, as
 * core/preprocessor.py does them. Each augmentation is a file of its own that gives one od_augmentation to the table in
 * augment.c. Crops and flips only move the view of the picture; what changes pixels makes floats of them first.
 *
 *     od_augmenter *augmenter;
 *     OD_TRY(od_augmenter_create(&augmenter, config, err));
 *     od_sample sample = {.view = od_image_view_of(&image), .objects = e.objects, .object_count = e.object_count};
 *     od_rng_init(&rng, seed, example_number);
 *     OD_TRY(od_augmenter_apply(augmenter, &sample, &rng, err));
 *     ... od_sample_deinit(&sample);
 */
#ifndef OD_DATA_AUGMENT_H
#define OD_DATA_AUGMENT_H

#include "config/config.h"
#include "data/example.h"
#include "data/pixel_map.h"
#include "image/resize.h"
#include "util/error.h"
#include "util/rng.h"

/* A picture on its way through the augmentations. */
typedef struct od_sample {
    od_image_view view; /* into the decoded image or into `floats` */
    float *floats;      /* pixels of its own, 0..255, once an augmentation had to change them; else NULL */
    od_object *objects; /* borrowed, changed in place; boxes relative to the view; `own_objects` once there are more */
    int object_count;   /* may shrink, or grow into `own_objects` */
    od_object *own_objects; /* NULL until an augmentation copies objects */
    float *own_scores;  /* what an augmentation made of the objects' class_scores; NULL: nothing did */
    float *own_keypoints; /* the objects' keypoints, to be moved (data/sample_keypoints.h); NULL: they have none */
    float *keypoint_room; /* private: of own_keypoints */
    od_pixel_map map;   /* from the objects' masks to the view; without lists when there are none */
} od_sample;

/* Frees `floats`, `own_objects`, `own_scores`, `own_keypoints` and `map`. */
void od_sample_deinit(od_sample *sample);

/* One kind of augmentation. `options` is its protobuf message, e.g. ObjectDetection__Protos__RandomCropImage. */
typedef struct od_augmentation {
    ObjectDetection__Protos__PreprocessingStep__PreprocessingStepCase step;
    /* Refuses values that the OD API refuses. NULL: nothing to check. */
    od_status (*check)(const od_config *config, const void *options, od_error *err);
    od_status (*apply)(const void *options, od_sample *sample, od_rng *rng, od_error *err);
} od_augmentation;

extern const od_augmentation od_augmentation_horizontal_flip, od_augmentation_vertical_flip, od_augmentation_rotation90;
extern const od_augmentation od_augmentation_crop_image, od_augmentation_crop_to_aspect_ratio;
extern const od_augmentation od_augmentation_pad_image, od_augmentation_absolute_pad_image,
    od_augmentation_crop_pad_image;
extern const od_augmentation od_augmentation_ssd_crop, od_augmentation_ssd_crop_pad,
    od_augmentation_ssd_crop_fixed_aspect, od_augmentation_ssd_crop_pad_fixed_aspect;
extern const od_augmentation od_augmentation_square_crop_by_scale, od_augmentation_scale_crop_and_pad_to_square;
extern const od_augmentation od_augmentation_image_scale, od_augmentation_resize_image, od_augmentation_resize_method,
    od_augmentation_downscale_to_target_pixels;
extern const od_augmentation od_augmentation_brightness, od_augmentation_contrast, od_augmentation_hue,
    od_augmentation_saturation, od_augmentation_distort_color;
extern const od_augmentation od_augmentation_normalize_image, od_augmentation_pixel_value_scale,
    od_augmentation_rgb_to_gray, od_augmentation_random_rgb_to_gray, od_augmentation_gamma,
    od_augmentation_subtract_channel_mean;
extern const od_augmentation od_augmentation_black_patches, od_augmentation_patch_gaussian,
    od_augmentation_jpeg_quality;
extern const od_augmentation od_augmentation_jitter_boxes, od_augmentation_drop_label, od_augmentation_remap_labels,
    od_augmentation_scale_boxes, od_augmentation_self_concat, od_augmentation_softmax_scores;

typedef struct od_augmenter od_augmenter;

/* From the config's train_config, which it borrows. OD_ERR_UNSUPPORTED names file, line and step of an augmentation
 * that isn't there; OD_ERR_CONFIG a value the OD API refuses. */
od_status od_augmenter_create(od_augmenter **out, const od_config *config, od_error *err);
void od_augmenter_free(od_augmenter *a);
int od_augmenter_count(const od_augmenter *a);
/* The i-th augmentation's name in the config, e.g. "random_crop_image", and its message. */
const char *od_augmenter_name(const od_augmenter *a, int i);
const ProtobufCMessage *od_augmenter_options(const od_augmenter *a, int i);

/* Thread-safe. All randomness comes from `rng`. */
od_status od_augmenter_apply(const od_augmenter *a, od_sample *sample, od_rng *rng, od_error *err);
/* The i-th alone. */
od_status od_augmenter_apply_one(const od_augmenter *a, int i, od_sample *sample, od_rng *rng, od_error *err);

#endif
