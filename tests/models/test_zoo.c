/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks at the sizes that people use: the zoo's configs build, and backbones have their published numbers of parameters.
 */
#include "config/support.h"
#include "models/model.h"
#include "test_support.h"

#include <stdio.h>
#include <string.h>

static const char efficientdet[] =
    "model { ssd { num_classes: 1 image_resizer { fixed_shape_resizer { height: 256 width: 256 } }\n"
    "feature_extractor { type: 'ssd_efficientnet-b%d_bifpn_keras' conv_hyperparams { activation: SWISH force_use_bias: true\n"
    "  initializer { truncated_normal_initializer { stddev: .03 } } regularizer { l2_regularizer { weight: 4e-5 } }\n"
    "  batch_norm { scale: true decay: .99 epsilon: .001 } } %s }\n"
    "box_coder { faster_rcnn_box_coder {} } matcher { argmax_matcher {} } similarity_calculator { iou_similarity {} }\n"
    "box_predictor { weight_shared_convolutional_box_predictor { depth: 16 kernel_size: 3 num_layers_before_predictor: 1 use_depthwise: true\n"
    "  conv_hyperparams { activation: SWISH initializer { random_normal_initializer { stddev: .01 } } batch_norm { scale: true } } } }\n"
    "anchor_generator { multiscale_anchor_generator { min_level: 3 max_level: %d aspect_ratios: 1 } }\n"
    "post_processing { batch_non_max_suppression {} score_converter: SIGMOID }\n"
    "loss { localization_loss { weighted_smooth_l1 {} } classification_loss { weighted_sigmoid_focal {} } }\n"
    "add_background_class: false encode_background_as_zeros: true normalize_loss_by_num_matches: true } }\n";

static od_config *parse(const char *text)
{
    char path[512];
    test_tmp_path(path, sizeof path, "test.config");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    od_config *config;
    od_error err = {0};
    if (od_config_load(path, &config, &err) != OD_OK) fail_msg("%s", err.message);
    return config;
}

static int64_t count_below(const od_variables *vars, const char *path)
{
    int64_t total = 0;
    for (size_t i = 0; i < vars->count; i++)
        if (!strncmp(vars->items[i].name, path, strlen(path))) total += vars->items[i].size;
    return total;
}

/* SSD_KERAS_FEATURE_EXTRACTOR_CLASS_MAP and CENTER_NET_EXTRACTOR_FUNCTION_MAP in builders/model_builder.py, TensorFlow 2. */
static const char *const tf2_types[] = {
    "ssd_mobilenet_v1_keras", "ssd_mobilenet_v1_fpn_keras", "ssd_mobilenet_v2_keras", "ssd_mobilenet_v2_fpn_keras", "ssd_resnet50_v1_fpn_keras",
    "ssd_resnet101_v1_fpn_keras", "ssd_resnet152_v1_fpn_keras", "ssd_efficientnet-b0_bifpn_keras", "ssd_efficientnet-b1_bifpn_keras",
    "ssd_efficientnet-b2_bifpn_keras", "ssd_efficientnet-b3_bifpn_keras", "ssd_efficientnet-b4_bifpn_keras", "ssd_efficientnet-b5_bifpn_keras",
    "ssd_efficientnet-b6_bifpn_keras", "ssd_efficientnet-b7_bifpn_keras", "resnet_v2_50", "resnet_v2_101", "resnet_v1_18_fpn", "resnet_v1_34_fpn",
    "resnet_v1_50_fpn", "resnet_v1_101_fpn", "hourglass_10", "hourglass_20", "hourglass_32", "hourglass_52", "hourglass_104", "mobilenet_v2",
    "mobilenet_v2_fpn", "mobilenet_v2_fpn_sep_conv"};

/* Whether the comma-separated list has the word. */
static int is_in_list(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ',')) return 1;
    return 0;
}

/* What building refuses an unknown type with lists the builders; it must be what the config's check calls supported, and all of TF2. */
static void check_types(const char *text, const char *message)
{
    od_model *model;
    od_error err = {0};
    od_config *config = parse(text);
    assert_int_equal(od_model_create(&model, config, 0, &err), OD_ERR_UNSUPPORTED);
    const char *list = strstr(err.message, "supported: "), *type;
    assert_non_null(list);
    list += strlen("supported: ");
    int commas = 0, rows = 0, found = 0;
    for (const char *c = list; *c; c++) commas += *c == ',';
    for (; (type = od_support_value(message, "type", rows)); rows++)
        if (!is_in_list(list, type)) fail_msg("config/support.c has %s, the builders %s", type, list);
    assert_int_equal(rows, commas + 1);
    for (size_t i = 0; i < sizeof tf2_types / sizeof *tf2_types; i++) found += is_in_list(list, tf2_types[i]);
    assert_int_equal(found, rows);
    od_config_free(config);
}

static void test_every_type_of_tf2(void **state)
{
    (void)state;
    int ssd = 0, center_net = 0;
    while (od_support_value("SsdFeatureExtractor", "type", ssd)) ssd++;
    while (od_support_value("CenterNetFeatureExtractor", "type", center_net)) center_net++;
    assert_int_equal(ssd + center_net, sizeof tf2_types / sizeof *tf2_types);
    check_types("model { ssd { num_classes: 1 feature_extractor { type: 'ssd_x' } box_predictor { convolutional_box_predictor {} } "
                "anchor_generator { ssd_anchor_generator {} } } }", "SsdFeatureExtractor");
    check_types("model { center_net { num_classes: 1 feature_extractor { type: 'x' } object_detection_task {} } }", "CenterNetFeatureExtractor");
}

/* keras.applications' counts with the classifier (moving statistics included, its normalisation's 7 not). */
static void test_efficientnet_parameters(void **state)
{
    (void)state;
    static const int64_t published[8] = {5330564, 7856232, 9177562, 12320528, 19466816, 30562520, 43265136, 66658680};
    for (int version = 0; version < 8; version++) {
        char text[4096];
        snprintf(text, sizeof text, efficientdet, version, "", 7);
        od_config *config = parse(text);
        od_model *model;
        od_error err = {0};
        if (od_model_create(&model, config, 0, &err) != OD_OK) fail_msg("%s", err.message);
        const od_variables *vars = od_model_variables(model);
        int64_t count = count_below(vars, "model/_feature_extractor/_efficientnet/") + count_below(vars, "model/_feature_extractor/classification_backbone/");
        assert_int_equal(count, published[version]);
        /* from B6 on the pyramid adds without weights */
        int weights = od_variables_find(vars, "model/_feature_extractor/_bifpn_stage/node_combine_op/2/bifpn_combine_weights") != OD_NO_VAR;
        assert_int_equal(weights, version < 6);
        od_model_free(model);
        od_config_free(config);
    }
}

static void test_efficientdet_settings(void **state)
{
    (void)state;
    static const struct { const char *settings, *message; int max_level; } cases[] = {
        {"bifpn { min_level: 3 max_level: 8 num_iterations: 2 num_filters: 16 combine_method: 'weighted_sum' }", NULL, 8},
        {"bifpn { min_level: 3 max_level: 7 num_iterations: 1 num_filters: 16 combine_method: 'attention' }", NULL, 7},
        {"bifpn { min_level: 3 max_level: 7 num_iterations: 1 num_filters: 16 combine_method: 'mean' }", "combine_method: \"mean\"", 7},
        {"bifpn { min_level: 3 max_level: 5 num_iterations: 1 num_filters: 16 }", "6 <= max_level", 5},
        {"bifpn { min_level: 3 max_level: 7 num_filters: 16 }", "num_iterations: 0", 7},
        {"fpn { min_level: 3 max_level: 7 }", "takes bifpn", 7},
        {"depth_multiplier: 0.5", "depth_multiplier is 0.5", 7},
        {"use_depthwise: true", "neither use_explicit_padding nor use_depthwise", 7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[4096];
        snprintf(text, sizeof text, efficientdet, 0, cases[i].settings, cases[i].max_level);
        od_config *config = parse(text);
        od_model *model = NULL;
        od_error err = {0};
        od_status status = od_model_create(&model, config, 0, &err);
        if (!cases[i].message && status != OD_OK) fail_msg("%s", err.message);
        if (cases[i].message && status == OD_OK) fail_msg("%s was accepted", cases[i].settings);
        if (cases[i].message && !strstr(err.message, cases[i].message)) fail_msg("%s: %s", cases[i].settings, err.message);
        od_model_free(model);
        od_config_free(config);
    }
}

static void test_zoo_configs_build(void **state)
{
    (void)state;
    static const struct { const char *name; int size; } zoo[] = {
        {"ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8", 320},
        {"ssd_efficientdet_d0_512x512_coco17_tpu-8", 512},
        {"ssd_efficientdet_d1_640x640_coco17_tpu-8", 640},
        {"centernet_resnet101_v1_fpn_512x512_coco17_tpu-8", 512},
        {"centernet_hourglass104_512x512_coco17_tpu-8", 512},
    };
    for (size_t i = 0; i < sizeof zoo / sizeof *zoo; i++) {
        char name[256], path[512];
        snprintf(name, sizeof name, "data/zoo_configs/%s.config", zoo[i].name);
        test_need_shared(path, name);
        od_config *config = NULL;
        od_model *model = NULL;
        od_instance *inst = NULL;
        od_error err = {0};
        if (od_config_load(path, &config, &err) != OD_OK || od_model_create(&model, config, 0, &err) != OD_OK ||
            od_instance_create(&inst, model, OD_NET_INFER, 1, zoo[i].size, zoo[i].size, NULL, &err) != OD_OK)
            fail_msg("%s", err.message);
        od_instance_free(inst);
        od_model_free(model);
        od_config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_of_tf2), cmocka_unit_test(test_efficientnet_parameters),
        cmocka_unit_test(test_efficientdet_settings),
        cmocka_unit_test(test_zoo_configs_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
