/* SPDX-License-Identifier: Apache-2.0
 *
 * Which normalisation a feature extractor has: the preprocess() of the classes in the OD API's models/.
 */
#include "data/preprocess.h"

#include <string.h>

enum {
    MODEL_SSD = OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD,
    MODEL_FASTER_RCNN = OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_FASTER_RCNN,
    MODEL_CENTER_NET = OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_CENTER_NET
};

/* 2/255 x - 1; written in Python as (2.0 / 255.0) * x - 1.0, the constant then made float32. */
static void add_minus_one_to_one(od_normalization *n)
{
    float scale = (float)(2.0 / 255.0);
    od_normalization_add(n, OD_NORMALIZE_MULTIPLY, scale, scale, scale);
    od_normalization_add(n, OD_NORMALIZE_SUBTRACT, 1, 1, 1);
}

static void add_rgb_means(od_normalization *n)
{
    od_normalization_add(n, OD_NORMALIZE_SUBTRACT, 123.68f, 116.779f, 103.939f);
}

static void add_imagenet_moments(od_normalization *n)
{
    od_normalization_add(n, OD_NORMALIZE_DIVIDE, 255, 255, 255);
    od_normalization_add(n, OD_NORMALIZE_SUBTRACT, 0.485f, 0.456f, 0.406f);
    od_normalization_add(n, OD_NORMALIZE_DIVIDE, 0.229f, 0.224f, 0.225f);
}

/* Keras's preprocess_input, mode "tf". */
static void add_keras_tf(od_normalization *n)
{
    od_normalization_add(n, OD_NORMALIZE_DIVIDE, 127.5f, 127.5f, 127.5f);
    od_normalization_add(n, OD_NORMALIZE_SUBTRACT, 1, 1, 1);
}

/* Keras's preprocess_input, mode "caffe": BGR. Values of earlier steps follow their channels. */
static void add_keras_caffe(od_normalization *n)
{
    n->reverse_channels = !n->reverse_channels;
    for (int i = 0; i < n->count; i++) {
        float first = n->steps[i].value[0];
        n->steps[i].value[0] = n->steps[i].value[2];
        n->steps[i].value[2] = first;
    }
    od_normalization_add(n, OD_NORMALIZE_SUBTRACT, 103.939f, 116.779f, 123.68f);
}

static void add_nothing(od_normalization *n)
{
    (void)n;
}

/* First match wins; `type` is a prefix of the feature extractor's type when it ends in '*'. */
static const struct {
    int model;
    const char *type;
    void (*add)(od_normalization *);
} families[] = {
    {MODEL_SSD, "ssd_mobilenet_v1_keras", add_minus_one_to_one},
    {MODEL_SSD, "ssd_mobilenet_v1_fpn_keras", add_minus_one_to_one},
    {MODEL_SSD, "ssd_mobilenet_v2_keras", add_minus_one_to_one},
    {MODEL_SSD, "ssd_mobilenet_v2_fpn_keras", add_minus_one_to_one},
    {MODEL_SSD, "ssd_resnet50_v1_fpn_keras", add_rgb_means},
    {MODEL_SSD, "ssd_resnet101_v1_fpn_keras", add_rgb_means},
    {MODEL_SSD, "ssd_resnet152_v1_fpn_keras", add_rgb_means},
    {MODEL_SSD, "ssd_efficientnet-b*", add_imagenet_moments},
    {MODEL_FASTER_RCNN, "faster_rcnn_inception_resnet_v2_keras", add_minus_one_to_one},
    {MODEL_FASTER_RCNN, "faster_rcnn_resnet50_keras", add_rgb_means},
    {MODEL_FASTER_RCNN, "faster_rcnn_resnet101_keras", add_rgb_means},
    {MODEL_FASTER_RCNN, "faster_rcnn_resnet152_keras", add_rgb_means},
    {MODEL_FASTER_RCNN, "faster_rcnn_resnet50_fpn_keras", add_rgb_means},
    {MODEL_FASTER_RCNN, "faster_rcnn_resnet101_fpn_keras", add_rgb_means},
    {MODEL_FASTER_RCNN, "faster_rcnn_resnet152_fpn_keras", add_rgb_means},
    {MODEL_CENTER_NET, "resnet_v2_*", add_keras_tf},
    {MODEL_CENTER_NET, "mobilenet_v2*", add_keras_tf},
    {MODEL_CENTER_NET, "resnet_v1_*", add_keras_caffe},
    {MODEL_CENTER_NET, "hourglass_*", add_nothing},
};

static int type_matches(const char *pattern, const char *type)
{
    size_t n = strlen(pattern);
    return pattern[n - 1] == '*' ? !strncmp(pattern, type, n - 1) : !strcmp(pattern, type);
}

/* CenterNetFeatureExtractor.preprocess, before the backbone's own: channel order, means, deviations. */
static od_status add_center_net_base(od_normalization *n, const ObjectDetection__Protos__CenterNetFeatureExtractor *c,
                                     od_error *err)
{
    if ((c->n_channel_means && c->n_channel_means != 3) || (c->n_channel_stds && c->n_channel_stds != 3))
        return od_error_set(err, OD_ERR_CONFIG,
                            "feature_extractor: %zu channel_means and %zu channel_stds; expected 3 or none of each",
                            c->n_channel_means, c->n_channel_stds);
    n->reverse_channels = c->bgr_ordering;
    const float *mean = c->channel_means, *deviation = c->channel_stds;
    if (c->n_channel_means) od_normalization_add(n, OD_NORMALIZE_SUBTRACT, mean[0], mean[1], mean[2]);
    if (c->n_channel_stds) od_normalization_add(n, OD_NORMALIZE_DIVIDE, deviation[0], deviation[1], deviation[2]);
    return OD_OK;
}

static const char *extractor_type(const ObjectDetection__Protos__DetectionModel *model)
{
    switch ((int)model->model_case) {
    case MODEL_SSD: return model->ssd->feature_extractor ? model->ssd->feature_extractor->type : NULL;
    case MODEL_FASTER_RCNN:
        return model->faster_rcnn->feature_extractor ? model->faster_rcnn->feature_extractor->type : NULL;
    case MODEL_CENTER_NET:
        return model->center_net->feature_extractor ? model->center_net->feature_extractor->type : NULL;
    default: return NULL;
    }
}

od_status od_preprocess_set_normalization(od_preprocess *p, const ObjectDetection__Protos__DetectionModel *model,
                                          od_error *err)
{
    const char *type = model ? extractor_type(model) : NULL;
    if (!type)
        return od_error_set(
            err, OD_ERR_CONFIG,
            "the model has no feature_extractor with a type; expected ssd, faster_rcnn or center_net with one");
    od_normalization n = {0};
    if ((int)model->model_case == MODEL_CENTER_NET)
        OD_TRY(add_center_net_base(&n, model->center_net->feature_extractor, err));
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (families[i].model != (int)model->model_case || !type_matches(families[i].type, type)) continue;
        families[i].add(&n);
        p->normalization = n;
        p->normalize_first = (int)model->model_case == MODEL_SSD;
        return OD_OK;
    }
    return od_error_set(
        err, OD_ERR_UNSUPPORTED,
        "feature_extractor type '%s' has no known preprocessing; use a TF2 type such as ssd_mobilenet_v2_fpn_keras",
        type);
}
