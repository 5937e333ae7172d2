/* SPDX-License-Identifier: Apache-2.0
 *
 * Augmentations of boxes and labels (core/preprocessor.py): random_jitter_boxes, drop_label_probabilistically,
 * remap_labels, scale_boxes_to_pixel_coordinates; and random_self_concat_image, which doubles them. Labels are the
 * label map's ids, as in the OD API at this place.
 */
#include "config/keypoints.h"
#include "data/augment.h"
#include "data/sample_keypoints.h"
#include "data/sample_pixels.h"

#include "util/alloc.h"

#include <math.h>
#include <string.h>

typedef ObjectDetection__Protos__RandomJitterBoxes jitter_t;
#define MODE(name) OBJECT_DETECTION__PROTOS__RANDOM_JITTER_BOXES__JITTER_MODE__##name

static float clip01(float v)
{
    return fminf(fmaxf(v, 0.0f), 1.0f);
}

static float clip_symmetric(float v, float limit)
{
    return fmaxf(fminf(v, limit), -limit);
}

/* Both sides of the box move alike, and not beyond the picture. */
static void jitter_symmetric(float *b, const float center[2], const float size[2], float low, float high, int same,
                             od_rng *rng)
{
    float distortion[2], limit[2];
    for (int k = 0; k < 2; k++) {
        distortion[k] = 1.0f + od_rng_uniform_range(rng, low, high);
        limit[k] = fabsf(fminf(2.0f * center[k] / size[k], 2.0f * (1.0f - center[k]) / size[k]));
    }
    if (same) {
        distortion[1] = distortion[0];
        limit[0] = limit[1] = fminf(limit[0], limit[1]);
    }
    for (int k = 0; k < 2; k++) {
        float half = size[k] * clip_symmetric(distortion[k], limit[k]) / 2.0f;
        b[k] = center[k] - half;
        b[k + 2] = center[k] + half;
    }
}

static void jitter_box(const jitter_t *o, float *b, od_rng *rng)
{
    int shrink = o->jitter_mode == MODE(SHRINK) || o->jitter_mode == MODE(SHRINK_SYMMETRIC) ||
                 o->jitter_mode == MODE(SHRINK_SYMMETRIC_XY);
    int expand = o->jitter_mode == MODE(EXPAND) || o->jitter_mode == MODE(EXPAND_SYMMETRIC) ||
                 o->jitter_mode == MODE(EXPAND_SYMMETRIC_XY);
    int same = o->jitter_mode == MODE(SHRINK_SYMMETRIC_XY) || o->jitter_mode == MODE(EXPAND_SYMMETRIC_XY);
    float low = expand ? 0.0f : -o->ratio, high = shrink ? 0.0f : o->ratio;
    float size[2] = {b[2] - b[0], b[3] - b[1]}, center[2] = {b[0] + size[0] / 2.0f, b[1] + size[1] / 2.0f};
    for (int k = 0; k < 2; k++) size[k] = fmaxf(fabsf(size[k]), 1e-6f);
    if (same || o->jitter_mode == MODE(SHRINK_SYMMETRIC) || o->jitter_mode == MODE(EXPAND_SYMMETRIC)) {
        jitter_symmetric(b, center, size, low, high, same, rng);
    } else {
        for (int k = 0; k < 4; k++) {
            float half = size[k % 2] * (1.0f + od_rng_uniform_range(rng, low, high)) / 2.0f;
            b[k] = center[k % 2] + (k < 2 ? -half : half);
        }
    }
    for (int k = 0; k < 4; k++) b[k] = clip01(b[k]);
}

static od_status jitter(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    for (int i = 0; i < sample->object_count; i++) jitter_box(options, sample->objects[i].box, rng);
    return OD_OK;
}

static od_status drop_label(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)err;
    const ObjectDetection__Protos__DropLabelProbabilistically *o = options;
    int kept = 0;
    for (int i = 0; i < sample->object_count; i++) {
        int drop = !(od_rng_uniform(rng) > (double)o->drop_probability) && sample->objects[i].label == o->label;
        if (!drop) sample->objects[kept++] = sample->objects[i];
    }
    sample->object_count = kept;
    return OD_OK;
}

static od_status remap(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)rng, (void)err;
    const ObjectDetection__Protos__RemapLabels *o = options;
    for (size_t k = 0; k < o->n_original_labels; k++)
        for (int i = 0; i < sample->object_count; i++)
            if (sample->objects[i].label == o->original_labels[k]) sample->objects[i].label = o->new_label;
    return OD_OK;
}

static od_status check_remap(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__RemapLabels *o = options;
    if (o->new_label >= 1) return OD_OK;
    return od_config_error(config, o, "new_label", err, OD_ERR_CONFIG,
                           "remap_labels: new_label is %d; expected an id of the label map, from 1", (int)o->new_label);
}

static void scale_point(float point[2], const float *by)
{
    for (int k = 0; k < 2; k++) point[k] *= by[k];
}

static od_status scale_boxes(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)options, (void)rng, (void)err;
    const float by[2] = {(float)sample->view.height, (float)sample->view.width};
    for (int i = 0; i < sample->object_count; i++)
        for (int k = 0; k < 4; k++) sample->objects[i].box[k] *= by[k % 2];
    od_sample_move_keypoints(sample, scale_point, by);
    return OD_OK;
}

/* convert_class_logits_to_softmax: of the scores of every class that the record gives with a box. */
static od_status softmax_scores(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    (void)rng;
    const ObjectDetection__Protos__ConvertClassLogitsToSoftmax *o = options;
    size_t total = 0, at = 0;
    for (int i = 0; i < sample->object_count; i++) total += sample->objects[i].class_scores ? (size_t)sample->objects[i].class_score_count : 0;
    if (!total) return OD_OK;
    float *scores = od_malloc(total, sizeof *scores);
    if (!scores) return od_error_nomem(err, "class scores");
    for (int i = 0; i < sample->object_count; i++) {
        od_object *object = &sample->objects[i];
        if (!object->class_scores) continue;
        float *out = scores + at, largest = object->class_scores[0] / o->temperature, sum = 0;
        for (int k = 0; k < object->class_score_count; k++) largest = fmaxf(largest, object->class_scores[k] / o->temperature);
        for (int k = 0; k < object->class_score_count; k++) sum += out[k] = expf(object->class_scores[k] / o->temperature - largest);
        for (int k = 0; k < object->class_score_count; k++) out[k] /= sum;
        object->class_scores = out;
        at += (size_t)object->class_score_count;
    }
    od_free(sample->own_scores);
    sample->own_scores = scores;
    return OD_OK;
}

static od_status check_softmax(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__ConvertClassLogitsToSoftmax *o = options;
    const ObjectDetection__Protos__InputReader *reader = od_config_proto(config)->train_input_reader;
    if (reader && !reader->load_multiclass_scores)
        return od_config_error(config, o, NULL, err, OD_ERR_CONFIG,
                               "convert_class_logits_to_softmax needs the scores of classes: set load_multiclass_scores: true in train_input_reader, or remove it");
    if (o->temperature > 0) return OD_OK;
    return od_config_error(config, o, "temperature", err, OD_ERR_CONFIG, "convert_class_logits_to_softmax: temperature is %g; expected more than 0", o->temperature);
}

/* The picture twice, below each other (axis 0) or beside each other (axis 1), with its objects in both. */
static od_status concat(od_sample *sample, int axis, od_error *err)
{
    float *in;
    OD_TRY(od_sample_own_pixels(sample, &in, err));
    size_t h = (size_t)sample->view.height, row = (size_t)sample->view.width * 3, n = (size_t)sample->object_count;
    float *out = od_malloc(h * row, 2 * sizeof *out);
    od_object *objects = od_malloc(2 * n, sizeof *objects);
    if (!out || !objects) {
        od_free(out);
        od_free(objects);
        return od_error_nomem(err, "an image twice");
    }
    for (size_t y = 0; y < h; y++)
        for (size_t copy = 0; copy < 2; copy++)
            memcpy(axis ? out + (2 * y + copy) * row : out + (copy * h + y) * row, in + y * row, row * sizeof *out);
    for (size_t i = 0; i < 2 * n; i++) {
        objects[i] = sample->objects[i % n];
        for (int k = axis; k < 4; k += 2) objects[i].box[k] = .5f * objects[i].box[k] + (i < n ? 0.0f : .5f);
    }
    od_sample_set_pixels(sample, out, (int)(axis ? h : 2 * h), (int)(axis ? 2 * row / 3 : row / 3));
    od_free(sample->own_objects);
    sample->objects = sample->own_objects = objects;
    sample->object_count = (int)(2 * n);
    return OD_OK;
}

static od_status check_self_concat(const od_config *config, const void *options, od_error *err)
{
    const ObjectDetection__Protos__InputReader *reader = od_config_proto(config)->train_input_reader;
    if (od_config_keypoints(od_config_proto(config)))
        return od_config_error(config, options, NULL, err, OD_ERR_UNSUPPORTED,
                               "random_self_concat_image doesn't carry keypoints (nor does it in the OD API); remove it");
    if (!reader || !reader->load_instance_masks) return OD_OK;
    return od_config_error(config, options, NULL, err, OD_ERR_UNSUPPORTED,
                           "random_self_concat_image doesn't carry masks (nor does it in the OD API); remove it or load_instance_masks");
}

static od_status self_concat(const void *options, od_sample *sample, od_rng *rng, od_error *err)
{
    const ObjectDetection__Protos__RandomSelfConcatImage *o = options;
    int vertical = od_rng_uniform(rng) < (double)o->concat_vertical_probability;
    int horizontal = od_rng_uniform(rng) < (double)o->concat_horizontal_probability;
    if (vertical) OD_TRY(concat(sample, 0, err));
    return horizontal ? concat(sample, 1, err) : OD_OK;
}

#define STEP(name) OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_##name
const od_augmentation od_augmentation_jitter_boxes = {STEP(RANDOM_JITTER_BOXES), NULL, jitter};
const od_augmentation od_augmentation_drop_label = {STEP(DROP_LABEL_PROBABILISTICALLY), NULL, drop_label};
const od_augmentation od_augmentation_remap_labels = {STEP(REMAP_LABELS), check_remap, remap};
const od_augmentation od_augmentation_scale_boxes = {STEP(SCALE_BOXES_TO_PIXEL_COORDINATES), NULL, scale_boxes};
const od_augmentation od_augmentation_softmax_scores = {STEP(CONVERT_CLASS_LOGITS_TO_SOFTMAX), check_softmax, softmax_scores};
const od_augmentation od_augmentation_self_concat = {STEP(RANDOM_SELF_CONCAT_IMAGE), check_self_concat, self_concat};
