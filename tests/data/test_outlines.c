/* SPDX-License-Identifier: Apache-2.0
 *
 * Outlines (YOLO's segmentation rows, CVAT's polygons, Label Studio's polygonlabels): they become masks with pycocotools' pixels, and are
 * written back as outlines by each of these formats.
 */
#include "data/dataset.h"
#include "image/image.h"
#include "objdet/dataset.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 40, HEIGHT = 20 };
static const float triangle[] = {.1f, .2f, .8f, .3f, .45f, .95f};

static void write_text(const char *dir, const char *name, const char *text)
{
    char *path = od_path_join(dir, name), *parent = path ? od_path_dir(path) : NULL;
    assert_non_null(parent);
    assert_int_equal(od_dir_create(parent, NULL), OD_OK);
    assert_int_equal(od_file_write_all(path, text, strlen(text), NULL), OD_OK);
    od_free(parent);
    od_free(path);
}

/* A folder of YOLO with one picture: a triangle and a box. */
static void make_yolo(char dir[300])
{
    od_image image;
    uint8_t *png = NULL;
    size_t size = 0;
    test_tmp_path(dir, 300, "outlines");
    write_text(dir, "data.yaml", "train: images/train\nnames: [leaf, stone]\n");
    write_text(dir, "labels/train/a.txt", "0 0.1 0.2 0.8 0.3 0.45 0.95\n1 0.5 0.5 0.2 0.4\n");
    write_text(dir, "images/train/note.txt", "");
    assert_int_equal(od_image_init(&image, WIDTH, HEIGHT, NULL), OD_OK);
    memset(image.pixels, 90, WIDTH * HEIGHT * 3);
    assert_int_equal(od_image_encode_png(&image, &png, &size, NULL), OD_OK);
    char path[400];
    snprintf(path, sizeof path, "%s/images/train/a.png", dir);
    assert_int_equal(od_file_write_all(path, png, size, NULL), OD_OK);
    od_free(png);
    od_image_deinit(&image);
}

/* The data set's one example: the triangle's outline and mask, the box without either. */
static void expect_outlines(const char *path, int with_outline)
{
    od_dataset *ds = NULL;
    od_error err = {0};
    od_example e = {0};
    double xy[6];
    size_t count = 6;
    od_mask *mask;
    if (od_dataset_open(&ds, &path, 1, &(od_dataset_options){.masks = OD_MASKS_IF_ANY, .all_splits = 1}, &err) != OD_OK) fail_msg("%s", err.message);
    if (od_dataset_read(ds, 0, &e, &err) != OD_OK) fail_msg("%s", err.message);
    assert_int_equal(e.object_count, 2);
    const od_object *o = &e.objects[0];
    for (int i = 0; i < 6; i++) xy[i] = (double)triangle[i] * (i % 2 ? HEIGHT : WIDTH);
    assert_int_equal(od_mask_from_polygons(&mask, HEIGHT, WIDTH, xy, &count, 1, NULL), OD_OK);
    assert_non_null(o->mask);
    assert_true(od_mask_area(mask) > 150 && od_mask_area(o->mask) == od_mask_area(mask) && od_mask_intersection(o->mask, mask) == od_mask_area(mask));
    assert_int_equal(o->flags & OD_OBJECT_OUTLINE, 0);
    if (with_outline) {
        assert_int_equal(o->outline_points, 3);
        for (int i = 0; i < 6; i++) assert_true(fabsf(o->outline[i] - triangle[i]) < 1e-6f);
    }
    assert_null(e.objects[1].mask);
    assert_null(e.objects[1].outline);
    assert_string_equal(e.objects[0].class_text, "leaf");
    od_free(mask);
    od_example_deinit(&e);
    od_dataset_free(ds);
}

static void test_masks_and_round_trips(void **state)
{
    (void)state;
    static const struct { const char *format; int outline; } formats[] = {{"yolo", 1}, {"cvat", 1}, {"labelstudio", 1}, {"labelstudio-min", 1}, {"coco", 0}};
    char dir[300];
    make_yolo(dir);
    expect_outlines(dir, 1);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char name[60], to[300];
        snprintf(name, sizeof name, "outlines_%s", formats[i].format);
        test_tmp_path(to, sizeof to, name);
        const char *from = dir;
        od_data_input in = {.paths = &from, .path_count = 1};
        od_data_output out = {.format = formats[i].format, .path = to};
        od_data_converted done = {0};
        od_error err = {0};
        if (od_data_convert(&in, &out, &done, &err) != OD_OK) fail_msg("%s", err.message);
        assert_int_equal(done.dropped[OD_DATA_KIND_OUTLINE], 0);
        assert_int_equal(done.dropped[OD_DATA_KIND_MASK], 0);
        expect_outlines(to, formats[i].outline);
    }
}

/* COCO with masks as run lengths: a ring of pixels and one that touches the image's corner, an object without a mask, and an empty mask. */
static void make_masks(char path[400])
{
    static const char json[] = "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\", \"width\": 40, \"height\": 20}],"
                               " \"categories\": [{\"id\": 1, \"name\": \"leaf\"}, {\"id\": 2, \"name\": \"stone\"}], \"annotations\": ["
                               "{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [3, 4, 5, 6], \"area\": 18, \"iscrowd\": 0, \"segmentation\": {\"size\": [20, 40], \"counts\": [64, 6, 14, 1, 4, 1, 14, 1, 4, 1, 14, 1, 4, 1, 14, 6, 650]}},"
                               "{\"id\": 2, \"image_id\": 1, \"category_id\": 2, \"bbox\": [38, 18, 2, 2], \"area\": 3, \"iscrowd\": 1, \"segmentation\": {\"size\": [20, 40], \"counts\": [778, 2, 19, 1]}},"
                               "{\"id\": 3, \"image_id\": 1, \"category_id\": 2, \"bbox\": [10, 2, 7.5, 9], \"area\": 67.5, \"iscrowd\": 0},"
                               "{\"id\": 4, \"image_id\": 1, \"category_id\": 1, \"bbox\": [20, 2, 7.5, 9], \"area\": 67.5, \"iscrowd\": 0, \"segmentation\": {\"size\": [20, 40], \"counts\": [800]}}]}";
    char dir[300], to[400];
    uint8_t *png;
    size_t size;
    od_image image;
    test_tmp_path(dir, sizeof dir, "masks_coco");
    write_text(dir, "masks.json", json);
    assert_int_equal(od_image_init(&image, WIDTH, HEIGHT, NULL), OD_OK);
    memset(image.pixels, 90, WIDTH * HEIGHT * 3);
    assert_int_equal(od_image_encode_png(&image, &png, &size, NULL), OD_OK);
    snprintf(to, sizeof to, "%s/a.png", dir);
    assert_int_equal(od_file_write_all(to, png, size, NULL), OD_OK);
    snprintf(path, 400, "%s/masks.json", dir);
    od_free(png);
    od_image_deinit(&image);
}

/* The example of a data set, to be freed with its data set. */
static void read_one(const char *path, od_dataset **ds, od_example *e)
{
    od_error err = {0};
    if (od_dataset_open(ds, &path, 1, &(od_dataset_options){.masks = OD_MASKS_IF_ANY, .all_splits = 1}, &err) != OD_OK) fail_msg("%s", err.message);
    if (od_dataset_read(*ds, 0, e, &err) != OD_OK) fail_msg("%s", err.message);
}

/* Masks without an outline go through CVAT's and Label Studio's own and come back pixel by pixel, with their marks; what has no pixel keeps its box. */
static void test_masks_survive(void **state)
{
    (void)state;
    static const char *const formats[] = {"cvat", "labelstudio", "labelstudio-min", "tfrecord"};
    char from[400];
    make_masks(from);
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        char name[60], to[300];
        const char *input = from;
        od_data_converted done = {0};
        od_error err = {0};
        snprintf(name, sizeof name, "masks_%s", formats[f]);
        test_tmp_path(to, sizeof to, name);
        od_data_input in = {.paths = &input, .path_count = 1};
        od_data_output out = {.format = formats[f], .path = to};
        if (od_data_convert(&in, &out, &done, &err) != OD_OK) fail_msg("%s", err.message);
        assert_int_equal(done.dropped[OD_DATA_KIND_MASK], strcmp(formats[f], "tfrecord") ? 1 : 0); /* the one without a pixel */
        od_dataset *before = NULL, *after = NULL;
        od_example a = {0}, b = {0};
        read_one(from, &before, &a);
        read_one(to, &after, &b);
        assert_int_equal(a.object_count, 4);
        assert_int_equal(b.object_count, 4);
        for (int i = 0; i < 4; i++) {
            const od_object *x = &a.objects[i], *y = &b.objects[i];
            for (int k = 0; k < 4; k++) assert_true(fabsf(x->box[k] - y->box[k]) < 1e-6f);
            assert_string_equal(x->class_text, y->class_text);
            if (i < 2) {
                assert_non_null(y->mask);
                assert_int_equal(x->mask->count, y->mask->count);
                assert_memory_equal(x->mask->runs, y->mask->runs, x->mask->count * sizeof *x->mask->runs);
            }
            if (strcmp(formats[f], "labelstudio-min")) assert_int_equal(x->flags & OD_OBJECT_CROWD, y->flags & OD_OBJECT_CROWD);
        }
        od_example_deinit(&a);
        od_example_deinit(&b);
        od_dataset_free(before);
        od_dataset_free(after);
    }
}

/* Without masks asked for, boxes as before. */
static void test_boxes_only(void **state)
{
    (void)state;
    char dir[300];
    const char *path = dir;
    od_dataset *ds = NULL;
    od_example e = {0};
    make_yolo(dir);
    assert_int_equal(od_dataset_open(&ds, &path, 1, NULL, NULL), OD_OK);
    assert_int_equal(od_dataset_read(ds, 0, &e, NULL), OD_OK);
    assert_null(e.objects[0].mask);
    assert_int_equal(e.objects[0].flags & OD_OBJECT_OUTLINE, OD_OBJECT_OUTLINE);
    assert_true(fabsf(e.objects[0].box[0] - .2f) < 1e-6f && fabsf(e.objects[0].box[3] - .8f) < 1e-6f);
    od_example_deinit(&e);
    od_dataset_free(ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_masks_and_round_trips), cmocka_unit_test(test_masks_survive), cmocka_unit_test(test_boxes_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
