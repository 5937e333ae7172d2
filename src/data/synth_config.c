/* SPDX-License-Identifier: Apache-2.0 */
#include "data/synth_config.h"

#include "util/alloc.h"
#include "util/file.h"
#include "util/strbuf.h"

/* The schedule: these are the numbers to turn. */
#define IMAGE_SIDE 192
#define DEPTH_MULTIPLIER "0.35"
#define BATCH_SIZE 8
#define NUM_STEPS 1500
#define WARMUP_STEPS 60
#define LEARNING_RATE "0.08"
#define WARMUP_LEARNING_RATE "0.01"

#define HYPERPARAMS \
    "conv_hyperparams {\n" \
    "          activation: RELU_6\n" \
    "          regularizer { l2_regularizer { weight: 0.00004 } }\n" \
    "          initializer { random_normal_initializer { stddev: 0.03 mean: 0.0 } }\n" \
    "          batch_norm { scale: true decay: 0.97 epsilon: 0.001 }\n" \
    "        }\n"

static const char model_text[] =
    "# SSD MobileNet V2 FPNLite, small: made by objdet synth to be trained from scratch.\n"
    "model {\n"
    "  ssd {\n"
    "    num_classes: 2\n"
    "    box_coder { faster_rcnn_box_coder { y_scale: 10.0 x_scale: 10.0 height_scale: 5.0 width_scale: 5.0 } }\n"
    "    matcher {\n"
    "      argmax_matcher {\n"
    "        matched_threshold: 0.5\n"
    "        unmatched_threshold: 0.5\n"
    "        ignore_thresholds: false\n"
    "        negatives_lower_than_unmatched: true\n"
    "        force_match_for_each_row: true\n"
    "        use_matmul_gather: true\n"
    "      }\n"
    "    }\n"
    "    similarity_calculator { iou_similarity { } }\n"
    "    encode_background_as_zeros: true\n"
    "    anchor_generator {\n"
    "      multiscale_anchor_generator { min_level: 3 max_level: 7 anchor_scale: 3.0 aspect_ratios: [1.0, 2.0, 0.5] scales_per_octave: 2 }\n"
    "    }\n"
    "    image_resizer { fixed_shape_resizer { height: %d width: %d } }\n"
    "    box_predictor {\n"
    "      weight_shared_convolutional_box_predictor {\n"
    "        depth: 64\n"
    "        num_layers_before_predictor: 2\n"
    "        kernel_size: 3\n"
    "        use_depthwise: true\n"
    "        share_prediction_tower: true\n"
    "        class_prediction_bias_init: -4.6\n"
    "        " HYPERPARAMS
    "      }\n"
    "    }\n"
    "    feature_extractor {\n"
    "      type: 'ssd_mobilenet_v2_fpn_keras'\n"
    "      use_depthwise: true\n"
    "      depth_multiplier: " DEPTH_MULTIPLIER "\n"
    "      min_depth: 16\n"
    "      fpn { min_level: 3 max_level: 7 additional_layer_depth: 64 }\n"
    "      override_base_feature_extractor_hyperparams: true\n"
    "        " HYPERPARAMS
    "    }\n"
    "    loss {\n"
    "      classification_loss { weighted_sigmoid_focal { alpha: 0.25 gamma: 2.0 } }\n"
    "      localization_loss { weighted_smooth_l1 { } }\n"
    "      classification_weight: 1.0\n"
    "      localization_weight: 1.0\n"
    "    }\n"
    "    normalize_loss_by_num_matches: true\n"
    "    normalize_loc_loss_by_codesize: true\n"
    "    post_processing {\n"
    "      batch_non_max_suppression { score_threshold: 1e-8 iou_threshold: 0.6 max_detections_per_class: 100 max_total_detections: 100 }\n"
    "      score_converter: SIGMOID\n"
    "    }\n"
    "  }\n"
    "}\n";

static const char train_text[] =
    "train_config {\n"
    "  batch_size: %d\n"
    "  num_steps: %d\n"
    "  data_augmentation_options { random_horizontal_flip { } }\n"
    "  optimizer {\n"
    "    momentum_optimizer {\n"
    "      learning_rate {\n"
    "        cosine_decay_learning_rate {\n"
    "          learning_rate_base: " LEARNING_RATE "\n"
    "          total_steps: %d\n"
    "          warmup_learning_rate: " WARMUP_LEARNING_RATE "\n"
    "          warmup_steps: %d\n"
    "        }\n"
    "      }\n"
    "      momentum_optimizer_value: 0.9\n"
    "    }\n"
    "    use_moving_average: false\n"
    "  }\n"
    "  gradient_clipping_by_norm: 10.0\n"
    "  max_number_of_boxes: 100\n"
    "  unpad_groundtruth_tensors: false\n"
    "}\n";

/* A path as a protobuf text string. */
static void put_path(od_strbuf *t, const char *key, const char *dir, const char *name, const char *ending)
{
    od_strbuf_printf(t, "%s: \"", key);
    for (const char *p = dir; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 32)
            od_strbuf_printf(t, "\\%03o", c);
        else
            od_strbuf_append(t, p, 1);
    }
    od_strbuf_printf(t, "/%s%s\"", name, ending);
}

static void put_reader(od_strbuf *t, const char *reader, const char *dir, const char *split, const char *more)
{
    od_strbuf_printf(t, "%s {\n  ", reader);
    put_path(t, "label_map_path", dir, "label_map", ".pbtxt");
    od_strbuf_printf(t, "\n%s  tf_record_input_reader { ", more);
    put_path(t, "input_path", dir, split, ".record");
    od_strbuf_puts(t, " }\n}\n");
}

od_status od_synth_config_save(const char *dir, const char *eval_split, od_error *err)
{
    od_strbuf t = {0};
    od_strbuf_printf(&t, model_text, IMAGE_SIDE, IMAGE_SIDE);
    od_strbuf_printf(&t, train_text, BATCH_SIZE, NUM_STEPS, NUM_STEPS, WARMUP_STEPS);
    put_reader(&t, "train_input_reader", dir, "train", "");
    od_strbuf_puts(&t, "eval_config {\n  metrics_set: \"coco_detection_metrics\"\n  use_moving_averages: false\n  batch_size: 1\n}\n");
    put_reader(&t, "eval_input_reader", dir, eval_split, "  shuffle: false\n  num_epochs: 1\n");
    char *path = od_path_join(dir, "pipeline.config");
    od_status status = path && !od_strbuf_failed(&t) ? od_file_write_all(path, t.data, t.size, err)
                                                     : od_error_nomem(err, "pipeline.config");
    od_free(path);
    od_strbuf_deinit(&t);
    return status;
}
