/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics sets against the OD API's own evaluators' stored answers (tests/oracle/metric_sets.py), tag by tag.
 */
#include "eval/coco_class_metrics.h"
#include "eval/metric_sets.h"
#include "test_support.h"
#include "util/alloc.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define PATH "tests/eval/data/metric_sets.json"
enum { MAX_CLASSES = 16 };

static json_t *root;

static int load(void **state)
{
    (void)state;
    char path[512];
    test_source_path(path, sizeof path, PATH);
    root = json_load_file(path, 0, NULL);
    return root ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    json_decref(root);
    return 0;
}

static int integer(json_t *o, const char *key)
{
    return (int)json_integer_value(json_object_get(o, key));
}

static void read_box(json_t *o, float box[4])
{
    for (size_t i = 0; i < 4; i++) box[i] = (float)json_number_value(json_array_get(json_object_get(o, "box"), i));
}

/* "mask": COCO's text of an image of 64 x 64 pixels; absent in most cases. */
static od_status read_mask(json_t *o, od_mask **out, od_error *err)
{
    const char *text = json_string_value(json_object_get(o, "mask"));
    return text ? od_mask_from_text(out, 64, 64, text, strlen(text), err) : OD_OK;
}

static od_status fill(od_detection_set *set, json_t *images, od_error *err)
{
    size_t i, k;
    json_t *image, *o;
    json_array_foreach(images, i, image) {
        int32_t labeled[MAX_CLASSES];
        size_t n = 0;
        OD_TRY(od_detection_set_add_image(set, err));
        json_array_foreach(json_object_get(image, "labeled"), k, o) labeled[n++] = (int32_t)json_integer_value(o) - 1;
        OD_TRY(od_detection_set_add_classes(set, OD_CLASSES_LABELED, labeled, n, err));
        for (int list = OD_CLASSES_NEGATIVE; list <= OD_CLASSES_NOT_EXHAUSTIVE; list++) {
            int32_t named[MAX_CLASSES];
            n = 0;
            json_array_foreach(json_object_get(image, list == OD_CLASSES_NEGATIVE ? "negative" : "not_exhaustive"), k, o) named[n++] = (int32_t)json_integer_value(o) - 1;
            OD_TRY(od_detection_set_add_classes(set, (od_class_list)list, named, n, err));
        }
        json_array_foreach(json_object_get(image, "truth"), k, o) {
            od_set_truth t = {.class_index = integer(o, "cls") - 1, .area = (float)json_number_value(json_object_get(o, "area")), .flags = (integer(o, "difficult") ? OD_TRUTH_DIFFICULT : 0u) | (integer(o, "group_of") ? OD_TRUTH_GROUP_OF : 0u)};
            read_box(o, t.box);
            OD_TRY(read_mask(o, &t.mask, err));
            OD_TRY(od_detection_set_add_truth(set, &t, err));
        }
        json_array_foreach(json_object_get(image, "found"), k, o) {
            od_set_detection d = {.class_index = integer(o, "cls") - 1, .score = (float)json_number_value(json_object_get(o, "score"))};
            read_box(o, d.box);
            OD_TRY(read_mask(o, &d.mask, err));
            OD_TRY(od_detection_set_add_detection(set, &d, err));
        }
    }
    return OD_OK;
}

static od_status compute(json_t *c, const char *set_name, od_metric_list *out, od_error *err)
{
    od_detection_set set = {0};
    const char *names[MAX_CLASSES] = {0};
    char frequency[MAX_CLASSES] = {0};
    int top = 0;
    size_t i;
    json_t *category, *options = json_object_get(c, "options");
    json_array_foreach(json_object_get(c, "categories"), i, category) {
        int id = integer(category, "id");
        names[id - 1] = json_string_value(json_object_get(category, "name"));
        if (json_object_get(category, "frequency")) frequency[id - 1] = json_string_value(json_object_get(category, "frequency"))[0];
        if (id > top) top = id;
    }
    od_status status = fill(&set, json_object_get(c, "images"), err);
    od_metric_input in = {&set, top, names, json_number_value(json_object_get(options, "recall_low")), json_number_value(json_object_get(options, "recall_high")),
                          json_is_true(json_object_get(options, "skip_unlabeled")), frequency};
    if (status == OD_OK) status = od_metric_set_find(set_name)->compute(&in, out, err);
    od_detection_set_deinit(&set);
    return status;
}

static void check_answers(const char *where, const od_metric_list *got, json_t *want)
{
    const char *tag;
    json_t *value;
    assert_int_equal(got->count, json_object_size(want));
    json_object_foreach(want, tag, value) {
        const od_metric_value *v = od_metric_list_find(got, tag);
        if (!v) fail_msg("%s: no %s", where, tag);
        int same = json_is_null(value) ? isnan(v->value) : fabs(v->value - json_number_value(value)) <= 1e-9;
        if (!same) fail_msg("%s: %s is %.9g, the OD API's %.9g", where, tag, v->value, json_number_value(value));
    }
}

static void test_answers(void **state)
{
    (void)state;
    size_t i, sets = 0;
    json_t *c, *want;
    const char *set_name;
    json_array_foreach(json_object_get(root, "cases"), i, c) {
        json_object_foreach(json_object_get(c, "answers"), set_name, want) {
            char where[200];
            od_metric_list got = {0};
            od_error err = {0};
            snprintf(where, sizeof where, "%s, %s", json_string_value(json_object_get(c, "name")), set_name);
            assert_int_equal(compute(c, set_name, &got, &err), OD_OK);
            check_answers(where, &got, want);
            od_metric_list_deinit(&got);
            sets++;
        }
    }
    assert_int_equal(sets, 75);
}

/* The first figure's tag of each set: what TensorBoard shows. */
static void test_tags(void **state)
{
    (void)state;
    static const char *const tags[][2] = {
        {"pascal_voc_detection_metrics", "PascalBoxes_Precision/mAP@0.5IOU"},
        {"weighted_pascal_voc_detection_metrics", "WeightedPascalBoxes_Precision/mAP@0.5IOU"},
        {"oid_V2_detection_metrics", "OpenImagesV2_Precision/mAP@0.5IOU"},
        {"oid_challenge_detection_metrics", "OpenImagesDetectionChallenge_Precision/mAP@0.5IOU"},
        {"precision_at_recall_detection_metrics", "PrecisionAtRecallBoxes_Precision/mAP@0.5IOU@[0.2,0.7]Recall"},
        {"pascal_voc_instance_segmentation_metrics", "PascalMasks_Precision/mAP@0.5IOU"},
        {"weighted_pascal_voc_instance_segmentation_metrics", "WeightedPascalMasks_Precision/mAP@0.5IOU"},
        {"oid_challenge_segmentation_metrics", "OpenImagesInstanceSegmentationChallenge_Precision/mAP@0.5IOU"},
    };
    json_t *c = json_array_get(json_object_get(root, "cases"), 2);
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        od_metric_list got = {0};
        assert_int_equal(compute(c, tags[i][0], &got, NULL), OD_OK);
        assert_string_equal(got.items[0].tag, tags[i][1]);
        od_metric_list_deinit(&got);
        assert_int_equal(od_metric_set_find(tags[i][0])->needs_masks, strstr(tags[i][0], "segmentation") != NULL);
    }
    assert_null(od_metric_set_find("no_such_metrics"));
}

static void check_failing_allocations(json_t *c, const char *name)
{
    int failures = 0;
    for (long n = 1;; n++) {
        od_metric_list got = {0};
        od_error err = {0};
        od_alloc_fail_after(n);
        od_status status = compute(c, name, &got, &err);
        od_alloc_fail_after(0);
        od_metric_list_deinit(&got);
        if (status == OD_OK) break;
        assert_int_equal(status, OD_ERR_NOMEM);
        failures++;
    }
    assert_true(failures > 10);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    const char *name;
    json_t *want, *cases = json_object_get(root, "cases"), *c = json_array_get(cases, 1), *masks = json_array_get(cases, 13);
    json_object_foreach(json_object_get(c, "answers"), name, want) check_failing_allocations(c, name);
    json_object_foreach(json_object_get(masks, "answers"), name, want) check_failing_allocations(masks, name);
}

/* LVIS needs every class's frequency; the label map that lacks one is told of. */
static void test_lvis_frequencies(void **state)
{
    (void)state;
    od_detection_set set = {0};
    const char *names[2] = {"cat", "dog"};
    od_metric_input in = {&set, 2, names, 0, 1, 0, "r"};
    od_metric_list got = {0};
    od_error err = {0};
    assert_int_equal(od_metric_set_find("lvis_mask_metrics")->compute(&in, &got, &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "class 2 (dog) has no frequency"));
    in.class_frequency = "rf";
    assert_int_equal(od_metric_set_find("lvis_mask_metrics")->compute(&in, &got, &err), OD_OK);
    assert_string_equal(got.items[0].tag, "DetectionMasks_AP");
    assert_float_equal(got.items[0].value, -1, 0);
    od_metric_list_deinit(&got);
}

/* Two images, three classes: the first found exactly, the second half as often, the third absent. */
static od_coco_eval *three_classes(void)
{
    static const double box[4] = {10, 10, 50, 50}, far[4] = {200, 10, 50, 50};
    od_coco_eval *e;
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 1, "cat", NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 2, "dog", NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 3, "unicorn", NULL), OD_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(od_coco_eval_add_image(e, i + 1, NULL, NULL, NULL), OD_OK);
        for (int c = 0; c < 2; c++) assert_int_equal(od_coco_eval_add_truth(e, i, c, box, -1, 0, NULL), OD_OK);
        assert_int_equal(od_coco_eval_add_detection(e, i, 0, box, .9, NULL), OD_OK);
        assert_int_equal(od_coco_eval_add_detection(e, i, 1, i ? far : box, .9 - .1 * i, NULL), OD_OK);
    }
    assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
    return e;
}

static double value_of(const od_metric_list *l, const char *tag)
{
    const od_metric_value *v = od_metric_list_find(l, tag);
    if (!v) fail_msg("no %s", tag);
    return v->value;
}

static void test_coco_classes(void **state)
{
    (void)state;
    static const od_super_category supers[] = {{"animals", "cat,dog,unicorn"}, {"beasts", "unicorn"}};
    od_coco_eval *e = three_classes();
    od_metric_list all = {0}, plain = {0};
    double half = 51. / 101; /* the second found one is wrong: recall .5, precision 1 up to there */
    assert_int_equal(od_coco_class_metrics(e, &(od_coco_class_options){0, NULL, 0}, &plain, NULL), OD_OK);
    assert_int_equal(plain.count, 3);
    assert_int_equal(od_coco_class_metrics(e, &(od_coco_class_options){1, supers, 2}, &all, NULL), OD_OK);
    assert_int_equal(all.count, 3 * 13 + 2 * 13);
    assert_float_equal(value_of(&all, "DetectionBoxes_PerformanceByCategory/mAP/cat"), 1, 1e-12);
    assert_float_equal(value_of(&all, "DetectionBoxes_PerformanceByCategory/mAP/dog"), half, 1e-12);
    assert_float_equal(value_of(&all, "DetectionBoxes_PerformanceByCategory/mAP/unicorn"), -1, 0);
    assert_float_equal(value_of(&all, "DetectionBoxes_Recall/AR@100 ByCategory/dog"), .5, 1e-12);
    assert_float_equal(value_of(&all, "DetectionBoxes_PerformanceBySuperCategory/animals"), (1 + half) / 2, 1e-12);
    assert_float_equal(value_of(&all, "DetectionBoxes_Recall/AR@100 (medium) BySuperCategory/animals"), .75, 1e-12);
    assert_float_equal(value_of(&all, "DetectionBoxes_Precision/mAP BySuperCategory/beasts"), -1, 0);
    od_metric_list_deinit(&all);
    od_metric_list_deinit(&plain);
    od_coco_eval_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_failing_allocations),
        cmocka_unit_test(test_lvis_frequencies),
        cmocka_unit_test(test_coco_classes),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
