/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the model: required parts, feature extractors by name, image size, anchors, classes, post-processing.
 */
#include "config/check.h"
#include "config/message.h"
#include "config/support.h"
#include "util/nearest.h"

#include <stdio.h>
#include <string.h>

typedef ObjectDetection__Protos__Ssd ssd_proto;

/* Feature extractors of TensorFlow 1, and what replaces them. (Those of TensorFlow 2 are supported, all.) */
static const struct {
    const char *name, *instead;
} tf1_types[] = {
    {"ssd_inception_v2", "ssd_mobilenet_v2_keras"}, {"ssd_inception_v3", "ssd_mobilenet_v2_keras"},
    {"ssd_mobilenet_v1", "ssd_mobilenet_v1_keras"}, {"ssd_mobilenet_v1_fpn", "ssd_mobilenet_v1_fpn_keras"},
    {"ssd_mobilenet_v1_ppn", "ssd_mobilenet_v1_fpn_keras"}, {"ssd_mobilenet_v2", "ssd_mobilenet_v2_keras"},
    {"ssd_mobilenet_v2_fpn", "ssd_mobilenet_v2_fpn_keras"}, {"ssd_mobilenet_v2_mnasfpn", "ssd_mobilenet_v2_fpn_keras"},
    {"ssd_mobilenet_v3_large", "ssd_mobilenet_v2_keras"}, {"ssd_mobilenet_v3_small", "ssd_mobilenet_v2_keras"},
    {"ssd_mobilenet_edgetpu", "ssd_mobilenet_v2_keras"}, {"ssd_resnet50_v1_fpn", "ssd_resnet50_v1_fpn_keras"},
    {"ssd_resnet101_v1_fpn", "ssd_resnet101_v1_fpn_keras"}, {"ssd_resnet152_v1_fpn", "ssd_resnet152_v1_fpn_keras"},
    {"ssd_resnet50_v1_ppn", "ssd_resnet50_v1_fpn_keras"}, {"ssd_resnet101_v1_ppn", "ssd_resnet101_v1_fpn_keras"},
    {"ssd_resnet152_v1_ppn", "ssd_resnet152_v1_fpn_keras"}, {"embedded_ssd_mobilenet_v1", "ssd_mobilenet_v1_keras"},
    {"ssd_pnasnet", "ssd_efficientnet-b0_bifpn_keras"}, {"ssd_mobiledet_cpu", "ssd_mobilenet_v2_fpn_keras"},
    {"ssd_mobiledet_dsp", "ssd_mobilenet_v2_fpn_keras"}, {"ssd_mobiledet_edgetpu", "ssd_mobilenet_v2_fpn_keras"},
    {"ssd_mobiledet_gpu", "ssd_mobilenet_v2_fpn_keras"}, {"ssd_spaghettinet", "ssd_mobilenet_v2_fpn_keras"},
    {"faster_rcnn_nas", "faster_rcnn_inception_resnet_v2_keras"}, {"faster_rcnn_pnas", "faster_rcnn_inception_resnet_v2_keras"},
    {"faster_rcnn_inception_resnet_v2", "faster_rcnn_inception_resnet_v2_keras"},
    {"faster_rcnn_inception_v2", "faster_rcnn_resnet50_keras"}, {"faster_rcnn_resnet50", "faster_rcnn_resnet50_keras"},
    {"faster_rcnn_resnet101", "faster_rcnn_resnet101_keras"}, {"faster_rcnn_resnet152", "faster_rcnn_resnet152_keras"},
};

/* The nearest of the types that are supported; it is `type` itself when that is one. NULL: none is near. */
static const char *nearest_type(const char *message, const char *type)
{
    const char *best = NULL, *known;
    int least = 99;
    for (int i = 0; (known = od_support_value(message, "type", i)); i++) {
        int d = od_edit_distance(type, known);
        if (d < least) least = d, best = known;
    }
    return best && od_edit_distance_is_near(least, type) ? best : NULL;
}

static void check_type(od_check *check, const void *extractor, const char *type, const char *message)
{
    char fix[128] = "";
    if (!type) {
        od_check_missing(check, extractor, "type", "add type: '...', as in the zoo's configs");
        return;
    }
    const char *nearest = nearest_type(message, type);
    if (nearest && !strcmp(nearest, type)) return;
    for (size_t i = 0; i < sizeof tf1_types / sizeof *tf1_types; i++) {
        if (strcmp(tf1_types[i].name, type)) continue;
        snprintf(fix, sizeof fix, "type: '%s'", tf1_types[i].instead);
        od_check_add(check, OD_CONFIG_ERROR, extractor, "type", "a TensorFlow 2 type", fix, "'%s' is for TensorFlow 1 only", type);
        return;
    }
    if (nearest) snprintf(fix, sizeof fix, "did you mean '%s'?", nearest);
    od_check_add(check, OD_CONFIG_ERROR, extractor, "type", "a feature extractor of the TensorFlow 2 OD API", fix, "'%s' is not known", type);
}

static void check_classes(od_check *check, const void *model, int32_t num_classes, int given)
{
    char expected[64];
    if (!given) {
        od_check_missing(check, model, "num_classes", "add num_classes: N, the largest id of the label map");
        return;
    }
    if (num_classes < 1) {
        od_check_add(check, OD_CONFIG_ERROR, model, "num_classes", "at least 1", "the largest id of the label map", "%d is out of range", (int)num_classes);
        return;
    }
    int32_t largest = check->label_map ? od_label_map_max_id(check->label_map) : num_classes;
    snprintf(expected, sizeof expected, "%d", (int)largest);
    if (num_classes < largest)
        od_check_add(check, OD_CONFIG_ERROR, model, "num_classes", expected, NULL, "%d is less than id %d of '%s' in %s", (int)num_classes, (int)largest,
                     od_label_map_name(check->label_map, largest), od_label_map_path(check->label_map));
    else if (num_classes > largest)
        od_check_add(check, OD_CONFIG_WARNING, model, "num_classes", expected, NULL, "%d is more than the largest id %d of %s: the others are never seen",
                     (int)num_classes, (int)largest, od_label_map_path(check->label_map));
}

static void check_resizer(od_check *check, const ObjectDetection__Protos__ImageResizer *resizer)
{
    if (!resizer || resizer->image_resizer_oneof_case != OBJECT_DETECTION__PROTOS__IMAGE_RESIZER__IMAGE_RESIZER_ONEOF_KEEP_ASPECT_RATIO_RESIZER) return;
    const ObjectDetection__Protos__KeepAspectRatioResizer *r = resizer->keep_aspect_ratio_resizer;
    if (r->min_dimension > r->max_dimension)
        od_check_add(check, OD_CONFIG_ERROR, r, "min_dimension", "at most max_dimension", NULL, "%d is more than max_dimension %d", (int)r->min_dimension, (int)r->max_dimension);
}

/* The size of the images that the network gets; 0 when it varies. */
static void image_size(const ssd_proto *ssd, int size[2])
{
    size[0] = size[1] = 0;
    const ObjectDetection__Protos__ImageResizer *r = ssd->image_resizer;
    if (!r || r->image_resizer_oneof_case != OBJECT_DETECTION__PROTOS__IMAGE_RESIZER__IMAGE_RESIZER_ONEOF_FIXED_SHAPE_RESIZER) return;
    size[0] = r->fixed_shape_resizer->height;
    size[1] = r->fixed_shape_resizer->width;
}

/* The levels that the extractor's pyramid has; 0: it has none. The ResNets' settings are ignored: see check_resnet_pyramid. */
static int pyramid_levels(const ObjectDetection__Protos__SsdFeatureExtractor *f, int *min_level, int *max_level)
{
    if (!f || f->feature_pyramid_oneof_case != OBJECT_DETECTION__PROTOS__SSD_FEATURE_EXTRACTOR__FEATURE_PYRAMID_ONEOF_FPN) return 0;
    int resnet = f->type && !strncmp(f->type, "ssd_resnet", 10);
    *min_level = resnet ? 3 : f->fpn->min_level;
    *max_level = resnet ? 7 : f->fpn->max_level;
    return 1;
}

/* A feature pyramid adds a level, doubled, to the finer one: their sizes must fit. Level l has ceil(size / 2^l) cells,
 * and levels above 5 are made by striding, which always fits. */
static void check_pyramid_size(od_check *check, const ssd_proto *ssd, int dimension, const char *name)
{
    const ObjectDetection__Protos__SsdFeatureExtractor *f = ssd->feature_extractor;
    int min_level, max_level;
    if (!pyramid_levels(f, &min_level, &max_level) || !f->type || !strstr(f->type, "_fpn")) return;
    int top = max_level < 5 ? max_level : 5, multiple = f->pad_to_multiple;
    if (dimension < 1 || dimension > 65536 || multiple < 1 || multiple > 65536 || min_level < 0) return;
    int padded = (dimension + multiple - 1) / multiple * multiple;
    for (int level = min_level; level < top; level++) {
        int fine = (padded + (1 << level) - 1) >> level, coarse = (padded + (2 << level) - 1) >> (level + 1);
        if (fine == 2 * coarse) continue;
        char expected[64], fix[64];
        int unit = 1 << top, up = (dimension + unit - 1) / unit * unit;
        snprintf(expected, sizeof expected, "a multiple of %d", unit);
        snprintf(fix, sizeof fix, "%s: %d", name, up);
        od_check_add(check, OD_CONFIG_ERROR, ssd->image_resizer->fixed_shape_resizer, name, expected, fix,
                     "%d gives levels %d and %d of the pyramid %d and %d cells, which don't fit", dimension, level, level + 1, fine, coarse);
        return;
    }
}

/* ssd_resnet_v1_fpn_keras_feature_extractor.py: its classes take the pyramid's settings and don't pass them on. */
static void check_resnet_pyramid(od_check *check, const ObjectDetection__Protos__SsdFeatureExtractor *f)
{
    if (!f->type || strncmp(f->type, "ssd_resnet", 10) || f->feature_pyramid_oneof_case != OBJECT_DETECTION__PROTOS__SSD_FEATURE_EXTRACTOR__FEATURE_PYRAMID_ONEOF_FPN ||
        (f->fpn->min_level == 3 && f->fpn->max_level == 7 && f->fpn->additional_layer_depth == 256))
        return;
    od_check_add(check, OD_CONFIG_WARNING, f, "fpn", "levels 3 to 7 and additional_layer_depth 256, or no fpn", NULL,
                 "is ignored by %s, as in the OD API: levels %d to %d and depth %d become 3 to 7 and 256", f->type, (int)f->fpn->min_level, (int)f->fpn->max_level,
                 (int)f->fpn->additional_layer_depth);
}

static void check_multiscale(od_check *check, const ssd_proto *ssd, const ObjectDetection__Protos__MultiscaleAnchorGenerator *a)
{
    if (a->min_level > a->max_level || a->min_level < 0 || a->max_level > 20) {
        od_check_add(check, OD_CONFIG_ERROR, a, "min_level", "0 <= min_level <= max_level", NULL, "levels %d to %d are not a range", (int)a->min_level, (int)a->max_level);
        return;
    }
    if (!a->n_aspect_ratios) od_check_missing(check, a, "aspect_ratios", "aspect_ratios: [1.0, 2.0, 0.5]");
    int min_level, max_level;
    if (pyramid_levels(ssd->feature_extractor, &min_level, &max_level) && (min_level != a->min_level || max_level != a->max_level))
        od_check_add(check, OD_CONFIG_ERROR, a, NULL, "the levels of feature_extractor.fpn", NULL, "the anchors are for levels %d to %d, the feature pyramid has levels %d to %d",
                     (int)a->min_level, (int)a->max_level, min_level, max_level);
    int size[2], unit = 1 << a->max_level;
    image_size(ssd, size);
    if (size[0] > 0 && size[1] > 0 && (size[0] % unit || size[1] % unit))
        od_check_add(check, OD_CONFIG_NOTE, a, "max_level", NULL, NULL,
                     "%dx%d is no multiple of 2^%d = %d: the coarsest anchors start at the image's corner instead of half a cell inside, as in the OD API",
                     size[0], size[1], (int)a->max_level, unit);
}

static void check_ssd_anchors(od_check *check, const ssd_proto *ssd, const ObjectDetection__Protos__SsdAnchorGenerator *a)
{
    if (!a->n_scales && (a->min_scale > a->max_scale || !(a->min_scale > 0)))
        od_check_add(check, OD_CONFIG_ERROR, a, "min_scale", "more than 0, at most max_scale", NULL, "scales %g to %g are not a range", a->min_scale, a->max_scale);
    if (a->num_layers < 1)
        od_check_add(check, OD_CONFIG_ERROR, a, "num_layers", "at least 1", NULL, "%d is out of range", (int)a->num_layers);
    else if (ssd->feature_extractor && ssd->feature_extractor->num_layers != a->num_layers)
        od_check_add(check, OD_CONFIG_ERROR, a, "num_layers", "feature_extractor.num_layers", NULL, "anchors for %d layers, but the feature extractor gives %d",
                     (int)a->num_layers, (int)ssd->feature_extractor->num_layers);
    if (!a->n_aspect_ratios) od_check_missing(check, a, "aspect_ratios", "aspect_ratios: [1.0, 2.0, 0.5, 3.0, 0.3333]");
}

static void check_anchors(od_check *check, const ssd_proto *ssd)
{
    const ObjectDetection__Protos__AnchorGenerator *a = ssd->anchor_generator;
    if (!a) return;
    if (ssd->feature_extractor) check_resnet_pyramid(check, ssd->feature_extractor);
    if (a->anchor_generator_oneof_case == OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_MULTISCALE_ANCHOR_GENERATOR)
        check_multiscale(check, ssd, a->multiscale_anchor_generator);
    if (a->anchor_generator_oneof_case == OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_SSD_ANCHOR_GENERATOR)
        check_ssd_anchors(check, ssd, a->ssd_anchor_generator);
}

static void check_matcher(od_check *check, const ObjectDetection__Protos__Matcher *matcher)
{
    if (!matcher) return;
    const ObjectDetection__Protos__ArgMaxMatcher *m = matcher->matcher_oneof_case == OBJECT_DETECTION__PROTOS__MATCHER__MATCHER_ONEOF_ARGMAX_MATCHER ? matcher->argmax_matcher : NULL;
    if (m && !m->ignore_thresholds && m->unmatched_threshold > m->matched_threshold)
        od_check_add(check, OD_CONFIG_ERROR, m, "unmatched_threshold", "at most matched_threshold", NULL, "%g is more than matched_threshold %g", m->unmatched_threshold, m->matched_threshold);
}

static void check_post_processing(od_check *check, const ObjectDetection__Protos__PostProcessing *post, const ObjectDetection__Protos__ClassificationLoss *loss)
{
    if (!post) return;
    const ObjectDetection__Protos__BatchNonMaxSuppression *nms = post->batch_non_max_suppression;
    if (nms && nms->max_detections_per_class > nms->max_total_detections)
        od_check_add(check, OD_CONFIG_ERROR, nms, "max_detections_per_class", "at most max_total_detections", NULL, "%d is more than max_total_detections %d",
                     (int)nms->max_detections_per_class, (int)nms->max_total_detections);
    if (nms && nms->score_threshold > 0.05f && nms->score_threshold <= 1)
        od_check_add(check, OD_CONFIG_WARNING, nms, "score_threshold", "1e-8", "set 1e-8, and choose a threshold when predicting (--min_score_thresh)",
                     "detections below %g are dropped before evaluation, which lowers mAP", nms->score_threshold);
    int sigmoid = loss && (loss->classification_loss_case == OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_SIGMOID ||
                           loss->classification_loss_case == OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_SIGMOID_FOCAL);
    if (sigmoid && post->score_converter != OBJECT_DETECTION__PROTOS__POST_PROCESSING__SCORE_CONVERTER__SIGMOID)
        od_check_add(check, OD_CONFIG_WARNING, post, "score_converter", "SIGMOID", "score_converter: SIGMOID",
                     "the loss is a sigmoid one, but scores are %s", post->has_score_converter ? "converted otherwise" : "left as logits (score_converter isn't given)");
}

/* Parts without which the OD API doesn't build the model. */
static void check_parts(od_check *check, const ProtobufCMessage *model, const char *const *parts)
{
    for (; *parts; parts++) {
        char fix[96];
        snprintf(fix, sizeof fix, "add %s { ... }, as in the zoo's configs", *parts);
        if (!od_message_has(model, od_message_field(model->descriptor, *parts))) od_check_missing(check, model, *parts, fix);
    }
}

static void check_ssd(od_check *check, const ssd_proto *ssd)
{
    static const char *const parts[] = {"image_resizer", "feature_extractor", "box_coder", "matcher", "similarity_calculator",
                                        "box_predictor", "anchor_generator", "loss", "post_processing", NULL};
    static const char *const losses[] = {"classification_loss", "localization_loss", NULL};
    int size[2];
    check_parts(check, &ssd->base, parts);
    if (ssd->loss) check_parts(check, &ssd->loss->base, losses);
    check_classes(check, ssd, ssd->num_classes, ssd->has_num_classes);
    if (ssd->feature_extractor) check_type(check, ssd->feature_extractor, ssd->feature_extractor->type, "SsdFeatureExtractor");
    check_resizer(check, ssd->image_resizer);
    image_size(ssd, size);
    check_pyramid_size(check, ssd, size[0], "height");
    check_pyramid_size(check, ssd, size[1], "width");
    check_anchors(check, ssd);
    check_matcher(check, ssd->matcher);
    check_post_processing(check, ssd->post_processing, ssd->loss ? ssd->loss->classification_loss : NULL);
    od_check_detection(check, ssd);
}

static void check_faster_rcnn(od_check *check, const ObjectDetection__Protos__FasterRcnn *m)
{
    static const char *const parts[] = {"image_resizer", "feature_extractor", "first_stage_anchor_generator",
                                        "first_stage_box_predictor_conv_hyperparams", NULL};
    check_parts(check, &m->base, parts);
    check_classes(check, m, m->num_classes, m->has_num_classes);
    if (m->feature_extractor) check_type(check, m->feature_extractor, m->feature_extractor->type, "FasterRcnnFeatureExtractor");
    check_resizer(check, m->image_resizer);
    check_post_processing(check, m->second_stage_post_processing, NULL);
}

static void check_center_net(od_check *check, const ObjectDetection__Protos__CenterNet *m)
{
    static const char *const parts[] = {"image_resizer", "feature_extractor", "object_center_params", NULL};
    check_parts(check, &m->base, parts);
    check_classes(check, m, m->num_classes, m->has_num_classes);
    if (m->feature_extractor) check_type(check, m->feature_extractor, m->feature_extractor->type, "CenterNetFeatureExtractor");
    check_resizer(check, m->image_resizer);
    check_post_processing(check, m->post_processing, NULL);
}

void od_check_model(od_check *check)
{
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(check->config);
    const ObjectDetection__Protos__DetectionModel *model = proto->model;
    if (!model) {
        od_check_missing(check, proto, "model", "add model { ssd { ... } }, as in the zoo's configs");
        return;
    }
    switch (model->model_case) {
    case OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD: check_ssd(check, model->ssd); break;
    case OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_FASTER_RCNN: check_faster_rcnn(check, model->faster_rcnn); break;
    case OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_CENTER_NET: check_center_net(check, model->center_net); break;
    default: break; /* none given: check_fields tells */
    }
}
