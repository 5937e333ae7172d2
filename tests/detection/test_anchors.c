/* SPDX-License-Identifier: Apache-2.0
 *
 * Each anchor generator against the OD API's numbers (oracle_anchors.h); configs and sizes that no generator accepts.
 */
#include "detection_support.h"
#include "oracle_anchors.h"

#include "detection/anchors.h"

static od_anchors *create(const char *config, const int64_t (*shapes)[2], int levels, int64_t height, int64_t width, int varies)
{
    od_text_tree *tree;
    od_anchors *a = NULL;
    od_error err = {0};
    if (od_anchors_create(PARSE(anchor_generator, config, &tree), shapes, levels, height, width, varies, &a, &err) != OD_OK) fail_msg("%s", err.message);
    od_text_tree_free(tree);
    return a;
}

static void compare(od_anchors *a, const float *expected, size_t floats)
{
    assert_int_equal(a->count * 4, floats);
    for (size_t i = 0; i < floats; i++)
        if (relative_error((double)a->boxes[i], (double)expected[i], 1) > 1.3e-7)
            fail_msg("anchor %zu, coordinate %zu: %.9g, expected %.9g", i / 4, i % 4, (double)a->boxes[i], (double)expected[i]);
    od_anchors_free(a);
}

#define COMPARE(anchors, table) compare(anchors, table, sizeof table / sizeof *table)

static const char ssd_strided[] =
    "ssd_anchor_generator { num_layers: 3 aspect_ratios: 1 aspect_ratios: 2 aspect_ratios: 0.3333 base_anchor_height: 0.9 reduce_boxes_in_lowest_layer: false "
    "height_stride: 16 height_stride: 32 height_stride: 64 width_stride: 20 width_stride: 40 width_stride: 80 "
    "height_offset: 8 height_offset: 16 height_offset: 0 width_offset: 10 width_offset: 20 width_offset: 0 }";

static void test_generators_equal_the_od_api(void **state)
{
    (void)state;
    const int64_t three[3][2] = {{3, 2}, {2, 1}, {1, 1}}, two[2][2] = {{2, 2}, {1, 2}}, levels[2][2] = {{4, 3}, {2, 2}}, one[1][2] = {{2, 3}};
    COMPARE(create(ssd_strided, three, 3, 60, 90, 0), anchors_ssd);
    COMPARE(create("ssd_anchor_generator { num_layers: 2 scales: 0.3 scales: 0.7 aspect_ratios: 1 aspect_ratios: 2 interpolated_scale_aspect_ratio: 0 }", two, 2, 300, 200, 0),
            anchors_ssd_scales);
    COMPARE(create("multiscale_anchor_generator { min_level: 4 max_level: 5 anchor_scale: 3 aspect_ratios: 1 aspect_ratios: 2.3 scales_per_octave: 3 }", levels, 2, 50, 64, 0),
            anchors_multiscale);
    COMPARE(create("grid_anchor_generator { height: 256 width: 200 height_stride: 16 width_stride: 8 height_offset: 3 width_offset: 4 scales: 0.25 scales: 2 aspect_ratios: 0.5 aspect_ratios: 1 }",
                   one, 1, 50, 50, 0), anchors_grid);
    COMPARE(create("flexible_grid_anchor_generator { anchor_grid { base_sizes: 30 base_sizes: 50 aspect_ratios: 1 aspect_ratios: 2 height_stride: 16 width_stride: 16 height_offset: 8 width_offset: 8 } "
                   "anchor_grid { base_sizes: 90 aspect_ratios: 0.5 height_stride: 32 width_stride: 32 } }", two, 2, 64, 48, 0), anchors_flexible);
}

static void test_multiscale_centres(void **state)
{
    (void)state;
    const char *config = "multiscale_anchor_generator { min_level: 5 max_level: 5 anchor_scale: 1 aspect_ratios: 1 scales_per_octave: 1 %s }";
    const int64_t map[1][2] = {{2, 2}};
    char text[300];
    snprintf(text, sizeof text, config, "normalize_coordinates: false");
    od_anchors *fixed = create(text, map, 1, 64, 48, 0), *varying = create(text, map, 1, 64, 48, 1);
    const float first_fixed[4] = {0, -16, 32, 16}, first_varying[4] = {0, 0, 32, 32}; /* 64 is a multiple of 32, 48 isn't */
    assert_memory_equal(fixed->boxes, first_fixed, sizeof first_fixed);
    assert_memory_equal(varying->boxes, first_varying, sizeof first_varying);
    assert_int_equal(fixed->level_first[0], 0);
    assert_int_equal(fixed->level_first[1], 4);
    od_anchors_free(fixed);
    od_anchors_free(varying);
}

static void test_per_location(void **state)
{
    (void)state;
    od_text_tree *tree;
    od_error err = {0};
    const ObjectDetection__Protos__AnchorGenerator *g = PARSE(anchor_generator, "ssd_anchor_generator { aspect_ratios: 1 aspect_ratios: 2 }", &tree);
    int count = 0, levels = 0;
    assert_int_equal(od_anchors_levels(g, &levels, &err), OD_OK);
    assert_int_equal(levels, 6);
    assert_int_equal(od_anchors_per_location(g, 0, &count, &err), OD_OK);
    assert_int_equal(count, 3); /* the lowest layer is reduced */
    assert_int_equal(od_anchors_per_location(g, 5, &count, &err), OD_OK);
    assert_int_equal(count, 3); /* two ratios and the interpolated scale */
    assert_int_equal(od_anchors_per_location(g, 6, &count, &err), OD_ERR_ARG);
    od_text_tree_free(tree);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct { const char *config, *says; } bad[] = {
        {"", "empty"},
        {"multiscale_anchor_generator { }", "no anchors a location"},
        {"multiscale_anchor_generator { aspect_ratios: 0 }", "aspect ratio 0"},
        {"multiscale_anchor_generator { aspect_ratios: nan }", "aspect ratio nan"},
        {"multiscale_anchor_generator { aspect_ratios: 1 scales_per_octave: 0 }", "scales_per_octave 0"},
        {"multiscale_anchor_generator { aspect_ratios: 1 min_level: 60 max_level: 60 }", "levels 60"},
        {"multiscale_anchor_generator { aspect_ratios: 1 min_level: 7 max_level: 3 }", "feature maps"},
        {"multiscale_anchor_generator { aspect_ratios: 1 max_level: 2147483647 min_level: -2147483648 }", "feature maps"},
        {"ssd_anchor_generator { num_layers: 1 aspect_ratios: 1 }", "num_layers 1"},
        {"ssd_anchor_generator { num_layers: 1 scales: 0.1 interpolated_scale_aspect_ratio: 0 reduce_boxes_in_lowest_layer: false }", "no anchors"},
        {"ssd_anchor_generator { num_layers: 3 scales: 0.1 aspect_ratios: 1 }", "1 scales for num_layers 3"},
        {"ssd_anchor_generator { num_layers: 2 aspect_ratios: 1 height_stride: 8 width_stride: 8 }", "height_stride"},
        {"ssd_anchor_generator { num_layers: 2 aspect_ratios: 1 height_offset: 8 height_offset: 8 width_offset: 8 }", "1 of width_offset"},
        {"flexible_grid_anchor_generator { }", "feature maps"},
        {"flexible_grid_anchor_generator { anchor_grid { base_sizes: 1 } }", "1 base_sizes and 0 aspect_ratios"},
        {"grid_anchor_generator { scales: 1 }", "no anchors"},
    };
    const int64_t shapes[6][2] = {{2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        od_text_tree *tree;
        od_error err = {0};
        od_anchors *a = NULL;
        const ObjectDetection__Protos__AnchorGenerator *g = PARSE(anchor_generator, bad[i].config, &tree);
        int levels = 1;
        od_status status = od_anchors_levels(g, &levels, &err);
        if (status == OD_OK) status = od_anchors_create(g, shapes, levels, 64, 64, 0, &a, &err);
        assert_int_equal(status, OD_ERR_CONFIG);
        assert_null(a);
        if (!strstr(err.message, bad[i].says)) fail_msg("%s: %s", bad[i].config, err.message);
        od_text_tree_free(tree);
    }
}

static void test_bad_shapes_and_memory(void **state)
{
    (void)state;
    od_text_tree *tree;
    od_error err = {0};
    od_anchors *a = NULL;
    const ObjectDetection__Protos__AnchorGenerator *g = PARSE(anchor_generator, "multiscale_anchor_generator { min_level: 3 max_level: 4 aspect_ratios: 1 }", &tree);
    const int64_t good[2][2] = {{2, 2}, {1, 1}}, empty[2][2] = {{2, 2}, {0, 1}}, huge[2][2] = {{1 << 20, 1 << 20}, {1, 1}};
    assert_int_equal(od_anchors_create(NULL, good, 2, 16, 16, 0, &a, &err), OD_ERR_CONFIG);
    assert_int_equal(od_anchors_create(g, good, 1, 16, 16, 0, &a, &err), OD_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "for 2 feature maps, the feature extractor gives 1"));
    assert_int_equal(od_anchors_create(g, empty, 2, 16, 16, 0, &a, &err), OD_ERR_ARG);
    assert_int_equal(od_anchors_create(g, huge, 2, 16, 16, 0, &a, &err), OD_ERR_ARG);
    assert_int_equal(od_anchors_create(g, good, 2, 0, 16, 0, &a, &err), OD_ERR_ARG);
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_anchors_create(g, good, 2, 16, 16, 0, &a, &err));
    assert_int_equal(a->count, 10);
    od_anchors_free(a);
    od_anchors_free(NULL);
    od_text_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generators_equal_the_od_api), cmocka_unit_test(test_multiscale_centres), cmocka_unit_test(test_per_location),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_bad_shapes_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
