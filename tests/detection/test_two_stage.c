/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of two-stage detectors: samplers by their statistics, losses' gradients against finite differences, proposals, detections.
 */
#include "detection_support.h"

#include "checkpoint/safetensors.h"
#include "detection/box_classifier_loss.h"
#include "detection/box_classifier_postprocess.h"
#include "detection/minibatch_sampler.h"
#include "detection/proposals.h"
#include "detection/rpn_loss.h"

/* --- the sampler --------------------------------------------------------------------------------------------------------------- */

enum { N = 60, RUNS = 4000 };

typedef struct tally {
    int times[N];       /* that each was drawn */
    int positives, all; /* of the last draw */
} tally;

/* Of 60: every fifth positive (12), every third no candidate (20 of 60; 4 of the positives). */
static tally draw_many(int is_static, float fraction, int64_t size)
{
    uint8_t candidate[N], positive[N], chosen[N];
    od_minibatch_sampler s;
    tally t = {{0}, 0, 0};
    assert_int_equal(od_minibatch_sampler_init(&s, fraction, is_static, "fraction", NULL), OD_OK);
    for (int i = 0; i < N; i++) candidate[i] = i % 3 != 0, positive[i] = i % 5 == 0;
    for (int run = 0; run < RUNS; run++) {
        od_rng rng;
        od_rng_init(&rng, 3, (uint64_t)run);
        assert_int_equal(od_minibatch_sampler_select(&s, N, candidate, positive, size, &rng, chosen, NULL), OD_OK);
        t.positives = t.all = 0;
        for (int i = 0; i < N; i++) {
            t.times[i] += chosen[i];
            t.all += chosen[i];
            t.positives += chosen[i] && positive[i];
            if (!is_static) assert_true(candidate[i] || !chosen[i]);
        }
    }
    return t;
}

/* Each of a group is drawn as often as another: `share` of the runs, within 5 deviations. */
static void assert_even(const tally *t, int positive, double share)
{
    double deviation = sqrt(share * (1 - share) * RUNS);
    for (int i = 0; i < N; i++)
        if (i % 3 && (i % 5 == 0) == positive) assert_true(fabs(t->times[i] - share * RUNS) <= 5 * deviation + 1e-9);
}

static void test_sampler(void **state)
{
    (void)state;
    tally t = draw_many(0, .25f, 16); /* 4 of 8 positives, 12 of 32 negatives */
    assert_int_equal(t.positives, 4);
    assert_int_equal(t.all, 16);
    assert_even(&t, 1, 4 / 8.0);
    assert_even(&t, 0, 12 / 32.0);
    t = draw_many(0, .5f, 30); /* all 8 positives, as fewer than 15 */
    assert_int_equal(t.positives, 8);
    assert_int_equal(t.all, 30);
    assert_even(&t, 0, 22 / 32.0);
    t = draw_many(0, 0, 100); /* no positives; fewer negatives than asked for */
    assert_int_equal(t.positives, 0);
    assert_int_equal(t.all, 32);
    t = draw_many(0, .3f, 10); /* 3: the fraction is a float a little above .3 */
    assert_int_equal(t.positives, 3);
    od_minibatch_sampler s;
    od_error err = {0};
    assert_int_equal(od_minibatch_sampler_init(&s, 1.5f, 0, "second_stage_balance_fraction", &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "second_stage_balance_fraction is 1.5"));
}

/* The variant for fixed shapes draws alike where candidates are enough. */
/* The OD API's sampler on the same candidates (tests/oracle/sampler_statistics.py): as many positives, as many in all, and each item as often,
 * within 5 deviations of the difference of two such counts. */
static void compare_sampler(const od_safetensors *fixture, const char *name)
{
    const od_safetensors_entry *e[5];
    const char *const keys[5] = {"candidate", "positive", "settings", "times", "drawn"};
    for (int i = 0; i < 5; i++) {
        char key[128];
        snprintf(key, sizeof key, "%s/%s", name, keys[i]);
        e[i] = od_safetensors_find(fixture, key);
        assert_non_null(e[i]);
    }
    const float *settings = e[2]->data;
    const int32_t *times = e[3]->data, *drawn = e[4]->data;
    const uint8_t *positive = e[1]->data;
    uint8_t chosen[N];
    int ours[N] = {0};
    od_minibatch_sampler s;
    assert_int_equal(od_minibatch_sampler_init(&s, settings[1], settings[2] > 0, "fraction", NULL), OD_OK);
    for (int run = 0; run < RUNS; run++) {
        int positives = 0, all = 0;
        od_rng rng;
        od_rng_init(&rng, 11, (uint64_t)run);
        assert_int_equal(od_minibatch_sampler_select(&s, N, e[0]->data, positive, (int64_t)settings[0], &rng, chosen, NULL), OD_OK);
        for (int i = 0; i < N; i++) ours[i] += chosen[i], all += chosen[i], positives += chosen[i] && positive[i];
        if (positives != drawn[0] || all != drawn[1]) fail_msg("%s: %d positives of %d drawn; expected %d of %d", name, positives, all, (int)drawn[0], (int)drawn[1]);
    }
    for (int i = 0; i < N; i++) {
        double share = (ours[i] + times[i]) / (2.0 * RUNS), most = 5 * sqrt(2 * share * (1 - share) * RUNS);
        if (fabs((double)ours[i] - times[i]) > most) fail_msg("%s: item %d was drawn %d times, by the OD API %d times; at most %.0f apart", name, i, ours[i], (int)times[i], most);
    }
}

static void test_sampler_statistics(void **state)
{
    (void)state;
    char path[1024], name[64];
    od_safetensors *fixture;
    int cases = 0;
    test_source_path(path, sizeof path, "tests/detection/data/samplers.safetensors");
    assert_int_equal(od_safetensors_open(&fixture, path, NULL), OD_OK);
    for (size_t i = 0; i < od_safetensors_count(fixture); i++) {
        const char *key = od_safetensors_at(fixture, i)->name;
        size_t n = strcspn(key, "/");
        if (strcmp(key + n, "/times") || n >= sizeof name) continue;
        memcpy(name, key, n);
        name[n] = 0;
        compare_sampler(fixture, name);
        cases++;
    }
    assert_int_equal(cases, 11);
    od_safetensors_close(fixture);
}

static void test_static_sampler(void **state)
{
    (void)state;
    tally t = draw_many(1, .25f, 16);
    assert_int_equal(t.positives, 4);
    assert_int_equal(t.all, 16);
    assert_even(&t, 1, 4 / 8.0);
    assert_even(&t, 0, 12 / 32.0);
    t = draw_many(1, 1, 50); /* 10 that aren't candidates join: the first ones, places 0, 3, ... 27; 3 of them positive */
    assert_int_equal(t.all, 50);
    assert_int_equal(t.positives, 10);
    for (int i = 30; i < N; i += 3) assert_int_equal(t.times[i], 0);
    for (int i = 0; i < 30; i += 3) assert_int_equal(t.times[i], RUNS);
}

/* --- losses ---------------------------------------------------------------------------------------------------------------------- */

static const float truth_boxes[3][4] = {{10, 10, 50, 60}, {30, 70, 90, 110}, {5, 80, 40, 120}};
static const int32_t truth_classes[3] = {0, 2, 1};
static const float truth_weights[3] = {1, .5f, 1};
static const od_groundtruth truth = {.boxes = truth_boxes[0], .classes = truth_classes, .weights = truth_weights, .count = 3};

/* Compares the gradient of codes and logits with finite differences of `value`, along random directions. */
static void assert_gradient(double (*value)(const float *codes, const float *logits, float *d_codes, float *d_logits), int codes, int logits)
{
    float x[400], g[400], step[400], moved[400];
    int n = codes + logits;
    assert_true(n <= 400);
    fill_uniform(x, n, 5, -1, 1);
    value(x, x + codes, g, g + codes);
    for (int direction = 0; direction < 4; direction++) {
        double along = 0, h = 1e-3;
        fill_uniform(step, n, 20 + (uint64_t)direction, -1, 1);
        for (int i = 0; i < n; i++) along += (double)g[i] * step[i];
        for (int i = 0; i < n; i++) moved[i] = x[i] + (float)h * step[i];
        double above = value(moved, moved + codes, NULL, NULL);
        for (int i = 0; i < n; i++) moved[i] = x[i] - (float)h * step[i];
        double below = value(moved, moved + codes, NULL, NULL);
        assert_true(fabs((above - below) / (2 * h) - along) < 2e-3 * fmax(1, fabs(along)));
    }
}

static double rpn_value(const float *codes, const float *logits, float *d_codes, float *d_logits)
{
    static float anchors[20][4];
    static int32_t index[20];
    for (int i = 0; i < 20; i++) {
        float y = (float)(i / 5) * 25, x = (float)(i % 5) * 25;
        memcpy(anchors[i], (float[]){y, x, y + 40, x + 45}, sizeof anchors[i]);
        index[i] = i + 3; /* predictions of anchors that are pruned come before */
    }
    memcpy(anchors[7], truth_boxes[0], sizeof anchors[7]);
    od_rpn_anchors a = {.count = 20, .predicted = 25, .boxes = anchors[0], .index = index};
    od_rpn_loss_params p = {.coder = od_box_coder_default(), .sampler = {.5f, 0}, .minibatch = 12, .localization_weight = 2, .objectness_weight = .7f};
    od_rng rng;
    od_rng_init(&rng, 1, 2);
    od_stage_loss loss = {0};
    assert_int_equal(od_rpn_loss_image(&p, &a, &truth, 2, &rng, codes, logits, &loss, d_codes, d_logits, NULL), OD_OK);
    return loss.localization + loss.classification;
}

static od_box_classifier_loss_params classifier;

static double classifier_value(const float *codes, const float *logits, float *d_codes, float *d_logits)
{
    static const float proposals[6][4] = {{12, 9, 50, 60}, {30, 70, 90, 110}, {0, 0, 20, 20}, {8, 82, 42, 118}, {60, 5, 90, 40}, {0, 0, 0, 0}};
    int32_t match[6];
    od_box_classifier_image im = {.batch = 2, .count = 5, .max = 6, .proposals = proposals[0], .truth = &truth, .codes = codes, .logits = logits, .d_codes = d_codes, .d_logits = d_logits, .match = match};
    od_stage_loss loss = {0};
    assert_int_equal(od_box_classifier_loss_image(&classifier, &im, &loss, NULL), OD_OK);
    assert_int_equal(match[0], 0);
    assert_int_equal(match[1], 1);
    assert_int_equal(match[2], OD_MATCH_BACKGROUND);
    assert_int_equal(match[3], 2);
    return loss.localization + loss.classification;
}

static void test_loss_gradients(void **state)
{
    (void)state;
    assert_gradient(rpn_value, 100, 50);
    for (int each = 1; each <= 3; each += 2)
        for (int kind = OD_STAGE_SOFTMAX; kind <= OD_STAGE_FOCAL; kind++) {
            classifier = (od_box_classifier_loss_params){.coder = od_box_coder_default(), .num_classes = 3, .boxes_each = each, .kind = (od_stage_class_loss)kind, .logit_scale = 1.3f,
                                                         .focal = {2, .25f, 1}, .localization_weight = 1.5f, .classification_weight = .8f};
            assert_gradient(classifier_value, 24 * each, 24);
        }
}

/* By hand: the mean over the sampled of ln 2 with all logits 0; every anchor is drawn. */
static void test_rpn_loss_value(void **state)
{
    (void)state;
    float codes[100] = {0}, logits[50] = {0}, d_codes[100], d_logits[50];
    double value = rpn_value(codes, logits, d_codes, d_logits), drawn = 0;
    for (int i = 0; i < 25; i++) drawn += d_logits[2 * i] != 0;
    assert_true(drawn == 12);
    for (int i = 0; i < 50; i++) assert_true(d_logits[i] == 0 || fabs(fabs((double)d_logits[i]) - .7 * .5 / 12 / 2) < 1e-8);
    for (int i = 0; i < 3; i++) assert_true(d_logits[2 * i] == 0); /* pruned */
    assert_true(value > .7 * log(2) / 2 - 1e-6); /* and smooth L1 of what matched anchors have to learn */
}

/* Without proposals there is no loss, and no gradient. */
static void test_no_proposals(void **state)
{
    (void)state;
    classifier = (od_box_classifier_loss_params){.coder = od_box_coder_default(), .num_classes = 3, .boxes_each = 3, .logit_scale = 1, .localization_weight = 1, .classification_weight = 1};
    float codes[24] = {0}, logits[8] = {0}, d_codes[24], d_logits[8], proposals[8] = {0};
    int32_t match[2];
    od_groundtruth none = {.count = 0};
    od_box_classifier_image im = {.batch = 1, .count = 0, .max = 2, .proposals = proposals, .truth = &none, .codes = codes, .logits = logits, .d_codes = d_codes, .d_logits = d_logits, .match = match};
    od_stage_loss loss = {0};
    assert_int_equal(od_box_classifier_loss_image(&classifier, &im, &loss, NULL), OD_OK);
    assert_true(loss.localization == 0 && loss.classification == 0);
    for (int i = 0; i < 24; i++) assert_true(d_codes[i] == 0);
    for (int i = 0; i < 8; i++) assert_true(d_logits[i] == 0);
}

/* --- proposals and detections ------------------------------------------------------------------------------------------------------ */

static void test_anchors(void **state)
{
    (void)state;
    float boxes[3][4] = {{-5, 10, 20, 30}, {10, 10, 20, 30}, {15, 20, 41, 50}};
    od_anchors anchors = {.boxes = boxes[0], .count = 3};
    od_rpn_anchors a;
    assert_int_equal(od_rpn_anchors_init(&a, &anchors, 40, 50, 0, NULL), OD_OK);
    assert_int_equal(a.count, 3);
    assert_true(a.boxes[0] == 0 && a.boxes[10] == 40);
    od_rpn_anchors_deinit(&a);
    assert_int_equal(od_rpn_anchors_init(&a, &anchors, 40, 50, 1, NULL), OD_OK);
    assert_int_equal(a.count, 1);
    assert_int_equal(od_rpn_anchors_row(&a, 0), 1);
    od_rpn_anchors_deinit(&a);
    od_error err = {0};
    assert_int_equal(od_rpn_anchors_init(&a, &anchors, 15, 15, 1, &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "clip_anchors_to_image"));
    od_rpn_anchors_deinit(&a);
}

/* Each class's own box; the score without background; clipped to the window and relative to it. */
static void test_detections(void **state)
{
    (void)state;
    static const float proposals[2][4] = {{10, 10, 30, 30}, {50, 50, 90, 120}};
    float codes[2][2][4] = {{{0}}}, logits[2][3] = {{0, 3, 1}, {0, -2, 2}};
    codes[0][1][2] = 5 * logf(2); /* class 1's box of the first proposal is twice as high */
    od_box_classifier_postprocess p = {.nms = {.score_threshold = .2f, .iou_threshold = .5f, .max_per_class = 5, .max_total = 5, .change_frame = 1},
                                       .converter = {OD_SCORE_SOFTMAX, 1, 1, NULL}, .coder = od_box_coder_default(), .num_classes = 2, .boxes_each = 2};
    od_detections d = {0};
    const float window[4] = {0, 0, 100, 100};
    assert_int_equal(od_detections_reset(&d, 1, 5, NULL), OD_OK);
    assert_int_equal(od_box_classifier_postprocess_image(&p, 2, proposals[0], codes[0][0], logits[0], window, 0, &d, NULL), OD_OK);
    assert_int_equal(d.count[0], 2);
    double first = exp(2) / (1 + exp(-2) + exp(2)), second = exp(3) / (1 + exp(3) + exp(1));
    int a = d.anchors[0] == 1 ? 0 : 1, b = 1 - a;
    assert_true(fabs(d.scores[a] - first) < 1e-6 && fabs(d.scores[b] - second) < 1e-6);
    static const float want[2][4] = {{.5f, .5f, .9f, 1}, {.1f, .1f, .3f, .3f}};
    for (int k = 0; k < 4; k++) assert_true(fabsf(d.boxes[4 * a + k] - want[0][k]) < 1e-6f && fabsf(d.boxes[4 * b + k] - want[1][k]) < 1e-6f);
    p.nms.score_threshold = .1f; /* now class 1 of the first proposal, too (.114): twice as high */
    assert_int_equal(od_detections_reset(&d, 1, 5, NULL), OD_OK);
    assert_int_equal(od_box_classifier_postprocess_image(&p, 2, proposals[0], codes[0][0], logits[0], window, 0, &d, NULL), OD_OK);
    assert_int_equal(d.count[0], 3);
    int found = 0;
    for (int i = 0; i < 3; i++)
        if (d.classes[i] == 1 && d.anchors[i] == 0) found = fabsf(d.boxes[4 * i]) < 1e-6f && fabsf(d.boxes[4 * i + 2] - .4f) < 1e-6f;
    assert_true(found);
    od_detections_deinit(&d);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    float codes[100] = {0}, logits[50] = {0};
    classifier = (od_box_classifier_loss_params){.coder = od_box_coder_default(), .num_classes = 3, .boxes_each = 3, .logit_scale = 1, .localization_weight = 1, .classification_weight = 1};
    static const float proposals[2][4] = {{12, 9, 50, 60}, {30, 70, 90, 110}};
    int32_t match[2];
    od_stage_loss loss = {0};
    od_box_classifier_image im = {.batch = 1, .count = 2, .max = 2, .proposals = proposals[0], .truth = &truth, .codes = codes, .logits = logits, .match = match};
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_box_classifier_loss_image(&classifier, &im, &loss, NULL));
    od_rpn_anchors a = {.count = 2, .predicted = 2, .boxes = (float *)proposals[0]};
    od_nms_params nms = {.iou_threshold = .7f, .max_per_class = 2, .max_total = 2};
    od_box_coder coder = od_box_coder_default();
    float boxes[8], scores[2];
    int32_t classes[2];
    od_nms_output out = {.boxes = boxes, .scores = scores, .classes = classes};
    const float window[4] = {0, 0, 100, 100};
    ASSERT_SURVIVES_ALLOCATION_FAILURES(od_proposals_select(&nms, &coder, &a, codes, logits, window, &out, NULL));
    assert_int_equal(out.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sampler),        cmocka_unit_test(test_sampler_statistics),
        cmocka_unit_test(test_static_sampler), cmocka_unit_test(test_loss_gradients),
        cmocka_unit_test(test_rpn_loss_value), cmocka_unit_test(test_no_proposals),   cmocka_unit_test(test_anchors),
        cmocka_unit_test(test_detections),     cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
