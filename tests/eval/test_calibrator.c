/* SPDX-License-Identifier: Apache-2.0
 *
 * Platt scaling and isotonic regression against scikit-learn's (tests/oracle/localisation_cases.py); operating_point.json:
 * written, read back, broken in every field; overlap with a test set.
 */
#include "eval/calibrator.h"
#include "objdet/eval.h"
#include "objdet/operating_point.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <string.h>

static int by_score(const void *pa, const void *pb)
{
    const od_score_outcome *a = pa, *b = pb;
    return (a->score > b->score) - (a->score < b->score);
}

static void test_equals_scikit_learn(void **state)
{
    (void)state;
    char path[512];
    test_source_path(path, sizeof path, "tests/eval/data/calibrators.json");
    json_t *root = json_load_file(path, 0, NULL), *fit, *fits = json_object_get(root, "fits");
    size_t f;
    json_array_foreach(fits, f, fit) {
        json_t *scores = json_object_get(fit, "scores"), *right = json_object_get(fit, "right"), *at = json_object_get(fit, "at");
        size_t n = json_array_size(scores);
        od_score_outcome *v = malloc(n * sizeof *v);
        od_score_map map = {0};
        assert_non_null(v);
        for (size_t i = 0; i < n; i++)
            v[i] = (od_score_outcome){json_number_value(json_array_get(scores, i)), (int)json_integer_value(json_array_get(right, i))};
        od_platt_fit(v, n, &map.a, &map.b);
        assert_true(fabs(map.a - json_number_value(json_object_get(fit, "a"))) < 1e-4); /* theirs stops at a gradient of 1e-6 */
        assert_true(fabs(map.b - json_number_value(json_object_get(fit, "b"))) < 1e-4);
        qsort(v, n, sizeof *v, by_score);
        assert_int_equal(od_isotonic_fit(v, n, &map, NULL), OD_OK);
        for (size_t i = 0; i < json_array_size(at); i++) {
            double s = json_number_value(json_array_get(at, i)), want = json_number_value(json_array_get(json_object_get(fit, "isotonic"), i));
            assert_true(fabs(od_isotonic_apply(&map, s) - want) < 1e-12);
            want = json_number_value(json_array_get(json_object_get(fit, "platt"), i));
            assert_true(fabs(od_platt_apply(map.a, map.b, s) - want) < 1e-5);
        }
        od_score_map_deinit(&map);
        free(v);
    }
    assert_int_equal(f, 3);
    json_decref(root);
}

/* `images` images called NAME_i.png; in each an object and two detections, the better one right in four of five. */
static od_coco_eval *make_set(const char *name, int images, int first, const char *class_name)
{
    od_coco_eval *e;
    char file[64];
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 1, class_name, NULL), OD_OK);
    for (int i = 0; i < images; i++) {
        snprintf(file, sizeof file, "dir/%s_%d.png", name, first + i);
        assert_int_equal(od_coco_eval_add_image(e, i + 1, file, NULL, NULL), OD_OK);
        assert_int_equal(od_coco_eval_add_truth(e, i, 0, (double[4]){0, 0, 100, 100}, -1, 0, NULL), OD_OK);
        double off = i % 5 ? 0 : 200;
        assert_int_equal(od_coco_eval_add_detection(e, i, 0, (double[4]){off, 0, 100, 100}, .5 + .4 * (i % 7) / 7, NULL), OD_OK);
        assert_int_equal(od_coco_eval_add_detection(e, i, 0, (double[4]){300, 0, 100, 100}, .1 + .3 * (i % 3) / 3, NULL), OD_OK);
    }
    assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
    return e;
}

static od_threshold_study *study(const od_coco_eval *fit, const od_coco_eval *test, int calibrator)
{
    od_threshold_study *s;
    od_threshold_study_options o = od_threshold_study_options_default();
    o.operating.match.num_resamples = 40;
    o.calibrator = calibrator;
    assert_int_equal(od_threshold_study_run(&s, fit, test, &o, NULL), OD_OK);
    return s;
}

static void save(const char *path, const od_coco_eval *fit, const od_threshold_study *s)
{
    od_operating_file *f;
    assert_int_equal(od_operating_file_create(&f, fit, "val.json", "val_dt.json", &s->choice, NULL, s->calibrator, NULL), OD_OK);
    assert_int_equal(od_operating_file_set_checkpoint(f, "ckpt-7", NULL), OD_OK);
    assert_int_equal(od_operating_file_set_class(f, "cat", .25, NULL), OD_OK);
    assert_int_equal(od_operating_file_set_class(f, "dog", .5, NULL), OD_OK);
    assert_int_equal(od_operating_file_set_class(f, "cat", .75, NULL), OD_OK);
    assert_int_equal(od_operating_file_set_class(f, "cow", 1.5, NULL), OD_ERR_UNSUPPORTED);
    assert_int_equal(od_operating_file_save(f, path, NULL), OD_OK);
    od_operating_file_free(f);
}

static void test_saved_and_read(void **state)
{
    (void)state;
    char path[512];
    test_tmp_path(path, sizeof path, "operating_point.json");
    for (int kind = 0; kind < 2; kind++) {
        od_coco_eval *fit = make_set("val", 60, 0, "a"), *same = make_set("val", 10, 55, "a"), *other = make_set("test", 10, 0, "a");
        od_threshold_study *s = study(fit, other, kind);
        assert_true(s->held_out && s->calibrator);
        save(path, fit, s);
        od_operating_file *f;
        od_overlap o;
        assert_int_equal(od_operating_file_load(&f, path, NULL), OD_OK);
        assert_true(od_operating_file_threshold(f) == s->choice.threshold);
        assert_string_equal(od_operating_file_reason(f), s->choice.reason);
        assert_int_equal(od_operating_file_num_class_thresholds(f), 2);
        assert_true(od_operating_file_class_threshold(f, "cat") == .75 && od_operating_file_class_threshold(f, "dog") == .5);
        assert_true(od_operating_file_class_threshold(f, "cow") == s->choice.threshold);
        assert_string_equal(od_operating_file_checkpoint(f), "ckpt-7");
        assert_string_equal(od_operating_file_fit_gt(f), "val.json");
        assert_int_equal(od_operating_file_num_images(f), 60);
        for (double x = 0; x <= 1; x += .125)
            assert_true(od_calibrator_apply(od_operating_file_calibrator(f), "a", x) == od_calibrator_apply(s->calibrator, "a", x));
        assert_int_equal(od_operating_file_overlap(f, same, &o, NULL), OD_OK);
        assert_int_equal(o.images_seen, 5);
        assert_int_equal(o.first_image, 0);
        assert_int_equal(od_operating_file_overlap(f, other, &o, NULL), OD_OK);
        assert_int_equal(o.images_seen, 0);
        od_operating_file_free(f);
        od_threshold_study_free(s);
        od_coco_eval_free(fit);
        od_coco_eval_free(same);
        od_coco_eval_free(other);
    }
}

static void expect_refused(const char *path, const char *from, const char *to, const char *message)
{
    char *text = NULL, broken[512];
    od_file_view view;
    od_operating_file *f;
    od_error err = {0};
    test_tmp_path(broken, sizeof broken, "broken.json");
    assert_int_equal(od_file_view_open(&view, path, NULL), OD_OK);
    text = od_strndup((const char *)view.data, view.size);
    od_file_view_close(&view);
    char *at = strstr(text, from);
    if (!at) fail_msg("'%s' is not in the file", from);
    char *changed = od_asprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_int_equal(od_file_write_all(broken, changed, strlen(changed), NULL), OD_OK);
    assert_int_not_equal(od_operating_file_load(&f, broken, &err), OD_OK);
    if (!strstr(err.message, message)) fail_msg("message '%s', expected '%s'", err.message, message);
    if (!strstr(err.message, "broken.json: ")) fail_msg("message '%s' doesn't name the file", err.message);
    od_free(text);
    od_free(changed);
}

static void test_broken_files(void **state)
{
    (void)state;
    char path[512];
    test_tmp_path(path, sizeof path, "good.json");
    od_coco_eval *fit = make_set("val", 60, 0, "a");
    od_threshold_study *s = study(fit, NULL, OD_CALIBRATOR_ISOTONIC);
    save(path, fit, s);
    char threshold[64];
    snprintf(threshold, sizeof threshold, "\"threshold\": %.17g", s->choice.threshold);
    expect_refused(path, "\"format\"", "\"former\"", "format is ''; expected 'objdet operating point'");
    expect_refused(path, "\"version\": 1", "\"version\": 2", "version is 2; this objdet reads version 1");
    expect_refused(path, threshold, "\"threshold\": 1.5", "threshold is 1.5; expected 0 to 1");
    expect_refused(path, threshold, "\"threshold\": \"x\"", "threshold is missing or not a number");
    expect_refused(path, "\"reason\"", "\"raisin\"", "reason is missing or not a string");
    expect_refused(path, "\"isotonic\"", "\"magic\"", "calibrator: kind is 'magic'; expected platt or isotonic");
    expect_refused(path, "\"x\": [", "\"x\": [2.0,", "calibrator: all: x[1]: expected numbers that don't fall");
    expect_refused(path, "\"y\": [", "\"y\": [0.0,", "calibrator: all: x has ");
    expect_refused(path, "\"image_hashes\": [", "\"image_hashes\": [\"12\",", "fit: image_hashes[0]: expected 16 hexadecimal digits");
    expect_refused(path, "\"images\": 60", "\"images\": -1", "fit: images is missing or not a whole number of 0 or more");
    expect_refused(path, "{", "{,", "line 1: ");
    od_threshold_study_free(s);
    od_coco_eval_free(fit);
    od_operating_file *f;
    od_error err = {0};
    assert_int_equal(od_operating_file_load(&f, "/nonexistent/operating_point.json", &err), OD_ERR_NOT_FOUND);
}

static void test_too_few(void **state)
{
    (void)state;
    od_coco_eval *fit = make_set("val", 4, 0, "a");
    od_threshold_study *s = study(fit, NULL, OD_CALIBRATOR_AUTO);
    assert_null(s->calibrator);
    assert_string_equal(s->no_calibrator, "3 right and 5 wrong detections are too few to fit a calibrator; at least 5 of each are needed");
    char *words = od_threshold_study_explain(s, NULL, "val.json", "");
    assert_non_null(strstr(words, "Nothing was held out"));
    od_free(words);
    od_threshold_study_free(s);
    od_coco_eval_free(fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_scikit_learn),
        cmocka_unit_test(test_saved_and_read),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_too_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
