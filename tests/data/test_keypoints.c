/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects' keypoints: from TFRecords and COCO JSON, through augmentations and the loader, into other formats; and what is said where they don't
 * fit. Numbers are those of the OD API's core/keypoint_ops.py.
 */
#include "config/config.h"
#include "data/augment.h"
#include "data/loader.h"
#include "data/sample_keypoints.h"
#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "format_files.h"

enum { SIDE = 20, POINTS = 3, OBJECTS = 2 };

static const float given[OBJECTS][POINTS * 2] = {{.1f, .2f, .3f, .7f, NAN, NAN}, {.9f, .25f, .5f, .5f, .6f, .95f}};

static od_config *config_of(const char *train, unsigned keypoints)
{
    char text[1500];
    od_config *config = NULL;
    od_error err = {0};
    snprintf(text, sizeof text, "train_config { %s }\ntrain_input_reader { num_keypoints: %u }\n", train, keypoints);
    if (od_config_parse(text, strlen(text), "t.config", &config, &err) != OD_OK) fail_msg("%s", err.message);
    return config;
}

/* A grey picture of SIDE x SIDE floats with two objects. */
typedef struct trial {
    od_sample sample;
    od_object objects[OBJECTS];
    float pixels[SIDE * SIDE * 3];
} trial;

static void start(trial *t)
{
    *t = (trial){.objects = {{.box = {.1f, .2f, .5f, .7f}, .label = 1, .weight = 1, .keypoints = given[0], .keypoint_count = POINTS},
                             {.box = {.5f, .25f, .9f, .95f}, .label = 2, .weight = 1, .keypoints = given[1], .keypoint_count = POINTS}}};
    t->sample = (od_sample){.view = {.floats = t->pixels, .width = SIDE, .height = SIDE, .row_step = 3 * SIDE, .column_step = 3}, .objects = t->objects, .object_count = OBJECTS};
}

static void apply(trial *t, const char *steps, uint64_t seed)
{
    char text[1200];
    snprintf(text, sizeof text, "data_augmentation_options { %s }", steps);
    od_config *config = config_of(text, POINTS);
    od_augmenter *augmenter = NULL;
    od_error err = {0};
    od_rng rng;
    od_rng_init(&rng, seed, 0);
    if (od_augmenter_create(&augmenter, config, &err) != OD_OK) fail_msg("%s", err.message);
    if (od_augmenter_apply(augmenter, &t->sample, &rng, &err) != OD_OK) fail_msg("%s: %s", steps, err.message);
    od_augmenter_free(augmenter);
    od_config_free(config);
}

static int is_same(float a, float b)
{
    return (isnan(a) && isnan(b)) || fabsf(a - b) < 1e-6f;
}

/* The steps that turn the picture: numbers of keypoint_ops. */
static void test_turns(void **state)
{
    (void)state;
    static const struct {
        const char *step;
        float want[OBJECTS][POINTS * 2];
    } cases[] = {
        {"random_horizontal_flip { probability: 1 keypoint_flip_permutation: [0, 2, 1] }", {{.1f, .8f, NAN, NAN, .3f, .3f}, {.9f, .75f, .6f, .05f, .5f, .5f}}},
        {"random_vertical_flip { probability: 1 keypoint_flip_permutation: [2, 1, 0] }", {{NAN, NAN, .7f, .7f, .9f, .2f}, {.4f, .95f, .5f, .5f, .1f, .25f}}},
        {"random_rotation90 { probability: 1 keypoint_rot_permutation: [1, 2, 0] }", {{.3f, .3f, NAN, NAN, .8f, .1f}, {.5f, .5f, .05f, .6f, .75f, .9f}}},
        {"random_rotation90 { probability: 1 }", {{.8f, .1f, .3f, .3f, NAN, NAN}, {.75f, .9f, .5f, .5f, .05f, .6f}}},
        {"scale_boxes_to_pixel_coordinates { }", {{2, 4, 6, 14, NAN, NAN}, {18, 5, 10, 10, 12, 19}}},
    };
    static trial t;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        start(&t);
        assert_int_equal(od_sample_own_keypoints(&t.sample, POINTS, NULL), OD_OK);
        apply(&t, cases[c].step, 1);
        for (int i = 0; i < OBJECTS; i++)
            for (int k = 0; k < 2 * POINTS; k++)
                if (!is_same(t.objects[i].keypoints[k], cases[c].want[i][k]))
                    fail_msg("%s: object %d, number %d is %g, expected %g", cases[c].step, i, k, (double)t.objects[i].keypoints[k], (double)cases[c].want[i][k]);
        od_sample_deinit(&t.sample);
    }
    assert_true(is_same(given[0][3], .7f)); /* what was read stays as it was */
}

/* A window's keypoints, and those outside it: numbers of keypoint_ops. */
static void test_windows(void **state)
{
    (void)state;
    static const float window[4] = {.2f, .1f, .8f, .9f};
    static const float moved[OBJECTS][POINTS * 2] = {{-.16666667f, .125f, .16666667f, .75f, NAN, NAN}, {1.16666663f, .1875f, .5f, .50000006f, .66666669f, 1.0625f}};
    static trial t;
    for (int prune = 0; prune < 2; prune++) {
        start(&t);
        assert_int_equal(od_sample_own_keypoints(&t.sample, POINTS, NULL), OD_OK);
        od_sample_reframe_keypoints(&t.sample, window, prune);
        for (int i = 0; i < OBJECTS; i++)
            for (int k = 0; k < 2 * POINTS; k++) {
                const float *point = moved[i] + k / 2 * 2;
                int outside = !(point[0] >= 0 && point[0] <= 1 && point[1] >= 0 && point[1] <= 1);
                assert_true(is_same(t.objects[i].keypoints[k], prune && outside ? NAN : moved[i][k]));
            }
        od_sample_deinit(&t.sample);
    }
}

/* Keypoints on two corners of the box stay there through whatever moves the box. Where boxes are cut, they are there or, being outside, NaN. */
static void test_corners(void **state)
{
    (void)state;
    static const char *const steps[] = {
        "random_crop_image { min_object_covered: 0 min_area: .1 max_area: .6 overlap_thresh: .1 clip_boxes: false }",
        "random_crop_image { min_object_covered: 0 min_area: .1 max_area: .6 overlap_thresh: .1 }",
        "random_pad_image { }",
        "random_absolute_pad_image { max_height_padding: 9 max_width_padding: 7 }",
        "random_crop_pad_image { min_object_covered: 0 min_area: .2 max_area: .7 }",
        "random_crop_to_aspect_ratio { aspect_ratio: .6 overlap_thresh: .1 }",
        "ssd_random_crop { operations { min_object_covered: 0 min_aspect_ratio: .5 max_aspect_ratio: 2 min_area: .1 max_area: .9 overlap_thresh: .1 } }",
        "ssd_random_crop_pad { operations { min_object_covered: 0 min_aspect_ratio: .5 max_aspect_ratio: 2 min_area: .1 max_area: .9 overlap_thresh: .1 min_padded_size_ratio: [1, 1] max_padded_size_ratio: [2, 2] } }",
        "ssd_random_crop_fixed_aspect_ratio { operations { min_object_covered: 0 min_area: .1 max_area: .9 overlap_thresh: .1 } aspect_ratio: .7 }",
        "ssd_random_crop_pad_fixed_aspect_ratio { operations { min_object_covered: 0 min_aspect_ratio: .5 max_aspect_ratio: 2 min_area: .1 max_area: .9 overlap_thresh: .1 } aspect_ratio: .7 }",
        "random_square_crop_by_scale { max_border: 4 }",
        "random_scale_crop_and_pad_to_square { output_size: 16 }",
        "random_image_scale { min_scale_ratio: .5 max_scale_ratio: 2 }",
        "resize_image { new_height: 9 new_width: 13 }",
        "drop_label_probabilistically { label: 1 drop_probability: .5 }",
    };
    static trial t;
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        int padded = strstr(steps[s], "crop_pad") != NULL; /* after the crop: where boxes were cut isn't the picture's edge */
        int kept = 0, lost = 0, there = 0;
        for (uint64_t seed = 0; seed < 200; seed++) {
            start(&t);
            float corners[OBJECTS][4];
            for (int i = 0; i < OBJECTS; i++) {
                memcpy(corners[i], t.objects[i].box, sizeof corners[i]);
                t.objects[i].keypoints = corners[i];
                t.objects[i].keypoint_count = 2;
            }
            assert_int_equal(od_sample_own_keypoints(&t.sample, 2, NULL), OD_OK);
            apply(&t, steps[s], seed);
            kept += t.sample.object_count;
            for (int i = 0; i < t.sample.object_count; i++) {
                const od_object *o = &t.sample.objects[i];
                for (int k = 0; k < 2; k++) {
                    const float *p = o->keypoints + 2 * k, *corner = o->box + 2 * k;
                    int cut = corner[0] <= 0 || corner[0] >= 1 || corner[1] <= 0 || corner[1] >= 1;
                    if (isnan(p[0]) ? !cut && !padded : !is_same(p[0], corner[0]) || !is_same(p[1], corner[1]))
                        fail_msg("%s: %g %g, and the corner is at %g %g", steps[s], (double)p[0], (double)p[1], (double)corner[0], (double)corner[1]);
                    lost += isnan(p[0]);
                    there += !isnan(p[0]);
                }
            }
            od_sample_deinit(&t.sample);
        }
        print_message("%.40s: %d of %d objects kept, %d keypoints of them, %d outside\n", steps[s], kept, 2 * 200, there, lost);
        assert_true(kept >= 100 && there >= 50);
    }
}

static void test_orders_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *step;
        od_status status;
        const char *message;
    } cases[] = {
        {"random_horizontal_flip { }", OD_ERR_CONFIG,
         "t.config:1: train_config.data_augmentation_options.random_horizontal_flip.keypoint_flip_permutation: random_horizontal_flip: keypoint_flip_permutation: 0 numbers for the 3 keypoints of "
         "train_input_reader; expected one for each: which keypoint of the picture before comes to its place"},
        {"random_vertical_flip { keypoint_flip_permutation: [0, 1] }", OD_ERR_CONFIG,
         "t.config:1: train_config.data_augmentation_options.random_vertical_flip.keypoint_flip_permutation: random_vertical_flip: keypoint_flip_permutation: 2 numbers for the 3 keypoints of "
         "train_input_reader; expected one for each: which keypoint of the picture before comes to its place"},
        {"random_rotation90 { keypoint_rot_permutation: [0, 3, 1] }", OD_ERR_CONFIG,
         "t.config:1: train_config.data_augmentation_options.random_rotation90.keypoint_rot_permutation: random_rotation90: keypoint_rot_permutation: holds 3; expected 0 to 2"},
        {"random_horizontal_flip { keypoint_flip_permutation: [0, -1, 1] }", OD_ERR_CONFIG,
         "t.config:1: train_config.data_augmentation_options.random_horizontal_flip.keypoint_flip_permutation: random_horizontal_flip: keypoint_flip_permutation: holds -1; expected 0 to 2"},
        {"random_rotation90 { }", OD_OK, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "data_augmentation_options { %s }", cases[i].step);
        od_config *config = config_of(text, POINTS);
        od_augmenter *augmenter = NULL;
        od_error err = {0};
        assert_int_equal(od_augmenter_create(&augmenter, config, &err), cases[i].status);
        assert_string_equal(err.message, cases[i].message);
        od_augmenter_free(augmenter);
        od_config_free(config);
        config = config_of(text, 0); /* without keypoints all of them are fine */
        augmenter = NULL;
        assert_int_equal(od_augmenter_create(&augmenter, config, &err), OD_OK);
        od_augmenter_free(augmenter);
        od_config_free(config);
    }
}

/* --- data ---------------------------------------------------------------------------------------------------------------- */

/* One example a record: image i has objects of `each[i]` keypoints (0: none), of which the second is hidden and the third isn't labelled. */
static void write_record(const char *path, const int *each, int count)
{
    od_tfrecord_writer *w;
    assert_int_equal(od_tfrecord_writer_create(&w, path, NULL), OD_OK);
    for (int i = 0; i < count; i++) {
        static const uint8_t seen[8] = {2, 1, 0, 2, 2, 2, 2, 2};
        float points[16];
        for (int k = 0; k < 16; k++) points[k] = .05f * (float)(k + 1) + .01f * (float)i;
        od_object objects[2] = {{.box = {.1f, .2f, .5f, .9f}, .label = 1, .weight = 1, .class_text = "cat", .keypoints = points, .keypoint_count = each[i], .keypoint_visibility = seen},
                                {.box = {.3f, .3f, .6f, .7f}, .label = 2, .weight = 1, .class_text = "dog"}};
        char id[8], name[16];
        snprintf(id, sizeof id, "%d", i + 1);
        snprintf(name, sizeof name, "%d.png", i);
        od_example e = {.source_id = id, .filename = name, .width = 30, .height = 20, .objects = objects, .object_count = 2};
        od_image image;
        assert_int_equal(od_image_init(&image, 30, 20, NULL), OD_OK);
        memset(image.pixels, 50, 30 * 20 * 3);
        assert_int_equal(od_image_encode_png(&image, &e.encoded, &e.encoded_size, NULL), OD_OK);
        od_strbuf record = {0};
        assert_int_equal(od_tf_example_format(&e, &record, NULL), OD_OK);
        assert_int_equal(od_tfrecord_writer_write(w, record.data, record.size, NULL), OD_OK);
        od_strbuf_deinit(&record);
        od_free(e.encoded);
        od_image_deinit(&image);
    }
    assert_int_equal(od_tfrecord_writer_commit(w, NULL), OD_OK);
}

static od_dataset *open_with(const char *path, int keypoints, od_status want, od_error *err)
{
    od_dataset *ds = NULL;
    od_status status = od_dataset_open(&ds, &path, 1, &(od_dataset_options){.keypoints = keypoints}, err);
    if (status != want) fail_msg("%s", err->message);
    if (ds) assert_int_equal(od_dataset_infer_label_map(ds, NULL), OD_OK);
    return ds;
}

/* Object 0's keypoints as write_record made them, object 1 without any labelled. */
static void expect_keypoints(const od_example *e, int image, int each)
{
    const od_object *o = &e->objects[0];
    assert_int_equal(o->keypoint_count, each);
    for (int k = 0; k < each; k++) {
        int seen = k == 2 ? 0 : k == 1 ? 1 : 2;
        assert_int_equal(od_object_visibility(o, k), seen);
        for (int c = 0; c < 2; c++) {
            float want = .05f * (float)(2 * k + c + 1) + .01f * (float)image, have = o->keypoints[2 * k + c];
            if (seen ? memcmp(&want, &have, sizeof want) : !isnan(have)) fail_msg("keypoint %d of image %d: %.9g, expected %.9g", k, image, (double)have, (double)want);
        }
    }
    for (int k = 0; k < e->objects[1].keypoint_count; k++) assert_int_equal(od_object_visibility(&e->objects[1], k), 0);
}

static void expect_example(const od_dataset *ds, int image, int each)
{
    od_example e = {0};
    od_error err = {0};
    if (od_dataset_read(ds, image, &e, &err) != OD_OK) fail_msg("%s", err.message);
    expect_keypoints(&e, image, each);
    od_example_deinit(&e);
}

static void test_records(void **state)
{
    (void)state;
    char path[300];
    od_error err = {0};
    od_example e = {0};
    test_tmp_path(path, sizeof path, "points.record");
    write_record(path, (const int[]){4, 0, 4}, 3);
    od_dataset *ds = open_with(path, 4, OD_OK, &err);
    expect_example(ds, 0, 4);
    expect_example(ds, 1, 0);
    expect_example(ds, 2, 4);
    od_dataset_free(ds);
    ds = open_with(path, OD_KEYPOINTS_NONE, OD_OK, &err);
    expect_example(ds, 0, 0);
    od_dataset_free(ds);
    ds = open_with(path, 5, OD_OK, &err);
    assert_int_equal(od_dataset_read(ds, 0, &e, &err), OD_ERR_FORMAT);
    assert_non_null(strstr(err.message, "points.record: record 0: image/object/keypoint/x has 8 values for 2 boxes; expected the input reader's num_keypoints, 5, for every box"));
    od_example_deinit(&e);
    od_dataset_free(ds);
}

/* Every cut is an error, not a crash. */
static void test_cut_record(void **state)
{
    (void)state;
    od_object object = {.box = {0, 0, 1, 1}, .label = 1, .weight = 1, .keypoints = given[1], .keypoint_count = POINTS};
    od_example e = {.encoded = (uint8_t *)"\x89PNG1234", .encoded_size = 8, .width = 30, .height = 20, .objects = &object, .object_count = 1}, got = {0};
    const od_tf_example_options options = {.keypoints = OD_KEYPOINTS_IF_ANY};
    od_strbuf bytes = {0};
    assert_int_equal(od_tf_example_format(&e, &bytes, NULL), OD_OK);
    assert_int_equal(od_tf_example_parse_with((uint8_t *)bytes.data, bytes.size, &options, &got, NULL), OD_OK);
    assert_int_equal(got.objects[0].keypoint_count, POINTS);
    assert_memory_equal(got.objects[0].keypoints, given[1], sizeof given[1]);
    od_example_deinit(&got);
    for (size_t cut = 0; cut < bytes.size; cut++) {
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, bytes.data, cut);
        assert_int_equal(od_tf_example_parse_with(copy, cut, &options, &got, NULL), OD_ERR_FORMAT);
        od_example_deinit(&got);
        free(copy);
    }
    od_strbuf_deinit(&bytes);
}

/* Record to COCO and back, to the bit; to a format that has none, counted. */
static void test_conversions(void **state)
{
    (void)state;
    char record[300], dir[300], json[400], back[400], voc[400];
    od_error err = {0};
    make_dir(dir, "converted");
    test_tmp_path(record, sizeof record, "points2.record");
    write_record(record, (const int[]){4, 0, 4, 7}, 4);
    const char *from = record;
    od_data_converted done = convert(&from, NULL, 1, "coco", below(json, dir, "points.json"));
    assert_int_equal(done.dropped[OD_DATA_KIND_KEYPOINTS], 0);
    od_dataset *ds = open_with(json, OD_KEYPOINTS_IF_ANY, OD_OK, &err);
    for (int i = 0; i < 4; i++) expect_example(ds, i, (const int[]){4, 0, 4, 7}[i]);
    od_dataset_free(ds);
    from = json;
    convert(&from, NULL, 1, "tfrecord", below(back, dir, "back.record"));
    ds = open_with(back, OD_KEYPOINTS_IF_ANY, OD_OK, &err);
    for (int i = 0; i < 4; i++) expect_example(ds, i, (const int[]){4, 0, 4, 7}[i]);
    od_dataset_free(ds);
    done = convert(&from, NULL, 1, "voc", below(voc, dir, "voc"));
    assert_int_equal(done.dropped[OD_DATA_KIND_KEYPOINTS], 6); /* both objects of three images */
    assert_string_equal(od_data_kind_text(OD_DATA_KIND_KEYPOINTS), "objects' keypoints");
    open_with(voc, 4, OD_ERR_CONFIG, &err);
    assert_non_null(strstr(err.message, "converted/voc: holds no keypoints (VOC), and num_keypoints: 4 asks for them; give TFRecords of tf.Example or COCO JSON"));
}

static void test_coco_lists(void **state)
{
    (void)state;
    static const struct {
        const char *keypoints, *message; /* NULL: fine */
        int count, wanted;
    } cases[] = {
        {"[3, 4, 2, 6, 8, 1]", NULL, 2, OD_KEYPOINTS_IF_ANY},
        {"[ 3 ,4,\t2.0 ]", NULL, 1, 1},
        {"[]", NULL, 0, OD_KEYPOINTS_IF_ANY},
        {"null", NULL, 0, 2},
        {"[3, 4]", "k.json: annotations[0]: keypoints is no list of x, y, visibility of each", 0, OD_KEYPOINTS_IF_ANY},
        {"[3, \"4\", 2]", "keypoints is no list of x, y, visibility of each", 0, OD_KEYPOINTS_IF_ANY},
        {"[[3, 4, 2]]", "keypoints is no list of x, y, visibility of each", 0, OD_KEYPOINTS_IF_ANY},
        {"{\"a\": 1}", "keypoints is no list of x, y, visibility of each", 0, OD_KEYPOINTS_IF_ANY},
        {"[3, 4, 2]", "k.json: annotations[0]: has 1 keypoints; expected the input reader's num_keypoints, 2", 0, 2},
    };
    char dir[300], path[400], text[600];
    make_dir(dir, "lists");
    write_picture(dir, "a.png");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        od_error err = {0};
        od_example e = {0};
        snprintf(text, sizeof text, "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\", \"width\": 40, \"height\": 20}], \"categories\": [{\"id\": 1, \"name\": \"a\", \"keypoints\": [\"nose\"]}], "
                 "\"annotations\": [{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"keypoints\": %s}]}", cases[i].keypoints);
        write_file(path, dir, "k.json", text);
        od_dataset *ds = open_with(path, cases[i].wanted, OD_OK, &err);
        od_status status = od_dataset_read_annotations(ds, 0, &e, &err);
        if (cases[i].message) {
            assert_int_equal(status, OD_ERR_FORMAT);
            if (!strstr(err.message, cases[i].message)) fail_msg("%s: %s", cases[i].keypoints, err.message);
        } else {
            if (status != OD_OK) fail_msg("%s", err.message);
            assert_int_equal(e.objects[0].keypoint_count, cases[i].count);
            if (cases[i].count) assert_true(is_same(e.objects[0].keypoints[0], .2f) && is_same(e.objects[0].keypoints[1], .075f) && od_object_visibility(&e.objects[0], 0) == 2);
        }
        od_example_deinit(&e);
        od_dataset_free(ds);
    }
}

/* Batches: relative to the padded picture, NaN where nothing is labelled, whatever the threads. */
static void test_batches(void **state)
{
    (void)state;
    char path[300];
    od_error err = {0};
    test_tmp_path(path, sizeof path, "points3.record");
    write_record(path, (const int[]){4, 0, 4}, 3);
    od_dataset *ds = open_with(path, 4, OD_OK, &err);
    const od_preprocess square = {.kind = OD_RESIZER_KEEP_ASPECT, .min_side = 60, .max_side = 60, .pad_to_max = 1}; /* 30 x 20 becomes 60 x 40 in 60 x 60 */
    for (int threads = 0; threads < 3; threads++) {
        od_loader_options options = od_loader_options_evaluation(&square, 3);
        options.num_threads = threads;
        od_loader *loader;
        const od_batch *b;
        assert_int_equal(od_loader_create(&loader, ds, &options, &err), OD_OK);
        assert_int_equal(od_loader_next(loader, &b, &err), OD_OK);
        assert_int_equal(b->count, 3);
        assert_int_equal(b->num_keypoints, 4);
        for (int i = 0; i < 3; i++)
            for (int object = 0; object < 2; object++)
                for (int k = 0; k < 8; k++) {
                    float have = b->keypoints[((size_t)i * (size_t)b->max_boxes + (size_t)object) * 8 + (size_t)k];
                    float want = i == 1 || object || k / 2 == 2 ? NAN : (.05f * (float)(k + 1) + .01f * (float)i) * (k % 2 ? 1 : 2.0f / 3);
                    if (!is_same(have, want)) fail_msg("image %d, object %d, number %d: %g, expected %g", i, object, k, (double)have, (double)want);
                }
        od_loader_free(loader);
    }
    od_dataset_free(ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_corners),
        cmocka_unit_test(test_orders_that_do_not_fit),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_cut_record),
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_coco_lists),
        cmocka_unit_test(test_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
