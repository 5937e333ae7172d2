/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions keep what they convert; synthetic data sets are the same from the same seed; failures leave nothing behind.
 */
#include "config/label_map.h"
#include "data/class_list.h"
#include "data/dataset.h"
#include "data/synth_image.h"
#include "objdet/dataset.h"
#include "objdet/synth.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>
#include <unistd.h>

static od_dataset *open_one(const char *path, const od_dataset_options *options)
{
    od_dataset *ds = NULL;
    od_error err = {0};
    if (od_dataset_open(&ds, &path, 1, options, &err) != OD_OK) fail_msg("%s", err.message);
    return ds;
}

static od_data_converted convert(const char *from, const char *format, const char *to, const char *map, int shards)
{
    od_data_input in = {.paths = &from, .path_count = 1, .label_map_path = map};
    od_data_output out = {.format = format, .path = to, .shards = shards};
    od_data_converted done = {0};
    od_error err = {0};
    if (od_data_convert(&in, &out, &done, &err) != OD_OK) fail_msg("%s", err.message);
    return done;
}

static void expect_convert_error(const char *from, const char *format, const char *to, const char *map, od_status status,
                                 const char *part)
{
    od_data_input in = {.paths = &from, .path_count = 1, .label_map_path = map};
    od_data_output out = {.format = format, .path = to};
    od_error err = {0};
    assert_int_equal(od_data_convert(&in, &out, NULL, &err), status);
    if (!strstr(err.message, part)) fail_msg("\"%s\" doesn't hold \"%s\"", err.message, part);
}

/* Equal examples in equal order: bytes, boxes to the bit, labels, flags, areas. */
static void expect_equal(const od_dataset *a, const od_dataset *b, int ids)
{
    assert_int_equal(od_dataset_size(a), od_dataset_size(b));
    for (int64_t i = 0; i < od_dataset_size(a); i++) {
        od_example x = {0}, y = {0};
        assert_int_equal(od_dataset_read(a, i, &x, NULL), OD_OK);
        assert_int_equal(od_dataset_read(b, i, &y, NULL), OD_OK);
        if (ids) assert_string_equal(x.source_id, y.source_id);
        assert_string_equal(od_path_base(x.filename), od_path_base(y.filename));
        assert_int_equal(x.encoded_size, y.encoded_size);
        assert_memory_equal(x.encoded, y.encoded, x.encoded_size);
        assert_int_equal(x.object_count, y.object_count);
        for (int k = 0; k < x.object_count; k++) {
            assert_memory_equal(x.objects[k].box, y.objects[k].box, sizeof x.objects[k].box);
            assert_int_equal(x.objects[k].label, y.objects[k].label);
            assert_int_equal(x.objects[k].flags & OD_OBJECT_CROWD, y.objects[k].flags & OD_OBJECT_CROWD);
        }
        od_example_deinit(&x);
        od_example_deinit(&y);
    }
}

static void expect_same_files(const char *a, const char *b)
{
    od_file_view x, y;
    assert_int_equal(od_file_view_open(&x, a, NULL), OD_OK);
    assert_int_equal(od_file_view_open(&y, b, NULL), OD_OK);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    od_file_view_close(&x);
    od_file_view_close(&y);
}

static void make_synth(char dir[300], const char *name, uint64_t seed)
{
    od_synth_options o;
    od_error err = {0};
    od_synth_options_default(&o);
    test_tmp_path(dir, 300, name);
    o.output_dir = dir;
    o.train = 12, o.val = 3, o.test = 0, o.width = 160, o.height = 120, o.seed = seed;
    if (od_synth(&o, &err) != OD_OK) fail_msg("%s", err.message);
}

static char *below(char out[400], const char *dir, const char *name)
{
    snprintf(out, 400, "%s/%s", dir, name);
    return out;
}

static void test_synth_is_deterministic_and_consistent(void **state)
{
    (void)state;
    static const char *const files[] = {"train.json", "train.record", "val.json", "val.record", "label_map.pbtxt",
                                        "images/train_00001.jpg", "images/train_00012.jpg", "images/val_00003.jpg"};
    char a[300], b[300], c[300], p[400], q[400];
    make_synth(a, "synth_a", 4);
    make_synth(b, "synth_b", 4);
    make_synth(c, "synth_c", 5);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) expect_same_files(below(p, a, files[i]), below(q, b, files[i]));
    od_file_view x, y;
    assert_int_equal(od_file_view_open(&x, below(p, a, "train.record"), NULL), OD_OK);
    assert_int_equal(od_file_view_open(&y, below(p, c, "train.record"), NULL), OD_OK);
    assert_true(x.size != y.size || memcmp(x.data, y.data, x.size));
    od_file_view_close(&x);
    od_file_view_close(&y);
    od_dataset *json = open_one(below(p, a, "train.json"), NULL), *record = open_one(below(q, a, "train.record"), NULL);
    assert_int_equal(od_dataset_size(json), 12);
    expect_equal(json, record, 1);
    assert_int_equal(od_label_map_find(od_dataset_label_map(json), "square"), 1);
    assert_int_equal(od_label_map_find(od_dataset_label_map(json), "triangle"), 2);
    od_dataset_free(json);
    od_dataset_free(record);
    assert_false(od_path_exists(below(p, a, "test.json")));
    assert_true(od_path_exists(below(p, a, "pipeline.config")));
}

/* Boxes lie in the picture, have the shape's colour in the middle and (unless something else is drawn there, or the square stands
 * upright) another in at least one corner. */
static void test_synth_boxes_are_where_the_shapes_are(void **state)
{
    (void)state;
    int boxes = 0, kept = 0, inside = 1;
    for (uint64_t i = 0; i < 40; i++) {
        od_rng rng;
        od_synth_picture p = {0};
        od_rng_init(&rng, 77, i);
        assert_int_equal(od_synth_picture_draw(&p, &rng, 320, 240, NULL), OD_OK);
        for (int k = 0; k < p.box_count; k++) {
            const od_synth_box *b = &p.boxes[k];
            inside &= b->xmin >= 0 && b->ymin >= 0 && b->xmax <= 320 && b->ymax <= 240 && b->xmax - b->xmin >= 8 && b->ymax - b->ymin >= 8;
            int cx = (b->xmin + b->xmax) / 2, cy = (b->ymin + b->ymax) / 2, corner = 0;
            const uint8_t *middle = p.image.pixels + 3 * (cy * 320 + cx);
            const int xs[2] = {b->xmin, b->xmax - 1}, ys[2] = {b->ymin, b->ymax - 1};
            for (int c = 0; c < 4; c++) {
                const uint8_t *q = p.image.pixels + 3 * (ys[c / 2] * 320 + xs[c % 2]);
                int difference = abs(q[0] - middle[0]) + abs(q[1] - middle[1]) + abs(q[2] - middle[2]);
                corner |= difference > 60;
            }
            boxes++;
            kept += corner;
        }
        od_image_deinit(&p.image);
    }
    assert_true(inside);
    assert_in_range(boxes, 60, 200);
    assert_in_range(kept * 100 / boxes, 85, 100);
}

static void test_synth_refuses_bad_sizes(void **state)
{
    (void)state;
    od_synth_options o;
    od_error err = {0};
    char dir[300];
    test_tmp_path(dir, sizeof dir, "synth_bad");
    od_synth_options_default(&o);
    assert_int_equal(od_synth(&o, &err), OD_ERR_ARG);
    o.output_dir = dir;
    o.width = 10;
    assert_int_equal(od_synth(&o, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "width is 10; expected 64 to 4096"));
    o.width = 64, o.train = 0;
    assert_int_equal(od_synth(&o, &err), OD_ERR_ARG);
    o.train = 2;
    od_file_fail_after(3000);
    assert_int_equal(od_synth(&o, &err), OD_ERR_IO);
    od_file_fail_after(-1);
    assert_non_null(strstr(err.message, "No space left"));
}

static void test_round_trips_keep_everything(void **state)
{
    (void)state;
    char dir[300], json[400], coco[400], record[400], pattern[500], map[400];
    make_synth(dir, "synth_trip", 9);
    od_data_converted done = convert(below(json, dir, "train.json"), "tfrecord", below(record, dir, "trip/r.record"),
                                     below(map, dir, "label_map.pbtxt"), 5);
    assert_int_equal(done.images, 12);
    assert_int_equal(done.skipped, 0);
    assert_false(done.label_map_saved);
    snprintf(pattern, sizeof pattern, "%s-?????" "-of-00005", record);
    od_dataset *shards = open_one(pattern, NULL);
    assert_int_equal(od_dataset_size(shards), 12);
    od_dataset_free(shards);
    snprintf(pattern, sizeof pattern, "%s@5", record);
    shards = open_one(pattern, NULL);
    assert_int_equal(od_dataset_size(shards), 12);
    od_dataset_free(shards);

    below(record, dir, "train.record");
    done = convert(record, "coco", below(coco, dir, "out/coco"), NULL, 1);
    assert_true(done.label_map_saved);
    char again[400], written[500], own_map[500];
    snprintf(written, sizeof written, "%s/annotations.json", coco);
    snprintf(own_map, sizeof own_map, "%s/label_map.pbtxt", coco);
    convert(written, "tfrecord", below(again, dir, "again/r.record"), own_map, 0);
    od_dataset *a = open_one(record, NULL), *b = open_one(written, NULL), *c = open_one(again, NULL), *d = open_one(json, NULL);
    expect_equal(a, b, 1);
    expect_equal(a, c, 1);
    expect_equal(a, d, 1);
    od_dataset_free(a);
    od_dataset_free(b);
    od_dataset_free(c);
    od_dataset_free(d);

    /* From files to COCO: nothing is copied, the new JSON finds the images. */
    char moved[400], images[400];
    convert(json, "coco", below(moved, dir, "else/moved.json"), NULL, 1);
    assert_false(od_path_exists(below(images, dir, "else/images")));
    a = open_one(json, NULL), b = open_one(moved, NULL);
    expect_equal(a, b, 1);
    od_dataset_free(a);
    od_dataset_free(b);
}

static void test_raccoon_round_trip(void **state)
{
    (void)state;
    char record[300], coco[300], json[400], again[300];
    test_need_shared(record, "data/raccoon/test.record");
    test_tmp_path(coco, sizeof coco, "raccoon_coco");
    test_tmp_path(again, sizeof again, "raccoon_again/r.record");
    convert(record, "coco", coco, NULL, 1);
    convert(below(json, coco, "annotations.json"), "tfrecord", again, NULL, 1);
    od_dataset *a = open_one(record, NULL), *b = open_one(again, NULL);
    expect_equal(a, b, 0); /* "raccoon-1.jpg" is no COCO id */
    od_dataset_free(a);
    od_dataset_free(b);
}

static void test_what_cannot_be_converted(void **state)
{
    (void)state;
    char dir[300], json[400], record[400], map[400], text[500];
    make_synth(dir, "synth_errors", 2);
    below(json, dir, "train.json");
    below(record, dir, "new/x.record");
    expect_convert_error(json, "kitti", record, NULL, OD_ERR_ARG, "cannot write the data format \"kitti\"");
    expect_convert_error(json, "tfrecord", "", NULL, OD_ERR_ARG, "no output path");
    expect_convert_error(json, "tfrecord", record, "/nonexistent/map.pbtxt", OD_ERR_NOT_FOUND, "map.pbtxt");
    /* Another label map beside the output stays, and nothing is written. */
    below(map, dir, "new/label_map.pbtxt");
    below(text, dir, "new");
    assert_int_equal(od_dir_create(text, NULL), OD_OK);
    assert_int_equal(od_file_write_all(map, "item { id: 1 name: 'x' }\n", 25, NULL), OD_OK);
    expect_convert_error(json, "tfrecord", record, NULL, OD_ERR_MISMATCH, "is there already and has other classes");
    assert_false(od_path_exists(record));
    unlink(map);
    /* Missing images are left out; when all are missing that is an error. */
    below(text, dir, "images/train_00002.jpg");
    unlink(text);
    od_data_converted done = convert(json, "tfrecord", record, NULL, 1);
    assert_int_equal(done.images, 11);
    assert_int_equal(done.skipped, 1);
    done = convert(json, "coco", below(text, dir, "new/x.json"), NULL, 1);
    assert_int_equal(done.images, 11);
    assert_int_equal(done.skipped, 1);
    for (int i = 1; i <= 12; i++) {
        char name[64];
        snprintf(name, sizeof name, "images/train_%05d.jpg", i);
        unlink(below(text, dir, name));
    }
    unlink(record);
    expect_convert_error(json, "tfrecord", record, NULL, OD_ERR_FORMAT, "none of 12 images could be read; the first:");
    assert_false(od_path_exists(record));
    /* A full disk: neither output appears. */
    below(json, dir, "val.record");
    od_file_fail_after(5000);
    expect_convert_error(json, "tfrecord", record, NULL, OD_ERR_IO, "No space left");
    od_file_fail_after(-1);
    assert_false(od_path_exists(record));
}

static void test_allocation_failures_while_converting(void **state)
{
    (void)state;
    static const char *const formats[] = {"tfrecord", "coco"};
    char dir[300], from[400], to[400], other[400];
    make_synth(dir, "synth_alloc", 3);
    below(from, dir, "val.record");
    for (int k = 0; k < 2; k++) {
        od_status status = OD_ERR_NOMEM;
        const char *path = from;
        od_data_input in = {.paths = &path, .path_count = 1};
        od_data_output out = {.format = formats[k], .path = below(to, dir, k ? "alloc/x.json" : "alloc/x.record")};
        int failures = 0;
        for (long n = 1; status != OD_OK && n < 5000; n += 1 + n / 25) {
            unlink(to);
            unlink(below(other, dir, "alloc/label_map.pbtxt"));
            od_alloc_fail_after(n);
            status = od_data_convert(&in, &out, NULL, NULL);
            od_alloc_fail_after(0);
            if (status == OD_OK) break;
            assert_int_equal(status, OD_ERR_NOMEM);
            failures++;
        }
        assert_int_equal(status, OD_OK);
        assert_true(failures > 20);
    }
}

static void test_classes_are_numbered(void **state)
{
    (void)state;
    od_class_list list = {0};
    od_error err = {0};
    od_class_list_add(&list, "zebra", 0, NULL);
    od_class_list_add(&list, "cat", 2, NULL);
    od_class_list_add(&list, "ant", 0, NULL);
    od_class_list_add(&list, "cat", 0, NULL);
    od_class_list_add(&list, "emu", 0, NULL);
    assert_int_equal(od_class_list_add(&list, "cat", 7, &err), OD_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "\"cat\" has the ids 2 and 7"));
    assert_int_equal(od_class_list_number(&list, NULL), OD_OK);
    static const char *const names[] = {"ant", "cat", "emu", "zebra"};
    assert_int_equal(list.count, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(list.entries[i].name, names[i]);
        assert_int_equal(list.entries[i].id, i + 1);
    }
    od_class_list_deinit(&list);
    od_class_list_add(&list, "a", 3, NULL);
    od_class_list_add(&list, "b", 3, NULL);
    assert_int_equal(od_class_list_number(&list, &err), OD_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "\"a\" and \"b\" both have the id 3"));
    od_class_list_deinit(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_synth_is_deterministic_and_consistent),
        cmocka_unit_test(test_synth_boxes_are_where_the_shapes_are),
        cmocka_unit_test(test_synth_refuses_bad_sizes),
        cmocka_unit_test(test_round_trips_keep_everything),
        cmocka_unit_test(test_raccoon_round_trip),
        cmocka_unit_test(test_what_cannot_be_converted),
        cmocka_unit_test(test_allocation_failures_while_converting),
        cmocka_unit_test(test_classes_are_numbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
