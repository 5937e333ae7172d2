/* SPDX-License-Identifier: Apache-2.0
 *
 * The COCO evaluator against pycocotools' stored answers (tests/oracle/coco_cases.py), to the bit; its table's text;
 * refusals; failing allocations; thread counts.
 */
#include "objdet/eval.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/error.h"
#include "util/hashmap.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static json_t *cases;

static int load_cases(void **state)
{
    (void)state;
    char path[512];
    json_error_t why;
    test_source_path(path, sizeof path, "tests/eval/data/coco_cases.json");
    json_t *root = json_load_file(path, 0, &why);
    if (!root) return -1;
    cases = json_incref(json_object_get(root, "cases"));
    json_decref(root);
    return cases ? 0 : -1;
}

static int free_cases(void **state)
{
    (void)state;
    json_decref(cases);
    return 0;
}

static int64_t integer(json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static int64_t index_of(json_t *list, int64_t id)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) if (integer(item, "id") == id) return (int64_t)i;
    return -1;
}

static void read_box(json_t *item, double box[4])
{
    for (size_t i = 0; i < 4; i++) box[i] = json_number_value(json_array_get(json_object_get(item, "bbox"), i));
}

static od_status fill(od_coco_eval *e, json_t *c, od_error *err)
{
    json_t *gt = json_object_get(c, "gt"), *images = json_object_get(gt, "images"), *item;
    json_t *classes = json_object_get(gt, "categories");
    size_t i;
    double box[4];
    json_array_foreach(classes, i, item)
        OD_TRY(od_coco_eval_add_class(e, integer(item, "id"), json_string_value(json_object_get(item, "name")), err));
    json_array_foreach(images, i, item) OD_TRY(od_coco_eval_add_image(e, integer(item, "id"), NULL, NULL, err));
    json_array_foreach(json_object_get(gt, "annotations"), i, item) {
        read_box(item, box);
        OD_TRY(od_coco_eval_add_truth(e, index_of(images, integer(item, "image_id")),
                                      index_of(classes, integer(item, "category_id")), box,
                                      json_number_value(json_object_get(item, "area")), (int)integer(item, "iscrowd"), err));
    }
    json_array_foreach(json_object_get(c, "dt"), i, item) {
        read_box(item, box);
        OD_TRY(od_coco_eval_add_detection(e, index_of(images, integer(item, "image_id")),
                                          index_of(classes, integer(item, "category_id")), box,
                                          json_number_value(json_object_get(item, "score")), err));
    }
    return OD_OK;
}

static void assert_stats(json_t *expected, const double *stats, const char *name)
{
    for (size_t i = 0; i < OD_COCO_NUM_STATS; i++) {
        double want = json_number_value(json_array_get(expected, i));
        if (memcmp(&want, &stats[i], sizeof want))
            fail_msg("%s %s: %.17g, pycocotools %.17g", name, od_coco_stat_name((od_coco_stat)i), stats[i], want);
    }
}

static void assert_hash(json_t *c, const char *key, const double *values, size_t n)
{
    char hex[32];
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)od_hash_fnv1a(values, n * sizeof *values));
    if (strcmp(hex, json_string_value(json_object_get(c, key))))
        fail_msg("%s: %s differs from pycocotools'", json_string_value(json_object_get(c, "name")), key);
}

static void check_arrays(od_coco_eval *e, json_t *c)
{
    size_t k = (size_t)od_coco_eval_num_classes(e), n = 10 * 101 * k * 4 * 3, m = 10 * k * 4 * 3;
    double *precision = malloc(n * sizeof *precision), *scores = malloc(n * sizeof *scores),
           *recall = malloc(m * sizeof *recall);
    assert_true(precision && scores && recall);
    assert_int_equal(od_coco_eval_arrays(e, precision, scores, recall, NULL), OD_OK);
    assert_hash(c, "precision", precision, n);
    assert_hash(c, "recall", recall, m);
    assert_hash(c, "scores", scores, n);
    free(precision);
    free(scores);
    free(recall);
}

static void test_equals_pycocotools(void **state)
{
    (void)state;
    size_t i, k;
    json_t *c, *stats;
    json_array_foreach(cases, i, c) {
        const char *name = json_string_value(json_object_get(c, "name"));
        if (!strcmp(name, "zero_id")) continue; /* annotation ids exist in files only: test_coco_files */
        for (int threads = 1; threads <= 3; threads++) {
            od_coco_eval *e;
            od_error err = {0};
            assert_int_equal(od_coco_eval_create(&e, &err), OD_OK);
            assert_int_equal(fill(e, c, &err), OD_OK);
            assert_null(od_coco_eval_stats(e));
            assert_int_equal(od_coco_eval_run(e, threads, &err), OD_OK);
            assert_stats(json_object_get(c, "stats"), od_coco_eval_stats(e), name);
            json_array_foreach(json_object_get(c, "class_stats"), k, stats)
                assert_stats(stats, od_coco_eval_class_stats(e, (int64_t)k), name);
            check_arrays(e, c);
            od_coco_eval_free(e);
        }
    }
    assert_true(i >= 12);
}

static json_t *find_case(const char *name)
{
    size_t i;
    json_t *c;
    json_array_foreach(cases, i, c) if (!strcmp(json_string_value(json_object_get(c, "name")), name)) return c;
    return NULL;
}

static void test_survives_failing_allocations(void **state)
{
    (void)state;
    json_t *c = find_case("crowds");
    int failures = 0, done = 0;
    for (long n = 1; n < 2000 && !done; n++) {
        od_coco_eval *e = NULL;
        od_error err = {0};
        od_alloc_fail_after(n);
        od_status status = od_coco_eval_create(&e, &err);
        if (status == OD_OK) status = fill(e, c, &err);
        if (status == OD_OK) status = od_coco_eval_run(e, 1, &err);
        od_alloc_fail_after(0);
        if (status == OD_OK) {
            done = 1;
            assert_stats(json_object_get(c, "stats"), od_coco_eval_stats(e), "after failures");
        } else {
            assert_int_equal(status, OD_ERR_NOMEM);
            assert_true(e == NULL || od_coco_eval_stats(e) == NULL);
            failures++;
        }
        od_coco_eval_free(e);
    }
    assert_true(done);
    assert_true(failures > 30);
}

static void test_clear_detections_and_run_again(void **state)
{
    (void)state;
    od_coco_eval *e;
    od_error err = {0};
    json_t *c = find_case("plain");
    assert_int_equal(od_coco_eval_create(&e, &err), OD_OK);
    assert_int_equal(fill(e, c, &err), OD_OK);
    assert_int_equal(od_coco_eval_run(e, 1, &err), OD_OK);
    od_coco_eval_clear_detections(e);
    assert_null(od_coco_eval_stats(e));
    assert_int_equal(od_coco_eval_run(e, 1, &err), OD_OK);
    assert_true(od_coco_eval_stats(e)[OD_COCO_AP] == 0);
    od_coco_counts counts;
    od_coco_eval_counts(e, &counts);
    assert_int_equal(counts.detections, 0);
    assert_int_equal(counts.images, 20);
    od_coco_eval_free(e);
}

static void test_table_and_absent_areas(void **state)
{
    (void)state;
    od_coco_eval *e;
    od_error err = {0};
    assert_int_equal(od_coco_eval_create(&e, &err), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 1, "lung", &err), OD_OK);
    assert_int_equal(od_coco_eval_add_image(e, 9, NULL, NULL, &err), OD_OK);
    const double box[4] = {0, 0, 200, 200};
    assert_int_equal(od_coco_eval_add_truth(e, 0, 0, box, -1, 0, &err), OD_OK);
    assert_int_equal(od_coco_eval_add_detection(e, 0, 0, box, .9, &err), OD_OK);
    assert_int_equal(od_coco_eval_run(e, 1, &err), OD_OK);
    char *table = od_coco_stats_table(od_coco_eval_stats(e)), *why = od_coco_eval_explain_absent(e);
    assert_string_equal(table,
                        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 1.000\n"
                        " Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 1.000\n"
                        " Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 1.000\n"
                        " Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000\n"
                        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = -1.000\n"
                        " Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 1.000\n"
                        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 1.000\n"
                        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 10 ] = 1.000\n"
                        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 1.000\n"
                        " Average Recall     (AR) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000\n"
                        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = -1.000\n"
                        " Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 1.000\n");
    assert_non_null(strstr(why, "-1 for small: no ground-truth box of that area"));
    assert_non_null(strstr(why, "small 0, medium 0, large 1 boxes"));
    assert_null(strstr(why, "-1 for large"));
    free(table);
    free(why);
    od_coco_eval_free(e);
}

static void test_refuses_bad_input(void **state)
{
    (void)state;
    od_coco_eval *e;
    od_error err = {0};
    const double box[4] = {0, 0, 2, 2}, nan_box[4] = {0, NAN, 2, 2};
    assert_int_equal(od_coco_eval_create(&e, &err), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 1, "a", &err), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 1, "b", &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "class id 1 (b)"));
    assert_int_equal(od_coco_eval_add_image(e, 5, "x.jpg", NULL, &err), OD_OK);
    assert_int_equal(od_coco_eval_add_image(e, 5, "y.jpg", NULL, &err), OD_ERR_ARG);
    assert_int_equal(od_coco_eval_add_truth(e, 1, 0, box, 1, 0, &err), OD_ERR_ARG);
    assert_int_equal(od_coco_eval_add_truth(e, 0, -1, box, 1, 0, &err), OD_ERR_ARG);
    assert_int_equal(od_coco_eval_add_truth(e, 0, 0, nan_box, 1, 0, &err), OD_ERR_NAN);
    assert_int_equal(od_coco_eval_add_truth(e, 0, 0, box, INFINITY, 0, &err), OD_ERR_NAN);
    assert_int_equal(od_coco_eval_add_detection(e, 0, 0, box, NAN, &err), OD_ERR_NAN);
    assert_non_null(strstr(err.message, "score"));
    od_coco_counts counts;
    od_coco_eval_counts(e, &counts);
    assert_int_equal(counts.truths[0] + counts.detections, 0);
    od_coco_eval_free(e);
}

/* coco_tools.py subtracts in float32: 0.3f - 0.1f isn't 0.3 - 0.1. */
static void test_corners_use_float32(void **state)
{
    (void)state;
    const float corners[4] = {0.1f, 10.1f, 32.1f, 42.1f}; /* float32 height 31.999998, width 31.999998 */
    od_coco_eval *e;
    od_error err = {0};
    assert_int_equal(od_coco_eval_create(&e, &err), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 1, "a", &err), OD_OK);
    assert_int_equal(od_coco_eval_add_image(e, 1, NULL, NULL, &err), OD_OK);
    assert_int_equal(od_coco_eval_add_truth_corners(e, 0, 0, corners, 0, &err), OD_OK);
    assert_int_equal(od_coco_eval_add_detection_corners(e, 0, 0, corners, .5f, &err), OD_OK);
    assert_int_equal(od_coco_eval_run(e, 1, &err), OD_OK);
    assert_true(fabs(od_coco_eval_stats(e)[OD_COCO_AP] - 1) < 1e-12);
    od_coco_counts counts;
    od_coco_eval_counts(e, &counts);
    float h = corners[2] - corners[0], w = corners[3] - corners[1];
    assert_int_equal(counts.truths[1], h * w <= 1024.0f);
    assert_int_equal(counts.truths[2], h * w >= 1024.0f);
    od_coco_eval_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_pycocotools),         cmocka_unit_test(test_survives_failing_allocations),
        cmocka_unit_test(test_clear_detections_and_run_again), cmocka_unit_test(test_table_and_absent_areas),
        cmocka_unit_test(test_refuses_bad_input),          cmocka_unit_test(test_corners_use_float32),
    };
    return cmocka_run_group_tests(tests, load_cases, free_cases);
}
