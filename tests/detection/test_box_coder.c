/* SPDX-License-Identifier: Apache-2.0
 *
 * Boxes and box coders: the OD API's numbers, decode after encode, boxes without area, what is refused.
 */
#include "detection_support.h"
#include "oracle_box_coders.h"

#include "detection/box.h"
#include "util/points.h"
#include "detection/box_coder.h"

static void test_box_operations(void **state)
{
    (void)state;
    const float a[4] = {0, 0, 2, 2}, b[4] = {1, 1, 3, 3}, c[4] = {2, 0, 3, 2}, flat[4] = {1, 1, 1, 2}, swapped[4] = {3, 3, 1, 1};
    assert_true(od_box_intersection(a, b) == 1.0f && od_box_iou(a, b) == 1.0f / 7.0f);
    assert_true(od_box_iou(a, c) == 0.0f && od_box_iou(a, flat) == 0.0f && od_box_iou(flat, flat) == 0.0f);
    assert_true(od_box_iou_suppression(a, swapped) == 1.0f / 7.0f && od_box_iou_suppression(flat, a) == 0.0f);
    const float window[4] = {0.5f, 0.5f, 2.5f, 1.5f};
    float clipped[4] = {0, 1, 3, 3}, outside[4] = {3, 3, 4, 4};
    od_box_clip(clipped, window);
    const float expected[4] = {0.5f, 1, 2.5f, 1.5f};
    assert_memory_equal(clipped, expected, sizeof expected);
    od_box_clip(outside, window);
    assert_true(od_box_area(outside) == 0.0f);
    od_points_change_frame(clipped, 2, window);
    const float framed[4] = {0, 0.5f, 1, 1};
    assert_memory_equal(clipped, framed, sizeof framed);
}

static void check_coder(const char *config, const float *codes, const float *decoded)
{
    od_text_tree *tree;
    od_error err = {0};
    od_box_coder coder;
    assert_int_equal(od_box_coder_init(&coder, PARSE(box_coder, config, &tree), &err), OD_OK);
    od_text_tree_free(tree);
    float ours[20], back[20];
    int n = 5 * coder.code_size;
    od_box_coder_encode(&coder, 5, coder_boxes, coder_anchors, ours);
    for (int i = 0; i < n; i++) {
        if (relative_error((double)ours[i], (double)codes[i], 1) > 1e-6) fail_msg("%s: code %d is %g, expected %g", config, i, (double)ours[i], (double)codes[i]);
        ours[i] = fminf(fmaxf(codes[i], -20), 20);
    }
    od_box_coder_decode(&coder, 5, ours, coder_anchors, back);
    for (int i = 0; i < 20; i++)
        if (relative_error((double)back[i], (double)decoded[i], 1) > 1e-6) fail_msg("%s: decoded %d is %g, expected %g", config, i, (double)back[i], (double)decoded[i]);
}

static void test_coders_equal_the_od_api(void **state)
{
    (void)state;
    check_coder("faster_rcnn_box_coder { }", coder_faster_codes, coder_faster_decoded);
    check_coder("mean_stddev_box_coder { stddev: 0.1 }", coder_stddev_codes, coder_stddev_decoded);
    check_coder("square_box_coder { x_scale: 9 }", coder_square_codes, coder_square_decoded);
}

static void test_decode_inverts_encode(void **state)
{
    (void)state;
    enum { n = 200 };
    float boxes[n * 4], anchors[n * 4], codes[n * 4], back[n * 4];
    fill_boxes(boxes, n, 1, 0.6f);
    fill_boxes(anchors, n, 2, 0.6f);
    od_box_coder coder = od_box_coder_default();
    od_box_coder_encode(&coder, n, boxes, anchors, codes);
    od_box_coder_decode(&coder, n, codes, anchors, back);
    for (int i = 0; i < 4 * n; i++) assert_true(fabsf(back[i] - boxes[i]) < 1e-6f);
}

static void test_extreme_boxes(void **state)
{
    (void)state;
    od_box_coder coder = od_box_coder_default();
    const float anchor[4] = {0, 0, 0.5f, 0.5f}, flat[4] = {0.1f, 0.1f, 0.1f, 0.4f}, inverted[4] = {0.4f, 0.1f, 0.1f, 0.4f};
    float code[4], box[4];
    od_box_coder_encode(&coder, 1, flat, anchor, code);
    assert_true(fabsf(code[2] - 5 * logf(1e-8f / 0.5f)) < 1e-4f && isfinite(code[0] + code[1] + code[3]));
    od_box_coder_encode(&coder, 1, inverted, anchor, code);
    assert_true(isnan(code[2]) && isfinite(code[3]));
    const float huge[4] = {0, 0, 1000, 0}, bad[4] = {0, NAN, 0, 0};
    od_box_coder_decode(&coder, 1, huge, anchor, box);
    assert_true(box[0] == -INFINITY && box[2] == INFINITY && box[1] == 0.0f && box[3] == 0.5f);
    od_box_coder_decode(&coder, 1, bad, anchor, box);
    assert_true(isnan(box[1]) && isnan(box[3]) && box[0] == 0.0f);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct { const char *config; od_status status; const char *says; } bad[] = {
        {"", OD_ERR_CONFIG, "empty"},
        {"keypoint_box_coder { }", OD_ERR_CONFIG, "keypoint_box_coder: num_keypoints is 0; expected 1 to 1000"},
        {"faster_rcnn_box_coder { height_scale: 0 }", OD_ERR_CONFIG, "scale 0"},
        {"square_box_coder { length_scale: -1 }", OD_ERR_CONFIG, "scale -1"},
        {"mean_stddev_box_coder { stddev: nan }", OD_ERR_CONFIG, "mean_stddev_box_coder: scale nan"},
    };
    od_box_coder coder;
    od_error err = {0};
    assert_int_equal(od_box_coder_init(&coder, NULL, &err), OD_ERR_CONFIG);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        od_text_tree *tree;
        assert_int_equal(od_box_coder_init(&coder, PARSE(box_coder, bad[i].config, &tree), &err), bad[i].status);
        assert_non_null(strstr(err.message, bad[i].says));
        od_text_tree_free(tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_box_operations), cmocka_unit_test(test_coders_equal_the_od_api), cmocka_unit_test(test_decode_inverts_encode),
        cmocka_unit_test(test_extreme_boxes), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
