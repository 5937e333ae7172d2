/* SPDX-License-Identifier: Apache-2.0
 *
 * Image-level lists of classes on their way from a record to the metrics sets: which detections count.
 */
#include "data/tf_example.h"
#include "example.pb-c.h"
#include "test_support.h"
#include "train/eval_metrics.h"

#include <string.h>

/* An image without boxes whose record says that class 2 was looked for, and that 3 isn't there. */
static void parse(od_example *e, int labeled)
{
    static const uint8_t picture[] = "not looked at";
    int64_t label[] = {2, -7}, negative[] = {3};
    ProtobufCBinaryData bytes = {sizeof picture, (uint8_t *)picture};
    Tensorflow__BytesList encoded = TENSORFLOW__BYTES_LIST__INIT;
    Tensorflow__Int64List labels = TENSORFLOW__INT64_LIST__INIT, negatives = TENSORFLOW__INT64_LIST__INIT;
    encoded.n_value = 1, encoded.value = &bytes;
    labels.n_value = labeled ? 2 : 0, labels.value = label;
    negatives.n_value = 1, negatives.value = negative;
    Tensorflow__Feature values[3] = {TENSORFLOW__FEATURE__INIT, TENSORFLOW__FEATURE__INIT, TENSORFLOW__FEATURE__INIT};
    values[0].kind_case = TENSORFLOW__FEATURE__KIND_BYTES_LIST, values[0].bytes_list = &encoded;
    values[1].kind_case = TENSORFLOW__FEATURE__KIND_INT64_LIST, values[1].int64_list = &labels;
    values[2].kind_case = TENSORFLOW__FEATURE__KIND_INT64_LIST, values[2].int64_list = &negatives;
    static char *const keys[3] = {"image/encoded", "image/class/label", "image/neg_category_ids"};
    Tensorflow__FeatureEntry entries[3], *pointers[3];
    for (int i = 0; i < 3; i++) {
        entries[i] = (Tensorflow__FeatureEntry)TENSORFLOW__FEATURE_ENTRY__INIT;
        entries[i].key = keys[i];
        entries[i].value = &values[i];
        pointers[i] = &entries[i];
    }
    Tensorflow__Features features = TENSORFLOW__FEATURES__INIT;
    features.n_feature = 3, features.feature = pointers;
    Tensorflow__Example message = TENSORFLOW__EXAMPLE__INIT;
    message.features = &features;
    uint8_t packed[512];
    size_t size = tensorflow__example__pack(&message, packed);
    assert_int_equal(od_tf_example_parse(packed, size, e, NULL), OD_OK);
    e->width = e->height = 100;
}

static void test_lists_are_read(void **state)
{
    (void)state;
    od_example e = {0};
    parse(&e, 1);
    assert_int_equal(e.class_list_counts[OD_EXAMPLE_LABELED], 1); /* -7 is no id */
    assert_int_equal(e.class_lists[OD_EXAMPLE_LABELED][0], 2);
    assert_int_equal(e.class_list_counts[OD_EXAMPLE_NEGATIVE], 1);
    assert_int_equal(e.class_lists[OD_EXAMPLE_NEGATIVE][0], 3);
    assert_int_equal(e.class_list_counts[OD_EXAMPLE_NOT_EXHAUSTIVE], 0);
    od_example_deinit(&e);
}

static ObjectDetection__Protos__EvalConfig eval_config(char **sets, size_t n)
{
    ObjectDetection__Protos__EvalConfig c;
    object_detection__protos__eval_config__init(&c); /* the macro names deprecated members, of which clang warns */
    c.metrics_set = sets;
    c.n_metrics_set = n;
    return c;
}

static void test_keeps(void **state)
{
    (void)state;
    ObjectDetection__Protos__EvalConfig c = eval_config(NULL, 0);
    od_eval_metrics m;
    assert_int_equal(od_eval_metrics_init(&m, &c, NULL, 3, 0, NULL), OD_OK);
    od_batch_item with = {0}, without = {0};
    parse(&with.example, 1);
    parse(&without.example, 0);
    assert_true(od_eval_metrics_keeps(&m, &with, 0));
    c.skip_predictions_for_unlabeled_class = 1;
    assert_false(od_eval_metrics_keeps(&m, &with, 0));
    assert_true(od_eval_metrics_keeps(&m, &with, 1));
    assert_true(od_eval_metrics_keeps(&m, &without, 0)); /* no list: all were looked for */
    c.image_classes_field_map_empty_to_ones = 0;
    assert_false(od_eval_metrics_keeps(&m, &without, 0));
    od_example_deinit(&with.example);
    od_example_deinit(&without.example);
    od_eval_metrics_deinit(&m);
}

/* One image with one box of class 1, found; a false detection of class 2, which was looked for, and one of class 3, which was not. */
static void add_image(od_eval_metrics *m, int labeled)
{
    od_object truths[3] = {{.box = {.1f, .1f, .5f, .5f}, .label = 1}, {.box = {.6f, .6f, .9f, .9f}, .label = 2}, {.box = {.6f, .6f, .9f, .9f}, .label = 3}};
    od_batch_item item = {.objects = truths};
    od_detections d = {0};
    parse(&item.example, labeled);
    assert_int_equal(od_detections_reset(&d, 1, 3, NULL), OD_OK);
    d.count[0] = 3;
    for (int i = 0; i < 3; i++) {
        memcpy(d.boxes + 4 * i, truths[0].box, sizeof truths[0].box);
        d.scores[i] = .9f;
        d.classes[i] = i;
    }
    assert_int_equal(od_eval_metrics_add_image(m, &item, 1, &d, 0, NULL), OD_OK);
    for (int i = 0; i < 3; i++) memcpy(d.boxes + 4 * i, truths[i].box, sizeof truths[i].box);
    d.scores[1] = d.scores[2] = .5f;
    assert_int_equal(od_eval_metrics_add_image(m, &item, 3, &d, 0, NULL), OD_OK);
    od_detections_deinit(&d);
    od_example_deinit(&item.example);
}

static double ap(char *set, int labeled, const char *tag)
{
    char *sets[] = {"coco_detection_metrics", set};
    ObjectDetection__Protos__EvalConfig c = eval_config(sets, 2);
    od_eval_metrics m;
    od_label_map *labels = od_label_map_create();
    od_coco_eval *coco;
    assert_int_equal(od_label_map_add(labels, 1, "a", NULL, NULL), OD_OK);
    assert_int_equal(od_label_map_add(labels, 2, "b", NULL, NULL), OD_OK);
    assert_int_equal(od_label_map_add(labels, 3, "c", NULL, NULL), OD_OK);
    assert_int_equal(od_eval_metrics_init(&m, &c, labels, 3, 0, NULL), OD_OK);
    add_image(&m, labeled);
    assert_int_equal(od_coco_eval_create(&coco, NULL), OD_OK);
    assert_int_equal(od_coco_eval_run(coco, 1, NULL), OD_OK);
    assert_int_equal(od_eval_metrics_compute(&m, coco, NULL), OD_OK);
    const od_metric_value *v = od_metric_list_find(&m.values, tag);
    assert_non_null(v);
    double value = v->value;
    od_eval_metrics_deinit(&m);
    od_coco_eval_free(coco);
    od_label_map_free(labels);
    return value;
}

static void test_only_verified_classes_count(void **state)
{
    (void)state;
#define TAG(prefix, class) prefix "_PerformanceByCategory/AP@0.5IOU/" class
    /* Precision is 1/2 where the false detection counts: it has the higher score. */
    assert_float_equal(ap("pascal_voc_detection_metrics", 1, TAG("PascalBoxes", "c")), .5, 1e-12);
    assert_float_equal(ap("oid_challenge_detection_metrics", 1, TAG("OpenImagesDetectionChallenge", "b")), .5, 1e-12);
    assert_float_equal(ap("oid_challenge_detection_metrics", 1, TAG("OpenImagesDetectionChallenge", "c")), 1, 1e-12);
    assert_float_equal(ap("oid_challenge_detection_metrics", 0, TAG("OpenImagesDetectionChallenge", "c")), .5, 1e-12);
    assert_float_equal(ap("oid_challenge_detection_metrics", 1, TAG("OpenImagesDetectionChallenge", "a")), 1, 1e-12);
}

static void test_unknown_set(void **state)
{
    (void)state;
    char *sets[] = {"nonsense"};
    ObjectDetection__Protos__EvalConfig c = eval_config(sets, 1);
    od_eval_metrics m;
    od_error err;
    assert_int_equal(od_eval_metrics_init(&m, &c, NULL, 3, 0, &err), OD_ERR_UNSUPPORTED);
    assert_string_equal(err.message, "eval_config: metrics_set nonsense is not supported yet");
    od_eval_metrics_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_are_read),
        cmocka_unit_test(test_keeps),
        cmocka_unit_test(test_only_verified_classes_count),
        cmocka_unit_test(test_unknown_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
