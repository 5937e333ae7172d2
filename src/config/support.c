/* SPDX-License-Identifier: Apache-2.0 */
#include "config/support.h"

#include "config/check.h"
#include "config/fields.h"
#include "config/message.h"

#include <stdio.h>
#include <string.h>

enum { P = 1, E = 2, T = 4 }; /* who needs it: prediction, evaluation, training */

/* Alternatives: only the rows of `supported` may be given. With a NULL field these are the members of the message type's
 * oneofs, otherwise the values of that field. */
static const struct {
    const char *type, *field; /* message type; field whose values are listed, or NULL */
    int needed_by;
} governed[] = {
    {"DetectionModel", NULL, P},
    {"SsdFeatureExtractor", "type", P},
    {"CenterNetFeatureExtractor", "type", P},
    {"FasterRcnnFeatureExtractor", "type", P},
    {"BoxPredictor", NULL, P},
    {"AnchorGenerator", NULL, P},
    {"Matcher", NULL, T},
    {"RegionSimilarityCalculator", NULL, T},
    {"BoxCoder", NULL, P},
    {"ClassificationLoss", NULL, T},
    {"LocalizationLoss", NULL, T},
    {"ImageResizer", NULL, P},
    {"PostProcessing", "score_converter", P},
    {"Regularizer", NULL, T},
    {"Initializer", NULL, T},
    {"PreprocessingStep", NULL, T},
    {"Optimizer", NULL, T},
    {"LearningRate", NULL, T},
    {"EvalConfig", "metrics_set", E},
    {"InputReader", "input_type", E},
};

/* One row a feature: message type, field, and for governed values the value. */
static const struct {
    const char *type, *field, *value;
} supported[] = {
    {"DetectionModel", "ssd", NULL},
    {"DetectionModel", "center_net", NULL},
    {"DetectionModel", "faster_rcnn", NULL},
    {"FasterRcnnFeatureExtractor", "type", "faster_rcnn_resnet50_keras"},
    {"FasterRcnnFeatureExtractor", "type", "faster_rcnn_resnet101_keras"},
    {"FasterRcnnFeatureExtractor", "type", "faster_rcnn_resnet152_keras"},
    {"FasterRcnnFeatureExtractor", "type", "faster_rcnn_resnet50_fpn_keras"},
    {"FasterRcnnFeatureExtractor", "type", "faster_rcnn_resnet101_fpn_keras"},
    {"FasterRcnnFeatureExtractor", "type", "faster_rcnn_resnet152_fpn_keras"},
    {"FasterRcnnFeatureExtractor", "type", "faster_rcnn_inception_resnet_v2_keras"},
    {"CenterNetFeatureExtractor", "type", "resnet_v2_50"},
    {"CenterNetFeatureExtractor", "type", "resnet_v2_101"},
    {"CenterNetFeatureExtractor", "type", "resnet_v1_18_fpn"},
    {"CenterNetFeatureExtractor", "type", "resnet_v1_34_fpn"},
    {"CenterNetFeatureExtractor", "type", "resnet_v1_50_fpn"},
    {"CenterNetFeatureExtractor", "type", "resnet_v1_101_fpn"},
    {"CenterNetFeatureExtractor", "type", "hourglass_10"},
    {"CenterNetFeatureExtractor", "type", "hourglass_20"},
    {"CenterNetFeatureExtractor", "type", "hourglass_32"},
    {"CenterNetFeatureExtractor", "type", "hourglass_52"},
    {"CenterNetFeatureExtractor", "type", "hourglass_104"},
    {"CenterNetFeatureExtractor", "type", "mobilenet_v2"},
    {"CenterNetFeatureExtractor", "type", "mobilenet_v2_fpn"},
    {"CenterNetFeatureExtractor", "type", "mobilenet_v2_fpn_sep_conv"},
    {"SsdFeatureExtractor", "type", "ssd_mobilenet_v1_keras"},
    {"SsdFeatureExtractor", "type", "ssd_mobilenet_v2_keras"},
    {"SsdFeatureExtractor", "type", "ssd_mobilenet_v1_fpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_mobilenet_v2_fpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_efficientnet-b0_bifpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_efficientnet-b1_bifpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_efficientnet-b2_bifpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_efficientnet-b3_bifpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_efficientnet-b4_bifpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_efficientnet-b5_bifpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_efficientnet-b6_bifpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_efficientnet-b7_bifpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_resnet50_v1_fpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_resnet101_v1_fpn_keras"},
    {"SsdFeatureExtractor", "type", "ssd_resnet152_v1_fpn_keras"},
    {"BoxPredictor", "convolutional_box_predictor", NULL},
    {"BoxPredictor", "weight_shared_convolutional_box_predictor", NULL},
    {"BoxPredictor", "mask_rcnn_box_predictor", NULL},
    {"AnchorGenerator", "ssd_anchor_generator", NULL},
    {"AnchorGenerator", "multiscale_anchor_generator", NULL},
    {"AnchorGenerator", "grid_anchor_generator", NULL},
    {"AnchorGenerator", "flexible_grid_anchor_generator", NULL},
    {"Matcher", "argmax_matcher", NULL},
    {"RegionSimilarityCalculator", "iou_similarity", NULL},
    {"RegionSimilarityCalculator", "ioa_similarity", NULL},
    {"RegionSimilarityCalculator", "neg_sq_dist_similarity", NULL},
    {"RegionSimilarityCalculator", "thresholded_iou_similarity", NULL},
    {"BoxCoder", "faster_rcnn_box_coder", NULL},
    {"BoxCoder", "mean_stddev_box_coder", NULL},
    {"BoxCoder", "square_box_coder", NULL},
    {"BoxCoder", "keypoint_box_coder", NULL},
    {"ClassificationLoss", "weighted_sigmoid", NULL},
    {"ClassificationLoss", "weighted_sigmoid_focal", NULL},
    {"ClassificationLoss", "weighted_softmax", NULL},
    {"ClassificationLoss", "weighted_logits_softmax", NULL},
    {"ClassificationLoss", "bootstrapped_sigmoid", NULL},
    {"ClassificationLoss", "weighted_dice_classification_loss", NULL},
    {"ClassificationLoss", "penalty_reduced_logistic_focal_loss", NULL},
    {"LocalizationLoss", "weighted_smooth_l1", NULL},
    {"LocalizationLoss", "weighted_l2", NULL},
    {"LocalizationLoss", "weighted_iou", NULL},
    {"LocalizationLoss", "weighted_giou", NULL},
    {"LocalizationLoss", "l1_localization_loss", NULL},
    {"ImageResizer", "keep_aspect_ratio_resizer", NULL},
    {"ImageResizer", "fixed_shape_resizer", NULL},
    {"ImageResizer", "identity_resizer", NULL},
    {"ImageResizer", "conditional_shape_resizer", NULL},
    {"ImageResizer", "pad_to_multiple_resizer", NULL},
    {"PostProcessing", "score_converter", "IDENTITY"},
    {"PostProcessing", "score_converter", "SIGMOID"},
    {"PostProcessing", "score_converter", "SOFTMAX"},
    {"Regularizer", "l1_regularizer", NULL},
    {"Regularizer", "l2_regularizer", NULL},
    {"Initializer", "truncated_normal_initializer", NULL},
    {"Initializer", "variance_scaling_initializer", NULL},
    {"Initializer", "random_normal_initializer", NULL},
    {"Initializer", "keras_initializer_by_name", NULL},
    {"PreprocessingStep", "normalize_image", NULL},
    {"PreprocessingStep", "random_horizontal_flip", NULL},
    {"PreprocessingStep", "random_pixel_value_scale", NULL},
    {"PreprocessingStep", "random_image_scale", NULL},
    {"PreprocessingStep", "random_rgb_to_gray", NULL},
    {"PreprocessingStep", "random_adjust_brightness", NULL},
    {"PreprocessingStep", "random_adjust_contrast", NULL},
    {"PreprocessingStep", "random_adjust_hue", NULL},
    {"PreprocessingStep", "random_adjust_saturation", NULL},
    {"PreprocessingStep", "random_distort_color", NULL},
    {"PreprocessingStep", "random_jitter_boxes", NULL},
    {"PreprocessingStep", "random_crop_image", NULL},
    {"PreprocessingStep", "random_pad_image", NULL},
    {"PreprocessingStep", "random_crop_pad_image", NULL},
    {"PreprocessingStep", "random_crop_to_aspect_ratio", NULL},
    {"PreprocessingStep", "random_black_patches", NULL},
    {"PreprocessingStep", "random_resize_method", NULL},
    {"PreprocessingStep", "scale_boxes_to_pixel_coordinates", NULL},
    {"PreprocessingStep", "resize_image", NULL},
    {"PreprocessingStep", "subtract_channel_mean", NULL},
    {"PreprocessingStep", "ssd_random_crop", NULL},
    {"PreprocessingStep", "ssd_random_crop_pad", NULL},
    {"PreprocessingStep", "ssd_random_crop_fixed_aspect_ratio", NULL},
    {"PreprocessingStep", "ssd_random_crop_pad_fixed_aspect_ratio", NULL},
    {"PreprocessingStep", "random_vertical_flip", NULL},
    {"PreprocessingStep", "random_rotation90", NULL},
    {"PreprocessingStep", "rgb_to_gray", NULL},
    {"PreprocessingStep", "random_absolute_pad_image", NULL},
    {"PreprocessingStep", "random_self_concat_image", NULL},
    {"PreprocessingStep", "drop_label_probabilistically", NULL},
    {"PreprocessingStep", "remap_labels", NULL},
    {"PreprocessingStep", "random_jpeg_quality", NULL},
    {"PreprocessingStep", "random_downscale_to_target_pixels", NULL},
    {"PreprocessingStep", "random_patch_gaussian", NULL},
    {"PreprocessingStep", "random_square_crop_by_scale", NULL},
    {"PreprocessingStep", "random_scale_crop_and_pad_to_square", NULL},
    {"PreprocessingStep", "adjust_gamma", NULL},
    {"PreprocessingStep", "convert_class_logits_to_softmax", NULL},
    {"Optimizer", "momentum_optimizer", NULL},
    {"Optimizer", "adam_optimizer", NULL},
    {"Optimizer", "rms_prop_optimizer", NULL},
    {"LearningRate", "constant_learning_rate", NULL},
    {"LearningRate", "exponential_decay_learning_rate", NULL},
    {"LearningRate", "manual_step_learning_rate", NULL},
    {"LearningRate", "cosine_decay_learning_rate", NULL},
    {"EvalConfig", "metrics_set", "coco_detection_metrics"},
    {"EvalConfig", "metrics_set", "pascal_voc_detection_metrics"},
    {"EvalConfig", "metrics_set", "weighted_pascal_voc_detection_metrics"},
    {"EvalConfig", "metrics_set", "precision_at_recall_detection_metrics"},
    {"EvalConfig", "metrics_set", "oid_V2_detection_metrics"},
    {"EvalConfig", "metrics_set", "oid_challenge_detection_metrics"},
    {"EvalConfig", "metrics_set", "coco_mask_metrics"},
    {"EvalConfig", "metrics_set", "pascal_voc_instance_segmentation_metrics"},
    {"EvalConfig", "metrics_set", "weighted_pascal_voc_instance_segmentation_metrics"},
    {"EvalConfig", "metrics_set", "oid_challenge_segmentation_metrics"},
    {"EvalConfig", "metrics_set", "lvis_mask_metrics"},
    {"InputReader", "input_type", "TF_EXAMPLE"},
    {"InputReader", "input_type", "TF_SEQUENCE_EXAMPLE"},
};

/* Single fields that change the meaning and aren't there yet; refused unless they have the value that switches them off
 * (for messages: unless they aren't given). A field's default counts as given. */
static const struct {
    const char *type, *field;
    double off;
    int needed_by;
    const char *fix; /* NULL: "remove it" */
} refused[] = {
    {"FasterRcnn", "context_config", 0, P, NULL},
    {"CenterNet", "keypoint_estimation_task", 0, P, NULL},
    {"CenterNet", "mask_estimation_task", 0, P, NULL},
    {"CenterNet", "densepose_estimation_task", 0, P, NULL},
    {"CenterNet", "track_estimation_task", 0, P, NULL},
    {"CenterNet", "temporal_offset_task", 0, P, NULL},
    {"CenterNet", "deepmac_mask_estimation", 0, P, NULL},
};

typedef struct walk {
    od_check check;
    int use;
    od_config_severity severity;
} walk;

/* The field's value as text: a string, or an enum's name. */
static const char *value_text(const ProtobufCFieldDescriptor *field, const void *element)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) return *(const char *const *)element;
    return field->type == PROTOBUF_C_TYPE_ENUM ? od_enum_name(field->descriptor, *(const int *)element) : NULL;
}

/* Whether a row allows it; otherwise writes what the rows allow. */
static int is_supported(const char *type, const char *field, const char *value, char *allowed, size_t size)
{
    size_t n = 0;
    allowed[0] = 0;
    for (size_t i = 0; i < sizeof supported / sizeof *supported; i++) {
        if (strcmp(supported[i].type, type) || (value && strcmp(supported[i].field, field))) continue;
        if (value ? !strcmp(supported[i].value, value) : !strcmp(supported[i].field, field)) return 1;
        if (n < size)
            n += (size_t)snprintf(allowed + n, size - n, "%s%s", n ? ", " : "", value ? supported[i].value : supported[i].field);
    }
    return 0;
}

/* What the OD API refuses in TensorFlow 2, too (fields.h). */
static int is_invalid(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    const od_field_row *row = od_field_find(m->descriptor->short_name, field->name);
    return row && row->kind == OD_FIELD_INVALID && od_message_has(m, field) && !od_message_is_default(m, field);
}

/* Whether this member of a oneof is given and not in the rows. */
static int is_refused_alternative(const walk *w, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field,
                                  char *allowed, size_t size)
{
    const char *type = m->descriptor->short_name;
    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || !od_message_has(m, field) || is_invalid(m, field)) return 0;
    for (size_t i = 0; i < sizeof governed / sizeof *governed; i++)
        if (!governed[i].field && !strcmp(governed[i].type, type) && (governed[i].needed_by & w->use))
            return !is_supported(type, field->name, NULL, allowed, size);
    return 0;
}

static void check_alternative(walk *w, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    char allowed[1200];
    if (is_refused_alternative(w, m, field, allowed, sizeof allowed))
        od_check_add(&w->check, w->severity, m, field->name, allowed, NULL, "%s is not supported yet", field->name);
}

static void check_values(walk *w, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    char allowed[1200];
    size_t n = od_message_count(m, field);
    if (!n && field->type == PROTOBUF_C_TYPE_ENUM) n = 1; /* its default */
    for (size_t i = 0; i < n; i++) {
        const char *value = value_text(field, od_message_element(m, field, i));
        if (value && !is_supported(m->descriptor->short_name, field->name, value, allowed, sizeof allowed))
            od_check_add(&w->check, w->severity, m, field->name, allowed, NULL, "%s %s is not supported yet", field->name, value);
    }
}

static int is_off(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, double off)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)) return !od_message_has(m, field);
    const void *v = od_message_element(m, field, 0);
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_STRING: return !od_message_has(m, field);
    case PROTOBUF_C_TYPE_FLOAT: return *(const float *)v == off;
    case PROTOBUF_C_TYPE_DOUBLE: return *(const double *)v == off;
    case PROTOBUF_C_TYPE_UINT32: return *(const uint32_t *)v == off;
    default: return od_message_element_size(field->type) == 4 && *(const int32_t *)v == off;
    }
}

static void check_invalid(walk *w, const ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
        if (!is_invalid(m, field)) continue;
        const od_field_row *row = od_field_find(m->descriptor->short_name, field->name);
        od_check_add(&w->check, w->severity, m, field->name, NULL, row->fix, "TensorFlow 2 refuses it: %s", row->tf2);
    }
}

static void check_message(walk *w, const ProtobufCMessage *m)
{
    const char *type = m->descriptor->short_name;
    check_invalid(w, m);
    for (size_t i = 0; i < sizeof governed / sizeof *governed; i++) {
        if (strcmp(governed[i].type, type) || !(governed[i].needed_by & w->use)) continue;
        for (unsigned k = 0; k < m->descriptor->n_fields; k++) {
            const ProtobufCFieldDescriptor *field = &m->descriptor->fields[k];
            if (!governed[i].field)
                check_alternative(w, m, field);
            else if (!strcmp(governed[i].field, field->name))
                check_values(w, m, field);
        }
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const ProtobufCFieldDescriptor *field;
        if (strcmp(refused[i].type, type) || !(refused[i].needed_by & w->use)) continue;
        field = od_message_field(m->descriptor, refused[i].field);
        if (field && !is_off(m, field, refused[i].off))
            od_check_add(&w->check, w->severity, m, field->name, NULL, refused[i].fix ? refused[i].fix : "remove it",
                         "%s is not supported yet", field->name);
    }
}

/* Parts that a use doesn't look at. */
static int is_used(const walk *w, const ProtobufCMessage *m, const char *field)
{
    if (m->descriptor != &object_detection__protos__train_eval_pipeline_config__descriptor) return 1;
    if (!strcmp(field, "train_config") || !strcmp(field, "train_input_reader")) return w->use & T;
    if (!strcmp(field, "eval_config") || !strcmp(field, "eval_input_reader")) return w->use & E;
    return 1;
}

static void walk_message(walk *w, const ProtobufCMessage *m)
{
    check_message(w, m);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || !is_used(w, m, field->name)) continue;
        char allowed[1200];
        if (is_invalid(m, field) || is_refused_alternative(w, m, field, allowed, sizeof allowed)) continue; /* its parts don't matter then */
        size_t n = od_message_count(m, field);
        for (size_t k = 0; k < n; k++) walk_message(w, *(ProtobufCMessage *const *)od_message_element(m, field, k));
    }
}

void od_support_list(const od_config *config, od_config_use use, od_config_severity severity, od_problems *problems)
{
    walk w = {.check = {.config = config, .problems = problems}, .use = (int)use, .severity = severity};
    walk_message(&w, od_text_tree_root(od_config_tree(config)));
}

od_status od_config_require_supported(const od_config *config, od_config_use use, od_error *err)
{
    od_problems problems = {0};
    od_support_list(config, use, OD_CONFIG_ERROR, &problems);
    od_status status = problems.errors || problems.failed ? od_problems_to_error(&problems, OD_ERR_UNSUPPORTED, err) : OD_OK;
    od_problems_deinit(&problems);
    return status;
}

const char *od_support_value(const char *message, const char *field, int index)
{
    for (size_t i = 0; i < sizeof supported / sizeof *supported; i++)
        if (supported[i].value && !strcmp(supported[i].type, message) && !strcmp(supported[i].field, field) && index-- == 0) return supported[i].value;
    return NULL;
}

/* Whether some row of `governed` lists the values of this field (by_value) or the members of its oneof. */
static int is_governed(const char *type, const char *field, int by_value)
{
    for (size_t i = 0; i < sizeof governed / sizeof *governed; i++)
        if (!strcmp(governed[i].type, type) && (by_value ? governed[i].field && !strcmp(governed[i].field, field) : !governed[i].field)) return 1;
    return 0;
}

od_support od_support_field(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    char allowed[1200];
    const char *name = type->short_name;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) && is_governed(name, field->name, 0))
        return is_supported(name, field->name, NULL, allowed, sizeof allowed) ? OD_SUPPORT_YES : OD_SUPPORT_NO;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!strcmp(refused[i].type, name) && !strcmp(refused[i].field, field->name))
            return field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED ? OD_SUPPORT_NO
                                                                                                                                                  : OD_SUPPORT_PARTLY;
    return is_governed(name, field->name, 1) ? OD_SUPPORT_PARTLY : OD_SUPPORT_YES;
}

/* Finds a message type by its short name below `type`. */
static const ProtobufCMessageDescriptor *find_type(const ProtobufCMessageDescriptor *type, const char *name)
{
    if (!strcmp(type->short_name, name)) return type;
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (type->fields[i].type != PROTOBUF_C_TYPE_MESSAGE) continue;
        const ProtobufCMessageDescriptor *found = find_type(type->fields[i].descriptor, name);
        if (found) return found;
    }
    return NULL;
}

static int row_is_good(const char *type, const char *field)
{
    const ProtobufCMessageDescriptor *d = find_type(&object_detection__protos__train_eval_pipeline_config__descriptor, type);
    return d && (!field || od_message_field(d, field));
}

const char *od_support_bad_row(void)
{
    for (size_t i = 0; i < sizeof governed / sizeof *governed; i++)
        if (!row_is_good(governed[i].type, governed[i].field)) return governed[i].type;
    for (size_t i = 0; i < sizeof supported / sizeof *supported; i++)
        if (!row_is_good(supported[i].type, supported[i].field)) return supported[i].field;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!row_is_good(refused[i].type, refused[i].field)) return refused[i].field;
    return NULL;
}
