/* SPDX-License-Identifier: Apache-2.0 */
#include "data/preprocess.h"

#include "config/resizer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define ONEOF(name) OBJECT_DETECTION__PROTOS__IMAGE_RESIZER__IMAGE_RESIZER_ONEOF_##name

static od_status check_positive(int value, const char *name, od_error *err)
{
    if (value > 0) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "image_resizer: %s is %d; expected a positive number of pixels", name,
                        value);
}

static od_status set_fixed(od_preprocess *p, const ObjectDetection__Protos__FixedShapeResizer *c, od_error *err)
{
    OD_TRY(check_positive(c->height, "fixed_shape_resizer.height", err));
    OD_TRY(check_positive(c->width, "fixed_shape_resizer.width", err));
    p->kind = OD_RESIZER_FIXED;
    p->method = (od_resize_method)c->resize_method;
    p->height = c->height;
    p->width = c->width;
    return OD_OK;
}

static od_status set_keep_aspect(od_preprocess *p, const ObjectDetection__Protos__KeepAspectRatioResizer *c,
                                 od_error *err)
{
    OD_TRY(check_positive(c->min_dimension, "keep_aspect_ratio_resizer.min_dimension", err));
    if (c->min_dimension > c->max_dimension)
        return od_error_set(err, OD_ERR_CONFIG,
                            "image_resizer: keep_aspect_ratio_resizer.min_dimension %d is larger than max_dimension %d",
                            c->min_dimension, c->max_dimension);
    if (c->n_per_channel_pad_value != 0 && c->n_per_channel_pad_value != 3)
        return od_error_set(err, OD_ERR_CONFIG,
                            "image_resizer: per_channel_pad_value is given %zu times; expected 3 (R, G, B) or none",
                            c->n_per_channel_pad_value);
    p->kind = OD_RESIZER_KEEP_ASPECT;
    p->method = (od_resize_method)c->resize_method;
    p->min_side = c->min_dimension;
    p->max_side = c->max_dimension;
    p->pad_to_max = c->pad_to_max_dimension;
    for (size_t i = 0; i < c->n_per_channel_pad_value; i++) p->pad_value[i] = c->per_channel_pad_value[i];
    return OD_OK;
}

static od_status set_conditional(od_preprocess *p, const ObjectDetection__Protos__ConditionalShapeResizer *c,
                                 od_error *err)
{
    OD_TRY(check_positive(c->size_threshold, "conditional_shape_resizer.size_threshold", err));
    p->method = (od_resize_method)c->resize_method;
    p->limit = c->size_threshold;
    switch (c->condition) {
    case OBJECT_DETECTION__PROTOS__CONDITIONAL_SHAPE_RESIZER__RESIZE_CONDITION__GREATER:
        p->kind = OD_RESIZER_AT_MOST;
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__CONDITIONAL_SHAPE_RESIZER__RESIZE_CONDITION__SMALLER:
        p->kind = OD_RESIZER_AT_LEAST;
        return OD_OK;
    default:
        return od_error_set(err, OD_ERR_CONFIG,
                            "image_resizer: conditional_shape_resizer.condition must be GREATER or SMALLER");
    }
}

static od_status set_pad_multiple(od_preprocess *p, const ObjectDetection__Protos__PadToMultipleResizer *c,
                                  od_error *err)
{
    OD_TRY(check_positive(c->multiple, "pad_to_multiple_resizer.multiple", err));
    p->kind = OD_RESIZER_PAD_MULTIPLE;
    p->limit = c->multiple;
    return OD_OK;
}

od_status od_preprocess_set_resizer(od_preprocess *p, const ObjectDetection__Protos__ImageResizer *config,
                                    od_error *err)
{
    od_preprocess set = {.normalization = p->normalization, .normalize_first = p->normalize_first};
    od_status status = OD_OK;
    switch (config ? config->image_resizer_oneof_case : ONEOF(_NOT_SET)) {
    case ONEOF(FIXED_SHAPE_RESIZER): status = set_fixed(&set, config->fixed_shape_resizer, err); break;
    case ONEOF(KEEP_ASPECT_RATIO_RESIZER):
        status = set_keep_aspect(&set, config->keep_aspect_ratio_resizer, err);
        break;
    case ONEOF(IDENTITY_RESIZER): set.kind = OD_RESIZER_IDENTITY; break;
    case ONEOF(CONDITIONAL_SHAPE_RESIZER):
        status = set_conditional(&set, config->conditional_shape_resizer, err);
        break;
    case ONEOF(PAD_TO_MULTIPLE_RESIZER): status = set_pad_multiple(&set, config->pad_to_multiple_resizer, err); break;
    default:
        status =
            od_error_set(err, OD_ERR_CONFIG, "the model has no image_resizer; give it one, e.g. fixed_shape_resizer");
    }
    set.grey = od_resizer_is_grey(config);
    if (status == OD_OK) *p = set;
    return status;
}

int od_preprocess_fixed_shape(const od_preprocess *p, int *height, int *width)
{
    int square = p->kind == OD_RESIZER_KEEP_ASPECT && p->pad_to_max;
    if (!square && p->kind != OD_RESIZER_FIXED) return 0;
    *height = square ? p->max_side : p->height;
    *width = square ? p->max_side : p->width;
    return 1;
}

/* tf.compat.v1.image.resize_images(preserve_aspect_ratio=True): float32, round half to even. */
static void keep_aspect_size(const od_preprocess *p, int h, int w, float *th, float *tw)
{
    float box_h = (float)(h < w ? p->min_side : p->max_side), box_w = (float)(h < w ? p->max_side : p->min_side);
    float scale = fminf(box_h / (float)h, box_w / (float)w);
    *th = rintf(scale * (float)h);
    *tw = rintf(scale * (float)w);
}

/* resize_to_max_dimension and resize_to_min_dimension: cut, not rounded. */
static void conditional_size(const od_preprocess *p, int h, int w, float *th, float *tw)
{
    int most = p->kind == OD_RESIZER_AT_MOST;
    int side = (h > w) == most ? h : w;
    int target = (side > p->limit) == most ? p->limit : side;
    float ratio = (float)target / (float)side;
    *th = truncf((float)h * ratio);
    *tw = truncf((float)w * ratio);
}

/* ceil(side / multiple) * multiple in float32, as ops.pad_to_multiple. */
static int64_t round_up(int side, int multiple)
{
    return (int64_t)ceilf((float)side / (float)multiple) * multiple;
}

od_status od_preprocess_find_shape(const od_preprocess *p, int height, int width, od_preprocess_shape *shape,
                                   od_error *err)
{
    float th = (float)height, tw = (float)width;
    if (p->kind == OD_RESIZER_KEEP_ASPECT) keep_aspect_size(p, height, width, &th, &tw);
    if (p->kind == OD_RESIZER_AT_MOST || p->kind == OD_RESIZER_AT_LEAST) conditional_size(p, height, width, &th, &tw);
    if (!(th >= 1 && tw >= 1) || th * tw > (float)OD_IMAGE_MAX_PIXELS)
        return od_error_set(err, OD_ERR_FORMAT,
                            "image of %d x %d pixels would be resized to %.0f x %.0f; expected 1 to %" PRId64 " pixels",
                            width, height, (double)tw, (double)th, OD_IMAGE_MAX_PIXELS);
    od_preprocess_shape s = {(int)th, (int)tw, (int)th, (int)tw};
    if (p->kind == OD_RESIZER_FIXED) s = (od_preprocess_shape){p->height, p->width, p->height, p->width};
    int64_t h = s.height, w = s.width;
    if (p->kind == OD_RESIZER_KEEP_ASPECT && p->pad_to_max) h = w = p->max_side;
    if (p->kind == OD_RESIZER_PAD_MULTIPLE) h = round_up(height, p->limit), w = round_up(width, p->limit);
    if (h > OD_IMAGE_MAX_PIXELS / w)
        return od_error_set(err, OD_ERR_FORMAT,
                            "image of %d x %d pixels would be padded to %" PRId64 " x %" PRId64
                            "; expected at most %" PRId64 " pixels",
                            width, height, w, h, OD_IMAGE_MAX_PIXELS);
    s.height = (int)h;
    s.width = (int)w;
    *shape = s;
    return OD_OK;
}

/* tf.image.rgb_to_grayscale of a row; the value stands in each channel, where the OD API has one channel (of which CenterNet's three means make three again). */
static void grey_row(float *row, int64_t pixels)
{
    for (int64_t i = 0; i < pixels; i++, row += 3) row[0] = row[1] = row[2] = row[0] * 0.2989f + row[1] * 0.587f + row[2] * 0.114f;
}

static void fill(float *to, const float value[3], int64_t pixels)
{
    for (int64_t i = 0; i < pixels; i++, to += 3) memcpy(to, value, 3 * sizeof *to);
}

void od_preprocess_pad(const od_preprocess *p, int from_height, int from_width, int height, int width, float *out)
{
    float value[3];
    memcpy(value, p->pad_value, sizeof value);
    if (p->grey) grey_row(value, 1);
    if (!p->normalize_first) od_normalize_row(&p->normalization, value, 1);
    for (int y = 0; y < from_height && width > from_width; y++)
        fill(out + ((int64_t)y * width + from_width) * 3, value, width - from_width);
    fill(out + (int64_t)from_height * width * 3, value, (int64_t)(height - from_height) * width);
}

static int has_aligned_corners(const od_preprocess *p)
{
    return p->kind == OD_RESIZER_AT_MOST || p->kind == OD_RESIZER_AT_LEAST;
}

od_status od_preprocess_run(const od_preprocess *p, const od_image_view *view, int height, int width, float *out,
                            od_error *err)
{
    od_preprocess_shape s = {0};
    OD_TRY(od_preprocess_find_shape(p, view->height, view->width, &s, err));
    if (height < s.height || width < s.width)
        return od_error_set(err, OD_ERR_ARG, "preprocessing to %d x %d pixels needs %d x %d", width, height, s.width,
                            s.height);
    od_resize_params r = {p->method,
                          has_aligned_corners(p),
                          s.true_width,
                          s.true_height,
                          p->normalize_first ? &p->normalization : NULL,
                          p->normalize_first || p->grey ? NULL : &p->normalization};
    OD_TRY(od_image_resize(view, &r, out, (ptrdiff_t)width * 3, err));
    for (int y = 0; y < s.true_height && p->grey; y++) {
        grey_row(out + (int64_t)y * width * 3, s.true_width);
        if (!p->normalize_first) od_normalize_row(&p->normalization, out + (int64_t)y * width * 3, s.true_width);
    }
    od_preprocess_pad(p, s.true_height, s.true_width, height, width, out);
    return OD_OK;
}

od_status od_preprocess_run_map(const od_preprocess *p, od_pixel_map *map, od_error *err)
{
    od_preprocess_shape s = {0};
    OD_TRY(od_preprocess_find_shape(p, map->height, map->width, &s, err));
    OD_TRY(od_pixel_map_resize(map, has_aligned_corners(p), s.true_height, s.true_width, err));
    return od_pixel_map_place(map, 0, 0, s.height, s.width, err);
}

/* In the OD API an image of one channel goes through CenterNet, whose three means make three of it again, and through
 * ssd_mobilenet_v2_fpn_keras, which gets a first convolution of one channel; every other network refuses it. */
static od_status check_grey(const ObjectDetection__Protos__DetectionModel *model, od_error *err)
{
    int is_ssd = model->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD, is_center = model->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_CENTER_NET;
    if (is_ssd && model->ssd->feature_extractor && model->ssd->feature_extractor->type && !strcmp(model->ssd->feature_extractor->type, "ssd_mobilenet_v2_fpn_keras")) return OD_OK;
    if (!is_center)
        return od_error_set(err, OD_ERR_CONFIG, "image_resizer: convert_to_grayscale works with center_net and ssd_mobilenet_v2_fpn_keras only, in the OD API, too; remove it, or make the "
                                                "images grey with the augmentation rgb_to_gray");
    if (model->center_net->feature_extractor && model->center_net->feature_extractor->bgr_ordering)
        return od_error_set(err, OD_ERR_CONFIG, "image_resizer: convert_to_grayscale doesn't go with bgr_ordering: true (the OD API fails on it, too); remove one of them");
    return OD_OK;
}

od_status od_preprocess_init(od_preprocess *p, const ObjectDetection__Protos__DetectionModel *model, od_error *err)
{
    const ObjectDetection__Protos__ImageResizer *resizer = NULL;
    od_preprocess made = {0};
    OD_TRY(od_preprocess_set_normalization(&made, model, err));
    switch (model->model_case) {
    case OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD: resizer = model->ssd->image_resizer; break;
    case OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_FASTER_RCNN:
        resizer = model->faster_rcnn->image_resizer;
        break;
    case OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_CENTER_NET: resizer = model->center_net->image_resizer; break;
    default: break;
    }
    OD_TRY(od_preprocess_set_resizer(&made, resizer, err));
    if (made.grey) OD_TRY(check_grey(model, err));
    *p = made;
    return OD_OK;
}
