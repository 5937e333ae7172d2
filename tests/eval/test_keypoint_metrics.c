/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's keypoint metrics against the stored answers of the OD API's CocoKeypointEvaluator (tests/oracle/keypoint_metrics.py), tag by tag.
 */
#include "eval/coco_keypoints.h"
#include "eval/metric_sets.h"
#include "test_support.h"
#include "util/alloc.h"

#include <jansson.h>
#include <math.h>

enum { MAX_POINTS = 32 };

static double number(json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static void read_floats(json_t *array, float *out)
{
    size_t i;
    json_t *v;
    json_array_foreach(array, i, v) out[i] = (float)json_number_value(v);
}

static float *read_points(json_t *array, int stride, int *count)
{
    size_t i;
    json_t *p;
    *count = (int)json_array_size(array);
    float *points = od_malloc((size_t)(*count * stride), sizeof *points);
    json_array_foreach(array, i, p) read_floats(p, points + i * (size_t)stride);
    return points;
}

static void fill(od_detection_set *set, json_t *images)
{
    od_error err = {0};
    size_t i, k;
    json_t *image, *o;
    json_array_foreach(images, i, image) {
        assert_int_equal(od_detection_set_add_image(set, &err), OD_OK);
        json_array_foreach(json_object_get(image, "truth"), k, o) {
            od_set_truth t = {.class_index = (int)number(o, "cls") - 1, .area = (float)number(o, "area"), .flags = number(o, "crowd") > 0 ? OD_TRUTH_CROWD : 0u};
            read_floats(json_object_get(o, "box"), t.box);
            t.keypoints = read_points(json_object_get(o, "keypoints"), 3, &t.num_keypoints);
            assert_int_equal(od_detection_set_add_truth(set, &t, &err), OD_OK);
        }
        json_array_foreach(json_object_get(image, "found"), k, o) {
            od_set_detection d = {.class_index = (int)number(o, "cls") - 1, .score = (float)number(o, "score")};
            read_floats(json_object_get(o, "box"), d.box);
            d.keypoints = read_points(json_object_get(o, "keypoints"), 2, &d.num_keypoints);
            assert_int_equal(od_detection_set_add_detection(set, &d, &err), OD_OK);
        }
    }
}

static void check_case(json_t *c, size_t number_of_case)
{
    od_detection_set set = {0};
    od_metric_list got = {0};
    od_error err = {0};
    int32_t ids[MAX_POINTS];
    double sigmas[MAX_POINTS];
    json_t *want = json_object_get(c, "answers"), *value, *given = json_object_get(c, "sigmas");
    const char *tag;
    od_keypoint_metric metric = {(int)number(c, "cls") - 1, "person", (int)json_array_size(json_object_get(c, "ids")), ids, sigmas};
    for (int i = 0; i < metric.count; i++) {
        ids[i] = (int32_t)json_integer_value(json_array_get(json_object_get(c, "ids"), (size_t)i));
        sigmas[i] = json_is_null(given) ? .05 : (double)(float)json_number_value(json_array_get(given, (size_t)i));
    }
    fill(&set, json_object_get(c, "images"));
    assert_int_equal(od_keypoint_metric_compute(&metric, &set, &got, &err), OD_OK);
    assert_int_equal(got.count, json_object_size(want));
    json_object_foreach(want, tag, value) {
        const od_metric_value *v = od_metric_list_find(&got, tag);
        if (!v) fail_msg("case %zu: no %s", number_of_case, tag);
        if (!(fabs(v->value - json_number_value(value)) <= 1e-9)) fail_msg("case %zu: %s is %.9g, the OD API's %.9g", number_of_case, tag, v->value, json_number_value(value));
    }
    od_metric_list_deinit(&got);
    od_detection_set_deinit(&set);
}

static void test_answers(void **state)
{
    (void)state;
    char path[512];
    size_t i;
    json_t *c;
    test_source_path(path, sizeof path, "tests/eval/data/keypoint_metrics.json");
    json_t *root = json_load_file(path, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(root, "cases")), 8);
    json_array_foreach(json_object_get(root, "cases"), i, c) check_case(c, i);
    json_decref(root);
}

/* By hand: an exact keypoint and one at a distance of sigma 2 root of area; then without labels, inside and outside of the box's surroundings. */
static void test_similarity(void **state)
{
    (void)state;
    double truths[] = {10, 20, 2, 50, 60, 1, 0, 0, 0}, dets[] = {10, 20, 50 + 2 * .1 * 30, 60, 700, 800}, far[] = {10, 20, 10, 20, 10 + 200 + .2 * 30, 20};
    const double sigmas[] = {.1, .1, .1};
    od_coco_keypoints k = {3, sigmas, truths, dets};
    od_coco_truth object = {.box = {10, 20, 100, 40}, .area = 900};
    assert_float_equal(od_coco_oks(&k, 0, 0, &object), (1 + exp(-.5)) / 2, 1e-12);
    truths[2] = truths[5] = 0;
    k.dets = far;
    assert_float_equal(od_coco_oks(&k, 0, 0, &object), (2 + exp(-.5)) / 3, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers), cmocka_unit_test(test_similarity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
