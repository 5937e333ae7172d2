/* SPDX-License-Identifier: Apache-2.0
 *
 * The input pipeline on small TFRecords made here: the same batches whatever the threads and wherever the stream
 * starts, epochs as permutations, broken images, limits, shapes.
 */
#define _GNU_SOURCE /* memmem */
#include "config/config.h"
#include "data/loader.h"
#include "data/shuffle.h"
#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/hashmap.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { EXAMPLES = 23, SIDE = 12 };

static atomic_int warnings;
static char last_warning[OD_ERROR_MESSAGE_SIZE];

static void on_log(void *user, od_log_level level, const char *message)
{
    (void)user;
    if (level != OD_LOG_WARNING) return;
    if (atomic_fetch_add(&warnings, 1) == 0) snprintf(last_warning, sizeof last_warning, "%s", message);
}

/* Image i is (8 + i) x (20 - i % 3) pixels; red says i. Its i % 4 boxes have label 1 + k. */
static void make_example(int i, od_strbuf *out)
{
    od_image image;
    char id[16], name[32];
    od_object objects[4] = {0};
    assert_int_equal(od_image_init(&image, 8 + i, 20 - i % 3, NULL), OD_OK);
    for (int p = 0; p < image.width * image.height; p++) {
        image.pixels[3 * p] = (uint8_t)(10 * i);
        image.pixels[3 * p + 1] = (uint8_t)(p % image.width * 5);
        image.pixels[3 * p + 2] = (uint8_t)(p / image.width * 7);
    }
    snprintf(id, sizeof id, "%d", i);
    snprintf(name, sizeof name, "image%d.png", i);
    for (int k = 0; k < i % 4; k++)
        objects[k] = (od_object){.box = {.1f, .2f * (float)k, .5f + .1f * (float)k, .9f},
                                 .label = 1 + k,
                                 .weight = 1,
                                 .flags = k == 2 ? OD_OBJECT_CROWD : 0};
    od_example e = {.source_id = id,
                    .filename = name,
                    .width = image.width,
                    .height = image.height,
                    .objects = objects,
                    .object_count = i % 4};
    assert_int_equal(od_image_encode_png(&image, &e.encoded, &e.encoded_size, NULL), OD_OK);
    assert_int_equal(od_tf_example_format(&e, out, NULL), OD_OK);
    od_free(e.encoded);
    od_image_deinit(&image);
}

/* Overwrites the PNG's data inside the record's bytes. */
static void damage(od_strbuf *record)
{
    char *at = memmem(record->data, record->size, "IDAT", 4);
    assert_non_null(at);
    memset(at + 4, 0x55, 12);
}

static od_dataset *open_examples(const char *name, int count, int broken_a, int broken_b)
{
    char path[300];
    od_tfrecord_writer *w;
    od_dataset *ds;
    od_error err = {0};
    test_tmp_path(path, sizeof path, name);
    assert_int_equal(od_tfrecord_writer_create(&w, path, NULL), OD_OK);
    for (int i = 0; i < count; i++) {
        od_strbuf record = {0};
        make_example(i, &record);
        if (i == broken_a || i == broken_b || broken_a == -2) damage(&record);
        assert_int_equal(od_tfrecord_writer_write(w, record.data, record.size, NULL), OD_OK);
        od_strbuf_deinit(&record);
    }
    assert_int_equal(od_tfrecord_writer_commit(w, NULL), OD_OK);
    const char *paths[] = {path};
    if (od_dataset_open(&ds, paths, 1, NULL, &err) != OD_OK) fail_msg("%s", err.message);
    return ds;
}

static od_preprocess fixed_size(void)
{
    od_preprocess p = {.kind = OD_RESIZER_FIXED, .height = SIDE, .width = SIDE, .normalize_first = 1};
    od_normalization_add(&p.normalization, OD_NORMALIZE_SUBTRACT, 100, 100, 100);
    return p;
}

static od_config *augmenting_config(od_augmenter **a)
{
    static const char text[] = "train_config { data_augmentation_options { random_horizontal_flip { } }\n"
                               "data_augmentation_options { random_crop_image { min_object_covered: 0.2 } } }";
    od_config *config;
    assert_int_equal(od_config_parse(text, sizeof text - 1, "t", &config, NULL), OD_OK);
    assert_int_equal(od_augmenter_create(a, config, NULL), OD_OK);
    return config;
}

static uint64_t fold(uint64_t hash, const void *bytes, size_t size)
{
    return hash * 31 + od_hash_fnv1a(bytes, size);
}

/* Everything that a batch says, as one number. */
static uint64_t batch_hash(const od_batch *b)
{
    size_t n = (size_t)b->count, boxes = n * (size_t)b->max_boxes;
    uint64_t h = fold((uint64_t)b->step, b->images, n * (size_t)b->height * (size_t)b->width * 3 * 4);
    h = fold(h, b->true_shapes, n * 3 * 4);
    h = fold(h, b->boxes, boxes * 16);
    h = fold(h, b->classes, boxes * 4);
    h = fold(h, b->weights, boxes * 4);
    h = fold(h, b->flags, boxes * 4);
    h = fold(h, b->box_counts, n * 4);
    for (int i = 0; i < b->count; i++)
        h = fold(h, b->items[i].example.source_id, strlen(b->items[i].example.source_id));
    return h;
}

static od_loader *start(const od_dataset *ds, const od_loader_options *o)
{
    od_loader *l;
    od_error err = {0};
    if (od_loader_create(&l, ds, o, &err) != OD_OK) fail_msg("%s", err.message);
    return l;
}

static const od_batch *next(od_loader *l)
{
    const od_batch *b;
    od_error err = {0};
    if (od_loader_next(l, &b, &err) != OD_OK) fail_msg("%s", err.message);
    return b;
}

static void test_threads_and_start_change_nothing(void **state)
{
    (void)state;
    enum { STEPS = 20 };
    uint64_t expected[STEPS];
    od_dataset *ds = open_examples("a.record", EXAMPLES, 7, 19);
    od_preprocess p = fixed_size();
    od_augmenter *augmenter;
    od_config *config = augmenting_config(&augmenter);
    static const int threads[] = {0, 1, 2, 5}, prefetch[] = {1, 3, 1, 7}, starts[] = {0, 0, 13, 6};
    for (int run = 0; run < 4; run++) {
        od_loader_options o = od_loader_options_training(&p, 5);
        o.augmenter = augmenter;
        o.seed = 42;
        o.num_threads = threads[run];
        o.prefetch = prefetch[run];
        o.start_step = starts[run];
        od_loader *l = start(ds, &o);
        assert_int_equal(od_loader_batch_count(l), -1);
        for (int s = starts[run]; s < STEPS; s++) {
            const od_batch *b = next(l);
            assert_int_equal(b->step, s);
            assert_int_equal(b->count, 5);
            assert_int_equal(b->items[3].number, s * 5 + 3);
            if (run == 0) expected[s] = batch_hash(b);
            assert_true(batch_hash(b) == expected[s]);
        }
        od_loader_free(l);
    }
    od_loader_options o = od_loader_options_training(&p, 5);
    o.augmenter = augmenter;
    o.seed = 43;
    od_loader *l = start(ds, &o);
    assert_true(batch_hash(next(l)) != expected[0]);
    od_loader_free(l);
    od_augmenter_free(augmenter);
    od_config_free(config);
    od_dataset_free(ds);
}

static void test_every_epoch_is_a_permutation(void **state)
{
    (void)state;
    od_dataset *ds = open_examples("b.record", EXAMPLES, -1, -1);
    od_preprocess p = fixed_size();
    od_loader_options o = od_loader_options_training(&p, 4);
    od_loader *l = start(ds, &o);
    int seen[4][EXAMPLES] = {{0}}, order[4][EXAMPLES];
    for (int k = 0; k < 4 * EXAMPLES;) {
        const od_batch *b = next(l);
        for (int i = 0; i < b->count; i++, k++) {
            int index = (int)b->items[i].index;
            assert_int_equal(atoi(b->items[i].example.source_id), index);
            if (k >= 4 * EXAMPLES) continue;
            seen[k / EXAMPLES][index]++;
            order[k / EXAMPLES][k % EXAMPLES] = index;
        }
    }
    for (int e = 0; e < 4; e++)
        for (int i = 0; i < EXAMPLES; i++) assert_int_equal(seen[e][i], 1);
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
    assert_memory_not_equal(order[1], order[2], sizeof order[0]);
    od_loader_free(l);
    od_dataset_free(ds);
}

static void test_shuffle_is_even(void **state)
{
    (void)state;
    enum { N = 7, EPOCHS = 14000 };
    static int at[N][N];
    for (int e = 0; e < EPOCHS; e++)
        for (int k = 0; k < N; k++) at[k][od_shuffle_at(1, e, N, k)]++;
    for (int k = 0; k < N; k++)
        for (int i = 0; i < N; i++) assert_in_range(at[k][i], EPOCHS / N - 200, EPOCHS / N + 200); /* 4.8 deviations */
    assert_int_equal(od_shuffle_at(5, 3, 1, 0), 0);
    static const int64_t sizes[] = {2, 16, 255, 256, 257, 70000};
    for (int s = 0; s < 6; s++) {
        uint8_t *seen = calloc((size_t)sizes[s], 1);
        for (int64_t k = 0; k < sizes[s]; k++) {
            int64_t v = od_shuffle_at(9, 1, sizes[s], k);
            assert_true(v >= 0 && v < sizes[s] && !seen[v]);
            seen[v] = 1;
        }
        free(seen);
    }
    assert_in_range(od_shuffle_at(9, 1, (int64_t)1 << 60, 12345), 0, (int64_t)1 << 60);
}

static void test_evaluation_is_one_pass_in_order(void **state)
{
    (void)state;
    od_dataset *ds = open_examples("c.record", EXAMPLES, -1, -1);
    od_preprocess p = fixed_size();
    od_loader_options o = od_loader_options_evaluation(&p, 4);
    o.keep_images = 1;
    od_loader *l = start(ds, &o);
    assert_int_equal(od_loader_batch_count(l), 6);
    int k = 0;
    for (const od_batch *b; (b = next(l));) {
        assert_int_equal(b->count, k + 4 <= EXAMPLES ? 4 : EXAMPLES % 4);
        for (int i = 0; i < b->count; i++, k++) {
            const od_batch_item *item = b->items + i;
            assert_int_equal(item->index, k);
            assert_int_equal(item->image.width, 8 + k);
            assert_int_equal(item->example.width, 8 + k);
            assert_int_equal(item->image.pixels[0], 10 * k);
            assert_null(item->example.encoded);
            assert_int_equal(b->box_counts[i], k % 4);
            assert_true(b->images[(size_t)i * SIDE * SIDE * 3] == (float)(10 * k - 100));
            for (int j = 0; j < b->box_counts[i]; j++) {
                assert_int_equal(b->classes[i * b->max_boxes + j], j);
                assert_true(b->weights[i * b->max_boxes + j] == 1);
                assert_int_equal(b->flags[i * b->max_boxes + j], j == 2 ? OD_OBJECT_CROWD : 0);
                assert_true(b->boxes[(i * b->max_boxes + j) * 4 + 1] == .2f * (float)j);
            }
        }
    }
    assert_int_equal(k, EXAMPLES);
    assert_null(next(l)); /* the end stays the end */
    od_loader_free(l);
    o.drop_remainder = 1;
    l = start(ds, &o);
    assert_int_equal(od_loader_batch_count(l), 5);
    for (k = 0; next(l);) k++;
    assert_int_equal(k, 5);
    od_loader_free(l);
    o.start_step = 99;
    l = start(ds, &o);
    assert_null(next(l));
    od_loader_free(l);
    od_dataset_free(ds);
}

static void test_broken_images_are_named_and_skipped(void **state)
{
    (void)state;
    od_dataset *ds = open_examples("d.record", EXAMPLES, 8, 9);
    od_preprocess p = fixed_size();
    od_loader_options o = od_loader_options_training(&p, 5);
    atomic_store(&warnings, 0);
    od_log_set_callback(on_log, NULL);
    o.shuffle = 0;
    od_loader *l = start(ds, &o);
    for (int s = 0; s < 12; s++) {
        const od_batch *b = next(l);
        assert_int_equal(b->count, 5);
        for (int i = 0; i < 5; i++) {
            int place = (s * 5 + i) % EXAMPLES;
            assert_int_equal(b->items[i].index, place == 8 || place == 9 ? 10 : place);
        }
    }
    assert_int_equal(od_loader_get_stats(l).broken_images, 2);
    od_loader_free(l);
    assert_int_equal(atomic_load(&warnings), 2);
    assert_non_null(strstr(last_warning, "d.record"));
    assert_true(strstr(last_warning, "image8.png") || strstr(last_warning, "image9.png")); /* whichever worker was first */
    o = od_loader_options_evaluation(&p, 2);
    l = start(ds, &o);
    int count = 0;
    for (const od_batch *b; (b = next(l));) {
        assert_int_not_equal(b->step, 4); /* 8 and 9 are the whole of it */
        for (int i = 0; i < b->count; i++, count++) assert_true(b->items[i].index != 8 && b->items[i].index != 9);
    }
    assert_int_equal(count, EXAMPLES - 2);
    od_loader_free(l);
    o = od_loader_options_evaluation(&p, 6);
    l = start(ds, &o);
    next(l);
    const od_batch *b = next(l); /* 6..11 without 8 and 9: moved together */
    assert_int_equal(b->count, 4);
    assert_int_equal(b->items[2].index, 10);
    assert_true(b->images[2 * SIDE * SIDE * 3] == 0); /* red 100, less 100 */
    assert_int_equal(b->box_counts[2], 2);
    od_loader_free(l);
    od_log_set_callback(NULL, NULL);
    od_dataset_free(ds);
}

static void test_nothing_but_broken_images(void **state)
{
    (void)state;
    od_dataset *ds = open_examples("e.record", 6, -2, -2);
    od_preprocess p = fixed_size();
    for (int threads = 0; threads < 3; threads++) {
        od_loader_options o = od_loader_options_training(&p, 2);
        o.num_threads = threads;
        od_loader *l = start(ds, &o);
        const od_batch *b;
        od_error err = {0};
        for (int again = 0; again < 2; again++) {
            assert_int_equal(od_loader_next(l, &b, &err), OD_ERR_FORMAT);
            assert_non_null(strstr(err.message, "not one of the 6 images"));
            assert_non_null(strstr(err.message, "e.record"));
        }
        od_loader_free(l);
    }
    od_loader_options o = od_loader_options_evaluation(&p, 4);
    od_loader *l = start(ds, &o);
    assert_null(next(l));
    assert_int_equal(od_loader_get_stats(l).broken_images, 6);
    od_loader_free(l);
    od_dataset_free(ds);
}

static void test_limits(void **state)
{
    (void)state;
    od_dataset *ds = open_examples("f.record", 4, -1, -1);
    od_preprocess p = fixed_size();
    od_loader_options o = od_loader_options_evaluation(&p, 4);
    o.max_boxes = 1;
    o.num_classes = 2;
    atomic_store(&warnings, 0);
    od_log_set_callback(on_log, NULL);
    od_loader *l = start(ds, &o);
    const od_batch *b = next(l);
    assert_int_equal(b->box_counts[0], 0);
    assert_int_equal(b->box_counts[1], 1);
    assert_int_equal(b->box_counts[3], 1);
    assert_int_equal(b->items[3].object_count, 2);         /* the third has class 3 */
    assert_int_equal(b->items[3].example.object_count, 3); /* for the evaluation all are there */
    od_loader_stats stats = od_loader_get_stats(l);
    assert_int_equal(stats.cut_images, 2);
    assert_int_equal(stats.foreign_boxes, 1);
    assert_int_equal(atomic_load(&warnings), 2);
    od_loader_free(l);
    od_log_set_callback(NULL, NULL);
    od_dataset_free(ds);
}

/* keep_aspect with padding: boxes shrink by true / padded; without it pictures are padded to the largest. */
static void test_padded_shapes(void **state)
{
    (void)state;
    od_dataset *ds = open_examples("g.record", 4, -1, -1);
    od_preprocess p = {.kind = OD_RESIZER_KEEP_ASPECT, .min_side = 16, .max_side = 16, .pad_to_max = 1};
    od_loader_options o = od_loader_options_evaluation(&p, 4);
    od_loader *l = start(ds, &o);
    const od_batch *b = next(l);
    assert_int_equal(b->height * 100 + b->width, 1616);
    assert_int_equal(b->true_shapes[3] * 100 + b->true_shapes[4], 1608); /* 19 x 9 */
    assert_int_equal(b->true_shapes[5], 3);
    assert_true(fabsf(b->boxes[b->max_boxes * 4 + 3] - .9f * 8 / 16) < 1e-6f);
    assert_true(fabsf(b->boxes[b->max_boxes * 4 + 2] - .5f) < 1e-6f);
    od_loader_free(l);
    p = (od_preprocess){.kind = OD_RESIZER_IDENTITY, .pad_value = {1, 2, 3}};
    l = start(ds, &o);
    b = next(l); /* 20 x 8, 19 x 9, 18 x 10, 20 x 11 */
    assert_int_equal(b->height * 100 + b->width, 2011);
    assert_int_equal(b->true_shapes[6] * 100 + b->true_shapes[7], 1810);
    const float *third = b->images + 2 * 20 * 11 * 3;
    assert_true(third[(17 * 11 + 9) * 3] == 20 && third[(17 * 11 + 9) * 3 + 1] == 45 &&
                third[(17 * 11 + 9) * 3 + 2] == 119);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 11; x++)
            for (int c = 0; c < 3 && (y >= 18 || x >= 10); c++)
                assert_true(third[(y * 11 + x) * 3 + c] == (float)(c + 1));
    const float *box = b->boxes + 2 * b->max_boxes * 4;
    assert_true(fabsf(box[0] - .1f * 18 / 20) < 1e-6f && fabsf(box[3] - .9f * 10 / 11) < 1e-6f);
    od_loader_free(l);
    od_dataset_free(ds);
}

static void expect_refusal(const od_dataset *ds, const od_loader_options *o, const char *text)
{
    od_loader *l;
    od_error err = {0};
    assert_int_equal(od_loader_create(&l, ds, o, &err), OD_ERR_ARG);
    if (!strstr(err.message, text)) fail_msg("'%s' doesn't contain '%s'", err.message, text);
}

static void test_bad_options(void **state)
{
    (void)state;
    od_dataset *ds = open_examples("h.record", 2, -1, -1);
    od_preprocess p = fixed_size();
    const od_loader_options good = od_loader_options_training(&p, 2);
    od_loader_options o = good;
    o.batch_size = 0;
    expect_refusal(ds, &o, "batch_size is 0");
    o = good, o.num_threads = -1;
    expect_refusal(ds, &o, "-1 input threads");
    o = good, o.prefetch = 0;
    expect_refusal(ds, &o, "prefetch");
    o = good, o.max_boxes = 0;
    expect_refusal(ds, &o, "max_number_of_boxes");
    o = good, o.start_step = -1;
    expect_refusal(ds, &o, "negative");
    o = good, o.start_step = INT64_MAX;
    expect_refusal(ds, &o, "too large");
    o = good, o.preprocess = NULL;
    expect_refusal(ds, &o, "preprocessing");
    od_dataset_free(ds);
}

static void test_failing_memory(void **state)
{
    (void)state;
    od_dataset *ds = open_examples("i.record", 3, -1, -1);
    od_augmenter *augmenter;
    od_config *config = augmenting_config(&augmenter);
    od_preprocess kinds[] = {fixed_size(), {.kind = OD_RESIZER_IDENTITY}};
    for (int k = 0; k < 2; k++) {
        int failures = 0;
        for (long n = 1; n <= 250; n++) {
            od_loader_options o = od_loader_options_training(kinds + k, 2);
            od_loader *l = NULL;
            const od_batch *b = NULL;
            o.augmenter = augmenter;
            o.num_threads = 0;
            o.keep_images = 1;
            od_alloc_fail_after(n);
            od_status status = od_loader_create(&l, ds, &o, NULL);
            if (status == OD_OK) status = od_loader_next(l, &b, NULL);
            od_alloc_fail_after(0);
            if (status == OD_OK) assert_int_equal(b->count, 2);
            od_loader_free(l);
            if (status != OD_OK && status != OD_ERR_NOMEM) fail_msg("allocation %ld: %s", n, od_status_text(status));
            /* one inside zlib that fails reads as a broken image, which is skipped */
            failures += status == OD_ERR_NOMEM;
        }
        assert_in_range(failures, 20, 250);
    }
    od_augmenter_free(augmenter);
    od_config_free(config);
    od_dataset_free(ds);
}

static void test_stopping_in_the_middle(void **state)
{
    (void)state;
    od_dataset *ds = open_examples("j.record", EXAMPLES, -1, -1);
    od_preprocess p = fixed_size();
    for (int i = 0; i < 40; i++) {
        od_loader_options o = od_loader_options_training(&p, 3);
        o.num_threads = 4;
        o.prefetch = 1 + i % 5;
        od_loader *l = start(ds, &o);
        for (int k = 0; k < i % 4; k++) next(l);
        od_loader_free(l);
    }
    od_loader_free(NULL);
    od_dataset_free(ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_and_start_change_nothing),
        cmocka_unit_test(test_every_epoch_is_a_permutation),
        cmocka_unit_test(test_shuffle_is_even),
        cmocka_unit_test(test_evaluation_is_one_pass_in_order),
        cmocka_unit_test(test_broken_images_are_named_and_skipped),
        cmocka_unit_test(test_nothing_but_broken_images),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_padded_shapes),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_failing_memory),
        cmocka_unit_test(test_stopping_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
