/* SPDX-License-Identifier: Apache-2.0
 *
 * The SSD loss of a batch against dense tensors and the single losses, its gradients by finite differences, mining, any
 * number of threads, configs that are refused.
 */
#include "detection_support.h"
#include "oracle_ssd_loss.h"

#include "detection/losses.h"
#include "detection/ssd_loss.h"
#include "detection/target_assigner.h"

#include <omp.h>

enum { batch = 3, anchors = 700, classes = 2, boxes_each = 4 };

static const char base[] =
    "num_classes: 2 box_coder { faster_rcnn_box_coder { } } similarity_calculator { iou_similarity { } } "
    "matcher { argmax_matcher { matched_threshold: 0.35 unmatched_threshold: 0.25 force_match_for_each_row: true } } ";
static const char focal[] = "loss { localization_loss { weighted_smooth_l1 { } } classification_loss { weighted_sigmoid_focal { alpha: 0.25 } } "
                            "classification_weight: 0.8 localization_weight: 1.3 } encode_background_as_zeros: true normalize_loc_loss_by_codesize: true";
static const char softmax[] = "loss { localization_loss { weighted_l2 { } } classification_loss { weighted_softmax { logit_scale: 1.5 } } } negative_class_weight: 0.5";
static const char sigmoid[] = "loss { localization_loss { l1_localization_loss { } } classification_loss { weighted_sigmoid { } } } add_background_class: false "
                              "encode_background_as_zeros: true normalize_loss_by_num_matches: false";
static const char mined[] =
    "loss { localization_loss { weighted_smooth_l1 { } } classification_loss { weighted_sigmoid { } } "
    "hard_example_miner { num_hard_examples: 300 iou_threshold: 0.95 max_negatives_per_positive: 2 } } encode_background_as_zeros: true";

typedef struct problem {
    od_text_tree *tree;
    od_target_assigner *assigner;
    od_ssd_loss *loss;
    od_targets targets;
    int columns;
    float anchor_boxes[anchors * 4];
    float truth_boxes[batch][boxes_each * 4], weights[batch][boxes_each];
    int32_t truth_classes[batch][boxes_each];
    float codes[batch * anchors * 4], logits[batch * anchors * 3], d_codes[batch * anchors * 4], d_logits[batch * anchors * 3];
} problem;

static problem *open_problem(const char *more)
{
    problem *p = calloc(1, sizeof *p);
    assert_non_null(p);
    char text[2000];
    snprintf(text, sizeof text, "%s %s", base, more);
    const ObjectDetection__Protos__Ssd *ssd = PARSE(ssd, text, &p->tree);
    fill_boxes(p->anchor_boxes, anchors, 1, 0.5f);
    fill_uniform(p->codes, batch * anchors * 4, 2, -2, 2);
    fill_uniform(p->logits, batch * anchors * 3, 3, -4, 2);
    od_groundtruth truth[batch];
    const int64_t counts[batch] = {boxes_each, 0, 2}; /* a null image among them */
    for (int i = 0; i < batch; i++) {
        fill_boxes(p->truth_boxes[i], boxes_each, (uint64_t)(10 + i), 0.5f);
        for (int k = 0; k < boxes_each; k++) {
            p->truth_classes[i][k] = k % classes;
            p->weights[i][k] = k == 1 ? 0.5f : 1;
        }
        truth[i] = (od_groundtruth){.boxes = p->truth_boxes[i], .classes = p->truth_classes[i], .weights = p->weights[i], .count = counts[i]};
    }
    od_error err = {0};
    if (od_target_assigner_create_ssd(ssd, p->anchor_boxes, anchors, &p->assigner, &err) != OD_OK) fail_msg("%s", err.message);
    assert_int_equal(od_target_assigner_assign(p->assigner, truth, batch, &p->targets, &err), OD_OK);
    if (od_ssd_loss_create(ssd, &p->loss, &err) != OD_OK) fail_msg("%s", err.message);
    p->columns = od_class_scheme_columns(&p->targets.scheme);
    return p;
}

static void close_problem(problem *p)
{
    od_ssd_loss_free(p->loss);
    od_targets_deinit(&p->targets);
    od_target_assigner_free(p->assigner);
    od_text_tree_free(p->tree);
    free(p);
}

static od_ssd_loss_values run(problem *p, int gradients)
{
    od_ssd_loss_values v = {0, 0};
    od_error err = {0};
    memset(p->d_codes, 0x7f, sizeof p->d_codes);
    memset(p->d_logits, 0x7f, sizeof p->d_logits);
    od_status status = od_ssd_loss_run(p->loss, &p->targets, p->codes, p->logits, &v, gradients ? p->d_codes : NULL, gradients ? p->d_logits : NULL, &err);
    if (status != OD_OK) fail_msg("%s", err.message);
    return v;
}

/* Whole tensors, as the OD API does it, with the losses that test_detection_losses.c checks. */
static od_ssd_loss_values dense(const problem *p, const char *which)
{
    static float targets[batch * anchors * 3], weights[batch * anchors * 3], codes[batch * anchors * 4], box_weights[batch * anchors], code_weights[batch * anchors * 4];
    int columns = p->columns;
    double sum = 0;
    for (int i = 0; i < batch; i++) {
        od_targets_expand_classes(&p->targets, i, 0, anchors, targets + i * anchors * columns, weights + i * anchors * columns);
        od_targets_expand_boxes(&p->targets, i, 0, anchors, codes + i * anchors * 4, box_weights + i * anchors);
    }
    for (int i = 0; i < batch * anchors; i++) {
        sum += (double)box_weights[i];
        for (int k = 0; k < 4; k++) code_weights[4 * i + k] = box_weights[i];
    }
    int n = batch * anchors;
    if (which == focal) {
        const od_focal_params f = {2, 0.25f, 1};
        return (od_ssd_loss_values){od_loss_huber(1, 4 * n, p->codes, codes, code_weights, 1, NULL, NULL) * 1.3 / sum / 4,
                                    od_loss_sigmoid_focal(&f, n * columns, p->logits, targets, weights, 1, NULL, NULL) * 0.8 / sum};
    }
    if (which == sigmoid)
        return (od_ssd_loss_values){od_loss_l1(4 * n, p->codes, codes, code_weights, 1, NULL, NULL), od_loss_sigmoid(n * columns, p->logits, targets, weights, 1, NULL, NULL)};
    for (int i = 0; i < n; i++) weights[i] = weights[i * columns];
    return (od_ssd_loss_values){od_loss_l2(4 * n, p->codes, codes, code_weights, 1, NULL, NULL) / sum,
                                od_loss_softmax(n, columns, 1.5f, p->logits, targets, weights, 1, NULL, NULL) / sum};
}

static void test_values_equal_dense_tensors(void **state)
{
    (void)state;
    const char *const all[] = {focal, softmax, sigmoid};
    for (int i = 0; i < 3; i++) {
        problem *p = open_problem(all[i]);
        assert_true(p->targets.box_weight_sum > 5);
        od_ssd_loss_values ours = run(p, 1), again = run(p, 0), expected = dense(p, all[i]);
        assert_true(relative_error(ours.localization, expected.localization, 1e-3) < 1e-6);
        assert_true(relative_error(ours.classification, expected.classification, 1e-3) < 1e-6);
        assert_true(ours.localization == again.localization && ours.classification == again.classification);
        close_problem(p);
    }
}

/* A model's loss() on made-up predictions (tests/oracle/detection_tables.py). */
static void check_model(const char *name, const char *more, const float *values, const float *d_codes, const float *d_logits)
{
    char text[2000];
    snprintf(text, sizeof text, "num_classes: 2 box_coder { faster_rcnn_box_coder { } } similarity_calculator { iou_similarity { } } "
             "matcher { argmax_matcher { matched_threshold: 0.4 unmatched_threshold: 0.3 force_match_for_each_row: true } } %s", more);
    od_text_tree *tree;
    const ObjectDetection__Protos__Ssd *ssd = PARSE(ssd, text, &tree);
    od_target_assigner *assigner;
    od_ssd_loss *loss;
    od_targets t = {0};
    od_error err = {0};
    const od_groundtruth truth[2] = {{.boxes = ssd_boxes_0, .classes = ssd_classes_0, .weights = ssd_weights_0, .count = 3}, {.boxes = ssd_boxes_1, .classes = ssd_classes_1, .weights = ssd_weights_1, .count = 1}};
    assert_int_equal(od_target_assigner_create_ssd(ssd, ssd_anchors, 42, &assigner, &err), OD_OK);
    assert_int_equal(od_target_assigner_assign(assigner, truth, 2, &t, &err), OD_OK);
    assert_int_equal(od_ssd_loss_create(ssd, &loss, &err), OD_OK);
    float ours_codes[336], ours_logits[252];
    od_ssd_loss_values v;
    assert_int_equal(od_ssd_loss_run(loss, &t, ssd_codes, ssd_logits, &v, ours_codes, ours_logits, &err), OD_OK);
    if (relative_error(v.localization, (double)values[0], 1e-3) > 2e-6 || relative_error(v.classification, (double)values[1], 1e-3) > 2e-6)
        fail_msg("%s: %.9g %.9g, expected %.9g %.9g", name, v.localization, v.classification, (double)values[0], (double)values[1]);
    for (int i = 0; i < 336; i++)
        if (relative_error((double)ours_codes[i], (double)d_codes[i], 1e-1) > 1e-5) fail_msg("%s: box gradient %d is %g, expected %g", name, i, (double)ours_codes[i], (double)d_codes[i]);
    for (int i = 0; i < 252; i++)
        if (relative_error((double)ours_logits[i], (double)d_logits[i], 1e-1) > 1e-5) fail_msg("%s: class gradient %d is %g, expected %g", name, i, (double)ours_logits[i], (double)d_logits[i]);
    od_ssd_loss_free(loss);
    od_targets_deinit(&t);
    od_target_assigner_free(assigner);
    od_text_tree_free(tree);
}

static void test_whole_losses_equal_the_od_api(void **state)
{
    (void)state;
    check_model("focal", "normalize_loc_loss_by_codesize: true encode_background_as_zeros: true negative_class_weight: 0.8 loss { classification_weight: 1.2 localization_weight: 0.7 "
                "localization_loss { weighted_smooth_l1 { delta: 0.5 } } classification_loss { weighted_sigmoid_focal { gamma: 1.5 alpha: 0.25 } } }",
                ssd_focal_values, ssd_focal_d_box_encodings, ssd_focal_d_class_predictions_with_background);
    check_model("mined", "encode_background_as_zeros: true loss { localization_loss { weighted_smooth_l1 { } } classification_loss { weighted_sigmoid { } } "
                "hard_example_miner { num_hard_examples: 25 iou_threshold: 0.8 max_negatives_per_positive: 2 min_negatives_per_image: 2 } }",
                ssd_mined_values, ssd_mined_d_box_encodings, ssd_mined_d_class_predictions_with_background);
    check_model("softmax", "normalize_loss_by_num_matches: false loss { localization_loss { weighted_l2 { } } classification_loss { weighted_softmax { } } "
                "hard_example_miner { num_hard_examples: 0 loss_type: CLASSIFICATION iou_threshold: 0.9 max_negatives_per_positive: 3 } }",
                ssd_softmax_values, ssd_softmax_d_box_encodings, ssd_softmax_d_class_predictions_with_background);
}

/* The slope of the total along one prediction; the losses are sums in double of floats, so the step is wide. */
static void check_slope(problem *p, float *x, double gradient, double bound)
{
    float kept = *x;
    double side[2];
    for (int s = 0; s < 2; s++) {
        *x = kept + (s ? 0.02f : -0.02f);
        od_ssd_loss_values v = run(p, 0);
        side[s] = v.localization + v.classification;
    }
    *x = kept;
    double slope = (side[1] - side[0]) / 0.04;
    if (fabs(slope - gradient) > bound) fail_msg("slope %g, gradient %g", slope, gradient);
}

static void test_gradients(void **state)
{
    (void)state;
    const char *const all[] = {focal, softmax, sigmoid};
    for (int i = 0; i < 3; i++) {
        problem *p = open_problem(all[i]);
        run(p, 1);
        static float d_codes[batch * anchors * 4], d_logits[batch * anchors * 3];
        memcpy(d_codes, p->d_codes, sizeof d_codes);
        memcpy(d_logits, p->d_logits, sizeof d_logits);
        double bound = i == 2 ? 3e-3 : 2e-4; /* without normalisation the slopes are as much larger */
        int checked = 0;
        for (int a = 0; a < batch * anchors; a++) {
            int matched = p->targets.match[a] >= 0;
            for (int k = 0; k < 4 && !matched; k++) assert_true(d_codes[4 * a + k] == 0.0f);
            if (p->targets.match[a] == OD_MATCH_IGNORED)
                for (int k = 0; k < p->columns; k++) assert_true(d_logits[a * p->columns + k] == 0.0f);
            if (!matched && a % 97) continue;
            if (++checked > 40) break;
            if (matched) check_slope(p, &p->codes[4 * a + a % 4], (double)d_codes[4 * a + a % 4], bound);
            check_slope(p, &p->logits[a * p->columns + a % p->columns], (double)d_logits[a * p->columns + a % p->columns], bound);
        }
        assert_true(checked > 10);
        close_problem(p);
    }
}

static void test_threads_give_the_same_bits(void **state)
{
    (void)state;
    problem *p = open_problem(focal);
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    od_ssd_loss_values one = run(p, 1);
    static float d_codes[batch * anchors * 4], d_logits[batch * anchors * 3];
    memcpy(d_codes, p->d_codes, sizeof d_codes);
    memcpy(d_logits, p->d_logits, sizeof d_logits);
    omp_set_num_threads(5);
    od_ssd_loss_values five = run(p, 1);
    omp_set_num_threads(before);
    assert_true(one.localization == five.localization && one.classification == five.classification);
    assert_memory_equal(d_codes, p->d_codes, sizeof d_codes);
    assert_memory_equal(d_logits, p->d_logits, sizeof d_logits);
    close_problem(p);
}

static void test_mining_keeps_the_hardest(void **state)
{
    (void)state;
    problem *p = open_problem(mined);
    od_ssd_loss_values values_only = run(p, 0), v = run(p, 1);
    assert_true(v.classification == values_only.classification);
    int positives[batch] = {0}, negatives[batch] = {0};
    double sum = 0, total = 0;
    for (int a = 0; a < batch * anchors; a++) {
        float size = 0, loss = 0;
        for (int k = 0; k < 3; k++) {
            float x = p->logits[3 * a + k], target[1], weight = 1;
            target[0] = p->targets.match[a] >= 0 && p->targets.classes[p->targets.box_first[a / anchors] + p->targets.match[a]] + 1 == k;
            size += fabsf(p->d_logits[3 * a + k]);
            loss += (float)od_loss_sigmoid(1, &x, target, &weight, 1, NULL, NULL) * (p->targets.match[a] >= 0 ? p->targets.weights[p->targets.box_first[a / anchors] + p->targets.match[a]] : 1);
        }
        if (p->targets.match[a] != OD_MATCH_IGNORED) total += (double)loss;
        if (size == 0) continue;
        (p->targets.match[a] >= 0 ? positives : negatives)[a / anchors]++;
        sum += (double)loss;
    }
    for (int i = 0; i < batch; i++) assert_true(negatives[i] <= 2 * positives[i]);
    assert_true(positives[0] > 0 && positives[1] == 0 && negatives[0] == 2 * positives[0]);
    assert_true(relative_error(v.classification, sum / p->targets.box_weight_sum, 1e-3) < 1e-5);
    assert_true(sum < total / 3);
    close_problem(p);
}

static void test_not_a_number(void **state)
{
    (void)state;
    problem *p = open_problem(focal);
    p->logits[5] = NAN;
    od_ssd_loss_values v = run(p, 1);
    assert_true(isnan(v.classification) && isfinite(v.localization) && isnan(p->d_logits[5]) && isfinite(p->d_logits[6]));
    p->logits[5] = 0;
    for (int a = 0; a < anchors; a++)
        if (p->targets.match[a] >= 0) p->codes[4 * a] = NAN;
    v = run(p, 1);
    assert_true(isnan(v.localization) && isfinite(v.classification));
    close_problem(p);
}

static void test_no_boxes_at_all(void **state)
{
    (void)state;
    problem *p = open_problem(focal);
    od_groundtruth none[batch] = {{0}};
    od_error err = {0};
    assert_int_equal(od_target_assigner_assign(p->assigner, none, batch, &p->targets, &err), OD_OK);
    assert_true(p->targets.box_weight_sum == 0);
    od_ssd_loss_values v = run(p, 1);
    assert_true(v.localization == 0 && v.classification > 0); /* divided by 1, not by 0 */
    close_problem(p);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct { const char *config; od_status status; const char *says; } bad[] = {
        {"", OD_ERR_CONFIG, "loss is missing"},
        {"loss { }", OD_ERR_CONFIG, "classification_loss is empty"},
        {"loss { classification_loss { weighted_sigmoid { } } }", OD_ERR_CONFIG, "localization_loss is empty"},
        {"loss { classification_loss { weighted_sigmoid_focal { gamma: -1 } } }", OD_ERR_CONFIG, "gamma -1"},
        {"loss { classification_loss { weighted_softmax { logit_scale: 0 } } }", OD_ERR_CONFIG, "logit_scale 0"},
        {"loss { classification_loss { weighted_sigmoid { } } localization_loss { weighted_l2 { } } random_example_sampler { positive_sample_fraction: 0 } }", OD_ERR_CONFIG, "positive_sample_fraction 0"},
        {"loss { classification_loss { weighted_sigmoid { } } localization_loss { weighted_l2 { } } expected_loss_weights: EXPECTED_SAMPLING }", OD_ERR_CONFIG, "expected_loss_weights"},
        {"loss { classification_loss { weighted_sigmoid_focal { } } localization_loss { weighted_l2 { } } hard_example_miner { } }", OD_ERR_CONFIG, "hard_example_miner must not"},
        {"loss { classification_loss { weighted_dice_classification_loss { } } localization_loss { weighted_l2 { } } hard_example_miner { } }", OD_ERR_CONFIG, "needs a loss of each anchor"},
        {"loss { classification_loss { weighted_logits_softmax { logit_scale: -1 } } }", OD_ERR_CONFIG, "weighted_logits_softmax: logit_scale -1"},
        {"loss { classification_loss { weighted_sigmoid { } } localization_loss { weighted_l2 { } } hard_example_miner { iou_threshold: 2 } }", OD_ERR_CONFIG, "iou_threshold 2"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        od_text_tree *tree;
        od_ssd_loss *loss;
        od_error err = {0};
        assert_int_equal(od_ssd_loss_create(PARSE(ssd, bad[i].config, &tree), &loss, &err), bad[i].status);
        if (!strstr(err.message, bad[i].says)) fail_msg("%s: %s", bad[i].config, err.message);
        od_text_tree_free(tree);
    }
}

static void test_allocation_failures(void **state)
{
    (void)state;
    const char *const all[] = {focal, mined};
    for (int i = 0; i < 2; i++) {
        problem *p = open_problem(all[i]);
        od_ssd_loss_values v;
        od_error err = {0};
        int before = omp_get_max_threads();
        omp_set_num_threads(1); /* the failing allocation is counted over threads */
        ASSERT_SURVIVES_ALLOCATION_FAILURES(od_ssd_loss_run(p->loss, &p->targets, p->codes, p->logits, &v, p->d_codes, p->d_logits, &err));
        omp_set_num_threads(before);
        assert_true(v.classification > 0);
        close_problem(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_equal_dense_tensors), cmocka_unit_test(test_whole_losses_equal_the_od_api), cmocka_unit_test(test_gradients), cmocka_unit_test(test_threads_give_the_same_bits),
        cmocka_unit_test(test_mining_keeps_the_hardest), cmocka_unit_test(test_not_a_number), cmocka_unit_test(test_no_boxes_at_all),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
