/* SPDX-License-Identifier: Apache-2.0 */
#include "data/augment.h"

#include "util/alloc.h"

/* Add an augmentation: its file, a line in augment.h, a line here. */
static const od_augmentation *const augmentations[] = {
    &od_augmentation_horizontal_flip,
    &od_augmentation_vertical_flip,
    &od_augmentation_rotation90,
    &od_augmentation_crop_image,
    &od_augmentation_crop_to_aspect_ratio,
    &od_augmentation_pad_image,
    &od_augmentation_absolute_pad_image,
    &od_augmentation_crop_pad_image,
    &od_augmentation_ssd_crop,
    &od_augmentation_ssd_crop_pad,
    &od_augmentation_ssd_crop_fixed_aspect,
    &od_augmentation_ssd_crop_pad_fixed_aspect,
    &od_augmentation_square_crop_by_scale,
    &od_augmentation_scale_crop_and_pad_to_square,
    &od_augmentation_image_scale,
    &od_augmentation_resize_image,
    &od_augmentation_resize_method,
    &od_augmentation_downscale_to_target_pixels,
    &od_augmentation_brightness,
    &od_augmentation_contrast,
    &od_augmentation_hue,
    &od_augmentation_saturation,
    &od_augmentation_distort_color,
    &od_augmentation_normalize_image,
    &od_augmentation_pixel_value_scale,
    &od_augmentation_rgb_to_gray,
    &od_augmentation_random_rgb_to_gray,
    &od_augmentation_gamma,
    &od_augmentation_subtract_channel_mean,
    &od_augmentation_black_patches,
    &od_augmentation_patch_gaussian,
    &od_augmentation_jpeg_quality,
    &od_augmentation_jitter_boxes,
    &od_augmentation_drop_label,
    &od_augmentation_remap_labels,
    &od_augmentation_scale_boxes,
    &od_augmentation_self_concat,
    &od_augmentation_softmax_scores,
};

typedef struct augment_step {
    const od_augmentation *kind;
    const void *options;
} augment_step;

struct od_augmenter {
    augment_step *steps;
    int count;
};

void od_sample_deinit(od_sample *sample)
{
    od_free(sample->floats);
    od_free(sample->own_objects);
    od_free(sample->own_scores);
    od_free(sample->own_keypoints);
    od_pixel_map_deinit(&sample->map);
    *sample = (od_sample){0};
}

static const od_augmentation *find_kind(ObjectDetection__Protos__PreprocessingStep__PreprocessingStepCase step)
{
    for (size_t i = 0; i < sizeof augmentations / sizeof *augmentations; i++)
        if (augmentations[i]->step == step) return augmentations[i];
    return NULL;
}

static od_status refuse(const od_config *config, const ObjectDetection__Protos__PreprocessingStep *step, od_error *err)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
        &object_detection__protos__preprocessing_step__descriptor, (unsigned)step->preprocessing_step_case);
    if (!field)
        return od_config_error(config, step, NULL, err, OD_ERR_CONFIG,
                               "data_augmentation_options names no augmentation; name one or remove it");
    return od_config_error(config, step, field->name, err, OD_ERR_UNSUPPORTED,
                           "the augmentation %s isn't supported yet; remove it to train without", field->name);
}

static od_status add_step(od_augmenter *a, const od_config *config,
                          const ObjectDetection__Protos__PreprocessingStep *step, od_error *err)
{
    const od_augmentation *kind = find_kind(step->preprocessing_step_case);
    if (!kind) return refuse(config, step, err);
    const void *options = step->random_horizontal_flip; /* whichever member of the union is set */
    if (kind->check) OD_TRY(kind->check(config, options, err));
    a->steps[a->count++] = (augment_step){kind, options};
    return OD_OK;
}

od_status od_augmenter_create(od_augmenter **out, const od_config *config, od_error *err)
{
    const ObjectDetection__Protos__TrainConfig *train = od_config_proto(config)->train_config;
    size_t count = train ? train->n_data_augmentation_options : 0;
    od_augmenter *a = od_calloc(1, sizeof *a);
    if (a) a->steps = od_calloc(count, sizeof *a->steps);
    od_status status = a && a->steps ? OD_OK : od_error_nomem(err, "augmentations");
    for (size_t i = 0; i < count && status == OD_OK; i++)
        status = add_step(a, config, train->data_augmentation_options[i], err);
    if (status == OD_OK)
        *out = a;
    else
        od_augmenter_free(a);
    return status;
}

void od_augmenter_free(od_augmenter *a)
{
    if (!a) return;
    od_free(a->steps);
    od_free(a);
}

int od_augmenter_count(const od_augmenter *a)
{
    return a->count;
}

const char *od_augmenter_name(const od_augmenter *a, int i)
{
    return protobuf_c_message_descriptor_get_field(&object_detection__protos__preprocessing_step__descriptor,
                                                   (unsigned)a->steps[i].kind->step)
        ->name;
}

const ProtobufCMessage *od_augmenter_options(const od_augmenter *a, int i)
{
    return a->steps[i].options;
}

od_status od_augmenter_apply_one(const od_augmenter *a, int i, od_sample *sample, od_rng *rng, od_error *err)
{
    return a->steps[i].kind->apply(a->steps[i].options, sample, rng, err);
}

od_status od_augmenter_apply(const od_augmenter *a, od_sample *sample, od_rng *rng, od_error *err)
{
    for (int i = 0; i < a->count; i++) OD_TRY(od_augmenter_apply_one(a, i, sample, rng, err));
    return OD_OK;
}
