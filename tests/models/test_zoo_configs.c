/* SPDX-License-Identifier: Apache-2.0
 *
 * The model zoo's configs build at their own image size, with the OD API's number of anchors.
 */
#include "config/config.h"
#include "data/preprocess.h"
#include "models/model.h"
#include "test_support.h"

#include <stdio.h>
#include <string.h>

/* Anchors: cells of the feature maps times anchors a cell. */
static const struct {
    const char *file;
    int64_t height, width, anchors;
} zoo[] = {
    {"ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8", 640, 640, (6400 + 1600 + 400 + 100 + 25) * 6},
    {"ssd_mobilenet_v2_320x320_coco17_tpu-8", 300, 300, 361 * 3 + (100 + 25 + 9 + 4 + 1) * 6},
    {"ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8", 320, 320, (1600 + 400 + 100 + 25 + 9) * 6},
    {"ssd_resnet50_v1_fpn_640x640_coco17_tpu-8", 640, 640, (6400 + 1600 + 400 + 100 + 25) * 6},
};

static void build(const char *path, int64_t height, int64_t width, int64_t anchors)
{
    od_error err = {0};
    od_config *config;
    assert_int_equal(od_config_load(path, &config, &err), OD_OK);
    od_preprocess preprocess;
    assert_int_equal(od_preprocess_init(&preprocess, od_config_proto(config)->model, &err), OD_OK);
    od_preprocess_shape shape;
    assert_int_equal(od_preprocess_find_shape(&preprocess, 480, 640, &shape, &err), OD_OK);
    assert_int_equal(shape.height, height);
    assert_int_equal(shape.width, width);
    od_model *model;
    if (od_model_create(&model, config, 0, &err) != OD_OK) fail_msg("%s: %s", path, err.message);
    od_instance *inst;
    if (od_instance_create(&inst, model, OD_NET_INFER, 1, height, width, NULL, &err) != OD_OK) fail_msg("%s: %s", path, err.message);
    int64_t dims[4];
    assert_non_null(od_instance_prediction(inst, "anchors", dims));
    assert_int_equal(dims[0], anchors);
    assert_non_null(od_instance_prediction(inst, "box_encodings", dims));
    assert_int_equal(dims[1], anchors);
    assert_non_null(od_instance_prediction(inst, "class_predictions_with_background", dims));
    assert_int_equal(dims[1], anchors);
    assert_int_equal(dims[2], 91);
    od_instance_free(inst);
    od_model_free(model);
    od_config_free(config);
}

static void zoo_configs_build(void **state)
{
    (void)state;
    char path[1024], name[256];
    for (size_t i = 0; i < sizeof zoo / sizeof *zoo; i++) {
        snprintf(name, sizeof name, "data/zoo_configs/%s.config", zoo[i].file);
        test_need_shared(path, name);
        build(path, zoo[i].height, zoo[i].width, zoo[i].anchors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(zoo_configs_build)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
