/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of an SSD's config against the OD API's own numbers (tests/oracle/config_options.py made the fixture): each case's config
 * gives the anchors, the losses of given predictions with their gradients, and the detections.
 */
#include "detection_support.h"

#include "checkpoint/safetensors.h"
#include "detection/anchors.h"
#include "detection/postprocess.h"
#include "detection/ssd_loss.h"
#include "detection/target_assigner.h"
#include "util/strbuf.h"

#include <math.h>
#include <string.h>

enum { batch = 2 };

static od_safetensors *fixture;

/* A case's tensor, else plain's where the fixture leaves it out; NULL when there is none. */
static const od_safetensors_entry *entry(const char *name, const char *key, int or_plain)
{
    char full[128];
    snprintf(full, sizeof full, "%s/%s", name, key);
    const od_safetensors_entry *e = od_safetensors_find(fixture, full);
    snprintf(full, sizeof full, "plain/%s", key);
    return e || !or_plain ? e : od_safetensors_find(fixture, full);
}

static const void *truth_data(const char *key, int i, int64_t *count)
{
    char name[64];
    snprintf(name, sizeof name, "truth/%s/%d", key, i);
    const od_safetensors_entry *e = od_safetensors_find(fixture, name);
    assert_non_null(e);
    if (count) *count = e->shape[0];
    return e->data;
}

/* Largest difference relative to max(1, largest value). */
static double error_of(int64_t n, const float *have, const float *want)
{
    double worst = 0, most = 1;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs((double)have[i] - (double)want[i]);
        if (!(d <= worst)) worst = d;
        if (fabs((double)want[i]) > most) most = fabs((double)want[i]);
    }
    return worst / most;
}

static void expect(const char *name, const char *what, double error, double bound)
{
    if (!(error <= bound)) fail_msg("%s: %s differs by %g; at most %g", name, what, error, bound);
}

static void check_anchors(const char *name, const ObjectDetection__Protos__Ssd *ssd)
{
    static const int64_t shapes[2][2] = {{4, 4}, {2, 2}};
    const od_safetensors_entry *want = entry(name, "anchors", 1);
    od_anchors *anchors;
    int levels;
    assert_int_equal(od_anchors_levels(ssd->anchor_generator, &levels, NULL), OD_OK);
    assert_int_equal(levels, 2);
    assert_int_equal(od_anchors_create(ssd->anchor_generator, shapes, 2, 64, 64, 0, &anchors, NULL), OD_OK);
    assert_int_equal(anchors->count, want->shape[0]);
    expect(name, "anchors", error_of(4 * anchors->count, anchors->boxes, want->data), 1e-6);
    od_anchors_free(anchors);
}

static void check_losses(const char *name, const ObjectDetection__Protos__Ssd *ssd)
{
    const od_safetensors_entry *want = entry(name, "losses", 0), *anchors = entry(name, "anchors", 1), *codes = entry(name, "codes", 1),
                               *logits = entry(name, "logits", 1), *d_codes = entry(name, "d_codes", 1), *d_logits = entry(name, "d_logits", 1);
    if (!want) return;
    od_error err = {0};
    od_target_assigner *assigner;
    od_ssd_loss *loss = NULL;
    od_targets targets = {0};
    od_groundtruth truth[batch];
    for (int i = 0; i < batch; i++) {
        int64_t count;
        const float *boxes = truth_data("boxes", i, &count);
        truth[i] = (od_groundtruth){.boxes = boxes, .classes = truth_data("classes", i, NULL), .weights = truth_data("weights", i, NULL), .count = count};
        if (!strncmp(name, "k_hot", 5)) truth[i].class_targets = truth_data("targets", i, NULL);
        if (!strncmp(name, "keypoints", 9)) truth[i].keypoints = truth_data("keypoints", i, NULL), truth[i].num_keypoints = 3;
    }
    if (od_target_assigner_create_ssd(ssd, anchors->data, anchors->shape[0], &assigner, &err) != OD_OK || od_ssd_loss_create(ssd, &loss, &err) != OD_OK)
        fail_msg("%s: %s", name, err.message);
    assert_int_equal(od_target_assigner_assign(assigner, truth, batch, &targets, NULL), OD_OK);
    float *x = malloc(codes->bytes), *y = malloc(logits->bytes);
    assert_true(x && y);
    od_ssd_loss_values values;
    assert_int_equal(od_ssd_loss_run(loss, &targets, codes->data, logits->data, &values, x, y, NULL), OD_OK);
    const float *sums = want->data;
    expect(name, "the localisation loss", fabs(values.localization - (double)sums[0]) / fmax(1, fabs((double)sums[0])), 1e-5);
    expect(name, "the classification loss", fabs(values.classification - (double)sums[1]) / fmax(1, fabs((double)sums[1])), 1e-5);
    expect(name, "the gradient of codes", error_of((int64_t)(codes->bytes / 4), x, d_codes->data), 2e-5);
    expect(name, "the gradient of logits", error_of((int64_t)(logits->bytes / 4), y, d_logits->data), 2e-5);
    free(x);
    free(y);
    od_targets_deinit(&targets);
    od_target_assigner_free(assigner);
    od_ssd_loss_free(loss);
}

static void check_detections(const char *name, const ObjectDetection__Protos__Ssd *ssd)
{
    const od_safetensors_entry *count = entry(name, "count", 0), *boxes = entry(name, "boxes", 0), *scores = entry(name, "scores", 0), *classes = entry(name, "classes", 0),
                               *points = entry(name, "keypoints", 0), *indices = entry(name, "indices", 0), *anchors = entry(name, "anchors", 1), *codes = entry(name, "codes", 1), *logits = entry(name, "logits", 1);
    if (!count) return;
    const int32_t(*shapes)[3] = od_safetensors_find(fixture, "truth/true_shapes")->data;
    float windows[batch][4] = {{0}};
    for (int i = 0; i < batch; i++) windows[i][2] = (float)shapes[i][0] / 64, windows[i][3] = (float)shapes[i][1] / 64;
    od_postprocess *post;
    od_detections found = {0};
    od_error err = {0};
    if (od_postprocess_create_ssd(ssd, anchors->data, anchors->shape[0], &post, &err) != OD_OK) fail_msg("%s: %s", name, err.message);
    assert_int_equal(od_postprocess_run(post, batch, codes->data, logits->data, (const float(*)[4])windows, &found, NULL), OD_OK);
    for (int i = 0; i < batch; i++) {
        int64_t n = ((const int32_t *)count->data)[i], rows = scores->shape[1];
        if (found.count[i] != n) fail_msg("%s: %d detections in image %d, expected %d", name, (int)found.count[i], i, (int)n);
        expect(name, "scores", error_of(n, found.scores + i * found.max, (const float *)scores->data + i * rows), 1e-6);
        expect(name, "boxes", error_of(4 * n, found.boxes + 4 * i * found.max, (const float *)boxes->data + 4 * i * rows), 2e-6);
        assert_memory_equal(found.classes + i * found.max, (const int32_t *)classes->data + i * rows, (size_t)n * 4);
        /* The partitioned suppression sorts boxes but not what belongs to them: the OD API's indices are another box's. */
        int sorted = ssd->post_processing->batch_non_max_suppression->use_partitioned_nms && ssd->post_processing->batch_non_max_suppression->use_static_shapes;
        assert_int_equal(points != NULL, found.keypoints != NULL);
        if (points) assert_int_equal(found.num_keypoints, points->shape[2]);
        if (points) expect(name, "keypoints", error_of(6 * n, found.keypoints + 6 * i * found.max, (const float *)points->data + 6 * i * rows), 2e-6);
        if (indices && !sorted) assert_memory_equal(found.anchors + i * found.max, (const int32_t *)indices->data + i * rows, (size_t)n * 4);
    }
    od_detections_deinit(&found);
    od_postprocess_free(post);
}

static void test_each_case(void **state)
{
    (void)state;
    int cases = 0, losses = 0, detections = 0;
    for (size_t i = 0; i < od_safetensors_count(fixture); i++) {
        const od_safetensors_entry *e = od_safetensors_at(fixture, i);
        char name[64];
        size_t n = strcspn(e->name, "/");
        if (strcmp(e->name + n, "/config") || n >= sizeof name) continue;
        memcpy(name, e->name, n);
        name[n] = 0;
        od_strbuf text = {0};
        od_strbuf_append(&text, e->data, e->bytes);
        od_text_tree *tree;
        const ObjectDetection__Protos__Ssd *ssd = PARSE(ssd, text.data, &tree);
        check_anchors(name, ssd);
        check_losses(name, ssd);
        check_detections(name, ssd);
        cases++;
        losses += entry(name, "losses", 0) != NULL;
        detections += entry(name, "count", 0) != NULL;
        od_text_tree_free(tree);
        od_strbuf_deinit(&text);
    }
    print_message("%d cases, %d with losses, %d with detections\n", cases, losses, detections);
    assert_true(cases >= 44 && losses >= 20 && detections >= 20);
}

/* random_example_sampler: all positives and about (1 - f) / f as many negatives, drawn anew for another number, evenly. */
static void test_random_sampling(void **state)
{
    (void)state;
    enum { count = 400, draws = 200 };
    char text[1200];
    snprintf(text, sizeof text, "num_classes: 1 box_coder { faster_rcnn_box_coder { } } similarity_calculator { iou_similarity { } } matcher { argmax_matcher { } } "
                                "loss { localization_loss { weighted_l2 { } } classification_loss { weighted_sigmoid { } } random_example_sampler { positive_sample_fraction: 0.25 } }");
    od_text_tree *tree;
    const ObjectDetection__Protos__Ssd *ssd = PARSE(ssd, text, &tree);
    static float anchors[count * 4], codes[count * 4], logits[count * 2], d_codes[count * 4], d_logits[count * 2];
    static int picked[count];
    fill_boxes(anchors, count, 3, 0.1f);
    for (int i = 0; i < 4; i++) memcpy(anchors + 4 * i, (float[]){.2f, .2f, .6f, .6f}, 16);
    const float box[4] = {.2f, .2f, .6f, .6f};
    const int32_t class_id = 0;
    od_groundtruth truth = {.boxes = box, .classes = &class_id, .count = 1};
    od_target_assigner *assigner;
    od_ssd_loss *loss = NULL;
    od_targets targets = {0};
    assert_int_equal(od_target_assigner_create_ssd(ssd, anchors, count, &assigner, NULL), OD_OK);
    assert_int_equal(od_ssd_loss_create(ssd, &loss, NULL), OD_OK);
    assert_int_equal(od_target_assigner_assign(assigner, &truth, 1, &targets, NULL), OD_OK);
    int positives = 0, total = 0;
    for (int i = 0; i < count; i++) positives += targets.match[i] >= 0;
    assert_int_equal(positives, 4);
    for (int d = 0; d < draws; d++) {
        targets.draw = (uint64_t)d;
        od_ssd_loss_values values;
        assert_int_equal(od_ssd_loss_run(loss, &targets, codes, logits, &values, d_codes, d_logits, NULL), OD_OK);
        int kept = 0;
        for (int i = 0; i < count; i++) {
            int counts = d_logits[2 * i] != 0;
            kept += counts;
            picked[i] += counts;
            if (targets.match[i] >= 0) assert_true(counts);
        }
        assert_int_equal(kept, positives + 3 * positives);
        total += kept - positives;
    }
    /* Each of the 396 negatives is drawn Binomial(200, 12 / 396) times: 6.06, deviation 2.4. */
    int most = 0, sum = 0;
    for (int i = 4; i < count; i++) {
        most = picked[i] > most ? picked[i] : most;
        sum += picked[i];
    }
    assert_int_equal(sum, total);
    assert_in_range(most, 8, 20);
    od_targets_deinit(&targets);
    od_target_assigner_free(assigner);
    od_ssd_loss_free(loss);
    od_text_tree_free(tree);
}

/* What the OD API refuses, is refused. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *config, *message;
    } cases[] = {
        {"batch_non_max_suppression { use_combined_nms: true }",
         "batch_non_max_suppression: use_combined_nms together with use_class_agnostic_nms, soft_nms_sigma or change_coordinate_frame (whose default is true), "
         "which TensorFlow 2 refuses; set change_coordinate_frame: false or remove use_combined_nms"},
        {"calibration_config { temperature_scaling_calibration { scaler: 0 } }", "temperature_scaling_calibration: scaler 0; expected a positive number"},
        {"calibration_config { function_approximation { x_y_pairs { x_y_pair { x: 0.5 y: 0 } x_y_pair { x: 0.5 y: 1 } } } }",
         "calibration_config: x 0.5 follows x 0.5; expected ascending x"},
        {"calibration_config { function_approximation { } }", "calibration_config: no points; expected x_y_pair { x: 0.1 y: 0.2 } ..."},
        {"calibration_config { }", "calibration_config: expected function_approximation, class_id_function_approximations or temperature_scaling_calibration"},
    };
    const float anchor[4] = {0, 0, 1, 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        od_text_tree *tree;
        const ObjectDetection__Protos__PostProcessing *post = PARSE(post_processing, cases[i].config, &tree);
        od_box_coder coder = od_box_coder_default();
        od_postprocess *made;
        od_error err = {0};
        assert_int_equal(od_postprocess_create(post, 2, 1, &coder, anchor, 1, &made, &err), OD_ERR_CONFIG);
        assert_string_equal(err.message, cases[i].message);
        od_text_tree_free(tree);
    }
}

static int open_fixture(void **state)
{
    (void)state;
    char path[500];
    test_source_path(path, sizeof path, "tests/detection/data/config_options.safetensors");
    return od_safetensors_open(&fixture, path, NULL) == OD_OK ? 0 : -1;
}

static int close_fixture(void **state)
{
    (void)state;
    od_safetensors_close(fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_case),
        cmocka_unit_test(test_random_sampling),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
