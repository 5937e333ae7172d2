/* SPDX-License-Identifier: Apache-2.0
 *
 * Matching and target assignment: every option against the OD API's results, and against a plain matrix on many anchors.
 */
#include "detection_support.h"
#include "oracle_matching.h"

#include "detection/box.h"
#include "detection/target_assigner.h"

static const char force[] = "argmax_matcher { matched_threshold: 0.4 unmatched_threshold: 0.2 force_match_for_each_row: true }";

static od_target_assigner_params params_of(const char *matcher, const char *similarity, od_class_scheme scheme)
{
    od_target_assigner_params p = {.scheme = scheme};
    od_text_tree *tree;
    od_error err = {0};
    if (od_matcher_init(&p.matcher, PARSE(matcher, matcher, &tree), &err) != OD_OK) fail_msg("%s", err.message);
    od_text_tree_free(tree);
    if (od_similarity_init(&p.similarity, PARSE(region_similarity_calculator, similarity, &tree), &err) != OD_OK) fail_msg("%s", err.message);
    od_text_tree_free(tree);
    p.coder = od_box_coder_default();
    return p;
}

static const od_class_scheme three_classes = {.num_classes = 3, .encode_background_as_zeros = 1, .negative_class_weight = 0.75f};

static void assign_table(const char *matcher, const char *similarity, od_targets *t, od_target_assigner **assigner)
{
    od_target_assigner_params p = params_of(matcher, similarity, three_classes);
    od_error err = {0};
    assert_int_equal(od_target_assigner_create(&p, match_anchors, 40, assigner, &err), OD_OK);
    const od_groundtruth truth = {.boxes = match_boxes, .classes = match_classes, .weights = match_weights, .count = 5};
    assert_int_equal(od_target_assigner_assign(*assigner, &truth, 1, t, &err), OD_OK);
}

static void test_matches_equal_the_od_api(void **state)
{
    (void)state;
    static const struct { const char *matcher, *similarity; const int32_t *expected; } all[] = {
        {"argmax_matcher { unmatched_threshold: 0.3 }", "iou_similarity { }", match_plain},
        {force, "iou_similarity { }", match_force},
        {"argmax_matcher { matched_threshold: 0.4 unmatched_threshold: 0.1 negatives_lower_than_unmatched: false }", "iou_similarity { }", match_between},
        {"argmax_matcher { ignore_thresholds: true }", "iou_similarity { }", match_nothresholds},
        {"argmax_matcher { matched_threshold: 0.6 unmatched_threshold: 0.2 force_match_for_each_row: true }", "ioa_similarity { }", match_ioa},
        {"argmax_matcher { matched_threshold: -0.1 unmatched_threshold: -0.3 force_match_for_each_row: true }", "neg_sq_dist_similarity { }", match_distance},
        {"argmax_matcher { force_match_for_each_row: true }", "thresholded_iou_similarity { iou_threshold: 0.2 }", match_thresholded},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        od_targets t = {0};
        od_target_assigner *assigner;
        assign_table(all[i].matcher, all[i].similarity, &t, &assigner);
        for (int k = 0; k < 40; k++)
            if (t.match[k] != all[i].expected[k]) fail_msg("%s %s: anchor %d matches %d, expected %d", all[i].matcher, all[i].similarity, k, t.match[k], all[i].expected[k]);
        od_targets_deinit(&t);
        od_target_assigner_free(assigner);
    }
}

static void test_targets_equal_the_od_api(void **state)
{
    (void)state;
    od_targets t = {0};
    od_target_assigner *assigner;
    assign_table(force, "iou_similarity { }", &t, &assigner);
    float classes[120], class_weights[120], codes[160], box_weights[40];
    od_targets_expand_classes(&t, 0, 0, 40, classes, class_weights);
    od_targets_expand_boxes(&t, 0, 0, 40, codes, box_weights);
    assert_memory_equal(classes, match_force_class, sizeof classes);
    assert_memory_equal(class_weights, match_force_class_weights, sizeof class_weights);
    assert_memory_equal(box_weights, match_force_box_weights, sizeof box_weights);
    double sum = 0;
    for (int i = 0; i < 160; i++) assert_true(relative_error((double)codes[i], (double)match_force_codes[i], 1) < 1e-6);
    for (int i = 0; i < 40; i++) sum += (double)box_weights[i];
    assert_true(t.box_weight_sum == sum);
    float part[9];
    od_targets_expand_classes(&t, 0, 7, 3, part, NULL);
    assert_memory_equal(part, classes + 21, sizeof part);
    od_targets_deinit(&t);
    od_target_assigner_free(assigner);
}

/* The definition, with the whole matrix. */
static void match_by_matrix(const od_matcher *m, const float *anchors, int64_t count, const od_groundtruth *g, int32_t *match)
{
    for (int64_t a = 0; a < count; a++) {
        float best = -1;
        match[a] = OD_MATCH_BACKGROUND;
        for (int64_t i = 0; i < g->count; i++) {
            float iou = od_box_iou(g->boxes + 4 * i, anchors + 4 * a);
            if (iou > best) best = iou, match[a] = (int32_t)i;
        }
        if (best < m->matched_threshold) match[a] = best < m->unmatched_threshold ? OD_MATCH_BACKGROUND : OD_MATCH_IGNORED;
    }
    for (int64_t i = g->count; i-- > 0;) {
        int64_t best = 0;
        for (int64_t a = 1; a < count; a++)
            if (od_box_iou(g->boxes + 4 * i, anchors + 4 * a) > od_box_iou(g->boxes + 4 * i, anchors + 4 * best)) best = a;
        if (g->weights[i] > 0) match[best] = (int32_t)i;
    }
}

static void test_blocks_equal_the_matrix(void **state)
{
    (void)state;
    enum { anchors = 3001, images = 5, most = 40 };
    float *a = malloc(sizeof(float) * 4 * anchors), boxes[images][most * 4], weights[images][most];
    int32_t classes[most] = {0}, *expected = malloc(sizeof *expected * anchors);
    assert_non_null(a);
    assert_non_null(expected);
    fill_boxes(a, anchors, 3, 0.3f);
    memcpy(a + 4 * 2000, a + 4 * 100, sizeof(float) * 4 * 50); /* ties between anchors of different blocks */
    od_groundtruth truth[images];
    const int64_t counts[images] = {0, 1, 7, most, 3};
    for (int i = 0; i < images; i++) {
        fill_boxes(boxes[i], most, (uint64_t)(20 + i), 0.3f);
        fill_uniform(weights[i], most, (uint64_t)(30 + i), 0.1f, 1);
        memcpy(boxes[i] + 4, a + 4 * 120, 16);
        memcpy(boxes[i] + 8, boxes[i] + 4, 16); /* two boxes alike */
        if (i == 3) weights[i][1] = 0;
        truth[i] = (od_groundtruth){.boxes = boxes[i], .classes = classes, .weights = weights[i], .count = counts[i]};
    }
    const float far[4] = {5, 5, 6, 6}, flat[4] = {0.3f, 0.2f, 0.3f, 0.6f};
    memcpy(boxes[2] + 16, far, 16);  /* IoU 0 with every anchor: takes anchor 0 */
    memcpy(boxes[3] + 20, flat, 16); /* so does a box without area */
    od_target_assigner_params p = params_of(force, "iou_similarity { }", three_classes);
    od_target_assigner *assigner;
    od_targets t = {0};
    od_error err = {0};
    assert_int_equal(od_target_assigner_create(&p, a, anchors, &assigner, &err), OD_OK);
    for (int again = 0; again < 2; again++) assert_int_equal(od_target_assigner_assign(assigner, truth, images, &t, &err), OD_OK);
    for (int i = 0; i < images; i++) {
        match_by_matrix(&p.matcher, a, anchors, &truth[i], expected);
        assert_memory_equal(t.match + i * anchors, expected, sizeof *expected * anchors);
    }
    assert_int_equal(t.match[2 * anchors], 4);
    assert_int_equal(t.match[3 * anchors], 5);
    od_targets_deinit(&t);
    od_target_assigner_free(assigner);
    free(a);
    free(expected);
}

static void test_class_rows(void **state)
{
    (void)state;
    static const struct { od_class_scheme scheme; float matched[3], unmatched[3]; } all[] = {
        {{2, 1, 1, 1, 0, 0}, {0, 0, 1}, {0, 0, 0}},
        {{2, 1, 0, 1, 0, 0}, {0, 0, 1}, {1, 0, 0}},
        {{2, 0, 1, 1, 0, 0}, {0, 1}, {0, 0}},
        {{2, 0, 0, 1, 0, 0}, {0, 1}, {1, 0}}, /* as the OD API has it: class 0 stands in for the background */
    };
    const float anchors[8] = {0, 0, 1, 1, 5, 5, 6, 6}, box[4] = {0, 0, 1, 1};
    const int32_t class_id = 1;
    const od_groundtruth truth = {.boxes = box, .classes = &class_id, .count = 1};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        od_target_assigner_params p = params_of("argmax_matcher { }", "iou_similarity { }", all[i].scheme);
        od_target_assigner *assigner;
        od_targets t = {0};
        od_error err = {0};
        assert_int_equal(od_target_assigner_create(&p, anchors, 2, &assigner, &err), OD_OK);
        assert_int_equal(od_target_assigner_assign(assigner, &truth, 1, &t, &err), OD_OK);
        int columns = od_class_scheme_columns(&all[i].scheme);
        float rows[6];
        od_targets_expand_classes(&t, 0, 0, 2, rows, NULL);
        assert_memory_equal(rows, all[i].matched, (size_t)columns * sizeof(float));
        assert_memory_equal(rows + columns, all[i].unmatched, (size_t)columns * sizeof(float));
        od_targets_deinit(&t);
        od_target_assigner_free(assigner);
    }
}

static void test_bad_ground_truth(void **state)
{
    (void)state;
    od_target_assigner_params p = params_of("argmax_matcher { }", "iou_similarity { }", three_classes);
    const float anchor[4] = {0, 0, 1, 1}, boxes[8] = {0, 0, 1, 1, 0, 0, NAN, 1}, weight[2] = {1, INFINITY};
    const int32_t good[2] = {0, 1}, high[1] = {3}, low[1] = {-1};
    od_target_assigner *assigner;
    od_targets t = {0};
    od_error err = {0};
    assert_int_equal(od_target_assigner_create(&p, anchor, 0, &assigner, &err), OD_ERR_ARG);
    assert_int_equal(od_target_assigner_create(&p, anchor, 1, &assigner, &err), OD_OK);
    const struct { od_groundtruth truth; od_status status; const char *says; } bad[] = {
        {{.boxes = boxes, .classes = high, .count = 1}, OD_ERR_ARG, "class 4, but num_classes is 3"},
        {{.boxes = boxes, .classes = low, .count = 1}, OD_ERR_ARG, "class 0"},
        {{.boxes = boxes, .classes = good, .count = 2}, OD_ERR_NAN, "box 1"},
        {{.boxes = boxes, .classes = good, .weights = weight + 1, .count = 1}, OD_ERR_NAN, "box 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(od_target_assigner_assign(assigner, &bad[i].truth, 1, &t, &err), bad[i].status);
        if (!strstr(err.message, bad[i].says)) fail_msg("%s", err.message);
    }
    assert_int_equal(od_target_assigner_assign(assigner, &bad[0].truth, 0, &t, &err), OD_ERR_ARG);
    od_targets_deinit(&t);
    od_target_assigner_free(assigner);
    od_target_assigner_free(NULL);
}

static void test_bad_configs(void **state)
{
    (void)state;
    static const struct { const char *config; od_status status; const char *says; } bad[] = {
        {"", OD_ERR_CONFIG, "empty"},
        {"bipartite_matcher { }", OD_ERR_UNSUPPORTED, "bipartite_matcher"},
        {"argmax_matcher { matched_threshold: 0.3 }", OD_ERR_CONFIG, "unmatched_threshold 0.5 is above"},
        {"argmax_matcher { negatives_lower_than_unmatched: false }", OD_ERR_CONFIG, "different thresholds"},
    };
    od_matcher m;
    od_similarity s;
    od_error err = {0};
    od_text_tree *tree;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(od_matcher_init(&m, PARSE(matcher, bad[i].config, &tree), &err), bad[i].status);
        assert_non_null(strstr(err.message, bad[i].says));
        od_text_tree_free(tree);
    }
    assert_int_equal(od_matcher_init(&m, PARSE(matcher, "argmax_matcher { matched_threshold: 0.3 ignore_thresholds: true }", &tree), &err), OD_OK);
    od_text_tree_free(tree);
    assert_int_equal(od_similarity_init(&s, NULL, &err), OD_ERR_CONFIG);
    assert_int_equal(od_similarity_init(&s, PARSE(region_similarity_calculator, "", &tree), &err), OD_ERR_CONFIG);
    od_text_tree_free(tree);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    od_target_assigner_params p = params_of(force, "thresholded_iou_similarity { }", three_classes);
    od_target_assigner *assigner;
    od_error err = {0};
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_target_assigner_create(&p, match_anchors, 40, &assigner, &err));
    const od_groundtruth truth = {.boxes = match_boxes, .classes = match_classes, .weights = match_weights, .count = 5};
    od_targets t = {0};
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_target_assigner_assign(assigner, &truth, 1, &t, &err));
    od_targets_deinit(&t);
    od_target_assigner_free(assigner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches_equal_the_od_api), cmocka_unit_test(test_targets_equal_the_od_api), cmocka_unit_test(test_blocks_equal_the_matrix),
        cmocka_unit_test(test_class_rows), cmocka_unit_test(test_bad_ground_truth), cmocka_unit_test(test_bad_configs), cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
