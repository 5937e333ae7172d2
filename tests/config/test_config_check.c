/* SPDX-License-Identifier: Apache-2.0
 *
 * od_config_check and od_config_require_supported: a clean config with one thing changed at a time.
 */
#define _GNU_SOURCE
#include "test_support.h"

#include "config/config.h"
#include "config/support.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/rng.h"
#include "util/strbuf.h"

#include <string.h>
#include <unistd.h>

static od_strbuf clean; /* tests/data/ssd_fpnlite.config */

static int load_clean(void **state)
{
    (void)state;
    char path[400];
    test_source_path(path, sizeof path, "tests/data/ssd_fpnlite.config");
    od_file_view view;
    if (od_file_view_open(&view, path, NULL) != OD_OK) return -1;
    od_strbuf_append(&clean, view.data, view.size);
    od_file_view_close(&view);
    return 0;
}

static int free_clean(void **state)
{
    (void)state;
    od_strbuf_deinit(&clean);
    return 0;
}

/* A config with `from` (which must be there) replaced by `to`. */
static char *replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at) fail_msg("not in the config: %s", from);
    od_strbuf b = {0};
    od_strbuf_append(&b, text, (size_t)(at - text));
    od_strbuf_puts(&b, to);
    od_strbuf_puts(&b, at + strlen(from));
    return b.data;
}

static char *change(const char *from, const char *to)
{
    return replace(clean.data, from, to);
}

static od_config *parse(const char *text)
{
    od_config *config = NULL;
    od_error err = {0};
    if (od_config_parse(text, strlen(text), "t.config", &config, &err) != OD_OK) fail_msg("%s", err.message);
    return config;
}

static od_config_problems *check(const od_config *config, int skip_files)
{
    od_config_problems *problems = NULL;
    const od_config_check_options options = {.skip_files = skip_files};
    assert_int_equal(od_config_check(config, &options, &problems, NULL), OD_OK);
    return problems;
}

static void print_all(const od_config_problems *problems)
{
    for (size_t i = 0; i < od_config_problems_count(problems); i++) {
        const od_config_problem *p = od_config_problems_get(problems, i);
        print_message("  %d:%d %s = %s: %s | %s | %s\n", p->severity, p->line, p->field, p->value, p->message, p->expected, p->fix);
    }
}

static void test_the_clean_config_has_no_problem(void **state)
{
    (void)state;
    od_config *config = parse(clean.data);
    od_config_problems *problems = check(config, 1);
    print_all(problems);
    assert_int_equal(od_config_problems_count(problems), 0);
    od_config_problems_free(problems);
    assert_int_equal(od_config_require_supported(config, OD_USE_TRAIN, NULL), OD_OK);
    od_config_free(config);
}

#define N OD_CONFIG_NOTE
#define W OD_CONFIG_WARNING
#define E OD_CONFIG_ERROR

typedef struct mutation {
    const char *from, *to;
    od_config_severity severity;
    int line;
    const char *field, *value, *message, *expected, *fix; /* expected: NULL for a list that grows with what is supported */
} mutation;

#define RATE "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate."
#define NMS "model.ssd.post_processing.batch_non_max_suppression."

static const mutation mutations[] = {
    {"height: 256 width: 256 } }\n    feature_extractor {\n      type: 'ssd_mobilenet_v2_fpn_keras'", "height: 256 width: 256 convert_to_grayscale: true } }\n    feature_extractor {\n      type: 'ssd_resnet50_v1_fpn_keras'",
     E, 5, "model.ssd.image_resizer", "", "convert_to_grayscale works with ssd_mobilenet_v2_fpn_keras and CenterNet only, not with ssd_resnet50_v1_fpn_keras", "",
     "remove convert_to_grayscale, or make the images grey with the augmentation rgb_to_gray"},
    {"    num_classes: 2\n", "\n", E, 3, "model.ssd.num_classes", "", "is missing", "", "add num_classes: N, the largest id of the label map"},
    {"num_classes: 2", "num_classes: 0", E, 4, "model.ssd.num_classes", "0", "0 is out of range", "at least 1", "the largest id of the label map"},
    {"height: 256 width: 256", "height: 256 width: 300", E, 5, "model.ssd.image_resizer.fixed_shape_resizer.width", "300",
     "300 gives levels 4 and 5 of the pyramid 19 and 10 cells, which don't fit", "a multiple of 32", "width: 320"},
    {"height: 256", "height: -1", E, 5, "model.ssd.image_resizer.fixed_shape_resizer.height", "-1", "-1 is out of range", "at least 1 and at most 65536", ""},
    {"fixed_shape_resizer { height: 256 width: 256 }", "keep_aspect_ratio_resizer { min_dimension: 800 max_dimension: 600 }", E, 5,
     "model.ssd.image_resizer.keep_aspect_ratio_resizer.min_dimension", "800", "800 is more than max_dimension 600", "at most max_dimension", ""},
    {"fixed_shape_resizer { height: 256 width: 256 }", "", E, 5, "model.ssd.image_resizer", "", "is empty",
     "one of keep_aspect_ratio_resizer, fixed_shape_resizer, identity_resizer, conditional_shape_resizer, pad_to_multiple_resizer", ""},
    {"ssd_mobilenet_v2_fpn_keras", "ssd_resnet50_v1_fpn_keras", W, 9, "model.ssd.feature_extractor.fpn", "",
     "is ignored by ssd_resnet50_v1_fpn_keras, as in the OD API: levels 3 to 7 and depth 64 become 3 to 7 and 256",
     "levels 3 to 7 and additional_layer_depth 256, or no fpn", ""},
    {"ssd_mobilenet_v2_fpn_keras", "ssd_mobilenet_v2", E, 7, "model.ssd.feature_extractor.type", "\"ssd_mobilenet_v2\"",
     "'ssd_mobilenet_v2' is for TensorFlow 1 only", "a TensorFlow 2 type", "type: 'ssd_mobilenet_v2_keras'"},
    {"ssd_mobilenet_v2_fpn_keras", "ssd_inception_v2", E, 7, "model.ssd.feature_extractor.type", "\"ssd_inception_v2\"",
     "'ssd_inception_v2' is for TensorFlow 1 only", "a TensorFlow 2 type", "type: 'ssd_mobilenet_v2_keras'"},
    {"ssd_mobilenet_v2_fpn_keras", "ssd_mobilnet_v2_fpn_keras", E, 7, "model.ssd.feature_extractor.type", "\"ssd_mobilnet_v2_fpn_keras\"",
     "'ssd_mobilnet_v2_fpn_keras' is not known", "a feature extractor of the TensorFlow 2 OD API", "did you mean 'ssd_mobilenet_v2_fpn_keras'?"},
    {"unmatched_threshold: 0.5", "unmatched_threshold: 0.6", E, 19, "model.ssd.matcher.argmax_matcher.unmatched_threshold", "0.6",
     "0.6 is more than matched_threshold 0.5", "at most matched_threshold", ""},
    {"    similarity_calculator { iou_similarity { } }\n", "\n", E, 3, "model.ssd.similarity_calculator", "", "is missing", "",
     "add similarity_calculator { ... }, as in the zoo's configs"},
    {"multiscale_anchor_generator { min_level: 3", "multiscale_anchor_generator { min_level: 8", E, 32,
     "model.ssd.anchor_generator.multiscale_anchor_generator.min_level", "8", "levels 8 to 7 are not a range", "0 <= min_level <= max_level", ""},
    {"max_level: 7 anchor_scale", "max_level: 6 anchor_scale", E, 32, "model.ssd.anchor_generator.multiscale_anchor_generator", "",
     "the anchors are for levels 3 to 6, the feature pyramid has levels 3 to 7", "the levels of feature_extractor.fpn", ""},
    {"[1.0, 2.0, 0.5]", "[1.0, 0.0]", E, 32, "model.ssd.anchor_generator.multiscale_anchor_generator.aspect_ratios", "", "0 is out of range", "more than 0", ""},
    {"score_threshold: 1e-8", "score_threshold: 1.5", E, 35, NMS "score_threshold", "1.5", "1.5 is out of range", "at least 0 and at most 1", ""},
    {"score_threshold: 1e-8", "score_threshold: 0.3", W, 35, NMS "score_threshold", "0.3",
     "detections below 0.3 are dropped before evaluation, which lowers mAP", "1e-8", "set 1e-8, and choose a threshold when predicting (--min_score_thresh)"},
    {"iou_threshold: 0.6", "iou_threshold: nan", E, 35, NMS "iou_threshold", "nan", "nan is out of range", "at least 0 and at most 1", ""},
    {"iou_threshold: 0.6", "max_detections_per_class: 200", E, 35, NMS "max_detections_per_class", "200", "200 is more than max_total_detections 100",
     "at most max_total_detections", ""},
    {"alpha: 0.25", "alpha: inf", E, 39, "model.ssd.loss.classification_loss.weighted_sigmoid_focal.alpha", "inf", "inf is out of range", "at least 0 and at most 1", ""},
    {"class_prediction_bias_init: -4.6", "class_prediction_bias_init: nan", E, 27,
     "model.ssd.box_predictor.weight_shared_convolutional_box_predictor.class_prediction_bias_init", "nan", "is nan", "a finite number", ""},
    {"    encode_background_as_zeros: true\n", "    inplace_batchnorm_update: true\n", W, 22, "model.ssd.inplace_batchnorm_update", "true",
     "is ignored, by TensorFlow 2 as well as here", "", "remove it: batch norms are updated in place anyway"},
    {"batch_size: 16", "batch_size: 0", E, 45, "train_config.batch_size", "0", "0 is out of range", "at least 1", ""},
    {"batch_size: 16", "batch_size: 16 max_number_of_boxes: 50", W, 45, "train_config.max_number_of_boxes", "50",
     "is ignored, by TensorFlow 2 as well as here", "", "set max_number_of_boxes in train_input_reader"},
    {"batch_size: 16", "batch_size: 16 max_number_of_boxes: 100", N, 45, "train_config.max_number_of_boxes", "100",
     "is ignored, by TensorFlow 2 as well as here", "", ""},
    {"batch_size: 16", "batch_size: 16 freeze_variables: 'a'", W, 45, "train_config.freeze_variables", "",
     "is ignored, by TensorFlow 2 as well as here", "", "remove it; to keep batch norms fixed there is freeze_batchnorm"},
    {"batch_size: 16", "batch_size: 16 bias_grad_multiplier: 2", W, 45, "train_config.bias_grad_multiplier", "2.0",
     "is ignored, by TensorFlow 2 as well as here", "", "remove it"},
    {"  num_steps: 1000\n", "\n", W, 44, "train_config.num_steps", "", "is not given, which means 0: nothing would be trained",
     "the number of training steps", "set num_steps, or give --num_train_steps"},
    {"start/ckpt-1", "PATH_TO_BE_CONFIGURED/ckpt-0", E, 47, "train_config.fine_tune_checkpoint", "\"PATH_TO_BE_CONFIGURED/ckpt-0\"",
     "PATH_TO_BE_CONFIGURED/ckpt-0 is the zoo's placeholder", "the path of your own file", "put your path in"},
    {"start/ckpt-1", "C:\\data\\ckpt-0", E, 47, "train_config.fine_tune_checkpoint", "\"C:\\\\data\\\\ckpt-0\"",
     "the path has backslashes, which a config reads as escapes (\\t is a tab)", "/ between folders", "write C:/data/x instead of C:\\data\\x"},
    {"start/ckpt-1", "C:\\train", E, 47, "train_config.fine_tune_checkpoint", "\"C:\\train\"",
     "the path has backslashes, which a config reads as escapes (\\t is a tab)", "/ between folders", "write C:/data/x instead of C:\\data\\x"},
    {"'classification'", "'fine_tune'", E, 48, "train_config.fine_tune_checkpoint_type", "\"fine_tune\"", "'fine_tune' is rejected, by the OD API too",
     "'classification', 'detection' or 'full'", "fine_tune_checkpoint_type: 'full' restores all, 'detection' all but the heads"},
    {"  fine_tune_checkpoint_type: 'classification'\n", "\n", W, 44, "train_config.fine_tune_checkpoint_type", "", "is not given, which means 'classification'",
     "'classification', 'detection' or 'full'", "say it: 'detection' for a zoo detector, 'classification' for a backbone"},
    {"fine_tune_checkpoint_version: V2", "fine_tune_checkpoint_version: V1", E, 49, "train_config.fine_tune_checkpoint_version", "V1",
     "only V2 works in TensorFlow 2", "V2", "fine_tune_checkpoint_version: V2"},
    {"  fine_tune_checkpoint_version: V2\n", "\n", E, 44, "train_config.fine_tune_checkpoint_version", "",
     "is not given, which means V1, and only V2 works in TensorFlow 2", "V2", "fine_tune_checkpoint_version: V2"},
    {"  fine_tune_checkpoint: 'start/ckpt-1'\n", "\n", N, 44, "train_config.fine_tune_checkpoint", "", "is not given: training starts from random weights", "", ""},
    {"random_horizontal_flip { } }", "random_horizontal_flip { } }  data_augmentation_options { random_horizontal_flip { } }", W, 50,
     "train_config.data_augmentation_options[1]", "", "the same augmentation stands on line 50 already; it is applied twice", "", "remove one of them"},
    {"random_horizontal_flip { }", "random_horizontal_flip { probability: 0 }", E, 50, "train_config.data_augmentation_options.random_horizontal_flip.probability", "0.0",
     "0 is out of range", "more than 0 and at most 1", ""},
    {"random_horizontal_flip { }", "random_crop_image { min_area: 0.9 max_area: 0.5 }", E, 50, "train_config.data_augmentation_options.random_crop_image.min_area", "0.9",
     "0.9 is more than max_area 0.5", "at most max_area", ""},
    {"random_horizontal_flip { }", "autoaugment_image { }", E, 50, "train_config.data_augmentation_options.autoaugment_image", "",
     "TensorFlow 2 refuses it: needs tf.contrib, which TensorFlow 2 doesn't have", "", "remove it"},
    {"learning_rate_base: 0.01", "learning_rate_base: 0.2", W, 55, RATE "learning_rate_base", "0.2",
     "0.2 is 20 times what the zoo's configs use per image of a batch (they are for batches of 64 to 512); the loss may turn NaN",
     "about 0.01 for a batch of 16", "learning_rate_base: 0.01, and the warmup rate a third of it"},
    {"warmup_steps: 100", "warmup_steps: 2000", E, 58, RATE "warmup_steps", "2000", "2000 warmup steps are more than the 1000 steps of the schedule",
     "at most total_steps (1000)", ""},
    {"warmup_learning_rate: 0.003", "warmup_learning_rate: 0.03", E, 57, RATE "warmup_learning_rate", "0.03",
     "the warmup would start at 0.03, above learning_rate_base 0.01", "at most learning_rate_base", "give a warmup_learning_rate of a third of learning_rate_base"},
    {"total_steps: 1000", "total_steps: 500", W, 56, RATE "total_steps", "500", "the learning rate is 0 after step 500, but the training has 1000 steps",
     "train_config.num_steps", "total_steps: 1000"},
    {"metrics_set: 'coco_detection_metrics'", "metrics_set: 'coco_detection_metrics' use_moving_averages: true", E, 69, "eval_config.use_moving_averages", "true",
     "the optimizer has use_moving_average: false, so that there are no averages", "false, or train_config.optimizer.use_moving_average: true", ""},
    {"  label_map_path: 'map.pbtxt'\n", "\n", E, 65, "train_input_reader.label_map_path", "", "is missing", "", "add label_map_path: '...' (objdet data convert writes one)"},
    {"input_path: 'train.record'", "", E, 67, "train_input_reader.tf_record_input_reader.input_path", "", "is missing", "",
     "add input_path: '...' (a TFRecord, or a COCO JSON, a VOC folder, a CSV)"},
    {"'val-*-of-00002.record'", "'train.record'", W, 72, "eval_input_reader.tf_record_input_reader.input_path", "",
     "the evaluation would read the training data train.record", "data that isn't trained on", "split the data and give the other part here"},
    {"metrics_set: 'coco_detection_metrics'", "metrics_set: 'coco_detection_metrics' parameterized_metric { }", E, 69,
     "eval_config.parameterized_metric.coco_keypoint_metrics", "", "holds nothing; expected coco_keypoint_metrics { class_label: '...' }", NULL, ""},
    {"    loss {", "    loss { equalization_loss { weight: 0.5 }", W, 38, "model.ssd.loss.equalization_loss", "", "is ignored, by TensorFlow 2 as well as here", "", "remove it"},
    {"similarity_calculator { iou_similarity { } }", "similarity_calculator { iou_similarity { } } mask_head_config { mask_height: 7 }", W, 21, "model.ssd.mask_head_config", "",
     "is ignored, by TensorFlow 2 as well as here", "", "remove it; masks need faster_rcnn with a mask_rcnn_box_predictor"},
    {"type: 'ssd_mobilenet_v2_fpn_keras'", "type: 'ssd_mobilenet_v2_fpn_keras' spaghettinet_arch_name: 'a'", E, 7, "model.ssd.feature_extractor.spaghettinet_arch_name", "\"a\"",
     "TensorFlow 2 refuses it: SpaghettiNet is for TensorFlow 1 only", "", "remove it"},
    {"    loss {", "    loss { expected_loss_weights: EXPECTED_SAMPLING", E, 38, "model.ssd.loss.expected_loss_weights", "EXPECTED_SAMPLING",
     "TensorFlow 2 refuses it: losses_builder.py calls functions that utils/ops.py doesn't have", "NONE", "remove it"},
    {"    loss {", "    loss { random_example_sampler { positive_sample_fraction: 0 }", E, 38, "model.ssd.loss.random_example_sampler.positive_sample_fraction", "0.0",
     "0 is out of range", "more than 0 and at most 1", ""},
    {"    loss {", "    loss { hard_example_miner { }", E, 38, "model.ssd.loss.hard_example_miner", "", "doesn't go together with weighted_sigmoid_focal", "",
     "remove it, or use weighted_sigmoid"},
    {"iou_threshold: 0.6", "iou_threshold: 0.6 use_combined_nms: true", E, 35, NMS "use_combined_nms", "true", "doesn't go together with change_coordinate_frame", "",
     "set change_coordinate_frame: false (its default is true), or remove use_combined_nms"},
    {"iou_threshold: 0.6", "iou_threshold: 0.6 soft_nms_sigma: 0.5 use_hard_nms: true", E, 35, NMS "soft_nms_sigma", "0.5", "doesn't go together with use_hard_nms", "", "remove one of them"},
    {"iou_threshold: 0.6", "iou_threshold: 0.6 use_class_agnostic_nms: true max_classes_per_detection: 2", E, 35, NMS "max_classes_per_detection", "2",
     "only 1 works with use_class_agnostic_nms, in TensorFlow 2 as well", "1", "remove it"},
    {"num_classes: 2", "num_classes: 2 explicit_background_class: true", E, 4, "model.ssd.explicit_background_class", "true", "doesn't go together with add_background_class", "",
     "set add_background_class: false (its default is true)"},
};

static int matches(const od_config_problem *p, const mutation *m)
{
    return p->severity == m->severity && p->line == m->line && !strcmp(p->field, m->field) && !strcmp(p->value, m->value) &&
           !strcmp(p->message, m->message) && (!m->expected || !strcmp(p->expected, m->expected)) && !strcmp(p->fix, m->fix);
}

static void test_each_change_is_told(void **state)
{
    (void)state;
    int missed = 0;
    for (size_t i = 0; i < sizeof mutations / sizeof *mutations; i++) {
        const mutation *m = &mutations[i];
        char *text = change(m->from, m->to);
        od_config *config = parse(text);
        od_config_problems *problems = check(config, 1);
        size_t found = 0, count = od_config_problems_count(problems);
        for (size_t k = 0; k < count; k++) found += (size_t)matches(od_config_problems_get(problems, k), m);
        int errors = od_config_problems_of(problems, OD_CONFIG_ERROR);
        if (found != 1 || (m->severity != E && errors)) {
            print_message("%s -> %s: found %zu times among\n", m->from, m->to, found);
            print_all(problems);
            missed++;
        }
        od_config_problems_free(problems);
        od_config_free(config);
        od_free(text);
    }
    assert_int_equal(missed, 0);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[500];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(od_file_write_all(path, text, strlen(text), NULL), OD_OK);
}

static int has_message(const od_config_problems *problems, od_config_severity severity, const char *message)
{
    for (size_t i = 0; i < od_config_problems_count(problems); i++)
        if (od_config_problems_get(problems, i)->severity == severity && strstr(od_config_problems_get(problems, i)->message, message)) return 1;
    return 0;
}

static void test_files(void **state)
{
    (void)state;
    char dir[300], old[300];
    test_tmp_path(dir, sizeof dir, "files");
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(od_dir_create(dir, NULL), OD_OK);
    assert_int_equal(chdir(dir), 0);
    od_config *config = parse(clean.data);
    od_config_problems *problems = check(config, 0);
    assert_true(has_message(problems, E, "no file matches train.record"));
    assert_true(has_message(problems, E, "no file matches val-*-of-00002.record"));
    assert_true(has_message(problems, E, "there is no file map.pbtxt"));
    assert_true(has_message(problems, E, "there is no file start/ckpt-1.index"));
    assert_int_equal(od_config_problems_of(problems, E), 5);
    od_config_problems_free(problems);

    write_file(dir, "train.record", "");
    write_file(dir, "val-00000-of-00002.record", "");
    write_file(dir, "map.pbtxt", "item { id: 1 name: 'left lung' } item { id: 3 name: 'b' }");
    assert_int_equal(od_dir_create("start", NULL), OD_OK);
    write_file(dir, "start/ckpt-1.meta", "");
    problems = check(config, 0);
    assert_true(has_message(problems, E, "start/ckpt-1 is a TensorFlow 1 checkpoint"));
    assert_true(has_message(problems, E, "2 is less than id 3 of 'b' in map.pbtxt"));
    assert_true(has_message(problems, W, "a flip turns left into right, but the class 'left lung' keeps its name"));
    assert_int_equal(od_config_problems_of(problems, E), 2);
    od_config_problems_free(problems);

    unlink("start/ckpt-1.meta");
    write_file(dir, "start/ckpt-1.index", "");
    write_file(dir, "map.pbtxt", "item { id: 1 name: 'a' }");
    problems = check(config, 0);
    assert_true(has_message(problems, W, "2 is more than the largest id 1 of map.pbtxt"));
    assert_int_equal(od_config_problems_count(problems), 1);
    od_config_problems_free(problems);

    write_file(dir, "map.pbtxt", "item { id: 1 nam: 'a' }");
    problems = check(config, 0);
    assert_true(has_message(problems, E, "map.pbtxt:1:14: item: unknown field 'nam' in StringIntLabelMapItem; fix: did you mean name?"));
    od_config_problems_free(problems);
    od_config_free(config);
    assert_int_equal(chdir(old), 0);
}

/* The clean config made to learn 3 keypoints, then spoilt. */
static void test_keypoints(void **state)
{
    (void)state;
    static const char *const made[][2] = {
        {"faster_rcnn_box_coder { y_scale: 10 x_scale: 10 height_scale: 5 width_scale: 5 }", "keypoint_box_coder { num_keypoints: 3 }"},
        {"weight_shared_convolutional_box_predictor {", "weight_shared_convolutional_box_predictor { box_code_size: 10"},
        {"train_input_reader {", "train_input_reader { num_keypoints: 3"},
        {"eval_input_reader {", "eval_input_reader { num_keypoints: 3"},
        {"random_horizontal_flip { }", "random_horizontal_flip { keypoint_flip_permutation: [0, 2, 1] }"},
    };
    static const struct {
        const char *from, *to, *message; /* NULL: nothing is wrong */
    } cases[] = {
        {"", "", NULL},
        {"box_code_size: 10", "box_code_size: 4", "4, but the box coder's codes have 10 numbers"},
        {"box_code_size: 10", "", "4, but the box coder's codes have 10 numbers"},
        {"train_input_reader { num_keypoints: 3", "train_input_reader {", "the model learns 3 keypoints of a box, and 0 are read"},
        {"eval_input_reader { num_keypoints: 3", "eval_input_reader {", "the model learns 3 keypoints of a box, and 0 are read"},
        {"eval_input_reader {", "eval_input_reader { input_type: TF_SEQUENCE_EXAMPLE", "no keypoints are read of sequences"},
        {"weighted_smooth_l1", "weighted_giou", "knows boxes only, and keypoint_box_coder's codes have keypoints"},
        {"train_config {", "train_config { merge_multiple_label_boxes: true", "doesn't merge keypoints, which the model learns"},
        {"[0, 2, 1]", "[0, 2]", "2 numbers for the 3 keypoints of train_input_reader; expected one for each: which keypoint of the picture before comes to its place"},
        {"{ keypoint_flip_permutation: [0, 2, 1] }", "{ }", "0 numbers for the 3 keypoints of train_input_reader; expected one for each: which keypoint of the picture before comes to its place"},
        {"[0, 2, 1]", "[0, 3, 1]", "holds 3; expected 0 to 2"},
        {"random_horizontal_flip {", "random_rotation90 { keypoint_rot_permutation: [0] } } data_augmentation_options { random_horizontal_flip {",
         "1 numbers for the 3 keypoints of train_input_reader; expected one for each: which keypoint of the picture before comes to its place"},
        {"keypoint_box_coder { num_keypoints: 3 }", "keypoint_box_coder { num_keypoints: 3 y_scale: 0 }", "0 is out of range"},
    };
    char *base = change("", "");
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        char *next = replace(base, made[i][0], made[i][1]);
        od_free(base);
        base = next;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = replace(base, cases[i].from, cases[i].to);
        od_config *config = parse(text);
        od_config_problems *problems = check(config, 1);
        if (od_config_problems_of(problems, E) != (cases[i].message != NULL) || (cases[i].message && !has_message(problems, E, cases[i].message))) {
            print_all(problems);
            fail_msg("%s", cases[i].to);
        }
        od_config_problems_free(problems);
        od_config_free(config);
        od_free(text);
    }
    od_free(base);
}

static void test_unsupported_is_refused_where_it_is_needed(void **state)
{
    (void)state;
    char *text = change("random_horizontal_flip { }", "autoaugment_image { }");
    od_config *config = parse(text);
    od_error err = {0};
    assert_int_equal(od_config_require_supported(config, OD_USE_EVAL, &err), OD_OK);
    assert_int_equal(od_config_require_supported(config, OD_USE_TRAIN, &err), OD_ERR_UNSUPPORTED);
    static const char message[] = "t.config:50: train_config.data_augmentation_options.autoaugment_image: TensorFlow 2 refuses it: "
                                  "needs tf.contrib, which TensorFlow 2 doesn't have; fix: remove it";
    assert_string_equal(err.message, message);
    od_config_free(config);
    od_free(text);
    text = change("metrics_set: 'coco_detection_metrics'", "metrics_set: 'other_metrics'");
    config = parse(text);
    assert_int_equal(od_config_require_supported(config, OD_USE_PREDICT, &err), OD_OK);
    assert_int_equal(od_config_require_supported(config, OD_USE_EVAL, &err), OD_ERR_UNSUPPORTED);
    od_config_free(config);
    od_free(text);
    assert_null(od_support_bad_row());
}

/* Damaged texts are read and checked without a crash, and every problem has a place or a field. */
static void test_damaged_texts(void **state)
{
    (void)state;
    char path[300];
    test_tmp_path(path, sizeof path, "damaged.config");
    od_rng rng;
    od_rng_init(&rng, 7, 0);
    int with_errors = 0;
    for (int i = 0; i < 400; i++) {
        char *text = change("", "");
        size_t size = clean.size;
        if (i % 2) size = (size_t)od_rng_int(&rng, 0, (int64_t)size);
        for (int k = 0; k < 1 + i % 5 && size; k++) text[od_rng_int(&rng, 0, (int64_t)size)] ^= (char)(1 << od_rng_int(&rng, 0, 8));
        FILE *f = fopen(path, "wb"); /* not through util/file.h, which would sync the disk 400 times */
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
        od_config_problems *problems = NULL;
        const od_config_check_options options = {.skip_files = 1};
        assert_int_equal(od_config_check_file(path, &options, &problems, NULL), OD_OK);
        with_errors += od_config_problems_of(problems, E) > 0;
        for (size_t k = 0; k < od_config_problems_count(problems); k++) {
            const od_config_problem *p = od_config_problems_get(problems, k);
            assert_true(p->line > 0 || p->field[0]);
            assert_true(p->message[0]);
        }
        od_config_problems_free(problems);
        od_free(text);
    }
    assert_true(with_errors > 250);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    char *text = change("batch_size: 16", "batch_size: 0 bias_grad_multiplier: 3");
    od_config *config = parse(text);
    int failed = 0;
    for (long n = 1; n < 200; n++) {
        od_config_problems *problems = NULL;
        od_error err = {0};
        const od_config_check_options options = {.skip_files = 1};
        od_alloc_fail_after(n);
        od_status status = od_config_check(config, &options, &problems, &err);
        od_alloc_fail_after(0);
        if (status != OD_OK) {
            assert_int_equal(status, OD_ERR_NOMEM);
            assert_null(problems);
            failed++;
        }
        od_config_problems_free(problems);
    }
    assert_true(failed > 5 && failed < 190);
    od_config_free(config);
    od_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_clean_config_has_no_problem),
        cmocka_unit_test(test_each_change_is_told),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_keypoints),
        cmocka_unit_test(test_unsupported_is_refused_where_it_is_needed),
        cmocka_unit_test(test_damaged_texts),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, load_clean, free_clean);
}
