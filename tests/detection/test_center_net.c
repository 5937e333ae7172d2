/* SPDX-License-Identifier: Apache-2.0
 *
 * CenterNet's targets, losses, gradients and detections: the OD API's results (oracle_center_net.h), finite differences, the golden
 * fixture, what is refused.
 */
#include "detection_support.h"
#include "oracle_center_net.h"

#include "checkpoint/safetensors.h"
#include "config/config.h"
#include "detection/center_net_loss.h"
#include "detection/center_net_postprocess.h"

enum { height = 6, width = 8, classes = 3, cells = 2 * height * width };

static const char usual[] =
    "num_classes: 3 object_detection_task { task_loss_weight: 0.9 offset_loss_weight: 1.1 scale_loss_weight: 0.2 localization_loss { l1_localization_loss { } } } "
    "object_center_params { object_center_loss_weight: 0.8 classification_loss { penalty_reduced_logistic_focal_loss { alpha: 2 beta: 4 } } min_box_overlap_iou: 0.6 max_box_predictions: 20 }";
static const char odd[] =
    "num_classes: 3 object_detection_task { task_loss_weight: 0.9 offset_loss_weight: 1.1 scale_loss_weight: 0.2 localization_loss { l1_localization_loss { } } } "
    "object_center_params { object_center_loss_weight: 0.8 classification_loss { penalty_reduced_logistic_focal_loss { alpha: 1.5 beta: 3 } } min_box_overlap_iou: 0.6 max_box_predictions: 20 }";
static const int64_t true_shapes[2][2] = {{24, 32}, {22, 27}};
static const od_groundtruth truth[2] = {{.boxes = center_boxes_0, .classes = center_classes_0, .weights = center_weights_0, .count = 4}, {.boxes = center_boxes_1, .classes = center_classes_1, .weights = center_weights_1, .count = 2}};

static od_center_net_config config_of(const char *text)
{
    od_text_tree *tree;
    od_center_net_config c;
    od_error err = {0};
    if (od_center_net_config_init(&c, PARSE(center_net, text, &tree), 4, &err) != OD_OK) fail_msg("%s", err.message);
    od_text_tree_free(tree);
    return c;
}

typedef struct gradients {
    float center[2][cells * classes], scale[2][cells * 2], offset[2][cells * 2];
} gradients;

static void set_heads(od_center_net_head heads[2], gradients *g)
{
    heads[0] = (od_center_net_head){center_object_center_0, center_scale_0, center_offset_0, NULL, NULL, NULL};
    heads[1] = (od_center_net_head){center_object_center_1, center_scale_1, center_offset_1, NULL, NULL, NULL};
    for (int i = 0; g && i < 2; i++) {
        heads[i].d_center = g->center[i];
        heads[i].d_scale = g->scale[i];
        heads[i].d_offset = g->offset[i];
    }
}

static void compare(const char *name, int n, const float *ours, const float *expected)
{
    for (int i = 0; i < n; i++)
        if (relative_error((double)ours[i], (double)expected[i], 1e-3) > 5e-5) fail_msg("%s %d: %.9g, expected %.9g", name, i, (double)ours[i], (double)expected[i]);
}

static void check_losses(const char *text, const float *values, const float *center0, const float *center1, const float *scale0, const float *scale1,
                         const float *offset0, const float *offset1)
{
    od_center_net_config c = config_of(text);
    od_center_net_targets t = {0};
    od_error err = {0};
    for (int again = 0; again < 2; again++) assert_int_equal(od_center_net_targets_assign(&c, truth, true_shapes, 2, 24, 32, &t, &err), OD_OK);
    assert_int_equal(t.instances, 5);
    static gradients g;
    memset(&g, 0x7f, sizeof g);
    od_center_net_head heads[2];
    set_heads(heads, &g);
    od_center_net_loss_values v;
    assert_int_equal(od_center_net_loss_run(&c, &t, heads, 2, &v, &err), OD_OK);
    const float ours[3] = {(float)v.object_center, (float)v.box_scale, (float)v.box_offset};
    for (int i = 0; i < 3; i++)
        if (relative_error((double)ours[i], (double)values[i], 1e-3) > 5e-6) fail_msg("loss %d: %.9g, expected %.9g", i, (double)ours[i], (double)values[i]);
    compare("center gradient 0", cells * classes, g.center[0], center0);
    compare("center gradient 1", cells * classes, g.center[1], center1);
    compare("scale gradient 0", cells * 2, g.scale[0], scale0);
    compare("scale gradient 1", cells * 2, g.scale[1], scale1);
    compare("offset gradient 0", cells * 2, g.offset[0], offset0);
    compare("offset gradient 1", cells * 2, g.offset[1], offset1);
    set_heads(heads, NULL);
    od_center_net_loss_values only;
    assert_int_equal(od_center_net_loss_run(&c, &t, heads, 2, &only, &err), OD_OK);
    assert_true(only.object_center == v.object_center && only.box_scale == v.box_scale);
    od_center_net_targets_deinit(&t);
}

static void test_losses_equal_the_od_api(void **state)
{
    (void)state;
    check_losses(usual, center_values, center_d_object_center_0, center_d_object_center_1, center_d_scale_0, center_d_scale_1, center_d_offset_0, center_d_offset_1);
    check_losses(odd, center_odd_values, center_odd_d_object_center_0, center_odd_d_object_center_1, center_odd_d_scale_0, center_odd_d_scale_1, center_odd_d_offset_0,
                 center_odd_d_offset_1);
}

static void test_heatmap(void **state)
{
    (void)state;
    od_center_net_config c = config_of(usual);
    const float boxes[12] = {0.1f, 0.1f, 0.9f, 0.6f, 0.5f, 0.5f, 0.5f, 0.5f, 1, 1, 1, 1};
    const int32_t ids[3] = {1, 0, 2};
    const od_groundtruth g = {.boxes = boxes, .classes = ids, .count = 3};
    const int64_t whole[1][2] = {{40, 40}};
    od_center_net_targets t = {0};
    assert_int_equal(od_center_net_targets_assign(&c, &g, whole, 1, 40, 40, &t, NULL), OD_OK);
    assert_true(t.height == 10 && t.width == 10 && t.instances == 3);
    assert_int_equal(t.box_count, 2); /* the last one's centre is on the far corner, outside every cell */
    assert_true(t.heatmap[(5 * 10 + 3) * 3 + 1] == 1.0f && t.heatmap[(5 * 10 + 5) * 3] == 1.0f);
    float sigma = od_center_net_sigma(8, 5, 0.6f);
    assert_true(fabsf(t.heatmap[(4 * 10 + 1) * 3 + 1] - expf(-5 / (2 * sigma * sigma))) < 1e-6f);
    assert_true(od_center_net_sigma(0, 0, 0.7f) == 1.0f / 6.0f); /* a box without area is one cell */
    assert_true(t.heatmap[(5 * 10 + 4) * 3] < 2e-8f);
    assert_true(t.boxes[0].height == 8 && fabsf(t.boxes[0].x_offset - 0.5f) < 1e-5f && t.boxes[0].cell == 53);
    od_center_net_targets_deinit(&t);
}

static void test_center_gradient_by_differences(void **state)
{
    (void)state;
    const od_penalty_focal_params p = {2, 4};
    float x[6] = {-2, 0.5f, 3, -1, 12, -12}, g[6];
    const float t[6] = {1, 1, 0.4f, 0, 0, 1}, w[6] = {1, 0.5f, 1, 2, 1, 1};
    od_loss_penalty_focal(&p, 6, x, t, w, 1, NULL, g);
    for (int i = 0; i < 6; i++) {
        float kept = x[i];
        x[i] = kept + 0.01f;
        double high = od_loss_penalty_focal(&p, 6, x, t, w, 1, NULL, NULL);
        x[i] = kept - 0.01f;
        double low = od_loss_penalty_focal(&p, 6, x, t, w, 1, NULL, NULL);
        x[i] = kept;
        if (fabs((high - low) / 0.02 - (double)g[i]) > 1e-3) fail_msg("element %d: slope %g, gradient %g", i, (high - low) / 0.02, (double)g[i]);
    }
    assert_true(g[4] == 0.0f && g[5] == 0.0f); /* clipped */
    x[0] = NAN;
    assert_true(isnan(od_loss_penalty_focal(&p, 6, x, t, w, 1, NULL, g)) && isnan(g[0]) && isfinite(g[1]));
}

static void test_detections_equal_the_od_api(void **state)
{
    (void)state;
    od_center_net_config c = config_of(usual);
    od_detections d = {0};
    od_error err = {0};
    assert_int_equal(od_center_net_postprocess(&c, 2, height, width, center_object_center_1, center_scale_1, center_offset_1, true_shapes, &d, &err), OD_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(d.count[i], center_found_count[i]);
        for (int k = 0; k < d.count[i]; k++) {
            int64_t row = i * 20 + k;
            assert_int_equal(d.classes[row], center_found_classes[row]);
            assert_true(fabsf(d.scores[row] - center_found_scores[row]) < 1e-6f);
            for (int j = 0; j < 4; j++) assert_true(fabsf(d.boxes[4 * row + j] - center_found_boxes[4 * row + j]) < 1e-6f);
        }
    }
    od_detections_deinit(&d);
}

static void test_suppression_of_peaks(void **state)
{
    (void)state;
    char text[1200];
    snprintf(text, sizeof text, "%s post_processing { batch_non_max_suppression { iou_threshold: 0.1 max_total_detections: 7 max_detections_per_class: 3 change_coordinate_frame: false } }", usual);
    od_center_net_config c = config_of(text), plain = config_of(usual);
    od_detections d = {0}, all = {0};
    assert_int_equal(od_center_net_postprocess(&c, 2, height, width, center_object_center_1, center_scale_1, center_offset_1, true_shapes, &d, NULL), OD_OK);
    assert_int_equal(od_center_net_postprocess(&plain, 2, height, width, center_object_center_1, center_scale_1, center_offset_1, true_shapes, &all, NULL), OD_OK);
    assert_int_equal(d.max, 7);
    assert_true(d.count[0] > 0 && d.count[0] <= 7 && d.count[0] < all.count[0]);
    int per_class[classes] = {0};
    for (int k = 0; k < d.count[0]; k++) {
        assert_true(++per_class[d.classes[k]] <= 3);
        int found = 0;
        for (int j = 0; j < all.count[0]; j++) found |= all.anchors[j] == d.anchors[k] && all.classes[j] == d.classes[k] && all.scores[j] == d.scores[k] && !memcmp(all.boxes + 4 * j, d.boxes + 4 * k, 16);
        assert_true(found);
    }
    od_detections_deinit(&d);
    od_detections_deinit(&all);
}

static const float *floats(const od_safetensors *st, const char *name)
{
    const od_safetensors_entry *e = od_safetensors_find(st, name);
    if (!e) fail_msg("%s is missing", name);
    return e->data;
}

static void test_golden_detections(void **state)
{
    (void)state;
    char path[512];
    od_error err = {0};
    od_config *config;
    od_safetensors *st;
    test_need_shared(path, "golden/centernet_resnet50_v2/pipeline.config");
    assert_int_equal(od_config_load(path, &config, &err), OD_OK);
    test_need_shared(path, "golden/centernet_resnet50_v2/forward.safetensors");
    assert_int_equal(od_safetensors_open(&st, path, &err), OD_OK);
    od_center_net_config c;
    assert_int_equal(od_center_net_config_init(&c, od_config_proto(config)->model->center_net, 4, &err), OD_OK);
    const int32_t *shapes = od_safetensors_find(st, "true_image_shapes")->data;
    int64_t sizes[4][2];
    for (int i = 0; i < 4; i++) sizes[i][0] = shapes[3 * i], sizes[i][1] = shapes[3 * i + 1];
    od_detections d = {0};
    assert_int_equal(od_center_net_postprocess(&c, 4, 32, 32, floats(st, "predict/object_center/0"), floats(st, "predict/box/scale/0"), floats(st, "predict/box/offset/0"),
                                               (const int64_t(*)[2])sizes, &d, &err), OD_OK);
    const int32_t *counts = od_safetensors_find(st, "detect/num_detections")->data, *ids = od_safetensors_find(st, "detect/detection_classes")->data;
    const float *boxes = floats(st, "detect/detection_boxes"), *scores = floats(st, "detect/detection_scores");
    for (int i = 0; i < 4; i++) {
        assert_int_equal(d.count[i], counts[i]);
        for (int k = 0; k < d.count[i]; k++) {
            int64_t row = 100 * i + k, partner = -1;
            for (int j = 0; j < counts[i] && partner < 0; j++) {
                int64_t r = 100 * i + j;
                int same = fabsf(d.scores[row] - scores[r]) <= 1e-6f && d.classes[row] == ids[r];
                for (int b = 0; b < 4; b++) same &= fabsf(d.boxes[4 * row + b] - boxes[4 * r + b]) <= 1e-5f;
                if (same) partner = r;
            }
            if (partner < 0) fail_msg("image %d, detection %d isn't in the fixture", i, k);
        }
        print_message("%d detections agree\n", d.count[i]);
    }
    od_detections_deinit(&d);
    od_safetensors_close(st);
    od_config_free(config);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct { const char *config; od_status status; const char *says; } bad[] = {
        {"", OD_ERR_CONFIG, "num_classes 0"},
        {"num_classes: 1", OD_ERR_UNSUPPORTED, "object_detection_task is missing"},
        {"num_classes: 1 object_detection_task { } keypoint_estimation_task { }", OD_ERR_UNSUPPORTED, "keypoint_estimation_task"},
        {"num_classes: 1 object_detection_task { } deepmac_mask_estimation { }", OD_ERR_UNSUPPORTED, "deepmac_mask_estimation"},
        {"num_classes: 1 object_detection_task { }", OD_ERR_UNSUPPORTED, "penalty_reduced_logistic_focal_loss"},
        {"num_classes: 1 object_detection_task { localization_loss { weighted_l2 { } } } object_center_params { classification_loss { penalty_reduced_logistic_focal_loss { } } }", OD_ERR_UNSUPPORTED, "l1_localization_loss"},
        {"num_classes: 1 object_detection_task { } object_center_params { min_box_overlap_iou: 1 classification_loss { penalty_reduced_logistic_focal_loss { } } }", OD_ERR_CONFIG, "min_box_overlap_iou 1"},
        {"num_classes: 1 object_detection_task { } object_center_params { max_box_predictions: 0 classification_loss { penalty_reduced_logistic_focal_loss { } } }", OD_ERR_CONFIG, "max_box_predictions 0"},
        {"num_classes: 1 object_detection_task { } object_center_params { use_labeled_classes: true classification_loss { penalty_reduced_logistic_focal_loss { } } }", OD_ERR_UNSUPPORTED, "use_labeled_classes"},
        {"num_classes: 1 object_detection_task { localization_loss { l1_localization_loss { } } } object_center_params { classification_loss { penalty_reduced_logistic_focal_loss { } } } post_processing { }", OD_ERR_CONFIG, "change_coordinate_frame"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        od_text_tree *tree;
        od_center_net_config c;
        od_error err = {0};
        assert_int_equal(od_center_net_config_init(&c, PARSE(center_net, bad[i].config, &tree), 4, &err), bad[i].status);
        if (!strstr(err.message, bad[i].says)) fail_msg("%s: %s", bad[i].config, err.message);
        od_text_tree_free(tree);
    }
    od_center_net_config c = config_of(usual);
    od_center_net_targets t = {0};
    od_error err = {0};
    const int32_t high[1] = {3};
    const od_groundtruth g = {.boxes = center_boxes_0, .classes = high, .count = 1};
    assert_int_equal(od_center_net_targets_assign(&c, &g, true_shapes, 1, 24, 32, &t, &err), OD_ERR_ARG);
    assert_int_equal(od_center_net_targets_assign(&c, &g, true_shapes, 0, 24, 32, &t, &err), OD_ERR_ARG);
    od_detections d = {0};
    assert_int_equal(od_center_net_postprocess(&c, 1, 1 << 20, 1 << 20, NULL, NULL, NULL, true_shapes, &d, &err), OD_ERR_ARG);
    od_center_net_targets_deinit(&t);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    od_center_net_config c = config_of(usual);
    c.suppress = 1;
    c.nms = (od_nms_params){0, 0.5f, 0, 10, 10, 0, 0, 0};
    od_center_net_targets t = {0};
    od_detections d = {0};
    od_center_net_head heads[2];
    od_center_net_loss_values v;
    set_heads(heads, NULL);
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_center_net_targets_assign(&c, truth, true_shapes, 2, 24, 32, &t, NULL));
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_center_net_loss_run(&c, &t, heads, 2, &v, NULL));
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_center_net_postprocess(&c, 1, height, width, center_object_center_1, center_scale_1, center_offset_1, true_shapes, &d, NULL));
    assert_true(d.count[0] > 0);
    od_detections_deinit(&d);
    od_center_net_targets_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_equal_the_od_api), cmocka_unit_test(test_heatmap), cmocka_unit_test(test_center_gradient_by_differences),
        cmocka_unit_test(test_detections_equal_the_od_api), cmocka_unit_test(test_suppression_of_peaks), cmocka_unit_test(test_golden_detections),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
