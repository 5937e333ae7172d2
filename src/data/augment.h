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
#include "image/resize.h"
#include "util/error.h"
#include "util/rng.h"

/* A picture on its way through the augmentations. */
typedef struct od_sample {
    od_image_view view; /* into the decoded image or into `floats` */
    float *floats;      /* pixels of its own, 0..255, once an augmentation had to change them; else NULL */
    od_object *objects; /* borrowed, changed in place; boxes relative to the view */
    int object_count;   /* may shrink */
} od_sample;

/* Frees `floats`. */
void od_sample_deinit(od_sample *sample);

/* One kind of augmentation. `options` is its protobuf message, e.g. ObjectDetection__Protos__RandomCropImage. */
typedef struct od_augmentation {
    ObjectDetection__Protos__PreprocessingStep__PreprocessingStepCase step;
    /* Refuses values that the OD API refuses. NULL: nothing to check. */
    od_status (*check)(const od_config *config, const void *options, od_error *err);
    od_status (*apply)(const void *options, od_sample *sample, od_rng *rng, od_error *err);
} od_augmentation;

extern const od_augmentation od_augmentation_horizontal_flip, od_augmentation_crop_image;

typedef struct od_augmenter od_augmenter;

/* From the config's train_config, which it borrows. OD_ERR_UNSUPPORTED names file, line and step of an augmentation
 * that isn't there; OD_ERR_CONFIG a value the OD API refuses. */
od_status od_augmenter_create(od_augmenter **out, const od_config *config, od_error *err);
void od_augmenter_free(od_augmenter *a);
int od_augmenter_count(const od_augmenter *a);

/* Thread-safe. All randomness comes from `rng`. */
od_status od_augmenter_apply(const od_augmenter *a, od_sample *sample, od_rng *rng, od_error *err);

#endif
