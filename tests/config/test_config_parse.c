/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing pipeline.config: values, defaults, lines, error messages, what the OD API accepts and rejects.
 */
#include "test_support.h"

#include "config/config.h"
#include "config/message.h"
#include "util/alloc.h"

#include <string.h>

static od_config *parse_ok(const char *text)
{
    od_config *config = NULL;
    od_error err = {0};
    if (od_config_parse(text, strlen(text), "t.config", &config, &err) != OD_OK) fail_msg("%s", err.message);
    return config;
}

static void assert_parse_fails(const char *text, const char *message)
{
    od_config *config = NULL;
    od_error err = {0};
    assert_int_equal(od_config_parse(text, strlen(text), "t.config", &config, &err), OD_ERR_CONFIG);
    assert_null(config);
    assert_string_equal(err.message, message);
}

static void test_values_and_defaults(void **state)
{
    (void)state;
    od_config *config = parse_ok("model { ssd { num_classes: 0x10 image_resizer < fixed_shape_resizer { height: 010 } >\n"
                                 "anchor_generator { multiscale_anchor_generator { aspect_ratios: [1, .5, 2.0f] "
                                 "aspect_ratios: 3e0 } } } } # comment\n"
                                 "train_config: { fine_tune_checkpoint: 'a' \"b\\n\\x41\\101\", fine_tune_checkpoint_version: 2;\n"
                                 "sync_replicas: t gradient_clipping_by_norm: inf }\n");
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(config);
    assert_int_equal(proto->model->model_case, OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD);
    const ObjectDetection__Protos__Ssd *ssd = proto->model->ssd;
    assert_int_equal(ssd->num_classes, 16);
    assert_int_equal(ssd->image_resizer->fixed_shape_resizer->height, 8);
    assert_int_equal(ssd->image_resizer->fixed_shape_resizer->width, 300);
    assert_false(ssd->image_resizer->fixed_shape_resizer->has_width);
    const ObjectDetection__Protos__MultiscaleAnchorGenerator *anchors = ssd->anchor_generator->multiscale_anchor_generator;
    assert_int_equal(anchors->n_aspect_ratios, 4);
    assert_true(anchors->aspect_ratios[1] == 0.5f && anchors->aspect_ratios[2] == 2 && anchors->aspect_ratios[3] == 3);
    assert_int_equal(anchors->max_level, 7);
    assert_null(ssd->loss);
    const ObjectDetection__Protos__TrainConfig *train = proto->train_config;
    assert_string_equal(train->fine_tune_checkpoint, "ab\nAA");
    assert_string_equal(train->fine_tune_checkpoint_type, "");
    assert_int_equal(train->fine_tune_checkpoint_version, OBJECT_DETECTION__PROTOS__CHECKPOINT_VERSION__V2);
    assert_int_equal(train->batch_size, 32);
    assert_true(train->sync_replicas && train->gradient_clipping_by_norm > 1e38f);
    od_config_free(config);
}

static void test_lines_and_paths(void **state)
{
    (void)state;
    od_config *config = parse_ok("model {\n  ssd {\n    num_classes: 3\n  }\n}\ntrain_config {\n"
                                 "  data_augmentation_options { random_horizontal_flip { } }\n"
                                 "  data_augmentation_options { random_crop_image {\n    min_area: 0.5 } }\n}\n");
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(config);
    assert_int_equal(od_config_line(config, proto->model, "ssd"), 2);
    assert_int_equal(od_config_line(config, proto->model->ssd, NULL), 2);
    assert_int_equal(od_config_line(config, proto->model->ssd, "num_classes"), 3);
    assert_int_equal(od_config_line(config, proto->model->ssd, "loss"), 0);
    assert_int_equal(od_config_line(config, proto, NULL), 1);
    od_strbuf place = {0};
    od_config_place(config, proto->train_config->data_augmentation_options[1]->random_crop_image, "min_area", &place);
    assert_string_equal(place.data, "t.config:9: train_config.data_augmentation_options[1].random_crop_image.min_area");
    od_strbuf_deinit(&place);
    od_error err = {0};
    od_config_error(config, proto->model->ssd, "loss", &err, OD_ERR_UNSUPPORTED, "is %s", "missing");
    assert_string_equal(err.message, "t.config:2: model.ssd.loss: is missing");
    od_config_free(config);
}

static void test_last_member_of_a_oneof_wins(void **state)
{
    (void)state;
    od_config *config = parse_ok("model { ssd { num_classes: 1 } faster_rcnn { num_classes: 2 } ssd { freeze_batchnorm: true } }\n"
                                 "train_config { batch_size: 1 batch_size: 2 optimizer { use_moving_average: false } "
                                 "optimizer { moving_average_decay: 0.5 } }");
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(config);
    assert_int_equal(proto->model->model_case, OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD);
    assert_false(proto->model->ssd->has_num_classes);
    assert_true(proto->model->ssd->freeze_batchnorm);
    assert_int_equal(proto->train_config->batch_size, 2);
    assert_false(proto->train_config->optimizer->use_moving_average);
    assert_true(proto->train_config->optimizer->moving_average_decay == 0.5f);
    od_config_free(config);
}

static void test_error_messages(void **state)
{
    (void)state;
    assert_parse_fails("model {\n  ssd {\n    num_clases: 3\n  }\n}\n",
                       "t.config:3:5: model.ssd: unknown field 'num_clases' in Ssd; fix: did you mean num_classes?");
    assert_parse_fails("train_config { num_classes: 3 }",
                       "t.config:1:16: train_config: unknown field 'num_classes' in TrainConfig; fix: it belongs into model.faster_rcnn");
    assert_parse_fails("train_config { batch_size: -1 }",
                       "t.config:1:28: train_config.batch_size: cannot be '-1'; expected a whole number from 0 to 4294967295");
    assert_parse_fails("train_config { batch_size: 2.5 }",
                       "t.config:1:28: train_config.batch_size: cannot be '2.5'; expected a whole number from 0 to 4294967295");
    assert_parse_fails("train_config { batch_size 2 }", "t.config:1:27: train_config.batch_size: unexpected '2'; expected ':'");
    assert_parse_fails("train_config { fine_tune_checkpoint_version: V3 }",
                       "t.config:1:46: train_config.fine_tune_checkpoint_version: cannot be 'V3'; expected one of UNKNOWN, V1, V2");
    assert_parse_fails("train_config { sync_replicas: yes }",
                       "t.config:1:31: train_config.sync_replicas: cannot be 'yes'; expected true or false");
    assert_parse_fails("train_config { fine_tune_checkpoint: abc }",
                       "t.config:1:38: train_config.fine_tune_checkpoint: cannot be 'abc'; expected a text in quotes; fix: add quotes");
    assert_parse_fails("model {\n ssd {\n", "t.config:3:1: model.ssd: the file ends inside 'ssd' that was opened on line 2; "
                                            "expected '}'; fix: look for a missing bracket");
    assert_parse_fails("model { ssd { num_classes: 3 } > }", "t.config:1:32: model: unexpected '>'; expected '}'");
}

static void test_all_errors_are_found(void **state)
{
    (void)state;
    static const char text[] = "model {\n  ssd {\n    num_classes: x\n    frobnicate { a { b: 1 } }\n    loss { q: [1, 2] }\n"
                               "    freeze_batchnorm: maybe\n  }\n}\ntrain_config {\n  batch_size: 'a' 'b'\n  num_steps: 5\n}\nzzz: 1\n";
    od_config *config;
    od_problems problems = {0};
    assert_int_equal(od_config_read(text, strlen(text), "t", &config, &problems, NULL), OD_OK);
    static const int lines[] = {3, 4, 5, 6, 10, 13};
    assert_int_equal(problems.count, 6);
    for (int i = 0; i < 6; i++) assert_int_equal(problems.items[i].line, lines[i]);
    assert_int_equal(od_config_proto(config)->train_config->num_steps, 5);
    assert_true(od_text_tree_damaged(od_config_tree(config), od_config_proto(config)->model->ssd));
    assert_false(od_text_tree_damaged(od_config_tree(config), od_config_proto(config)->model));
    od_problems_deinit(&problems);
    od_config_free(config);
}

static void assert_round_trip(const od_config *config)
{
    char *text;
    od_error err = {0};
    assert_int_equal(od_config_format(config, &text, NULL, &err), OD_OK);
    od_config *again = parse_ok(text);
    assert_true(od_message_equal(od_text_tree_root(od_config_tree(config)), od_text_tree_root(od_config_tree(again))));
    char *text_again;
    assert_int_equal(od_config_format(again, &text_again, NULL, &err), OD_OK);
    assert_string_equal(text, text_again);
    od_config_text_free(text);
    od_config_text_free(text_again);
    od_config_free(again);
}

static void test_format(void **state)
{
    (void)state;
    od_config *config = parse_ok("train_config { batch_size: 8 fine_tune_checkpoint: 'C:\\\\a\\t\"\\001\xc3\xa9' fine_tune_checkpoint_version: V2 "
                                 "gradient_clipping_by_norm: 0.1 bias_grad_multiplier: 10 keep_checkpoint_every_n_hours: 1e-8 "
                                 "startup_delay_steps: -inf optimizer { } }");
    char *text;
    assert_int_equal(od_config_format(config, &text, NULL, NULL), OD_OK);
    assert_string_equal(text, "train_config {\n  batch_size: 8\n  keep_checkpoint_every_n_hours: 1e-08\n  optimizer {\n  }\n"
                              "  gradient_clipping_by_norm: 0.1\n  fine_tune_checkpoint: \"C:\\\\a\\t\\\"\\001\xc3\xa9\"\n"
                              "  startup_delay_steps: -inf\n  bias_grad_multiplier: 10.0\n  fine_tune_checkpoint_version: V2\n}\n");
    od_config_text_free(text);
    assert_round_trip(config);
    od_config_free(config);
}

static void test_override(void **state)
{
    (void)state;
    od_config *config = parse_ok("train_config { batch_size: 8 num_steps: 10 }");
    od_error err = {0};
    assert_int_equal(od_config_override(config, "train_config { num_steps: 20 }", "--num_train_steps", &err), OD_OK);
    assert_int_equal(od_config_proto(config)->train_config->num_steps, 20);
    assert_int_equal(od_config_proto(config)->train_config->batch_size, 8);
    assert_int_equal(od_config_override(config, "train_config { num_stepz: 20 }", "--override", &err), OD_ERR_CONFIG);
    assert_string_equal(err.message, "--override:1:16: train_config: unknown field 'num_stepz' in TrainConfig; fix: did you mean num_steps?");
    od_config_free(config);
}

/* Every zoo config that the OD API reads; the other two use fields that its public version doesn't have. */
static void test_zoo(void **state)
{
    (void)state;
    static const struct {
        const char *name, *error;
    } zoo[] = {
        {"centernet_hg104_512x512_coco17_tpu-8",
         ".config:116:25: train_config.fine_tune_checkpoint: cannot be 'PATH_TO_BE_CONFIGURED'; expected a text in quotes; fix: add quotes"},
        {"centernet_hourglass104_512x512_coco17_tpu-8", NULL},
        {"centernet_resnet101_v1_fpn_512x512_coco17_tpu-8", NULL},
        {"centernet_resnet50_v2_512x512_coco17_tpu-8",
         ".config:127:5: train_input_reader.external_input_reader: extensions in [ ] are not known; fix: remove it"},
        {"faster_rcnn_resnet50_v1_640x640_coco17_tpu-8", NULL},
        {"faster_rcnn_resnet50_v1_800x1333_coco17_gpu-8", NULL},
        {"faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8", NULL},
        {"mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8", NULL},
        {"ssd_efficientdet_d0_512x512_coco17_tpu-8", NULL},
        {"ssd_efficientdet_d1_640x640_coco17_tpu-8", NULL},
        {"ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8", NULL},
        {"ssd_mobilenet_v2_320x320_coco17_tpu-8", NULL},
        {"ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8", NULL},
        {"ssd_resnet50_v1_fpn_640x640_coco17_tpu-8", NULL},
    };
    for (size_t i = 0; i < sizeof zoo / sizeof *zoo; i++) {
        char path[400], name[200];
        snprintf(name, sizeof name, "data/zoo_configs/%s.config", zoo[i].name);
        test_need_shared(path, name);
        od_config *config = NULL;
        od_error err = {0};
        od_status status = od_config_load(path, &config, &err);
        if (zoo[i].error) {
            assert_int_equal(status, OD_ERR_CONFIG);
            assert_non_null(strstr(err.message, zoo[i].error));
            continue;
        }
        if (status != OD_OK) fail_msg("%s", err.message);
        assert_round_trip(config);
        od_config_free(config);
    }
}

static void test_other_shared_configs(void **state)
{
    (void)state;
    static const char *const names[] = {
        "configs/chest_xray_ssd320.config", "configs/raccoon_ssd320.config", "golden/centernet_resnet50_v2/pipeline.config",
        "golden/faster_rcnn_resnet50/pipeline.config", "golden/faster_rcnn_resnet50_fpn/pipeline.config",
        "golden/mask_rcnn_inception_resnet_v2/pipeline.config", "golden/ssd_efficientdet_d0/pipeline.config",
        "golden/ssd_efficientdet_d1/pipeline.config", "golden/ssd_mobilenet_v1_fpn/pipeline.config",
        "golden/ssd_mobilenet_v2_fpnlite_320/pipeline.config", "golden/ssd_mobilenet_v2_fpnlite_640/pipeline.config",
        "golden/ssd_mobilenet_v2_fpnlite_small/pipeline.config", "golden/ssd_mobilenet_v2_small/pipeline.config",
        "golden/ssd_resnet50_v1_fpn/pipeline.config",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[400];
        test_need_shared(path, names[i]);
        od_config *config = NULL;
        od_error err = {0};
        if (od_config_load(path, &config, &err) != OD_OK) fail_msg("%s", err.message);
        assert_round_trip(config);
        od_config_free(config);
    }
}

static void test_allocation_failures(void **state)
{
    (void)state;
    static const char text[] = "model { ssd { num_classes: 1 } faster_rcnn { num_classes: 2 } }\n"
                               "train_config { fine_tune_checkpoint: 'a' fine_tune_checkpoint: 'b' optimizer { momentum_optimizer { } "
                               "adam_optimizer { } } update_trainable_variables: ['a', 'b', 'c'] batch_sise: 3 }";
    int outcomes[2] = {0};
    for (long n = 1; n < 400; n++) {
        od_config *config = NULL;
        od_error err = {0};
        od_alloc_fail_after(n);
        od_status status = od_config_parse(text, strlen(text), "t", &config, &err);
        od_alloc_fail_after(0);
        assert_null(config);
        assert_true(status == OD_ERR_NOMEM || status == OD_ERR_CONFIG);
        outcomes[status == OD_ERR_CONFIG]++;
    }
    assert_true(outcomes[0] > 20 && outcomes[1] > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_defaults),
        cmocka_unit_test(test_lines_and_paths),
        cmocka_unit_test(test_last_member_of_a_oneof_wins),
        cmocka_unit_test(test_error_messages),
        cmocka_unit_test(test_all_errors_are_found),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_override),
        cmocka_unit_test(test_zoo),
        cmocka_unit_test(test_other_shared_configs),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
