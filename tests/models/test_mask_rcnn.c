/* SPDX-License-Identifier: Apache-2.0
 *
 * Mask R-CNN's own parts: the masks' loss against numbers made by hand and finite differences, and what its config is refused for.
 */
#include "config/config.h"
#include "models/mask_loss.h"
#include "models/model.h"
#include "test_support.h"

#include <math.h>
#include <string.h>

enum { SIDE = 8, BOXES = 3 };

/* Two 8 x 8 masks: the left half, the upper half. Proposals: all of the image (matched to the first, class 1), its right half (to the second,
 * class 0, weight 2), one without a match. */
static const float proposals[BOXES * 4] = {0, 0, SIDE, SIDE, 0, SIDE / 2, SIDE, SIDE, 1, 1, 2, 2};
static const int32_t matches[BOXES] = {0, 1, -1}, classes[] = {1, 0};
static const float weights[] = {1, 2};
static const od_mask_loss_params params = {3, 3, 2, 0, SIDE, SIDE, 4};

static void fill_masks(uint8_t *masks)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        masks[i] = i % SIDE < SIDE / 2;
        masks[SIDE * SIDE + i] = i / SIDE < SIDE / 2;
    }
}

static double loss_of(const od_groundtruth *truth, const float *logits, float *gradient)
{
    od_mask_loss_image_in in = {BOXES, proposals, matches, truth, logits, gradient};
    double loss = 0;
    assert_true(fabs(od_mask_loss_weight(&in) - 3) < 1e-12);
    assert_int_equal(od_mask_loss_image(&params, &in, od_mask_loss_weight(&in), &loss, NULL), OD_OK);
    return loss;
}

/* Of logits 0 every pixel's cross entropy is ln 2, whatever the masks; far to the right side it vanishes, far to the wrong one it is |x|. */
static void mask_loss_values(void **state)
{
    (void)state;
    uint8_t masks[2 * SIDE * SIDE];
    float logits[BOXES * 9 * 2] = {0};
    fill_masks(masks);
    od_groundtruth truth = {.classes = classes, .weights = weights, .count = 2, .masks = masks, .mask_height = SIDE, .mask_width = SIDE};
    assert_true(fabs(loss_of(&truth, logits, NULL) - 4 * log(2)) < 1e-6);
    /* The first box' columns at 0, 3.5 and 7 of the left half: 1, (1 + 0) / 2, 0. The second's rows likewise. */
    for (int k = 0; k < 9; k++) logits[2 * k + 1] = k % 3 == 0 ? 100.0f : k % 3 == 2 ? -100.0f : 0;
    for (int k = 0; k < 9; k++) logits[18 + 2 * k] = k / 3 == 0 ? 100.0f : k / 3 == 2 ? -100.0f : 0;
    assert_true(fabs(loss_of(&truth, logits, NULL) - 4 * log(2) / 3) < 1e-6);
    for (int k = 0; k < 9; k++) logits[2 * k] = logits[18 + 2 * k + 1] = logits[36 + k] = 77; /* other classes and what has no match don't count */
    assert_true(fabs(loss_of(&truth, logits, NULL) - 4 * log(2) / 3) < 1e-6);
    logits[1] = -100; /* one pixel of weight 1 of 27 wrong by 100 */
    assert_true(fabs(loss_of(&truth, logits, NULL) - 4 * (log(2) / 3 + 100.0 / 27)) < 1e-5);
}

static void mask_loss_gradient(void **state)
{
    (void)state;
    uint8_t masks[2 * SIDE * SIDE];
    float logits[BOXES * 9 * 2], gradient[BOXES * 9 * 2] = {0};
    fill_masks(masks);
    od_groundtruth truth = {.classes = classes, .weights = weights, .count = 2, .masks = masks, .mask_height = SIDE, .mask_width = SIDE};
    for (int i = 0; i < BOXES * 18; i++) logits[i] = sinf((float)i);
    loss_of(&truth, logits, gradient);
    for (int i = 0; i < BOXES * 18; i++) {
        float was = logits[i], step = 1e-2f;
        logits[i] = was + step;
        double up = loss_of(&truth, logits, NULL);
        logits[i] = was - step;
        double down = loss_of(&truth, logits, NULL);
        logits[i] = was;
        assert_true(fabs((up - down) / (2 * (double)step) - (double)gradient[i]) < 1e-5);
    }
    assert_true(gradient[1] != 0 && gradient[0] == 0 && gradient[40] == 0);
}

static const char *const CONFIG =
    "model { faster_rcnn { number_of_stages: 3 num_classes: 2 image_resizer { fixed_shape_resizer { height: 64 width: 64 } }"
    " feature_extractor { type: 'faster_rcnn_resnet50_keras' } first_stage_anchor_generator { grid_anchor_generator { scales: 1 aspect_ratios: 1 } }"
    " first_stage_box_predictor_conv_hyperparams { regularizer { l2_regularizer { } } initializer { truncated_normal_initializer { } } }"
    " initial_crop_size: 14 maxpool_kernel_size: 2 maxpool_stride: 2 first_stage_max_proposals: 4 second_stage_batch_size: 4"
    " second_stage_box_predictor { mask_rcnn_box_predictor {"
    "   fc_hyperparams { regularizer { l2_regularizer { } } initializer { truncated_normal_initializer { } } } %s } } } }";
#define CONV "conv_hyperparams { regularizer { l2_regularizer { } } initializer { truncated_normal_initializer { } } } "

static od_config *read_config(const char *fields)
{
    char text[4096];
    od_error err = {0};
    od_problems problems = {0};
    od_config *config;
    snprintf(text, sizeof text, CONFIG, fields);
    if (od_config_read(text, strlen(text), "test.config", &config, &problems, &err) != OD_OK) fail_msg("%s", err.message);
    assert_int_equal(problems.count, 0);
    od_problems_deinit(&problems);
    return config;
}

static void expect_refusal(const char *fields, const char *message)
{
    od_error err = {0};
    od_config *config = read_config(fields);
    od_model *model = NULL;
    assert_int_not_equal(od_model_create(&model, config, 0, &err), OD_OK);
    if (!strstr(err.message, message)) fail_msg("expected '%s' in '%s'", message, err.message);
    od_config_free(config);
}

static void config_refusals(void **state)
{
    (void)state;
    expect_refusal("", "predict_instance_masks");
    expect_refusal("predict_instance_masks: true", "conv_hyperparams");
    expect_refusal(CONV "predict_instance_masks: true mask_height: 0", "mask_height 0");
    expect_refusal(CONV "predict_instance_masks: true mask_prediction_conv_depth: -3", "mask_prediction_conv_depth -3");
    expect_refusal(CONV "predict_instance_masks: true convolve_then_upsample_masks: true mask_height: 3 mask_width: 4", "resizing to");
}

static int64_t channels_of(od_model *model, const char *name)
{
    od_variables *vars = od_model_variables(model);
    od_var v = od_variables_find(vars, name);
    assert_int_not_equal(v, OD_NO_VAR);
    return vars->items[v].shape[vars->items[v].rank - 1];
}

/* Layers' numbers and channels by the config: of 2048 features and 2 classes 2^round((2 * 11 + 3 * 1) / 5) = 32. */
static void mask_head_layers(void **state)
{
    (void)state;
    static const struct { const char *fields; int last; int64_t depth, masks; } cases[] = {
        {CONV "predict_instance_masks: true mask_prediction_conv_depth: 0 mask_prediction_num_conv_layers: 3", 6, 32, 2},
        {CONV "predict_instance_masks: true mask_prediction_conv_depth: 7 masks_are_class_agnostic: true", 3, 7, 1},
        {CONV "predict_instance_masks: true mask_prediction_conv_depth: 5 convolve_then_upsample_masks: true", 7, 5, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[200];
        od_error err = {0};
        od_config *config = read_config(cases[i].fields);
        od_model *model;
        if (od_model_create(&model, config, 0, &err) != OD_OK) fail_msg("%s", err.message);
        const char *path = "model/_mask_rcnn_box_predictor/_third_stage_heads/mask_predictions/_mask_predictor_layers";
        snprintf(name, sizeof name, "%s/0/kernel", path);
        assert_int_equal(channels_of(model, name), cases[i].depth);
        snprintf(name, sizeof name, "%s/%d/kernel", path, cases[i].last);
        assert_int_equal(channels_of(model, name), cases[i].masks);
        od_model_free(model);
        od_config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mask_loss_values), cmocka_unit_test(mask_loss_gradient), cmocka_unit_test(config_refusals),
                                       cmocka_unit_test(mask_head_layers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
