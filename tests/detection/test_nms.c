/* SPDX-License-Identifier: Apache-2.0
 *
 * Non-max suppression against the OD API's results (ties, soft, class-agnostic, windows, a box a class), against the plain
 * algorithm on sizes that need several instalments, and hard-example mining.
 */
#include "detection_support.h"
#include "oracle_matching.h"
#include "oracle_nms.h"

#include "detection/box.h"
#include "detection/hard_example_miner.h"
#include "detection/multiclass_nms.h"
#include "detection/nms.h"
#include "detection/postprocess.h"

typedef struct expectation {
    const char *name;
    od_nms_params p;
    int boxes_each;
    float window[4];
    const float *boxes, *scores;
    const int32_t *classes, *index;
    int count;
} expectation;

#define EXPECT(name, each, ...) \
    {#name, {__VA_ARGS__}, each, {0, 0, 1, 1}, nms_##name##_boxes, nms_##name##_scores, nms_##name##_classes, nms_##name##_index, sizeof nms_##name##_scores / 4}

static void check_expectation(const expectation *e, const float window[4])
{
    od_nms_input in = {60, 3, nms_scores, 3, e->boxes_each == 1 ? nms_boxes : nms_class_boxes, e->boxes_each, NULL, NULL, {window[0], window[1], window[2], window[3]}};
    float boxes[120], scores[30];
    int32_t classes[30], index[30];
    od_nms_output out = {boxes, scores, classes, index, 0};
    od_error err = {0};
    assert_int_equal(od_multiclass_nms(&e->p, &in, &out, &err), OD_OK);
    if (out.count != e->count) fail_msg("%s: %d detections, expected %d", e->name, out.count, e->count);
    for (int i = 0; i < e->count; i++) {
        if (classes[i] != e->classes[i] || index[i] != e->index[i] || fabsf(scores[i] - e->scores[i]) > 1e-6f)
            fail_msg("%s: row %d is box %d, class %d, score %g; expected %d, %d, %g", e->name, i, index[i], classes[i], (double)scores[i], e->index[i], e->classes[i], (double)e->scores[i]);
        for (int k = 0; k < 4; k++) assert_true(fabsf(boxes[4 * i + k] - e->boxes[4 * i + k]) < 1e-6f);
    }
}

static void test_equals_the_od_api(void **state)
{
    (void)state;
    const expectation all[] = {
        EXPECT(hard, 1, 0.05f, 0.5f, 0, 20, 30, 0, 1, 0),
        EXPECT(few, 1, 0.05f, 0.5f, 0, 2, 4, 0, 1, 0),
        EXPECT(threshold, 1, 0.6f, 0.3f, 0, 20, 30, 0, 1, 0),
        EXPECT(soft, 1, 0.2f, 0.5f, 0.3f, 20, 30, 0, 1, 0),
        EXPECT(agnostic, 1, 0.05f, 0.5f, 0, 20, 30, 1, 1, 0),
        EXPECT(perclass, 3, 0.05f, 0.5f, 0, 20, 30, 0, 1, 0),
        EXPECT(agnostic_perclass, 3, 0.05f, 0.5f, 0, 20, 30, 1, 1, 0),
        EXPECT(static, 1, 0.5f, 0.5f, 0, 20, 30, 0, 1, 0),
    };
    const float whole[4] = {0, 0, 1, 1}, window[4] = {0.1f, 0.2f, 0.7f, 0.8f};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) check_expectation(&all[i], whole);
    const expectation framed = EXPECT(window, 1, 0.05f, 0.5f, 0, 20, 30, 0, 1, 0), kept = EXPECT(keepframe, 1, 0.05f, 0.5f, 0, 20, 30, 0, 0, 0);
    check_expectation(&framed, window);
    check_expectation(&kept, window);
}

/* One class by the definition; returns how many of order[] (box indices) were kept. */
static int plain_nms(int n, const float *boxes, const float *scores, int stride, float score_threshold, float iou_threshold, int most, int *kept)
{
    int count = 0;
    char *gone = calloc((size_t)n, 1);
    assert_non_null(gone);
    while (count < most) {
        int best = -1;
        for (int i = 0; i < n; i++)
            if (!gone[i] && scores[i * stride] > score_threshold && (best < 0 || scores[i * stride] > scores[best * stride])) best = i;
        if (best < 0) break;
        gone[best] = 1;
        int keep = 1;
        for (int k = 0; k < count; k++) keep = keep && !(od_box_iou_suppression(boxes + 4 * best, boxes + 4 * kept[k]) > iou_threshold);
        if (keep) kept[count++] = best;
    }
    free(gone);
    return count;
}

typedef struct row {
    float score;
    int class_id, box;
} row;

static int by_score(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    if (x->class_id != y->class_id) return x->class_id - y->class_id;
    return x->box - y->box;
}

static void compare_with_plain(int n, int classes, float step, const od_nms_params *p, float side)
{
    float *boxes = malloc(sizeof(float) * 4 * (size_t)n), *scores = malloc(sizeof(float) * (size_t)(n * classes));
    row *rows = malloc(sizeof *rows * (size_t)(classes * p->max_per_class));
    int *kept = malloc(sizeof *kept * (size_t)p->max_per_class), total = 0;
    assert_true(boxes && scores && rows && kept);
    fill_boxes(boxes, n, (uint64_t)n, side);
    fill_uniform(scores, n * classes, 5, 0, 1);
    for (int i = 0; i < n * classes; i++) scores[i] = step > 0 ? floorf(scores[i] / step) * step : scores[i] * scores[i];
    scores[7] = NAN;
    for (int c = 0; c < classes; c++) {
        int count = plain_nms(n, boxes, scores + c, classes, p->score_threshold, p->iou_threshold, p->max_per_class, kept);
        for (int k = 0; k < count; k++) {
            float clipped[4];
            const float window[4] = {0, 0, 1, 1};
            memcpy(clipped, boxes + 4 * kept[k], sizeof clipped);
            od_box_clip(clipped, window);
            if (od_box_area(clipped) > 0) rows[total++] = (row){scores[kept[k] * classes + c], c, kept[k]};
        }
    }
    qsort(rows, (size_t)total, sizeof *rows, by_score);
    int expected = total < p->max_total ? total : p->max_total;
    od_nms_input in = {n, classes, scores, classes, boxes, 1, NULL, NULL, {0, 0, 1, 1}};
    od_nms_output out = {malloc(sizeof(float) * 4 * (size_t)p->max_total), malloc(sizeof(float) * (size_t)p->max_total),
                         malloc(sizeof(int32_t) * (size_t)p->max_total), malloc(sizeof(int32_t) * (size_t)p->max_total), 0};
    assert_int_equal(od_multiclass_nms(p, &in, &out, NULL), OD_OK);
    assert_int_equal(out.count, expected);
    for (int i = 0; i < expected; i++) {
        assert_int_equal(out.anchors[i], rows[i].box);
        assert_int_equal(out.classes[i], rows[i].class_id);
        assert_true(out.scores[i] == rows[i].score);
    }
    free(out.boxes);
    free(out.scores);
    free(out.classes);
    free(out.anchors);
    free(boxes);
    free(scores);
    free(rows);
    free(kept);
}

static void test_equals_the_plain_algorithm(void **state)
{
    (void)state;
    const od_nms_params usual = {1e-8f, 0.6f, 0, 100, 100, 0, 1, 0}, all = {0.1f, 0.4f, 0, 400, 2000, 0, 1, 0}, strict = {0.9f, 0, 0, 50, 50, 0, 1, 0};
    compare_with_plain(12000, 2, 0, &usual, 0.3f);
    compare_with_plain(12000, 1, 1 / 64.0f, &usual, 0.3f); /* ties by the hundred */
    compare_with_plain(12000, 1, 2, &usual, 0.3f);         /* every score is 0: none above the threshold */
    compare_with_plain(4000, 5, 0, &all, 0.2f);            /* more kept than the first instalment may hold */
    compare_with_plain(9000, 2, 0, &usual, 3);             /* nearly everything suppressed: several instalments */
    compare_with_plain(3000, 3, 0, &strict, 0.2f);
}

static void test_empty_and_odd_input(void **state)
{
    (void)state;
    const od_nms_params p = {-1, 0.5f, 0, 10, 10, 0, 1, 0};
    float boxes[16] = {0, 0, 1, 1, 0, 0, 1, 1, 0.2f, 0.2f, 0.2f, 0.9f, 0.9f, 0.9f, 0.1f, 0.1f}, scores[4] = {NAN, -0.5f, 0.3f, 0};
    float out_boxes[40], out_scores[10];
    int32_t classes[10];
    od_nms_output out = {out_boxes, out_scores, classes, NULL, 7};
    od_nms_input in = {0, 1, scores, 1, boxes, 1, NULL, NULL, {0, 0, 1, 1}};
    assert_int_equal(od_multiclass_nms(&p, &in, &out, NULL), OD_OK);
    assert_int_equal(out.count, 0);
    in.count = 4; /* NaN, negative score, no area: dropped; inverted corners stay as they are, their area is positive */
    assert_int_equal(od_multiclass_nms(&p, &in, &out, NULL), OD_OK);
    assert_int_equal(out.count, 1);
    assert_true(out_scores[0] == 0.0f && out_boxes[0] == 0.9f && out_boxes[2] == 0.1f);
    scores[0] = INFINITY; /* now box 0 suppresses it: corners are put in order for the overlap, 0.64 */
    assert_int_equal(od_multiclass_nms(&p, &in, &out, NULL), OD_OK);
    assert_int_equal(out.count, 1);
    assert_true(out_scores[0] == INFINITY && out_boxes[0] == 0.0f && out_boxes[2] == 1.0f);
}

static void test_codes_are_decoded(void **state)
{
    (void)state;
    od_box_coder coder = od_box_coder_default();
    float codes[160], boxes[120], scores[30];
    int32_t classes[30], index[30];
    od_box_coder_encode(&coder, 40, nms_boxes, match_anchors, codes);
    const od_nms_params p = {0.05f, 0.5f, 0, 20, 30, 0, 1, 0};
    od_nms_input in = {40, 3, nms_scores, 3, codes, 1, &coder, match_anchors, {0, 0, 1, 1}}, plain = {40, 3, nms_scores, 3, nms_boxes, 1, NULL, NULL, {0, 0, 1, 1}};
    od_nms_output out = {boxes, scores, classes, index, 0};
    float boxes2[120], scores2[30];
    int32_t classes2[30], index2[30];
    od_nms_output out2 = {boxes2, scores2, classes2, index2, 0};
    assert_int_equal(od_multiclass_nms(&p, &in, &out, NULL), OD_OK);
    assert_int_equal(od_multiclass_nms(&p, &plain, &out2, NULL), OD_OK);
    assert_int_equal(out.count, out2.count);
    for (int i = 0; i < out.count; i++) {
        assert_int_equal(index[i], index2[i]);
        for (int k = 0; k < 4; k++) assert_true(fabsf(boxes[4 * i + k] - boxes2[4 * i + k]) < 2e-6f);
    }
}

static void check_miner(const char *name, const char *config, float class_weight, float box_weight, const int32_t *expected, const float *sums)
{
    od_text_tree *tree;
    od_hard_example_miner miner;
    od_error err = {0};
    assert_int_equal(od_hard_example_miner_init(&miner, PARSE(hard_example_miner, config, &tree), class_weight, box_weight, &err), OD_OK);
    od_text_tree_free(tree);
    uint8_t keep[50];
    assert_int_equal(od_hard_example_miner_select(&miner, 50, mine_boxes, mine_class_losses, mine_box_losses, mine_match, keep, &err), OD_OK);
    double box = 0, cls = 0;
    for (int i = 0; i < 50; i++) {
        if (keep[i] != expected[i]) fail_msg("%s: anchor %d", name, i);
        box += keep[i] ? (double)mine_box_losses[i] : 0;
        cls += keep[i] ? (double)mine_class_losses[i] : 0;
    }
    assert_true(relative_error(box, (double)sums[0], 1) < 1e-6 && relative_error(cls, (double)sums[1], 1) < 1e-6);
}

static void test_mining_equals_the_od_api(void **state)
{
    (void)state;
    check_miner("both", "num_hard_examples: 20 max_negatives_per_positive: 2 min_negatives_per_image: 3", 1, 0.5f, mine_both, mine_both_sums);
    check_miner("cls", "num_hard_examples: 20 loss_type: CLASSIFICATION max_negatives_per_positive: 1", 1, 0.5f, mine_cls, mine_cls_sums);
    check_miner("loc", "num_hard_examples: 12 loss_type: LOCALIZATION", 1, 0.5f, mine_loc, mine_loc_sums);
    check_miner("all", "num_hard_examples: 0 iou_threshold: 0.3 max_negatives_per_positive: 3", 1, 0.5f, mine_all, mine_all_sums);
}

static void test_settings(void **state)
{
    (void)state;
    static const struct { const char *config; od_status status; const char *says; } bad[] = {
        {"iou_threshold: 1.5", OD_ERR_CONFIG, "iou_threshold 1.5"},
        {"max_detections_per_class: 200", OD_ERR_CONFIG, "max_detections_per_class 200"},
        {"max_detections_per_class: 0", OD_ERR_CONFIG, "max_detections_per_class 0"},
        {"max_total_detections: 2000000000", OD_ERR_CONFIG, "2000000000"},
        {"soft_nms_sigma: -1", OD_ERR_CONFIG, "soft_nms_sigma -1"},
        {"soft_nms_sigma: 0.5 use_hard_nms: true", OD_ERR_CONFIG, "use_hard_nms"},
        {"use_class_agnostic_nms: true max_classes_per_detection: 2", OD_ERR_CONFIG, "max_classes_per_detection 2"},
        {"use_combined_nms: true", OD_ERR_CONFIG, "use_combined_nms"},
    };
    od_nms_params p;
    od_error err = {0};
    od_text_tree *tree;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(od_nms_params_init(&p, PARSE(batch_non_max_suppression, bad[i].config, &tree), &err), bad[i].status);
        if (!strstr(err.message, bad[i].says)) fail_msg("%s", err.message);
        od_text_tree_free(tree);
    }
    assert_int_equal(od_nms_params_init(&p, NULL, &err), OD_OK);
    assert_true(p.score_threshold == 0 && p.iou_threshold == 0.6f && p.max_per_class == 100 && p.max_total == 100 && p.change_frame);
    od_score_converter converter;
    static const char *const refused[] = {"logit_scale: 0", "calibration_config { }"};
    for (int i = 0; i < 2; i++) {
        assert_int_not_equal(od_score_converter_init(&converter, PARSE(post_processing, refused[i], &tree), &err), OD_OK);
        od_text_tree_free(tree);
    }
}

static void test_score_conversion(void **state)
{
    (void)state;
    const float logits[6] = {0, 2, -4, 1000, 1000, -INFINITY};
    float scores[6];
    const od_score_converter sigmoid = {OD_SCORE_SIGMOID, 0.5f, 1, NULL}, softmax = {OD_SCORE_SOFTMAX, 1, 1, NULL}, identity = {OD_SCORE_IDENTITY, 2, 1, NULL};
    od_score_converter_apply(&sigmoid, 2, 3, logits, scores);
    for (int i = 0; i < 6; i++) assert_true(fabs((double)scores[i] - 1 / (1 + exp(-(double)logits[i] / 2))) < 1e-7);
    od_score_converter_apply(&softmax, 2, 3, logits, scores);
    double sum = 1 + exp(2) + exp(-4);
    assert_true(fabs((double)scores[1] - exp(2) / sum) < 1e-7 && scores[3] == 0.5f && scores[4] == 0.5f && scores[5] < 1e-40f);
    od_score_converter_apply(&identity, 1, 3, logits, scores);
    assert_true(scores[1] == 4.0f && scores[2] == -8.0f);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    od_box_coder coder = od_box_coder_default();
    od_postprocess *post;
    od_error err = {0};
    od_text_tree *tree;
    const ObjectDetection__Protos__PostProcessing *config = PARSE(post_processing, "batch_non_max_suppression { use_class_agnostic_nms: true } score_converter: SOFTMAX", &tree);
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_postprocess_create(config, 2, 1, &coder, match_anchors, 40, &post, &err));
    od_text_tree_free(tree);
    od_detections found = {0};
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_postprocess_run(post, 1, nms_boxes, nms_scores, NULL, &found, &err));
    assert_true(found.count[0] > 0 && found.batch == 1 && found.max == 100);
    for (int i = found.count[0]; i < 100; i++) assert_true(found.scores[i] == 0 && found.boxes[4 * i + 2] == 0);
    od_detections_deinit(&found);
    od_postprocess_free(post);
    od_postprocess_free(NULL);
    int32_t selected[60];
    int64_t count;
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_nms_select(60, nms_boxes, nms_scores, 0.5f, 60, selected, &count, &err));
    assert_true(count > 5);
    uint8_t keep[50];
    const od_hard_example_miner miner = {0, 0.7f, 1, 1, 3, 0};
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_hard_example_miner_select(&miner, 50, mine_boxes, mine_class_losses, mine_box_losses, mine_match, keep, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_the_od_api), cmocka_unit_test(test_equals_the_plain_algorithm), cmocka_unit_test(test_empty_and_odd_input),
        cmocka_unit_test(test_codes_are_decoded), cmocka_unit_test(test_mining_equals_the_od_api), cmocka_unit_test(test_settings),
        cmocka_unit_test(test_score_conversion), cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
