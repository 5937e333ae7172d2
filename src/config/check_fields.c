/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks that need no context, by tables over all messages: numbers out of range or not finite, oneofs of which one
 * must be chosen, fields that TensorFlow 2 ignores.
 */
#include "config/check.h"
#include "config/fields.h"
#include "config/message.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Allowed values, both ends included, unless `open` (then `low` itself isn't allowed). */
static const struct {
    const char *type, *field;
    double low, high;
    int open;
} ranges[] = {
    {"BatchNonMaxSuppression", "score_threshold", 0, 1, 0},
    {"BatchNonMaxSuppression", "iou_threshold", 0, 1, 0},
    {"BatchNonMaxSuppression", "max_detections_per_class", 1, 1e9, 0},
    {"BatchNonMaxSuppression", "max_total_detections", 1, 1e9, 0},
    {"BatchNonMaxSuppression", "max_classes_per_detection", 1, 1e9, 0},
    {"BatchNonMaxSuppression", "soft_nms_sigma", 0, 1e9, 0},
    {"PostProcessing", "logit_scale", 0, 1e9, 1},
    {"ArgMaxMatcher", "matched_threshold", 0, 1, 0},
    {"ArgMaxMatcher", "unmatched_threshold", 0, 1, 0},
    {"FasterRcnnBoxCoder", "y_scale", 0, 1e9, 1},
    {"FasterRcnnBoxCoder", "x_scale", 0, 1e9, 1},
    {"FasterRcnnBoxCoder", "height_scale", 0, 1e9, 1},
    {"FasterRcnnBoxCoder", "width_scale", 0, 1e9, 1},
    {"SigmoidFocalClassificationLoss", "alpha", 0, 1, 0},
    {"SigmoidFocalClassificationLoss", "gamma", 0, 100, 0},
    {"WeightedSmoothL1LocalizationLoss", "delta", 0, 1e9, 1},
    {"Loss", "classification_weight", 0, 1e9, 0},
    {"Loss", "localization_weight", 0, 1e9, 0},
    {"HardExampleMiner", "iou_threshold", 0, 1, 0},
    {"RandomExampleSampler", "positive_sample_fraction", 0, 1, 1},
    {"Ssd", "implicit_example_weight", 0, 1e9, 0},
    {"Ssd", "negative_class_weight", 0, 1e9, 0},
    {"ThresholdedIouSimilarity", "iou_threshold", 0, 1, 0},
    {"MeanStddevBoxCoder", "stddev", 0, 1e9, 1},
    {"SquareBoxCoder", "y_scale", 0, 1e9, 1},
    {"SquareBoxCoder", "x_scale", 0, 1e9, 1},
    {"SquareBoxCoder", "length_scale", 0, 1e9, 1},
    {"KeypointBoxCoder", "num_keypoints", 1, 1000, 0},
    {"BootstrappedSigmoidClassificationLoss", "alpha", 0, 1, 0},
    {"PenaltyReducedLogisticFocalLoss", "alpha", 0, 100, 0},
    {"PenaltyReducedLogisticFocalLoss", "beta", 0, 100, 0},
    {"WeightedSoftmaxClassificationLoss", "logit_scale", 0, 1e9, 1},
    {"WeightedSoftmaxClassificationAgainstLogitsLoss", "logit_scale", 0, 1e9, 1},
    {"TemperatureScalingCalibration", "scaler", 0, 1e9, 1},
    {"AnchorGrid", "base_sizes", 0, 1e9, 1},
    {"AnchorGrid", "aspect_ratios", 0, 1e6, 1},
    {"BatchNorm", "decay", 0, 1, 0},
    {"BatchNorm", "epsilon", 0, 1, 1},
    {"L1Regularizer", "weight", 0, 1e9, 0},
    {"L2Regularizer", "weight", 0, 1e9, 0},
    {"TruncatedNormalInitializer", "stddev", 0, 1e9, 0},
    {"RandomNormalInitializer", "stddev", 0, 1e9, 0},
    {"VarianceScalingInitializer", "factor", 0, 1e9, 1},
    {"ConvolutionalBoxPredictor", "dropout_keep_probability", 0, 1, 1},
    {"WeightSharedConvolutionalBoxPredictor", "dropout_keep_probability", 0, 1, 1},
    {"WeightSharedConvolutionalBoxPredictor", "depth", 1, 65536, 0},
    {"WeightSharedConvolutionalBoxPredictor", "kernel_size", 1, 63, 0},
    {"WeightSharedConvolutionalBoxPredictor", "num_layers_before_predictor", 0, 1000, 0},
    {"SsdFeatureExtractor", "depth_multiplier", 0, 100, 1},
    {"SsdFeatureExtractor", "pad_to_multiple", 1, 65536, 0},
    {"FeaturePyramidNetworks", "additional_layer_depth", 1, 65536, 0},
    {"FixedShapeResizer", "height", 1, 65536, 0},
    {"FixedShapeResizer", "width", 1, 65536, 0},
    {"KeepAspectRatioResizer", "min_dimension", 1, 65536, 0},
    {"KeepAspectRatioResizer", "max_dimension", 1, 65536, 0},
    {"PadToMultipleResizer", "multiple", 1, 65536, 0},
    {"ConditionalShapeResizer", "size_threshold", 1, 65536, 0},
    {"MultiscaleAnchorGenerator", "anchor_scale", 0, 1e9, 1},
    {"MultiscaleAnchorGenerator", "scales_per_octave", 1, 100, 0},
    {"MultiscaleAnchorGenerator", "aspect_ratios", 0, 1e6, 1},
    {"SsdAnchorGenerator", "aspect_ratios", 0, 1e6, 1},
    {"GridAnchorGenerator", "aspect_ratios", 0, 1e6, 1},
    {"GridAnchorGenerator", "scales", 0, 1e6, 1},
    {"TrainConfig", "batch_size", 1, 1e6, 0},
    {"TrainConfig", "gradient_clipping_by_norm", 0, 1e30, 0},
    {"EvalConfig", "batch_size", 1, 1e6, 0},
    {"EvalConfig", "min_score_threshold", 0, 1, 0},
    {"MomentumOptimizer", "momentum_optimizer_value", 0, 1, 0},
    {"RMSPropOptimizer", "momentum_optimizer_value", 0, 1, 0},
    {"Optimizer", "moving_average_decay", 0, 1, 0},
    {"AdamOptimizer", "epsilon", 0, 1, 1},
    {"ConstantLearningRate", "learning_rate", 0, 1e6, 0},
    {"ExponentialDecayLearningRate", "initial_learning_rate", 0, 1e6, 0},
    {"ManualStepLearningRate", "initial_learning_rate", 0, 1e6, 0},
    {"LearningRateSchedule", "learning_rate", 0, 1e6, 0},
    {"CosineDecayLearningRate", "learning_rate_base", 0, 1e6, 0},
    {"CosineDecayLearningRate", "warmup_learning_rate", 0, 1e6, 0},
    {"InputReader", "max_number_of_boxes", 1, 1e6, 0},
    {"InputReader", "sample_from_datasets_weights", 0, 1e9, 0},
    {"InputReader", "frame_index", -1, 1e9, 0},
    {"ConvertClassLogitsToSoftmax", "temperature", 0, 1e9, 1},
    {"RandomHorizontalFlip", "probability", 0, 1, 1},
    {"RandomVerticalFlip", "probability", 0, 1, 1},
    {"RandomRotation90", "probability", 0, 1, 1},
    {"RandomRGBtoGray", "probability", 0, 1, 0},
    {"RandomCropImage", "min_object_covered", 0, 1, 0},
    {"RandomCropImage", "min_aspect_ratio", 0, 1000, 1},
    {"RandomCropImage", "max_aspect_ratio", 0, 1000, 1},
    {"RandomCropImage", "min_area", 0, 1, 0},
    {"RandomCropImage", "max_area", 0, 1, 1},
    {"RandomCropImage", "overlap_thresh", 0, 1, 0},
    {"RandomCropImage", "random_coef", 0, 1, 0},
    {"SSDRandomCropOperation", "min_object_covered", 0, 1, 0},
    {"SSDRandomCropOperation", "overlap_thresh", 0, 1, 0},
    {"SSDRandomCropOperation", "random_coef", 0, 1, 0},
};

/* Messages whose oneof must be set when they are given. */
static const char *const choices[] = {"DetectionModel",    "ImageResizer",       "BoxCoder",         "Matcher",     "RegionSimilarityCalculator",
                                      "BoxPredictor",      "AnchorGenerator",    "ClassificationLoss", "LocalizationLoss", "PreprocessingStep",
                                      "Regularizer",       "Initializer"};

static double number_at(const ProtobufCFieldDescriptor *field, const void *v)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_FLOAT: return *(const float *)v;
    case PROTOBUF_C_TYPE_DOUBLE: return *(const double *)v;
    case PROTOBUF_C_TYPE_UINT32: return *(const uint32_t *)v;
    default: return *(const int32_t *)v;
    }
}

static void check_range(od_check *check, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (strcmp(ranges[i].field, field->name) || strcmp(ranges[i].type, m->descriptor->short_name)) continue;
        size_t n = od_message_count(m, field);
        for (size_t k = 0; k < n; k++) {
            double value = number_at(field, od_message_element(m, field, k)), low = ranges[i].low, high = ranges[i].high;
            if (isfinite(value) && value >= low && value <= high && !(ranges[i].open && value == low)) continue;
            char expected[96], upper[32] = "";
            if (high < 1e6) snprintf(upper, sizeof upper, " and at most %g", high);
            snprintf(expected, sizeof expected, "%s %g%s", ranges[i].open ? "more than" : "at least", low, upper);
            od_check_add(check, OD_CONFIG_ERROR, m, field->name, expected, NULL, "%g is out of range", value);
        }
        return;
    }
}

static void check_finite(od_check *check, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    size_t n = field->type == PROTOBUF_C_TYPE_FLOAT ? od_message_count(m, field) : 0;
    for (size_t k = 0; k < n; k++) {
        float value = *(const float *)od_message_element(m, field, k);
        if (isnan(value) || isinf(value)) od_check_add(check, OD_CONFIG_ERROR, m, field->name, "a finite number", NULL, "is %g", value);
    }
}

/* Fields that the registry (fields.h) has as ignored or refused by TensorFlow 2. Returns 1 when what is below the field doesn't matter. */
static int check_registered(od_check *check, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    const od_field_row *row = od_field_find(m->descriptor->short_name, field->name);
    if (!row || row->kind == OD_FIELD_SAME || row->kind == OD_FIELD_DIFFERS) return 0;
    if (row->kind == OD_FIELD_INVALID && od_message_is_default(m, field)) return 0;
    int note = row->kind == OD_FIELD_NO_EFFECT || od_message_is_default(m, field);
    if (row->kind == OD_FIELD_INVALID)
        od_check_add(check, OD_CONFIG_ERROR, m, field->name, NULL, row->fix, "TensorFlow 2 refuses it: %s", row->tf2);
    else
        od_check_add(check, note ? OD_CONFIG_NOTE : OD_CONFIG_WARNING, m, field->name, NULL, note ? NULL : row->fix,
                     "is ignored, by TensorFlow 2 as well as here");
    return 1;
}

static void check_choice(od_check *check, const ProtobufCMessage *m)
{
    size_t i = 0;
    while (i < sizeof choices / sizeof *choices && strcmp(choices[i], m->descriptor->short_name)) i++;
    if (i == sizeof choices / sizeof *choices || od_text_tree_damaged(od_config_tree(check->config), m)) return;
    char expected[600] = "one of";
    size_t n = strlen(expected);
    for (unsigned k = 0; k < m->descriptor->n_fields; k++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[k];
        if (od_message_has(m, field)) return;
        if (n < sizeof expected) n += (size_t)snprintf(expected + n, sizeof expected - n, "%s %s", k ? "," : "", field->name);
    }
    od_check_add(check, OD_CONFIG_ERROR, m, NULL, expected, NULL, "is empty");
}

static void check_message(od_check *check, const ProtobufCMessage *m)
{
    check_choice(check, m);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
        if (!od_message_has(m, field)) continue;
        if (check_registered(check, m, field)) continue;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            size_t before = check->problems->count;
            check_range(check, m, field);
            if (check->problems->count == before) check_finite(check, m, field);
            continue;
        }
        size_t n = od_message_count(m, field);
        for (size_t k = 0; k < n; k++) check_message(check, *(ProtobufCMessage *const *)od_message_element(m, field, k));
    }
}

void od_check_fields(od_check *check)
{
    check_message(check, od_text_tree_root(od_config_tree(check->config)));
}
