/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets on real files: formats that hold the same must give the same; classes and bad boxes follow the policy.
 */
#include "config/label_map.h"
#include "data/dataset.h"
#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/hashmap.h"

#include <math.h>
#include <string.h>

static od_dataset *open_one(const char *path, const od_dataset_options *options)
{
    od_dataset *ds = NULL;
    od_error err = {0};
    if (od_dataset_open(&ds, &path, 1, options, &err) != OD_OK) fail_msg("%s", err.message);
    return ds;
}

static void expect_open_error(const char *path, const od_dataset_options *options, od_status status, const char *part)
{
    od_dataset *ds = NULL;
    od_error err = {0};
    assert_int_equal(od_dataset_open(&ds, &path, 1, options, &err), status);
    if (!strstr(err.message, part)) fail_msg("\"%s\" doesn't hold \"%s\"", err.message, part);
}

static void expect_read_error(const od_dataset *ds, int64_t index, od_status status, const char *part)
{
    od_example e = {0};
    od_error err = {0};
    assert_int_equal(od_dataset_read(ds, index, &e, &err), status);
    if (!strstr(err.message, part)) fail_msg("\"%s\" doesn't hold \"%s\"", err.message, part);
    od_example_deinit(&e);
}

static void write_text(char path[300], const char *name, const char *text)
{
    test_tmp_path(path, 300, name);
    assert_int_equal(od_file_write_all(path, text, strlen(text), NULL), OD_OK);
}

static void read_ok(const od_dataset *ds, int64_t index, od_example *e)
{
    od_error err = {0};
    *e = (od_example){0};
    if (od_dataset_read(ds, index, e, &err) != OD_OK) fail_msg("%s", err.message);
}

/* Every example of `a` is in `b`, by file name, with equal boxes (to `tolerance`), classes and image bytes. */
static void expect_subset(const od_dataset *a, const od_dataset *b, float tolerance)
{
    od_hashmap names = {0};
    for (int64_t i = 0; i < od_dataset_size(b); i++) {
        od_example e;
        read_ok(b, i, &e);
        od_hashmap_set(&names, e.filename, i);
        od_example_deinit(&e);
    }
    for (int64_t i = 0; i < od_dataset_size(a); i++) {
        od_example x, y;
        int64_t at;
        read_ok(a, i, &x);
        assert_true(od_hashmap_get(&names, x.filename, &at));
        read_ok(b, at, &y);
        assert_int_equal(x.object_count, y.object_count);
        assert_int_equal(x.encoded_size, y.encoded_size);
        assert_memory_equal(x.encoded, y.encoded, x.encoded_size);
        assert_int_equal(x.width, y.width);
        assert_int_equal(x.height, y.height);
        for (int k = 0; k < x.object_count; k++) {
            assert_int_equal(x.objects[k].label, y.objects[k].label);
            assert_string_equal(x.objects[k].class_text, y.objects[k].class_text);
            for (int c = 0; c < 4; c++) assert_true(fabsf(x.objects[k].box[c] - y.objects[k].box[c]) <= tolerance);
        }
        od_example_deinit(&x);
        od_example_deinit(&y);
    }
    od_hashmap_deinit(&names);
}

static void test_raccoon_formats_agree(void **state)
{
    (void)state;
    char voc[300], csv[300], train[300], test[300], own[300];
    test_need_shared(voc, "data/raccoon");
    test_need_shared(csv, "data/raccoon/raccoon_labels.csv");
    test_need_shared(train, "data/raccoon/train.record");
    test_need_shared(test, "data/raccoon/test.record");
    test_need_shared(own, "data/raccoon/test_from_dataset.record");
    od_dataset *v = open_one(voc, NULL), *c = open_one(csv, NULL);
    const char *both[] = {train, test};
    od_dataset *t = NULL, *o = open_one(own, NULL);
    assert_int_equal(od_dataset_open(&t, both, 2, NULL, NULL), OD_OK);
    assert_int_equal(od_dataset_size(v), 200);
    assert_int_equal(od_dataset_size(c), 200);
    assert_int_equal(od_dataset_size(t), 200);
    assert_int_equal(od_dataset_size(o), 40);
    expect_subset(v, c, 0);
    expect_subset(t, v, 0);
    expect_subset(o, t, 0);
    assert_null(od_dataset_label_map(t));
    assert_int_equal(od_dataset_infer_label_map(t, NULL), OD_OK);
    assert_int_equal(od_label_map_find(od_dataset_label_map(t), "raccoon"), 1);
    assert_int_equal(od_label_map_find(od_dataset_label_map(v), "raccoon"), 1);
    od_dataset_free(v);
    od_dataset_free(c);
    od_dataset_free(t);
    od_dataset_free(o);
}

static void test_chest_xray_formats_agree(void **state)
{
    (void)state;
    static const char *const splits[] = {"train", "val", "test"};
    char json[300], record[300], map_path[300], name[64];
    test_need_shared(map_path, "data/chest_xray/label_map.pbtxt");
    od_label_map *map = NULL;
    assert_int_equal(od_label_map_load(map_path, &map, NULL), OD_OK);
    int64_t images = 0;
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "data/chest_xray/%s.json", splits[i]);
        test_need_shared(json, name);
        snprintf(name, sizeof name, "data/chest_xray/%s.record", splits[i]);
        test_need_shared(record, name);
        od_dataset *a = open_one(json, NULL), *b = open_one(record, &(od_dataset_options){.label_map = map});
        assert_int_equal(od_dataset_size(a), od_dataset_size(b));
        images += od_dataset_size(a);
        expect_subset(a, b, 0);
        od_dataset_free(a);
        od_dataset_free(b);
    }
    assert_int_equal(images, 158);
    od_label_map_free(map);
}

static void test_sampling_keeps_every_nth(void **state)
{
    (void)state;
    char path[300];
    test_need_shared(path, "data/raccoon/test.record");
    od_dataset *all = open_one(path, NULL), *third = open_one(path, &(od_dataset_options){.sample_1_of_n = 3});
    assert_int_equal(od_dataset_size(third), 14);
    od_example a, b;
    read_ok(all, 39, &a);
    read_ok(third, 13, &b);
    assert_string_equal(a.filename, b.filename);
    od_example_deinit(&a);
    od_example_deinit(&b);
    expect_read_error(third, 14, OD_ERR_ARG, "example 14 of 14");
    od_dataset_free(all);
    od_dataset_free(third);
}

/* A 1x1 PNG would do; the readers only look at headers: BMP of 40 x 20 pixels. */
static const unsigned char bmp[54] = {'B', 'M', 54, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 40, 0, 0, 0, 20, 0, 0, 0, 1, 0, 24};

static void write_bmp(const char *name)
{
    char path[300];
    test_tmp_path(path, sizeof path, name);
    assert_int_equal(od_file_write_all(path, bmp, sizeof bmp, NULL), OD_OK);
}

static char last_log[1000];
static int log_lines;

static void keep_log(void *user, od_log_level level, const char *message)
{
    (void)user, (void)level;
    snprintf(last_log, sizeof last_log, "%s", message);
    log_lines++;
}

static void test_coco_boxes_and_policy(void **state)
{
    (void)state;
    char path[300];
    write_bmp("a.bmp");
    write_text(path, "policy.json",
               "{\"images\": [{\"id\": 7, \"file_name\": \"a.bmp\", \"width\": 40, \"height\": 20},\n"
               " {\"id\": 9007199254740993, \"file_name\": \"a.bmp\", \"height\": 20, \"width\": 80}],\n"
               " \"annotations\": [\n"
               "  {\"id\": 1, \"image_id\": 7, \"category_id\": 3, \"bbox\": [4, 5, 10, 10], \"area\": 90, \"iscrowd\": 1, \"segmentation\": "
               "[[1, 2, {\"bbox\": 3}]]},\n"
               "  {\"id\": 2, \"image_id\": 7, \"category_id\": 3, \"bbox\": [4, 5, 0, 10]},\n"
               "  {\"id\": 3, \"image_id\": 7, \"category_id\": 3, \"bbox\": [4, 5, -2, 10]},\n"
               "  {\"id\": 4, \"image_id\": 7, \"category_id\": 3, \"bbox\": [-4, 5, 50, 10]},\n"
               "  {\"id\": 5, \"image_id\": 7, \"category_id\": 8, \"bbox\": [1, 1, 1e999, 1]},\n"
               "  {\"id\": 6, \"image_id\": 7, \"category_id\": 9, \"bbox\": [1, 1, 2, 1]},\n"
               "  {\"id\": 7, \"image_id\": 12, \"category_id\": 3, \"bbox\": [1, 1, 2, 1]},\n"
               "  {\"id\": 8, \"image_id\": 7, \"category_id\": 3, \"bbox\": []}],\n"
               " \"categories\": [{\"id\": 8, \"name\": \"dog\"}, {\"id\": 3, \"name\": \"cat\"}]}");
    od_log_set_callback(keep_log, NULL);
    log_lines = 0;
    od_dataset *ds = open_one(path, NULL);
    assert_int_equal(log_lines, 2); /* the annotation of no image, the one without a box */
    assert_int_equal(od_dataset_size(ds), 2);
    assert_int_equal(od_label_map_find(od_dataset_label_map(ds), "cat"), 3);
    od_example e;
    read_ok(ds, 0, &e);
    assert_string_equal(e.source_id, "7");
    assert_int_equal(e.object_count, 2);
    const float first[4] = {0.25f, 0.1f, 0.75f, 0.35f}, outside[4] = {0.25f, -0.1f, 0.75f, 1.15f};
    assert_memory_equal(e.objects[0].box, first, sizeof first);
    assert_memory_equal(e.objects[1].box, outside, sizeof outside);
    assert_int_equal(e.objects[0].label, 3);
    assert_string_equal(e.objects[0].class_text, "cat");
    assert_int_equal(e.objects[0].flags, OD_OBJECT_CROWD);
    assert_true(e.objects[0].area == 90);
    od_example_deinit(&e);
    assert_int_equal(od_dataset_issue_count(ds, OD_ISSUE_EMPTY_COCO), 2);
    assert_int_equal(od_dataset_issue_count(ds, OD_ISSUE_OUTSIDE), 1);
    assert_int_equal(od_dataset_issue_count(ds, OD_ISSUE_NAN), 1);
    assert_int_equal(od_dataset_issue_count(ds, OD_ISSUE_UNKNOWN_ID), 1);
    read_ok(ds, 1, &e); /* no annotations; the file is 40 wide, the JSON says 80 */
    assert_string_equal(e.source_id, "9007199254740993");
    assert_int_equal(e.object_count, 0);
    assert_int_equal(e.width, 40);
    assert_int_equal(e.annotated_width, 80);
    assert_int_equal(od_dataset_issue_count(ds, OD_ISSUE_IMAGE_SIZE), 1);
    assert_non_null(strstr(last_log, "40x20"));
    int lines = log_lines;
    od_example_deinit(&e);
    read_ok(ds, 0, &e);
    od_example_deinit(&e);
    assert_int_equal(log_lines, lines); /* each kind is named once */
    od_dataset_free(ds);
    od_log_set_callback(NULL, NULL);
}

static void test_label_map_decides_by_name(void **state)
{
    (void)state;
    char path[300];
    write_bmp("b.bmp");
    write_text(path, "named.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\r\n"
                                  "b.bmp,40,20,\"dog, \"\"big\"\"\",4,5,8,10\r\n"
                                  "b.bmp,40,20,bird,4,5,8,10\r\n"
                                  "b.bmp,40,20,cat,nan,5,8,10\r\n"
                                  "b.bmp,40,20,cat,9,5,8,10\r\n"
                                  "\r\n"
                                  "null.bmp,40,20,,,,,\r\n");
    od_label_map *map = od_label_map_create();
    od_label_map_add(map, 2, "n02", "dog, \"big\"", NULL);
    od_label_map_add(map, 5, "cat", NULL, NULL);
    od_dataset *ds = open_one(path, &(od_dataset_options){.label_map = map});
    assert_int_equal(od_dataset_size(ds), 2);
    od_example e;
    read_ok(ds, 0, &e);
    assert_int_equal(e.object_count, 1);
    assert_int_equal(e.objects[0].label, 2);
    const float box[4] = {0.25f, 0.1f, 0.5f, 0.2f};
    assert_memory_equal(e.objects[0].box, box, sizeof box);
    od_example_deinit(&e);
    assert_int_equal(od_dataset_issue_count(ds, OD_ISSUE_UNKNOWN_CLASS), 1);
    assert_int_equal(od_dataset_issue_count(ds, OD_ISSUE_NAN), 1);
    assert_int_equal(od_dataset_issue_count(ds, OD_ISSUE_INVERTED), 1);
    expect_read_error(ds, 1, OD_ERR_NOT_FOUND, "image null.bmp not found in");
    od_dataset_free(ds);
    ds = open_one(path, &(od_dataset_options){.label_map = map, .keep_invalid = 1});
    read_ok(ds, 0, &e);
    assert_int_equal(e.object_count, 4);
    assert_int_equal(e.objects[1].label, 0);
    od_example_deinit(&e);
    od_dataset_free(ds);
    od_label_map_free(map);
}

static void test_voc_quirks(void **state)
{
    (void)state;
    char path[300], dir[300];
    test_tmp_path(dir, sizeof dir, "voc/Annotations");
    assert_int_equal(od_dir_create(dir, NULL), OD_OK);
    test_tmp_path(dir, sizeof dir, "voc/JPEGImages");
    assert_int_equal(od_dir_create(dir, NULL), OD_OK);
    test_tmp_path(dir, sizeof dir, "voc/ImageSets/Main");
    assert_int_equal(od_dir_create(dir, NULL), OD_OK);
    write_bmp("voc/JPEGImages/one.bmp");
    write_text(path, "voc/Annotations/one.xml",
               "<?xml version=\"1.0\"?>\n<annotation><filename>one.bmp</filename><size><width>80</width><height>20</height></size>\n"
               "<object><name> cow &amp; calf </name><pose>Left</pose><truncated>1</truncated><difficult>1</difficult>\n"
               "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>\n"
               "<bndbox><ymax>10</ymax><xmin>4</xmin><xmax>8.5</xmax><ymin>5</ymin></bndbox></object></annotation>\n");
    write_text(path, "voc/Annotations/two.xml",
               "<annotation><object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax></bndbox></object></annotation>");
    write_text(path, "voc/Annotations/three.xml", "<annotation>\n<size><width>x</width></size></annotation>");
    write_text(path, "voc/Annotations/zero.xml", "<annotation><filename></filename></annotation>");
    write_bmp("voc/JPEGImages/zero.bmp");
    write_text(path, "voc/ImageSets/Main/part.txt", "one  1\nzero -1\r\n\nmissing\n");
    test_tmp_path(path, sizeof path, "voc");
    od_dataset *ds = open_one(path, NULL);
    assert_int_equal(od_dataset_size(ds), 4); /* one, three, two, zero */
    od_example e;
    read_ok(ds, 0, &e);
    assert_int_equal(e.object_count, 1);
    assert_string_equal(e.objects[0].class_text, "cow & calf");
    assert_string_equal(e.objects[0].pose, "Left");
    assert_int_equal(e.objects[0].flags, OD_OBJECT_DIFFICULT | OD_OBJECT_TRUNCATED);
    const float box[4] = {0.25f, 0.05f, 0.5f, 8.5f / 80};
    assert_memory_equal(e.objects[0].box, box, sizeof box);
    od_example_deinit(&e);
    expect_read_error(ds, 1, OD_ERR_FORMAT, "three.xml:2: expected the image's size in pixels, found \"x\"");
    expect_read_error(ds, 2, OD_ERR_FORMAT, "two.xml:1: a bndbox needs xmin, ymin, xmax and ymax");
    read_ok(ds, 3, &e);
    assert_string_equal(e.filename, "zero.bmp");
    assert_int_equal(e.object_count, 0);
    od_example_deinit(&e);
    od_dataset_free(ds);
    test_tmp_path(path, sizeof path, "voc/ImageSets/Main/part.txt");
    ds = open_one(path, NULL);
    assert_int_equal(od_dataset_size(ds), 3);
    read_ok(ds, 1, &e);
    assert_string_equal(e.filename, "zero.bmp");
    od_example_deinit(&e);
    expect_read_error(ds, 2, OD_ERR_NOT_FOUND, "missing.xml");
    od_dataset_free(ds);
}

static void test_bad_files_are_refused(void **state)
{
    (void)state;
    static const struct { const char *name, *text, *part; } cases[] = {
        {"cut.json", "{\"images\": [{\"id\": 1", "ends too early, at byte 20"},
        {"bad.json", "{\"images\": [NaN]}", "not valid JSON at byte"},
        {"list.json", "[{\"image_id\": 1}]", "is a list (COCO results?)"},
        {"other.json", "{\"foo\": 1}", "has no \"images\""},
        {"object.json", "{\"images\": {}}", "must be a list, but is an object: images"},
        {"empty.json", "{\"images\": []}", "holds no images"},
        {"noid.json", "{\"images\": [{\"file_name\": \"x\"}]}", "images[0]: id is missing"},
        {"textid.json", "{\"images\": [{\"id\": \"x\", \"file_name\": \"x\"}]}", "images[0]: id must be a number; found \"x\""},
        {"halfid.json", "{\"images\": [{\"id\": 1.5, \"file_name\": \"x\"}]}", "images[0]: id must be a whole number; found 1.5"},
        {"hugeid.json", "{\"images\": [], \"categories\": [{\"id\": 9999999999}]}", "categories[0]: id must be a whole number"},
        {"twice.json", "{\"images\": [{\"id\": 1, \"file_name\": \"x\"}, {\"id\": 1, \"file_name\": \"y\"}]}", "have the id 1"},
        {"bbox.json", "{\"images\": [{\"id\": 1, \"file_name\": \"x\"}], \"annotations\": [{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3]}]}",
         "annotations[0]: bbox must hold 4 numbers"},
        {"cat.json", "{\"images\": [{\"id\": 1, \"file_name\": \"x\"}], \"annotations\": [{\"image_id\": 1, \"bbox\": [1, 2, 3, 4]}]}",
         "annotations[0]: category_id is missing"},
        {"head.csv", "filename,class,xmin,ymin,xmax\n", "the header has no column \"ymax\""},
        {"number.csv", "filename,class,xmin,ymin,xmax,ymax\na.jpg,cat,1,2,x,4\n", "number.csv:2: xmax is \"x\"; expected a number"},
        {"quote.csv", "filename,class,xmin,ymin,xmax,ymax\n\"a.jpg,cat,1,2,3,4\n", "a quotation mark is not closed"},
        {"class.csv", "filename,class,xmin,ymin,xmax,ymax\na.jpg,,1,2,3,4\n", "class.csv:2: the class is empty"},
        {"none.csv", "filename,class,xmin,ymin,xmax,ymax\n", "holds no images"},
        {"text.record", "hello, this is no record file", "is not a TFRecord file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[300];
        write_text(path, cases[i].name, cases[i].text);
        expect_open_error(path, NULL, OD_ERR_FORMAT, cases[i].part);
        expect_open_error(path, NULL, OD_ERR_FORMAT, cases[i].name);
    }
    char path[300];
    write_text(path, "root.xml", "<html/>");
    od_dataset *ds = open_one(path, NULL);
    expect_read_error(ds, 0, OD_ERR_FORMAT, "the root element must be annotation");
    od_dataset_free(ds);
    write_text(path, "bomb.xml", "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><annotation><filename>&b;</filename></annotation>");
    ds = open_one(path, NULL);
    expect_read_error(ds, 0, OD_ERR_FORMAT, "entity declarations are refused");
    od_dataset_free(ds);
    test_tmp_path(path, sizeof path, "nothing-*.record");
    expect_open_error(path, NULL, OD_ERR_NOT_FOUND, "no file matches");
    test_tmp_path(path, sizeof path, "nothing.record@3");
    expect_open_error(path, NULL, OD_ERR_NOT_FOUND, "nothing.record-00000-of-00003 does not exist");
    test_tmp_path(path, sizeof path, "text.record");
    expect_open_error(path, &(od_dataset_options){.format = "kitti"}, OD_ERR_ARG, "unknown data format \"kitti\"");
}

/* No allocation failure may crash, leak (under the sanitizer) or pass for success. */
static void test_allocation_failures(void **state)
{
    (void)state;
    char csv[300], json[300], voc[300], record[300];
    write_bmp("c.bmp");
    write_text(csv, "alloc.csv", "filename,class,xmin,ymin,xmax,ymax\nc.bmp,cat,1,2,3,4\n");
    write_text(json, "alloc.json", "{\"images\": [{\"id\": 1, \"file_name\": \"c.bmp\"}], \"annotations\": [{\"image_id\": 1, \"category_id\": 1, "
                                   "\"bbox\": [1, 2, 3, 4]}], \"categories\": [{\"id\": 1, \"name\": \"cat\"}]}");
    write_text(voc, "alloc.xml", "<annotation><filename>c.bmp</filename><object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin>"
                                 "<xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>");
    test_tmp_path(record, sizeof record, "alloc.record");
    od_object object = {.box = {0, 0, 1, 1}, .label = 1, .weight = 1, .class_text = "cat"};
    od_example one = {.filename = (char *)"c.bmp", .source_id = (char *)"1", .encoded = (uint8_t *)bmp, .encoded_size = sizeof bmp,
                      .objects = &object, .object_count = 1};
    od_strbuf bytes = {0};
    assert_int_equal(od_tf_example_format(&one, &bytes, NULL), OD_OK);
    od_tfrecord_writer *w;
    assert_int_equal(od_tfrecord_writer_create(&w, record, NULL), OD_OK);
    assert_int_equal(od_tfrecord_writer_write(w, bytes.data, bytes.size, NULL), OD_OK);
    assert_int_equal(od_tfrecord_writer_commit(w, NULL), OD_OK);
    od_strbuf_deinit(&bytes);
    const char *paths[] = {csv, json, voc, record};
    for (int k = 0; k < 4; k++) {
        int failures = 0;
        for (long n = 1; n < 1000; n++) {
            od_dataset *ds = NULL;
            od_example e = {0};
            od_alloc_fail_after(n);
            od_status status = od_dataset_open(&ds, &paths[k], 1, NULL, NULL);
            if (status == OD_OK) status = od_dataset_infer_label_map(ds, NULL);
            if (status == OD_OK) status = od_dataset_read(ds, 0, &e, NULL);
            od_alloc_fail_after(0);
            if (status == OD_OK) assert_int_equal(e.object_count, 1);
            od_example_deinit(&e);
            od_dataset_free(ds);
            if (status == OD_OK) break;
            assert_int_equal(status, OD_ERR_NOMEM);
            failures++;
        }
        assert_in_range(failures, 5, 900);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raccoon_formats_agree),
        cmocka_unit_test(test_chest_xray_formats_agree),
        cmocka_unit_test(test_sampling_keeps_every_nth),
        cmocka_unit_test(test_coco_boxes_and_policy),
        cmocka_unit_test(test_label_map_decides_by_name),
        cmocka_unit_test(test_voc_quirks),
        cmocka_unit_test(test_bad_files_are_refused),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
