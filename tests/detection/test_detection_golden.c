/* SPDX-License-Identifier: Apache-2.0
 *
 * Anchors, targets and detections of every ssd_* fixture in ../shared/golden, from the fixture's config, ground truth and
 * raw predictions. Skipped without ../shared.
 */
#include "detection_support.h"

#include "checkpoint/safetensors.h"
#include "config/config.h"
#include "detection/anchors.h"
#include "detection/postprocess.h"
#include "detection/target_assigner.h"

#include "multiscale_anchor_generator.pb-c.h"

static const char *const cases[] = {"ssd_mobilenet_v2_fpnlite_small", "ssd_mobilenet_v2_fpnlite_320", "ssd_mobilenet_v2_fpnlite_640",
                                    "ssd_mobilenet_v2_small", "ssd_mobilenet_v1_fpn", "ssd_resnet50_v1_fpn", "ssd_efficientdet_d0",
                                    "ssd_efficientdet_d1"};
enum { case_count = sizeof cases / sizeof *cases };

typedef struct fixture {
    const char *name;
    od_config *config;
    const ObjectDetection__Protos__Ssd *ssd;
    od_safetensors *forward, *train;
    int64_t height, width; /* padded */
    od_anchors *anchors;
} fixture;

static const od_safetensors_entry *find(const od_safetensors *st, const char *name)
{
    const od_safetensors_entry *e = od_safetensors_find(st, name);
    if (!e) fail_msg("%s is missing", name);
    return e;
}

static const float *floats(const od_safetensors *st, const char *name)
{
    const od_safetensors_entry *e = find(st, name);
    assert_int_equal(e->dtype, OD_F32);
    return e->data;
}

/* Feature maps: of SSD's own layers from the fixture, else ceil(side / stride). */
static int map_shapes(const fixture *f, int64_t shapes[16][2])
{
    int levels;
    od_error err = {0};
    assert_int_equal(od_anchors_levels(f->ssd->anchor_generator, &levels, &err), OD_OK);
    for (int i = 0; i < levels; i++) {
        char name[64];
        snprintf(name, sizeof name, "predict/feature_maps/%d", i);
        const od_safetensors_entry *e = od_safetensors_find(f->forward, name);
        if (e) {
            shapes[i][0] = e->shape[1];
            shapes[i][1] = e->shape[2];
            continue;
        }
        int64_t stride = (int64_t)1 << (f->ssd->anchor_generator->multiscale_anchor_generator->min_level + i);
        shapes[i][0] = (f->height + stride - 1) / stride;
        shapes[i][1] = (f->width + stride - 1) / stride;
    }
    return levels;
}

static void open_fixture(fixture *f, const char *name)
{
    char dir[512], path[640];
    od_error err = {0};
    *f = (fixture){.name = name};
    snprintf(path, sizeof path, "golden/%s", name);
    test_need_shared(dir, path);
    snprintf(path, sizeof path, "%s/pipeline.config", dir);
    if (od_config_load(path, &f->config, &err) != OD_OK) fail_msg("%s", err.message);
    f->ssd = od_config_proto(f->config)->model->ssd;
    snprintf(path, sizeof path, "%s/forward.safetensors", dir);
    assert_int_equal(od_safetensors_open(&f->forward, path, &err), OD_OK);
    snprintf(path, sizeof path, "%s/train.safetensors", dir);
    assert_int_equal(od_safetensors_open(&f->train, path, &err), OD_OK);
    const od_safetensors_entry *image = find(f->forward, "preprocessed");
    f->height = image->shape[1];
    f->width = image->shape[2];
    int64_t shapes[16][2];
    int levels = map_shapes(f, shapes);
    if (od_anchors_create(f->ssd->anchor_generator, (const int64_t(*)[2])shapes, levels, f->height, f->width, 0, &f->anchors, &err) != OD_OK)
        fail_msg("%s: %s", name, err.message);
}

static void close_fixture(fixture *f)
{
    od_anchors_free(f->anchors);
    od_safetensors_close(f->forward);
    od_safetensors_close(f->train);
    od_config_free(f->config);
}

static void test_anchors_equal_the_fixture(void **state)
{
    (void)state;
    for (int c = 0; c < case_count; c++) {
        fixture f;
        open_fixture(&f, cases[c]);
        assert_int_equal(f.anchors->count, find(f.forward, "predict/anchors")->shape[0]);
        const float *expected = floats(f.forward, "predict/anchors");
        double worst = 0;
        for (int64_t i = 0; i < 4 * f.anchors->count; i++) worst = fmax(worst, fabs((double)f.anchors->boxes[i] - (double)expected[i]));
        print_message("%s: %lld anchors, largest difference %.2g\n", f.name, (long long)f.anchors->count, worst);
        assert_true(worst <= 1.2e-7);
        close_fixture(&f);
    }
}

static void load_truth(const fixture *f, int64_t batch, od_groundtruth *truth)
{
    for (int64_t i = 0; i < batch; i++) {
        char name[32];
        snprintf(name, sizeof name, "boxes/%d", (int)i);
        const od_safetensors_entry *boxes = find(f->train, name);
        snprintf(name, sizeof name, "classes/%d", (int)i);
        truth[i] = (od_groundtruth){.boxes = boxes->data, .classes = find(f->train, name)->data, .count = boxes->shape[0]};
    }
}

static void compare_targets(const fixture *f, const od_targets *t)
{
    int64_t anchors = t->anchor_count;
    int columns = od_class_scheme_columns(&t->scheme);
    float *row = calloc((size_t)anchors * (size_t)(2 * columns + 5), sizeof *row);
    assert_non_null(row);
    float *classes = row, *class_weights = row + anchors * columns, *codes = row + 2 * anchors * columns, *box_weights = codes + 4 * anchors;
    double worst = 0;
    int64_t matched = 0;
    for (int64_t i = 0; i < t->batch; i++) {
        od_targets_expand_classes(t, i, 0, anchors, classes, class_weights);
        od_targets_expand_boxes(t, i, 0, anchors, codes, box_weights);
        size_t size = (size_t)(anchors * columns) * sizeof(float);
        assert_memory_equal(classes, floats(f->train, "targets/class") + i * anchors * columns, size);
        assert_memory_equal(class_weights, floats(f->train, "targets/class_weight") + i * anchors * columns, size);
        assert_memory_equal(box_weights, floats(f->train, "targets/box_weight") + i * anchors, (size_t)anchors * sizeof(float));
        const float *expected = floats(f->train, "targets/box") + i * anchors * 4;
        for (int64_t k = 0; k < 4 * anchors; k++) worst = fmax(worst, fabs((double)codes[k] - (double)expected[k]));
        for (int64_t k = 0; k < anchors; k++) matched += box_weights[k] > 0;
    }
    print_message("%s: %lld matched anchors, largest difference of box targets %.2g\n", f->name, (long long)matched, worst);
    assert_true(worst <= 1e-5);
    assert_true(t->box_weight_sum == (double)matched);
    free(row);
}

static void test_targets_equal_the_fixture(void **state)
{
    (void)state;
    for (int c = 0; c < case_count; c++) {
        fixture f;
        open_fixture(&f, cases[c]);
        od_error err = {0};
        od_target_assigner *assigner;
        assert_int_equal(od_target_assigner_create_ssd(f.ssd, floats(f.forward, "predict/anchors"), f.anchors->count, &assigner, &err), OD_OK);
        od_groundtruth truth[4];
        load_truth(&f, 4, truth);
        od_targets targets = {0};
        assert_int_equal(od_target_assigner_assign(assigner, truth, 4, &targets, &err), OD_OK);
        compare_targets(&f, &targets);
        od_targets_deinit(&targets);
        od_target_assigner_free(assigner);
        close_fixture(&f);
    }
}

static int same_detection(const od_detections *d, int64_t a, const float *boxes, const float *scores, const float *classes, int64_t b)
{
    if (fabsf(d->scores[a] - scores[b]) > 1e-6f || (float)d->classes[a] != classes[b]) return 0;
    for (int k = 0; k < 4; k++)
        if (fabsf(d->boxes[4 * a + k] - boxes[4 * b + k]) > 1e-5f) return 0;
    return 1;
}

/* Order is free among scores within 1e-6, so each of our rows looks for a partner near its own place. */
static void compare_detections(const fixture *f, const od_detections *d)
{
    const float *boxes = floats(f->forward, "detect/detection_boxes"), *scores = floats(f->forward, "detect/detection_scores");
    const float *classes = floats(f->forward, "detect/detection_classes"), *counts = floats(f->forward, "detect/num_detections");
    for (int64_t i = 0; i < d->batch; i++) {
        assert_int_equal(d->count[i], (int)counts[i]);
        unsigned char used[1000] = {0};
        for (int k = 0; k < d->count[i]; k++) {
            int64_t row = i * d->max + k;
            int partner = -1;
            for (int j = 0; j < d->count[i] && partner < 0; j++)
                if (!used[j] && same_detection(d, row, boxes, scores, classes, i * d->max + j)) partner = j;
            if (partner < 0) fail_msg("%s: image %d, detection %d (class %d, score %g) isn't in the fixture", f->name, (int)i, k, d->classes[row], (double)d->scores[row]);
            used[partner] = 1;
        }
    }
}

static void test_detections_equal_the_fixture(void **state)
{
    (void)state;
    for (int c = 0; c < case_count; c++) {
        fixture f;
        open_fixture(&f, cases[c]);
        od_error err = {0};
        od_postprocess *post;
        assert_int_equal(od_postprocess_create_ssd(f.ssd, f.anchors->boxes, f.anchors->count, &post, &err), OD_OK);
        const int32_t *shapes = find(f.forward, "true_image_shapes")->data;
        float windows[4][4];
        for (int i = 0; i < 4; i++) {
            windows[i][0] = windows[i][1] = 0;
            windows[i][2] = (float)shapes[3 * i] / (float)f.height;
            windows[i][3] = (float)shapes[3 * i + 1] / (float)f.width;
        }
        od_detections found = {0};
        assert_int_equal(od_postprocess_run(post, 4, floats(f.forward, "predict/box_encodings"), floats(f.forward, "predict/class_predictions_with_background"),
                                            (const float(*)[4])windows, &found, &err), OD_OK);
        compare_detections(&f, &found);
        print_message("%s: %d %d %d %d detections agree\n", f.name, found.count[0], found.count[1], found.count[2], found.count[3]);
        od_detections_deinit(&found);
        od_postprocess_free(post);
        close_fixture(&f);
    }
}

static void test_raw_boxes_and_scores_equal_the_fixture(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, "ssd_mobilenet_v2_fpnlite_320");
    od_error err = {0};
    od_postprocess *post;
    assert_int_equal(od_postprocess_create_ssd(f.ssd, f.anchors->boxes, f.anchors->count, &post, &err), OD_OK);
    int64_t boxes = 4 * 4 * f.anchors->count, scores = 4 * 3 * f.anchors->count;
    float *ours = malloc((size_t)(boxes + scores) * sizeof *ours);
    assert_non_null(ours);
    od_postprocess_raw(post, 4, floats(f.forward, "predict/box_encodings"), floats(f.forward, "predict/class_predictions_with_background"), ours, ours + boxes);
    const float *b = floats(f.forward, "detect/raw_detection_boxes"), *s = floats(f.forward, "detect/raw_detection_scores");
    for (int64_t i = 0; i < boxes; i++) assert_true(relative_error((double)ours[i], (double)b[i], 1) <= 2e-6);
    for (int64_t i = 0; i < scores; i++) assert_true(relative_error((double)ours[boxes + i], (double)s[i], 1e-3) <= 1e-6);
    free(ours);
    od_postprocess_free(post);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anchors_equal_the_fixture),
        cmocka_unit_test(test_targets_equal_the_fixture),
        cmocka_unit_test(test_detections_equal_the_fixture),
        cmocka_unit_test(test_raw_boxes_and_scores_equal_the_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
