/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of a Faster R-CNN config against the OD API's own numbers (tests/oracle/second_stage.py made the fixture): proposals, detections, and
 * losses with their gradients of given predictions.
 */
#include "checkpoint/safetensors.h"
#include "models/faster_rcnn.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/strbuf.h"

#include <math.h>
#include <string.h>

enum { BATCH = 2, HEIGHT = 64, WIDTH = 80, CLASSES = 3, LOSSES = 5 };

static od_safetensors *fixture;

typedef struct test_case {
    char name[64];
    od_config *config;
    od_faster_rcnn model;
} test_case;

static const od_safetensors_entry *entry(const char *name, const char *key)
{
    char full[128];
    snprintf(full, sizeof full, "%s/%s", name, key);
    return od_safetensors_find(fixture, full);
}

static const void *given(const char *key)
{
    const od_safetensors_entry *e = entry("given", key);
    if (!e) fail_msg("the fixture has no given/%s", key);
    return e->data;
}

/* Largest difference relative to max(1, largest value). */
static void expect(const test_case *c, const char *what, const float *have, const od_safetensors_entry *want, int64_t first, int64_t n, double bound)
{
    const float *x = (const float *)want->data + first;
    double worst = 0, most = 1;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs((double)have[i] - (double)x[i]);
        if (!(d <= worst)) worst = d;
        if (fabs((double)x[i]) > most) most = fabs((double)x[i]);
    }
    if (!(worst / most <= bound)) fail_msg("%s: %s differs by %g; at most %g", c->name, what, worst / most, bound);
}

static void window_of(int image, float window[4])
{
    const int32_t *shape = (const int32_t *)given("true_shapes") + 3 * image;
    window[0] = window[1] = 0;
    window[2] = (float)shape[0];
    window[3] = (float)shape[1];
}

/* The first `used` of each row's `all` groups of `width`. */
static float *take(const float *from, int64_t rows, int64_t all, int64_t used, int64_t width)
{
    float *x = od_malloc((size_t)(rows * used * width), sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < rows; i++) memcpy(x + i * used * width, from + i * all * width, (size_t)(used * width) * sizeof *x);
    return x;
}

static void check_proposals(const test_case *c)
{
    const od_safetensors_entry *want = entry(c->name, "proposals"), *count = entry(c->name, "proposal_count");
    if (!want) return;
    int training = strstr(c->name, "training") != NULL;
    int64_t a = entry("given", "anchors")->shape[0], p = want->shape[1];
    od_rpn_anchors anchors = {.count = a, .predicted = a, .boxes = (float *)given("anchors")}; /* only read */
    od_box_coder coder = od_box_coder_default();
    for (int i = 0; i < BATCH; i++) {
        float boxes[100 * 4] = {0}, scores[100], window[4];
        int32_t classes[100];
        od_nms_output out = {.boxes = boxes, .scores = scores, .classes = classes};
        window_of(i, window);
        assert_int_equal(od_proposals_select(&c->model.proposals[training], &coder, &anchors, (const float *)given("rpn_codes") + i * a * 4,
                                             (const float *)given("rpn_logits") + i * a * 2, window, &out, NULL), OD_OK);
        int32_t n = ((const int32_t *)count->data)[i];
        if (out.count != n) fail_msg("%s: %d proposals in image %d, expected %d", c->name, (int)out.count, i, (int)n);
        expect(c, "proposals", boxes, want, i * p * 4, n * 4, 1e-6);
    }
}

static void check_detections(const test_case *c)
{
    const od_safetensors_entry *count = entry(c->name, "count"), *indices = entry(c->name, "indices"), *classes = entry(c->name, "classes");
    if (!count) return;
    const ObjectDetection__Protos__BatchNonMaxSuppression *nms = c->model.c->second_stage_post_processing->batch_non_max_suppression;
    int64_t p = entry("given", "boxes")->shape[1], each = c->model.predictor.boxes_each;
    float *codes = take(given("codes"), BATCH * p, CLASSES, each, 4);
    od_detections found = {0};
    assert_int_equal(od_detections_reset(&found, BATCH, c->model.postprocess.nms.max_total, NULL), OD_OK);
    for (int i = 0; i < BATCH; i++) {
        float window[4];
        window_of(i, window);
        assert_int_equal(od_box_classifier_postprocess_image(&c->model.postprocess, ((const int32_t *)given("counts"))[i], (const float *)given("boxes") + i * p * 4, codes + i * p * each * 4,
                                                             (const float *)given("logits") + i * p * (CLASSES + 1), window, i, &found, NULL), OD_OK);
        int64_t n = ((const int32_t *)count->data)[i], first = i * found.max;
        if (found.count[i] != n) fail_msg("%s: %d detections in image %d, expected %d", c->name, (int)found.count[i], i, (int)n);
        expect(c, "scores", found.scores + first, entry(c->name, "scores"), first, n, 1e-6);
        expect(c, "boxes", found.boxes + 4 * first, entry(c->name, "boxes"), 4 * first, 4 * n, 2e-6);
        assert_memory_equal(found.classes + first, (const int32_t *)classes->data + first, (size_t)n * 4);
        /* The partitioned suppression sorts boxes but not what belongs to them: the OD API's indices are another box's. */
        if (!(nms->use_partitioned_nms && nms->use_static_shapes)) assert_memory_equal(found.anchors + first, (const int32_t *)indices->data + first, (size_t)n * 4);
    }
    od_detections_deinit(&found);
    od_free(codes);
}

static void read_truth(int image, od_pixel_truth *out)
{
    char key[64];
    od_groundtruth t = {.mask_height = HEIGHT, .mask_width = WIDTH};
    snprintf(key, sizeof key, "truth/boxes/%d", image);
    t.count = entry("given", key)->shape[0];
    t.boxes = given(key);
    snprintf(key, sizeof key, "truth/classes/%d", image);
    t.classes = given(key);
    snprintf(key, sizeof key, "truth/weights/%d", image);
    t.weights = given(key);
    snprintf(key, sizeof key, "truth/masks/%d", image);
    t.masks = given(key);
    assert_int_equal(od_pixel_truth_set(out, &t, image, CLASSES, HEIGHT, WIDTH, NULL), OD_OK);
}

/* Predictions and room for their gradients. */
typedef struct tensors {
    float *codes, *d_codes, *d_logits, *d_rpn_codes, *d_rpn_logits;
    int32_t *match;
} tensors;

static void stage_losses(const test_case *c, const od_pixel_truth *truth, tensors *t, double losses[LOSSES])
{
    int64_t a = entry("given", "anchors")->shape[0], p = entry("given", "boxes")->shape[1], each = c->model.predictor.boxes_each;
    od_rpn_anchors anchors = {.count = a, .predicted = a, .boxes = (float *)given("anchors")};
    od_stage_loss rpn = {0}, second = {0};
    od_rng rng;
    od_rng_init(&rng, 1, 1);
    for (int i = 0; i < BATCH; i++) {
        assert_int_equal(od_rpn_loss_image(&c->model.rpn_loss, &anchors, &truth[i].truth, BATCH, &rng, (const float *)given("rpn_codes") + i * a * 4,
                                           (const float *)given("rpn_logits") + i * a * 2, &rpn, t->d_rpn_codes + i * a * 4, t->d_rpn_logits + i * a * 2, NULL), OD_OK);
        od_box_classifier_image image = {.image = i,
                                         .batch = BATCH,
                                         .count = ((const int32_t *)given("counts"))[i],
                                         .max = p,
                                         .proposals = (const float *)given("boxes") + i * p * 4,
                                         .truth = &truth[i].truth,
                                         .codes = t->codes + i * p * each * 4,
                                         .logits = (const float *)given("logits") + i * p * (CLASSES + 1),
                                         .d_codes = t->d_codes + i * p * each * 4,
                                         .d_logits = t->d_logits + i * p * (CLASSES + 1),
                                         .match = t->match + i * p};
        assert_int_equal(od_box_classifier_loss_image(&c->model.classifier_loss, &image, &second, NULL), OD_OK);
    }
    losses[0] = rpn.localization;
    losses[1] = rpn.classification;
    losses[2] = second.localization;
    losses[3] = second.classification;
}

/* [rows, masks, h, w], as the fixture has them, from or to [rows, h, w, masks]. */
static void permute(const float *from, int64_t rows, int64_t masks, int64_t pixels, int to_fixture, float *to)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < masks; k++)
            for (int64_t i = 0; i < pixels; i++) {
                int64_t theirs = (r * masks + k) * pixels + i, ours = (r * pixels + i) * masks + k;
                to[to_fixture ? theirs : ours] = from[to_fixture ? ours : theirs];
            }
}

static double mask_loss(const test_case *c, const od_pixel_truth *truth, const int32_t *match)
{
    const od_safetensors_entry *e = entry("given", "mask_logits");
    int64_t rows = e->shape[0], p = rows / BATCH, h = e->shape[2], w = e->shape[3], masks = c->model.predictor.masks_each, each = masks * h * w;
    float *theirs = take(e->data, rows, CLASSES, masks, h * w), *logits = od_malloc((size_t)(rows * each), sizeof *logits), *gradient = od_calloc((size_t)(rows * each), sizeof *gradient);
    assert_true(logits && gradient);
    permute(theirs, rows, masks, h * w, 0, logits);
    od_mask_loss_params params = {(int)h, (int)w, (int)masks, c->model.c->use_matmul_crop_and_resize, HEIGHT, WIDTH, c->model.c->second_stage_mask_prediction_loss_weight};
    od_mask_loss_image_in image[BATCH];
    double weight = 0, loss = 0;
    for (int i = 0; i < BATCH; i++) {
        image[i] = (od_mask_loss_image_in){((const int32_t *)given("counts"))[i], (const float *)given("boxes") + i * p * 4, match + i * p, &truth[i].truth, logits + i * p * each, gradient + i * p * each};
        weight += od_mask_loss_weight(&image[i]);
    }
    for (int i = 0; i < BATCH; i++) assert_int_equal(od_mask_loss_image(&params, &image[i], weight, &loss, NULL), OD_OK);
    permute(gradient, rows, masks, h * w, 1, theirs);
    expect(c, "the gradient of the masks", theirs, entry(c->name, "d_masks"), 0, rows * each, 1e-6);
    od_free(theirs);
    od_free(logits);
    od_free(gradient);
    return loss;
}

static void check_losses(const test_case *c)
{
    static const char *const names[LOSSES] = {"RPN localization", "RPN objectness", "localization", "classification", "mask"};
    const od_safetensors_entry *want = entry(c->name, "losses");
    if (!want) return;
    int64_t a = entry("given", "anchors")->shape[0], p = entry("given", "boxes")->shape[1], rows = BATCH * p, each = c->model.predictor.boxes_each;
    tensors t = {take(given("codes"), rows, CLASSES, each, 4), od_malloc((size_t)(rows * each), 4 * sizeof(float)), od_malloc((size_t)rows, (CLASSES + 1) * sizeof(float)),
                 od_malloc((size_t)(BATCH * a), 4 * sizeof(float)), od_malloc((size_t)(BATCH * a), 2 * sizeof(float)), od_malloc((size_t)rows, sizeof(int32_t))};
    assert_true(t.d_codes && t.d_logits && t.d_rpn_codes && t.d_rpn_logits && t.match);
    od_pixel_truth truth[BATCH] = {{{0}, NULL, 0}};
    double losses[LOSSES] = {0};
    for (int i = 0; i < BATCH; i++) read_truth(i, &truth[i]);
    stage_losses(c, truth, &t, losses);
    if (c->model.predictor.masks_each) losses[4] = mask_loss(c, truth, t.match);
    for (int i = 0; i < LOSSES; i++) {
        double x = (double)((const float *)want->data)[i];
        if (!(fabs(losses[i] - x) <= 1e-5 * fmax(1, fabs(x)))) fail_msg("%s: %s loss %.7g, expected %.7g", c->name, names[i], losses[i], x);
    }
    expect(c, "the gradient of codes", t.d_codes, entry(c->name, "d_codes"), 0, rows * each * 4, 1e-6);
    expect(c, "the gradient of logits", t.d_logits, entry(c->name, "d_logits"), 0, rows * (CLASSES + 1), 1e-6);
    expect(c, "the gradient of RPN codes", t.d_rpn_codes, entry(c->name, "d_rpn_codes"), 0, BATCH * a * 4, 1e-6);
    expect(c, "the gradient of RPN logits", t.d_rpn_logits, entry(c->name, "d_rpn_logits"), 0, BATCH * a * 2, 1e-6);
    for (int i = 0; i < BATCH; i++) od_pixel_truth_deinit(&truth[i]);
    od_free(t.codes);
    od_free(t.d_codes);
    od_free(t.d_logits);
    od_free(t.d_rpn_codes);
    od_free(t.d_rpn_logits);
    od_free(t.match);
}

static od_status read_model(test_case *c, const char *text, size_t size, od_error *err)
{
    od_strbuf whole = {0};
    od_problems problems = {0};
    od_strbuf_append(&whole, "model { faster_rcnn { ", 22);
    od_strbuf_append(&whole, text, size);
    od_strbuf_append(&whole, " } }", 4);
    assert_int_equal(od_config_read(whole.data, whole.size, c->name, &c->config, &problems, NULL), OD_OK);
    assert_int_equal(problems.count, 0);
    od_strbuf_deinit(&whole);
    return od_faster_rcnn_read(&c->model, c->config, err);
}

static void test_each_case(void **state)
{
    (void)state;
    int cases = 0, losses = 0, detections = 0;
    for (size_t i = 0; i < od_safetensors_count(fixture); i++) {
        const od_safetensors_entry *e = od_safetensors_at(fixture, i);
        test_case c = {{0}, NULL, {0}};
        od_error err = {0};
        size_t n = strcspn(e->name, "/");
        if (strcmp(e->name + n, "/config") || n >= sizeof c.name) continue;
        memcpy(c.name, e->name, n);
        if (read_model(&c, e->data, e->bytes, &err) != OD_OK) fail_msg("%s: %s", c.name, err.message);
        check_proposals(&c);
        check_detections(&c);
        check_losses(&c);
        cases++;
        losses += entry(c.name, "losses") != NULL;
        detections += entry(c.name, "count") != NULL;
        od_config_free(c.config);
    }
    print_message("%d cases, %d with losses, %d with detections\n", cases, losses, detections);
    assert_true(cases >= 32 && losses >= 12 && detections >= 16);
}

/* The OD API refuses it, too. */
static void test_combined_is_refused(void **state)
{
    (void)state;
    const od_safetensors_entry *plain = entry("plain", "config");
    od_strbuf text = {0};
    od_error err = {0};
    test_case c = {"combined", NULL, {0}};
    od_strbuf_append(&text, plain->data, plain->bytes);
    char *at = strstr(text.data, "score_threshold: 0.1"); /* replaced by fields as long as it */
    assert_non_null(at);
    memcpy(at, "use_combined_nms: 1 ", sizeof "use_combined_nms: 1 " - 1);
    assert_int_equal(read_model(&c, text.data, text.size, &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "use_combined_nms"));
    od_config_free(c.config);
    od_strbuf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_case), cmocka_unit_test(test_combined_is_refused)};
    char path[1024];
    od_error err = {0};
    test_source_path(path, sizeof path, "tests/models/data/second_stage.safetensors");
    if (od_safetensors_open(&fixture, path, &err) != OD_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    od_safetensors_close(fixture);
    return failed;
}
