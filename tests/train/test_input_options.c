/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of input readers and train_config against what the OD API's inputs.py makes of the same records
 * (tests/data/fixtures/input_options, by tests/oracle/input_options.py): multiclass scores, merged boxes, hierarchies, sequences; and
 * weights of data sets, by counting.
 */
#include "checkpoint/safetensors.h"
#include "data/loader.h"
#include "data/sampling.h"
#include "test_support.h"
#include "train/run_setup.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/strbuf.h"

#include <math.h>
#include <string.h>

#define FOLDER "tests/data/fixtures/input_options"
enum { CLASSES = 3 };

static od_safetensors *fixture;

static int set_up(void **state)
{
    char path[1024];
    (void)state;
    test_source_path(path, sizeof path, FOLDER "/input_options.safetensors");
    return od_safetensors_open(&fixture, path, NULL) == OD_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    od_safetensors_close(fixture);
    return 0;
}

static const od_safetensors_entry *find(const char *name, int i, const char *what)
{
    char key[128];
    if (i < 0) snprintf(key, sizeof key, "%s/%s", name, what);
    else snprintf(key, sizeof key, "%s/%d/%s", name, i, what);
    return od_safetensors_find(fixture, key);
}

/* A config with the case's reader and train_config; the file's path into `path`. */
static void write_config(const char *reader, const char *train, char *path, size_t size)
{
    od_strbuf b = {0};
    od_strbuf_printf(&b,
                     "model { ssd { num_classes: %d image_resizer { fixed_shape_resizer { height: 8 width: 8 } } "
                     "feature_extractor { type: 'ssd_mobilenet_v2_keras' conv_hyperparams { initializer { random_normal_initializer { } } } } "
                     "box_coder { faster_rcnn_box_coder { } } matcher { argmax_matcher { } } similarity_calculator { iou_similarity { } } "
                     "box_predictor { convolutional_box_predictor { conv_hyperparams { initializer { random_normal_initializer { } } } } } "
                     "anchor_generator { ssd_anchor_generator { num_layers: 6 } } loss { localization_loss { weighted_smooth_l1 { } } "
                     "classification_loss { weighted_sigmoid { } } } post_processing { batch_non_max_suppression { } } } } "
                     "train_config { batch_size: 1 optimizer { momentum_optimizer { learning_rate { constant_learning_rate { } } } use_moving_average: false } %s } "
                     "train_input_reader { max_number_of_boxes: 20 %s }",
                     CLASSES, train, reader);
    test_tmp_path(path, size, "input_options.config");
    assert_int_equal(od_file_write_all(path, b.data, b.size, NULL), OD_OK);
    od_strbuf_deinit(&b);
}

typedef struct opened {
    od_run_setup setup;
    od_run_input input;
    od_augmenter *augmenter;
    od_loader *loader;
} opened;

/* One pass in the data's order with what training does to it. */
static od_status open_all(opened *o, const char *reader, const char *train, int training, od_error *err)
{
    char config[1024];
    write_config(reader, train, config, sizeof config);
    *o = (opened){0};
    OD_TRY(od_run_setup_init(&o->setup, config, OD_USE_TRAIN, err));
    const od_run_input_options input = {.training = training};
    OD_TRY(od_run_input_open(&o->input, &o->setup, o->setup.proto->train_input_reader, "train_input_reader", &input, err));
    OD_TRY(od_augmenter_create(&o->augmenter, o->setup.config, err));
    od_loader_options options = od_loader_options_evaluation(&o->setup.preprocess, 1);
    options.max_boxes = o->input.max_boxes;
    options.num_classes = CLASSES;
    options.augmenter = o->augmenter;
    options.class_scores = o->setup.proto->train_config->use_multiclass_scores;
    options.merge_boxes = o->setup.proto->train_config->merge_multiple_label_boxes;
    return od_loader_create(&o->loader, o->input.dataset, &options, err);
}

static void close_all(opened *o)
{
    od_loader_free(o->loader);
    od_augmenter_free(o->augmenter);
    od_run_input_deinit(&o->input);
    od_run_setup_deinit(&o->setup);
}

static void open_case(opened *o, const char *name, const char *record, const char *map, int training)
{
    od_error err = {0};
    const od_safetensors_entry *reader = find(name, -1, "reader"), *train = find(name, -1, "train");
    char text[4096], folder[1024], changes[512];
    if (!reader || !train) fail_msg("no fixture of %s", name);
    test_source_path(folder, sizeof folder, FOLDER);
    snprintf(text, sizeof text, "label_map_path: '%s/%s.pbtxt' %.*s tf_record_input_reader { input_path: '%s/%s.record' }", folder, map, (int)reader->bytes,
             (const char *)reader->data, folder, record);
    snprintf(changes, sizeof changes, "%.*s", (int)train->bytes, (const char *)train->data);
    if (open_all(o, text, changes, training, &err) != OD_OK) fail_msg("%s: %s", name, err.message);
}

static void expect_close(const char *name, int i, const char *what, const od_safetensors_entry *expected, int64_t row, const float *found, int count)
{
    const float *want = (const float *)expected->data + row * count;
    for (int k = 0; k < count; k++)
        if (!(fabsf(want[k] - found[k]) <= 1e-6f)) fail_msg("%s, example %d, %s %d: %g, expected %g", name, i, what, (int)row, (double)found[k], (double)want[k]);
}

/* Example i of the OD API against a batch of one. `shifted`: the OD API's classes aren't looked at. */
static void compare(const char *name, int i, const od_batch *b, int without_classes)
{
    const od_safetensors_entry *boxes = find(name, i, "boxes"), *classes = find(name, i, "classes"), *weights = find(name, i, "weights"), *image = find(name, i, "image");
    if (b->box_counts[0] != boxes->shape[0]) fail_msg("%s, example %d: %d boxes, expected %d", name, i, (int)b->box_counts[0], (int)boxes->shape[0]);
    for (int k = 0; k < b->box_counts[0]; k++) {
        float one_hot[CLASSES] = {0};
        if (!b->class_targets) one_hot[b->classes[k]] = 1;
        expect_close(name, i, "box", boxes, k, b->boxes + 4 * k, 4);
        expect_close(name, i, "weight", weights, k, b->weights + k, 1);
        if (!without_classes) expect_close(name, i, "classes", classes, k, b->class_targets ? b->class_targets + CLASSES * k : one_hot, CLASSES);
    }
    for (int k = 0; image && k < 8 * 8 * 3; k++)
        if (!(fabsf(((const float *)image->data)[k] - b->images[k]) <= 1.0f / 255)) fail_msg("%s, example %d: pixel %d is %g", name, i, k, (double)b->images[k]);
}

static const od_batch *next(opened *o, const char *name)
{
    const od_batch *b = NULL;
    od_error err = {0};
    if (od_loader_next(o->loader, &b, &err) != OD_OK) fail_msg("%s: %s", name, err.message);
    return b;
}

static void run_case(const char *name, const char *record, const char *map)
{
    opened o;
    open_case(&o, name, record, map, 1);
    int count = *(const int32_t *)find(name, -1, "count")->data;
    for (int i = 0; i < count; i++) compare(name, i, next(&o, name), 0);
    assert_null(next(&o, name));
    close_all(&o);
}

static void test_plain(void **state)
{
    (void)state;
    run_case("plain", "plain", "up");
}

static void test_class_scores(void **state)
{
    (void)state;
    run_case("multiclass_scores", "scores", "up");
    run_case("multiclass_scores_alone", "scores", "up");
    run_case("softmax_scores", "scores", "up");
}

/* Without scores the OD API learns each class's successor; here the class itself. */
static void test_missing_scores(void **state)
{
    (void)state;
    opened o;
    open_case(&o, "multiclass_scores_missing", "plain", "up", 1);
    const od_batch *b = next(&o, "missing");
    const od_safetensors_entry *plain = find("plain", 0, "classes"), *shifted = find("multiclass_scores_missing", 0, "classes");
    compare("multiclass_scores_missing", 0, b, 1);
    for (int k = 0; k < b->box_counts[0]; k++) {
        expect_close("missing", 0, "classes", plain, k, b->class_targets + CLASSES * k, CLASSES);
        for (int c = 1; c < CLASSES; c++) assert_true(((const float *)plain->data)[CLASSES * k + c - 1] == ((const float *)shifted->data)[CLASSES * k + c]);
    }
    close_all(&o);
}

static void test_merged(void **state)
{
    (void)state;
    run_case("merged", "plain", "up");
    run_case("merged_scores", "scores", "up");
}

static void test_hierarchy(void **state)
{
    (void)state;
    run_case("hierarchy", "plain", "up");
    run_case("hierarchy_merged", "plain", "up");
    run_case("hierarchy_down", "lists", "down");
}

/* Image labels: what is said to be present brings its ancestors, what is said to be absent its descendants. */
static void test_hierarchy_of_image_labels(void **state)
{
    (void)state;
    static const int32_t labels[] = {1, 2, 3, 1, 2, 3};
    static const float confidences[] = {1, 1, 1, 0, 0, 0};
    opened o;
    od_example e = {0};
    open_case(&o, "hierarchy_down", "lists", "down", 1);
    assert_int_equal(od_dataset_read(o.input.dataset, 0, &e, NULL), OD_OK);
    assert_int_equal(e.class_list_counts[OD_EXAMPLE_LABELED], 6);
    assert_memory_equal(e.class_lists[OD_EXAMPLE_LABELED], labels, sizeof labels);
    assert_memory_equal(e.labeled_confidences, confidences, sizeof confidences);
    for (int i = 0; i < CLASSES; i++) assert_true(((const float *)find("hierarchy_down", 0, "image_classes")->data)[i] == 1);
    assert_int_equal(e.objects[1].flags & OD_OBJECT_GROUP_OF, 0); /* flags go along */
    assert_int_equal(e.objects[3].flags & OD_OBJECT_GROUP_OF, OD_OBJECT_GROUP_OF);
    od_example_deinit(&e);
    close_all(&o);
}

static void test_sequences(void **state)
{
    (void)state;
    run_case("sequence_first", "sequence", "up");
    run_case("sequence_last", "sequence", "up");
    run_case("sequence_weights", "sequence_weights", "up");
}

/* Every annotated frame; the OD API's second, which isn't annotated, has no counterpart. */
static void test_sequences_in_evaluation(void **state)
{
    (void)state;
    opened o;
    double *weights;
    open_case(&o, "sequence_evaluated", "sequence", "up", 0);
    for (int i = 0; i < 6; i++)
        if (i != 1) compare("sequence_evaluated", i, next(&o, "frames"), 0);
    assert_null(next(&o, "frames"));
    assert_int_equal(od_run_input_weights(&o.input, &weights, NULL), OD_OK); /* two frames of one sequence as often as three of the other */
    for (int i = 0; i < 5; i++) assert_float_equal(weights[i], i < 2 ? 1. / 2 : 1. / 3, 1e-12);
    od_free(weights);
    close_all(&o);
}

static void expect_error(const char *reader, const char *train, od_status status, const char *part)
{
    opened o;
    od_error err = {0};
    char folder[1024], text[4096];
    test_source_path(folder, sizeof folder, FOLDER);
    snprintf(text, sizeof text, "label_map_path: '%s/up.pbtxt' %s tf_record_input_reader { input_path: '%s/plain.record' input_path: '%s/sequence.record' }", folder, reader, folder, folder);
    od_status found = open_all(&o, text, train, 1, &err);
    const od_batch *b;
    while (found == OD_OK && (found = od_loader_next(o.loader, &b, &err)) == OD_OK && b) {}
    if (found != status || !strstr(err.message, part)) fail_msg("status %d, \"%s\"; expected %d, \"%s\"", (int)found, err.message, (int)status, part);
    close_all(&o);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_non_null(find("softmax_not_loaded", -1, "error")); /* the OD API stops, too */
    assert_non_null(find("multiclass_scores_not_loaded", -1, "error"));
    expect_error("", "data_augmentation_options { convert_class_logits_to_softmax { } }", OD_ERR_CONFIG, "needs the scores of classes");
    expect_error("sample_from_datasets_weights: 1", "", OD_ERR_CONFIG, "1 weights for 2 input_paths; expected one for each");
    expect_error("sample_from_datasets_weights: [0, 0]", "", OD_ERR_CONFIG, "all weights are 0");
    expect_error("input_type: INPUT_DEFAULT", "", OD_ERR_UNSUPPORTED, "INPUT_DEFAULT");
    expect_error("num_additional_channels: 1", "", OD_ERR_UNSUPPORTED, "three channels");
}

/* The record's share of the draws is its set's weight, whatever the sets' sizes; a set of weight 0 isn't read. */
static void test_weights(void **state)
{
    (void)state;
    opened o;
    od_error err = {0};
    double *weights;
    char folder[1024], text[8192];
    test_source_path(folder, sizeof folder, FOLDER);
    snprintf(text, sizeof text,
             "label_map_path: '%s/up.pbtxt' sample_from_datasets_weights: [1, 0, 3] tf_record_input_reader { input_path: '%s/plain.record' "
             "input_path: '%s/none.record' input_path: '%s/scores.record' }", folder, folder, folder, folder);
    if (open_all(&o, text, "", 1, &err) != OD_OK) fail_msg("%s", err.message);
    assert_int_equal(od_dataset_size(o.input.dataset), 5);
    assert_int_equal(od_run_input_weights(&o.input, &weights, NULL), OD_OK);
    for (int i = 0; i < 5; i++) assert_float_equal(weights[i], i < 3 ? 1. / 3 : 3. / 2, 1e-12);
    od_loader_options options = od_loader_options_training(&o.setup.preprocess, 4);
    options.weights = weights;
    options.num_threads = 0;
    od_loader *loader;
    assert_int_equal(od_loader_create(&loader, o.input.dataset, &options, NULL), OD_OK);
    int second = 0;
    for (int step = 0; step < 500; step++) {
        const od_batch *b;
        assert_int_equal(od_loader_next(loader, &b, NULL), OD_OK);
        for (int i = 0; i < b->count; i++) second += b->items[i].index >= 3;
    }
    assert_in_range(second, 1480, 1520); /* three quarters of 2000: draws follow the shares closely */
    od_loader_free(loader);
    od_free(weights);
    close_all(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),          cmocka_unit_test(test_class_scores),
        cmocka_unit_test(test_missing_scores), cmocka_unit_test(test_merged),
        cmocka_unit_test(test_hierarchy),      cmocka_unit_test(test_hierarchy_of_image_labels),
        cmocka_unit_test(test_sequences),      cmocka_unit_test(test_sequences_in_evaluation),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_weights),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
