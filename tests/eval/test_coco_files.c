/* SPDX-License-Identifier: Apache-2.0
 *
 * Ground truth and detections from files: pycocotools' numbers, ids as other tools write them, and what is refused or
 * counted, by name.
 */
#include "objdet/eval.h"
#include "objdet/log.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static char log_text[8192];

static void keep_log(void *user, od_log_level level, const char *message)
{
    (void)user;
    (void)level;
    strncat(log_text, message, sizeof log_text - strlen(log_text) - 1);
}

static const char *write_file(const char *name, const char *text)
{
    static char paths[2][400];
    static int turn;
    char *path = paths[turn ^= 1];
    test_tmp_path(path, sizeof paths[0], name);
    assert_int_equal(od_file_write_all(path, text, strlen(text), NULL), OD_OK);
    return path;
}

/* Loads both texts; on success the evaluator is returned, run. */
static od_coco_eval *load(const char *gt, const char *dt, const od_coco_load_options *options, od_error *err)
{
    od_coco_eval *e;
    log_text[0] = 0;
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    od_status status = od_coco_eval_load_truth(e, write_file("gt.json", gt), options, err);
    if (status == OD_OK) status = od_coco_eval_load_detections(e, write_file("dt.json", dt), options, err);
    if (status == OD_OK) status = od_coco_eval_run(e, 2, err);
    if (status == OD_OK) return e;
    assert_int_equal(status, err->status);
    od_coco_eval_free(e);
    return NULL;
}

static void test_cases_through_files(void **state)
{
    (void)state;
    char path[512];
    size_t i, s, count = 0;
    json_t *c, *v;
    test_source_path(path, sizeof path, "tests/eval/data/coco_cases.json");
    json_t *root = json_load_file(path, 0, NULL);
    json_array_foreach(json_object_get(root, "cases"), i, c) {
        char *gt = json_dumps(json_object_get(c, "gt"), i % 2 ? JSON_INDENT(2) : 0);
        char *dt = json_dumps(json_object_get(c, "dt"), i % 2 ? JSON_COMPACT : 0);
        od_error err = {0};
        od_coco_eval *e = load(gt, dt, NULL, &err);
        if (!e) fail_msg("%s", err.message);
        json_array_foreach(json_object_get(c, "stats"), s, v) {
            double want = json_number_value(v), got = od_coco_eval_stats(e)[s];
            if (memcmp(&want, &got, sizeof got))
                fail_msg("%s: %.17g, pycocotools %.17g", json_string_value(json_object_get(c, "name")), got, want);
            count++;
        }
        od_coco_eval_free(e);
        free(gt);
        free(dt);
    }
    json_decref(root);
    assert_int_equal(count, 12 * 12);
    assert_int_equal(od_coco_load_options_default().match_zero_id, 0);
}

#define GT(images, annotations, categories) \
    "{\"images\": [" images "], \"annotations\": [" annotations "], \"categories\": [" categories "]}"
#define IMAGES "{\"id\": 7, \"file_name\": \"a/x.jpg\", \"width\": 9, \"patient\": \"p1\"}, {\"id\": 9, \"file_name\": \"b/y.png\", \"patient\": 2}"
#define BOX "{\"id\": 1, \"image_id\": 7, \"category_id\": 3, \"bbox\": [10, 10, 50, 50], \"area\": 2500, \"iscrowd\": 0}"
#define CLASSES "{\"id\": 3, \"name\": \"cat\"}, {\"id\": 4, \"name\": \"dog\"}"
#define STANDARD GT(IMAGES, BOX, CLASSES)
#define DET(image, category) "{\"image_id\": " image ", \"category_id\": " category ", \"bbox\": [10, 10, 50, 50], \"score\": 0.5}"

static void assert_found(const char *gt, const char *dt, const od_coco_load_options *options)
{
    od_error err = {0};
    od_coco_eval *e = load(gt, dt, options, &err);
    if (!e) fail_msg("%s: %s", dt, err.message);
    assert_true(fabs(od_coco_eval_stats(e)[OD_COCO_AP] - 1) < 1e-9);
    od_coco_eval_free(e);
}

static void test_ids_as_other_tools_write_them(void **state)
{
    (void)state;
    static const char *const names[] = {"7", "7.0", "\"a/x.jpg\"", "\"x.jpg\"", "\"x\"", "\"a/x\"", "\"7\""};
    char dt[400];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(dt, sizeof dt, "[{\"image_id\": %s, \"category_id\": 3, \"bbox\": [10,10,50,50], \"score\": 1}]", names[i]);
        assert_found(STANDARD, dt, NULL);
    }
    assert_found(STANDARD, "[" DET("7", "\"cat\"") "]", NULL);
    assert_found(STANDARD, "[{\"image_id\": 7, \"category_name\": \"cat\", \"bbox\": [10,10,50,50], \"score\": 1}]", NULL);
    assert_found(STANDARD, "{\"info\": {}, \"annotations\": [" DET("7", "3") "]}", NULL);
    od_coco_load_options offset = od_coco_load_options_default();
    offset.category_offset = 3;
    assert_found(STANDARD, "[" DET("7", "0") "]", &offset);
    /* Roboflow: ids from 0, a parent class; CVAT: attributes, no "iscrowd" needed. */
    assert_found(GT("{\"id\": 0, \"license\": 1, \"file_name\": \"x_png.rf.0a.jpg\"}",
                    "{\"id\": 5, \"image_id\": 0, \"category_id\": 1, \"bbox\": [1,1,40,40.5], \"segmentation\": [], "
                    "\"attributes\": {\"occluded\": false}}",
                    "{\"id\": 0, \"name\": \"cells\", \"supercategory\": \"none\"}, {\"id\": 1, \"name\": \"RBC\"}"),
                 "[{\"image_id\": \"x_png.rf.0a\", \"category_id\": 1, \"bbox\": [1,1,40,40.5], \"score\": 0.9}]", NULL);
    assert_non_null(strstr(log_text, "1 annotations have no area"));
    /* String ids in the ground truth. */
    assert_found(GT("{\"id\": \"s-1\"}, {\"id\": \"s-2\"}",
                    "{\"id\": 1, \"image_id\": \"s-2\", \"category_id\": 3, \"bbox\": [10,10,50,50], \"area\": 2500, \"iscrowd\": false}",
                    CLASSES),
                 "[" DET("\"s-2\"", "3") "]", NULL);
}

/* Ultralytics writes the number that the file is called. */
static void test_numbers_as_file_names(void **state)
{
    (void)state;
    static const char gt[] = GT("{\"id\": 1, \"file_name\": \"000700.jpg\"}, {\"id\": 2, \"file_name\": \"000001.jpg\"}",
                                "{\"id\": 1, \"image_id\": 1, \"category_id\": 3, \"bbox\": [10,10,50,50], \"area\": 2500}", CLASSES);
    assert_found(gt, "[" DET("700", "3") "]", NULL);
    assert_non_null(strstr(log_text, "the number the image file is called"));
    assert_found(gt, "[" DET("1", "3") "]", NULL); /* fits both: an id, with a warning */
    assert_non_null(strstr(log_text, "fits both"));
    od_coco_load_options by_name = od_coco_load_options_default();
    by_name.image_ids = OD_COCO_IDS_NAME;
    od_error err = {0};
    od_coco_eval *e = load(gt, "[" DET("1", "3") "]", &by_name, &err);
    assert_non_null(e);
    assert_true(od_coco_eval_stats(e)[OD_COCO_AP] == 0); /* the other image */
    od_coco_eval_free(e);
}

static void assert_refused(const char *gt, const char *dt, od_status status, const char *message)
{
    od_error err = {0};
    od_coco_eval *e = load(gt, dt, NULL, &err);
    if (e) fail_msg("accepted: %s %s", gt, dt);
    if (!strstr(err.message, message)) fail_msg("\"%s\" doesn't say \"%s\"", err.message, message);
    assert_int_equal(err.status, status);
}

static void test_refuses_bad_ground_truth(void **state)
{
    (void)state;
    const char *dt = "[]";
    assert_refused("", dt, OD_ERR_FORMAT, "gt.json: line 1 (byte 0)");
    assert_refused("[]", dt, OD_ERR_FORMAT, "expected ground truth");
    assert_refused("{\"images\": []}", dt, OD_ERR_FORMAT, "has no \"annotations\"");
    assert_refused(GT(IMAGES ", {\"id\": 7}", BOX, CLASSES), dt, OD_ERR_MISMATCH, "image 2 (unnamed): id 7 occurs twice");
    assert_refused(GT("{\"file_name\": \"a\"}", "", CLASSES), dt, OD_ERR_FORMAT, "image 0 (counted from 0; byte ");
    assert_refused(GT("{\"id\": 1.5}", "", CLASSES), dt, OD_ERR_FORMAT, "id is 1.5; expected a whole number");
    assert_refused(GT("{\"id\": 1}, {\"id\": \"a\"}", "", CLASSES), dt, OD_ERR_FORMAT, "some ids are numbers and some strings");
    assert_refused(GT(IMAGES, BOX ", " BOX, CLASSES), dt, OD_ERR_MISMATCH, "annotation 1: id 1 is also annotation 0's");
    assert_refused(GT(IMAGES, BOX, CLASSES ", {\"id\": 3}"), dt, OD_ERR_MISMATCH, "category 2: class id 3");
    assert_refused(GT(IMAGES, "{\"id\": 1, \"image_id\": 7, \"category_id\": 3}", CLASSES), dt, OD_ERR_FORMAT, "has no bbox");
    assert_refused(GT(IMAGES, "{\"image_id\": 7, \"category_id\": 3, \"bbox\": [1, 2, 3]}", CLASSES), dt, OD_ERR_FORMAT,
                   "bbox has 3 numbers");
    assert_refused(GT(IMAGES, "{\"image_id\": 7, \"category_id\": 3, \"bbox\": [1, 2, 3, NaN]}", CLASSES), dt, OD_ERR_FORMAT,
                   "a bbox value is nan");
    assert_refused(GT(IMAGES, "{\"image_id\": 7, \"category_id\": 3, \"bbox\": [1, 2, 3, 1e999]}", CLASSES), dt, OD_ERR_FORMAT,
                   "a bbox value is inf");
    assert_refused(GT(IMAGES, "{\"image_id\": 7, \"category_id\": 3, \"bbox\": [1, 2, 3, 4], \"iscrowd\": 2}", CLASSES), dt,
                   OD_ERR_FORMAT, "iscrowd is 2; expected 0 or 1");
    assert_refused(GT(IMAGES, "5", CLASSES), dt, OD_ERR_FORMAT, "annotation 0 (counted from 0; byte ");
}

static void test_refuses_bad_detections(void **state)
{
    (void)state;
    assert_refused(STANDARD, "[" DET("8", "3") "]", OD_ERR_MISMATCH, "detection 0: image_id 8 matches no image");
    assert_refused(STANDARD, "[" DET("7", "3") "," DET("\"z.jpg\"", "3") "]", OD_ERR_MISMATCH, "detection 1: image_id z.jpg matches no image");
    assert_refused(STANDARD, "[" DET("7", "3") "," DET("7", "3"), OD_ERR_FORMAT, "the file ends here");
    assert_refused(STANDARD, "[" DET("null", "3") "]", OD_ERR_FORMAT, "image_id is null");
    assert_refused(STANDARD, "[{\"image_id\": 7, \"category_id\": 3, \"bbox\": [1,1,2,2], \"score\": NaN}]", OD_ERR_FORMAT, "score is nan");
    assert_refused(STANDARD, "[{\"image_id\": 7, \"category_id\": 3, \"bbox\": [1,1,2,2], \"score\": \"0.5\"}]", OD_ERR_FORMAT,
                   "score is a string; expected a number");
    assert_refused(STANDARD, "[{\"image_id\": 7, \"category_id\": 3, \"bbox\": [1,1,2,2]}]", OD_ERR_FORMAT, "has no score");
    assert_refused(STANDARD, "[{\"image_id\": 7, \"category_id\": 3, \"score\": 1}]", OD_ERR_FORMAT, "has no bbox");
    assert_refused(STANDARD, "{\"images\": []}", OD_ERR_FORMAT, "expected COCO results");
    assert_refused(STANDARD, "[] x", OD_ERR_FORMAT, "unexpected text after the end");
    assert_refused(GT("{\"id\": 1, \"file_name\": \"a/x.jpg\"}, {\"id\": 2, \"file_name\": \"b/x.jpg\"}", "", CLASSES),
                   "[" DET("\"x\"", "3") "]", OD_ERR_MISMATCH, "is the name of several images");
}

static void test_counts_what_is_odd(void **state)
{
    (void)state;
    od_error err = {0};
    od_coco_eval *e = load(
        GT(IMAGES, BOX ", {\"id\": 2, \"image_id\": 70, \"category_id\": 3, \"bbox\": [1,1,2,2], \"area\": 4}, "
           "{\"id\": 3, \"image_id\": 7, \"category_id\": 30, \"bbox\": [1,1,2,2], \"area\": 4}, "
           "{\"id\": 4, \"image_id\": 7, \"category_id\": 3, \"bbox\": [1,1,0,2], \"area\": -1}, "
           "{\"id\": 0, \"image_id\": 9, \"category_id\": 4, \"bbox\": [1,1,5,5]}", CLASSES),
        "[" DET("7", "3") "," DET("7", "30") ", {\"image_id\": 9, \"category_id\": 4, \"bbox\": [1,1,5,5], \"score\": 1.5},"
        "{\"image_id\": 9, \"category_id\": 3, \"bbox\": [1,1,-5,5], \"score\": 0.1}]", NULL, &err);
    if (!e) fail_msg("%s", err.message);
    const od_coco_oddities *odd = od_coco_eval_oddities(e);
    assert_int_equal(odd->truths_of_unknown_image, 1);
    assert_int_equal(odd->truths_of_unknown_class, 1);
    assert_int_equal(odd->truths_empty_box, 1);
    assert_int_equal(odd->truths_negative_area, 1);
    assert_int_equal(odd->truths_without_area, 1);
    assert_int_equal(odd->truths_zero_id, 1);
    assert_int_equal(odd->detections_of_unknown_class, 1);
    assert_int_equal(odd->detections_score_outside, 1);
    assert_int_equal(odd->detections_empty_box, 1);
    assert_non_null(strstr(log_text, "(first: annotation 1, image_id 70)"));
    assert_non_null(strstr(log_text, "(first: annotation 2, category_id 30)"));
    assert_non_null(strstr(log_text, "(first: detection 1, 30)"));
    assert_non_null(strstr(log_text, "(first: detection 2, 1.5)"));
    assert_true(od_coco_eval_class_stats(e, 1)[OD_COCO_AP] == 0); /* id 0 is found but not counted, as pycocotools */
    od_coco_eval_free(e);
}

static void test_groups(void **state)
{
    (void)state;
    od_coco_load_options options = od_coco_load_options_default();
    od_error err = {0};
    options.group_by = "patient";
    od_coco_eval_free(load(STANDARD, "[]", &options, &err));
    assert_int_equal(err.status, OD_OK);
    options.group_by = "hospital";
    assert_null(load(STANDARD, "[]", &options, &err));
    assert_non_null(strstr(err.message, "has no field 'hospital' to group by"));
    options.group_by = NULL;
    options.group_regex = "^([a-z])/";
    od_coco_eval_free(load(STANDARD, "[]", &options, &err));
    options.group_regex = "^(a)/";
    assert_null(load(STANDARD, "[]", &options, &err));
    assert_non_null(strstr(err.message, "does not match the file name 'b/y.png'"));
    options.group_regex = "(";
    assert_null(load(STANDARD, "[]", &options, &err));
    assert_int_equal(err.status, OD_ERR_ARG);
}

static void test_survives_failing_allocations(void **state)
{
    (void)state;
    int failures = 0, done = 0;
    write_file("gt.json", STANDARD);
    for (long n = 1; n < 2000 && !done; n++) {
        char gt[400], dt[400];
        od_coco_eval *e = NULL;
        od_error err = {0};
        test_tmp_path(gt, sizeof gt, "gt.json");
        test_tmp_path(dt, sizeof dt, "dt2.json");
        assert_int_equal(od_file_write_all(dt, "[" DET("\"x\"", "\"cat\"") "]", strlen("[" DET("\"x\"", "\"cat\"") "]"), NULL), OD_OK);
        od_alloc_fail_after(n);
        od_status status = od_coco_eval_create(&e, &err);
        if (status == OD_OK) status = od_coco_eval_load_truth(e, gt, NULL, &err);
        if (status == OD_OK) status = od_coco_eval_load_detections(e, dt, NULL, &err);
        od_alloc_fail_after(0);
        done = status == OD_OK;
        failures += !done;
        od_coco_eval_free(e);
    }
    assert_true(done);
    assert_true(failures > 20);
}

static void test_json_output(void **state)
{
    (void)state;
    char path[400];
    od_error err = {0};
    od_coco_eval *e = load(STANDARD, "[" DET("7", "3") "]", NULL, &err);
    assert_non_null(e);
    test_tmp_path(path, sizeof path, "out.json");
    assert_int_equal(od_coco_eval_write_json(e, path, &err), OD_OK);
    json_t *out = json_load_file(path, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(out, "stats")), 12);
    for (size_t i = 0; i < 12; i++) {
        double v = json_number_value(json_array_get(json_object_get(out, "stats"), i));
        assert_memory_equal(&v, &od_coco_eval_stats(e)[i], sizeof v);
    }
    json_t *counts = json_object_get(out, "counts"), *cat = json_object_get(json_object_get(out, "per_class"), "cat");
    assert_int_equal(json_integer_value(json_object_get(counts, "images")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(counts, "boxes"), "medium")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(counts, "boxes"), "small")), 0);
    assert_int_equal(json_integer_value(json_object_get(cat, "id")), 3);
    assert_true(json_number_value(json_object_get(cat, "AP_small")) == -1);
    json_decref(out);
    od_file_fail_after(100);
    assert_int_equal(od_coco_eval_write_json(e, path, &err), OD_ERR_IO);
    od_file_fail_after(-1);
    out = json_load_file(path, 0, NULL); /* what was there is still whole */
    assert_non_null(out);
    json_decref(out);
    od_coco_eval_free(e);
}

int main(void)
{
    od_log_set_callback(keep_log, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_through_files),      cmocka_unit_test(test_ids_as_other_tools_write_them),
        cmocka_unit_test(test_numbers_as_file_names),    cmocka_unit_test(test_refuses_bad_ground_truth),
        cmocka_unit_test(test_refuses_bad_detections),   cmocka_unit_test(test_counts_what_is_odd),
        cmocka_unit_test(test_groups),                   cmocka_unit_test(test_survives_failing_allocations),
        cmocka_unit_test(test_json_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
