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

/* Anchors: cells of the feature maps times anchors a cell; none: CenterNet, whose maps are a quarter as large as the image. */
typedef struct zoo_config {
    const char *file;
    int64_t height, width, anchors;
    const char *boxes, *classes; /* predictions, and their columns */
    int64_t columns;
} zoo_config;

#define SSD "box_encodings", "class_predictions_with_background"
#define RPN "rpn_box_encodings", "rpn_objectness_predictions_with_background", 2
#define CENTERS NULL, "object_center/0", 90

static const zoo_config zoo[] = {
    {"ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8", 640, 640, (6400 + 1600 + 400 + 100 + 25) * 6, SSD, 91},
    {"ssd_mobilenet_v2_320x320_coco17_tpu-8", 300, 300, 361 * 3 + (100 + 25 + 9 + 4 + 1) * 6, SSD, 91},
    {"ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8", 320, 320, (1600 + 400 + 100 + 25 + 9) * 6, SSD, 91},
    {"ssd_resnet50_v1_fpn_640x640_coco17_tpu-8", 640, 640, (6400 + 1600 + 400 + 100 + 25) * 6, SSD, 91},
    {"ssd_efficientdet_d0_512x512_coco17_tpu-8", 512, 512, (4096 + 1024 + 256 + 64 + 16) * 9, SSD, 90},
    {"ssd_efficientdet_d1_640x640_coco17_tpu-8", 640, 640, (6400 + 1600 + 400 + 100 + 25) * 9, SSD, 90},
    {"centernet_resnet101_v1_fpn_512x512_coco17_tpu-8", 512, 512, 0, CENTERS}, /* resnet50_v2: its input reader is an extension that nobody has */
    {"centernet_hourglass104_512x512_coco17_tpu-8", 512, 512, 0, CENTERS},
    {"faster_rcnn_resnet50_v1_640x640_coco17_tpu-8", 640, 640, 1600 * 12, RPN},
    {"faster_rcnn_resnet50_v1_800x1333_coco17_gpu-8", 1333, 1333, 84 * 84 * 12, RPN},
    {"mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8", 1024, 1024, 4096 * 12, RPN},
    {"faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8", 640, 640, (25600 + 6400 + 1600 + 400 + 100) * 6, RPN},
};

static void check_anchors(const od_instance *inst, const zoo_config *z)
{
    int64_t dims[4];
    assert_non_null(od_instance_prediction(inst, "anchors", dims));
    assert_int_equal(dims[0], z->anchors);
    assert_non_null(od_instance_prediction(inst, z->boxes, dims));
    assert_int_equal(dims[1], z->anchors);
    assert_non_null(od_instance_prediction(inst, z->classes, dims));
    assert_int_equal(dims[1], z->anchors);
    assert_int_equal(dims[2], z->columns);
}

static void check_centers(const od_instance *inst, const zoo_config *z)
{
    int64_t dims[4];
    assert_non_null(od_instance_prediction(inst, z->classes, dims));
    assert_int_equal(dims[1], z->height / 4);
    assert_int_equal(dims[2], z->width / 4);
    assert_int_equal(dims[3], z->columns);
}

static void build(const char *path, const zoo_config *z)
{
    od_error err = {0};
    od_config *config;
    if (od_config_load(path, &config, &err) != OD_OK) fail_msg("%s", err.message);
    od_preprocess preprocess;
    if (od_preprocess_init(&preprocess, od_config_proto(config)->model, &err) != OD_OK) fail_msg("%s: %s", path, err.message);
    od_preprocess_shape shape;
    assert_int_equal(od_preprocess_find_shape(&preprocess, 480, 640, &shape, &err), OD_OK);
    assert_int_equal(shape.height, z->height);
    assert_int_equal(shape.width, z->width);
    od_model *model;
    if (od_model_create(&model, config, 0, &err) != OD_OK) fail_msg("%s: %s", path, err.message);
    od_instance *inst;
    if (od_instance_create(&inst, model, OD_NET_INFER, 1, z->height, z->width, NULL, &err) != OD_OK) fail_msg("%s: %s", path, err.message);
    if (z->anchors) check_anchors(inst, z);
    else check_centers(inst, z);
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
        build(path, &zoo[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(zoo_configs_build)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
