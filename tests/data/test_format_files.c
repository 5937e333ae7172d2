/* SPDX-License-Identifier: Apache-2.0
 *
 * Single annotation formats: the examples of their documentation, and what is wrong in a file, by line. Every format into every other:
 * test_formats.c.
 */
#include "config/label_map.h"
#include "data/label_studio.h"
#include "format_files.h"
#include "image/window.h"

/* --- YOLO ------------------------------------------------------------------------------------------------------------- */

/* The documented example (docs.ultralytics.com/datasets/detect), in Roboflow's spelling of the paths. */
static void test_yolo_as_documented(void **state)
{
    (void)state;
    char root[300], path[400], part[400];
    make_dir(root, "yolo_doc");
    write_file(path, root, "labels/train/bus.txt",
               "0 0.481719 0.634028 0.690625 0.713278\n0 0.741094 0.524306 0.314750 0.933389\r\n27 0.364844 0.795833 0.078125 0.400000\n");
    write_file(path, root, "labels/train/outline.txt", "1 0.1 0.2 0.5 0.2 0.4 0.6\n\n");
    make_dir(part, "yolo_doc/images/train");
    write_picture(part, "bus.png");
    write_picture(part, "empty.png");
    write_picture(part, "outline.jpg");
    od_strbuf yaml = {0};
    od_strbuf_puts(&yaml, "# COCO8\ntrain: ../images/train # 4 images\nval:\nnc: 28\nnames:\n");
    for (int i = 0; i < 28; i++) od_strbuf_printf(&yaml, "  %d: %s%d\n", i, i == 27 ? "tie" : "c", i);
    write_file(path, root, "data.yaml", yaml.data);
    od_strbuf_deinit(&yaml);
    od_dataset *ds = open_all(path);
    od_example e = {0};
    assert_int_equal(od_dataset_size(ds), 3);
    assert_int_equal(od_dataset_read(ds, 0, &e, NULL), OD_OK);
    assert_string_equal(e.filename, "bus.png");
    assert_int_equal(e.object_count, 3);
    expect_box(&e.objects[0], 0.634028 - 0.713278 / 2, 0.481719 - 0.690625 / 2, 0.634028 + 0.713278 / 2, 0.481719 + 0.690625 / 2);
    assert_int_equal(e.objects[2].label, 28);
    assert_string_equal(e.objects[2].class_text, "tie27");
    od_example_deinit(&e);
    assert_int_equal(od_dataset_read(ds, 1, &e, NULL), OD_OK);
    assert_int_equal(e.object_count, 0);
    od_example_deinit(&e);
    assert_int_equal(od_dataset_read(ds, 2, &e, NULL), OD_OK);
    expect_box(&e.objects[0], 0.2, 0.1, 0.6, 0.5);
    assert_int_equal(e.objects[0].flags, OD_OBJECT_OUTLINE);
    od_example_deinit(&e);
    od_dataset_free(ds);
    /* The folder alone is known, too, and a list of files. */
    ds = open_all(part);
    assert_int_equal(od_dataset_size(ds), 3);
    od_dataset_free(ds);
    write_file(path, root, "list.txt", "./images/train/bus.png\n./images/train/empty.png\n");
    ds = open_all(path);
    assert_int_equal(od_dataset_size(ds), 2);
    od_dataset_free(ds);
}

static void test_yolo_errors(void **state)
{
    (void)state;
    static const struct { const char *text, *part; } labels[] = {
        {"0 0.5 0.5 0.2\n", "a.txt:1: 4 values; expected 5"},
        {"0 0.5 0.5 0.2 0.2 0.9\n", "a.txt:1: 6 values; expected 5 (class x_center y_center width height) or the class and 3 or more corners of an outline. Is the sixth a score?"},
        {"0 0.5 0.5 0.2 0.2\n2 0.5 0.5 0.2 0.2\n", "a.txt:2: the class is 2, but names has only the classes 0 to 1"},
        {"cat 0.5 0.5 0.2 0.2\n", "a.txt:1: \"cat\" is not a number"},
        {"0 320 240 100 50\n", "a.txt:1: 320 is no part of the image (0 to 1)"},
        {"0.5 0.5 0.5 0.2 0.2\n", "a.txt:1: the class is 0.5; expected a whole number"},
        {"0 nan 0.5 0.2 0.2\n", "a.txt:1: \"nan\" is not a number"},
    };
    static const struct { const char *text, *part; } yamls[] = {
        {"train: images\nnames: [a, b]\nnc: 3\n", "data.yaml:3: nc is 3, but names has 2 classes"},
        {"train: images\nnames: 7\n", "data.yaml:2: names is \"7\"; expected a list of class names"},
        {"train: images\nnames: {0: a, x: b}\n", "data.yaml:2: a class number is \"x\""},
        {"train: images\nnames: {0: a, 2: b}\n", "names has no class 1"},
        {"train: [\n", "data.yaml:2: not valid YAML"},
        {"names: [a, b]\n", "names no images; add train: FOLDER"},
        {"train: nowhere\nnames: [a, b]\n", "train: nowhere not found below"},
        {"- a\n", "not a data.yaml; expected a mapping"},
        {"train: images\n", "names no classes; add names: [first, second, ...]"},
    };
    char root[300], path[400], part[400];
    make_dir(root, "yolo_bad");
    make_dir(part, "yolo_bad/images");
    write_picture(part, "a.png");
    write_file(path, root, "data.yaml", "train: images\nnames: [a, b]\n");
    od_error err = {0};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        write_file(part, root, "labels/a.txt", labels[i].text);
        od_dataset *ds = open_all(path);
        od_example e = {0};
        assert_int_equal(od_dataset_read(ds, 0, &e, &err), OD_ERR_FORMAT);
        if (!strstr(err.message, labels[i].part)) fail_msg("\"%s\" doesn't hold \"%s\"", err.message, labels[i].part);
        od_example_deinit(&e);
        od_dataset_free(ds);
    }
    for (size_t i = 0; i < sizeof yamls / sizeof *yamls; i++) {
        od_dataset *ds = NULL;
        const char *from = path;
        write_file(path, root, "data.yaml", yamls[i].text);
        assert_int_not_equal(od_dataset_open(&ds, &from, 1, NULL, &err), OD_OK);
        if (!strstr(err.message, yamls[i].part)) fail_msg("\"%s\" doesn't hold \"%s\"", err.message, yamls[i].part);
    }
}

static void read_annotations(const od_dataset *ds, int64_t index, od_example *out)
{
    od_error err = {0};
    *out = (od_example){0};
    if (od_dataset_read_annotations(ds, index, out, &err) != OD_OK) fail_msg("%s", err.message);
}

/* --- Roboflow's COCO -------------------------------------------------------------------------------------------------- */

/* Its category 0 is the project, which no box has; where boxes do have it, it is a class and gets a number. */
static void test_coco_category_zero(void **state)
{
    (void)state;
    char root[300], path[400];
    make_dir(root, "zero");
    for (int used = 0; used < 2; used++) {
        od_strbuf t = {0};
        od_strbuf_printf(&t,
                         "{\"categories\": [{\"id\": 0, \"name\": \"shapes\", \"supercategory\": \"none\"}, {\"id\": 1, \"name\": \"circle\", "
                         "\"supercategory\": \"shapes\"}], \"images\": [{\"id\": 0, \"file_name\": \"a_jpg.rf.1f.jpg\", \"width\": 100, \"height\": 50}], "
                         "\"annotations\": [{\"id\": 0, \"image_id\": 0, \"category_id\": %d, \"bbox\": [10, 10, 20, 20], \"area\": 400, \"iscrowd\": 0}]}",
                         !used);
        write_file(path, root, "train/_annotations.coco.json", t.data);
        od_strbuf_deinit(&t);
        od_dataset *ds = open_all(root);
        const od_label_map *map = od_dataset_label_map(ds);
        od_example e;
        assert_int_equal(od_label_map_count(map), used ? 2 : 1);
        read_annotations(ds, 0, &e);
        assert_int_equal(e.object_count, 1);
        assert_string_equal(od_label_map_name(map, e.objects[0].label), used ? "shapes" : "circle");
        assert_int_equal(e.objects[0].label, used ? 2 : 1);
        od_example_deinit(&e);
        od_dataset_free(ds);
    }
}

/* --- CVAT ------------------------------------------------------------------------------------------------------------- */

static void fixture(char out[400], const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "tests/data/fixtures/formats/%s", name);
    test_source_path(out, 400, path);
}

/* The documented example (docs.cvat.ai), with shapes of every kind. */
static void test_cvat_as_documented(void **state)
{
    (void)state;
    char path[400], part[500];
    fixture(path, "cvat_images.xml");
    od_dataset *ds = open_all(path);
    od_example e;
    assert_int_equal(od_dataset_size(ds), 4);
    assert_int_equal(od_label_map_count(od_dataset_label_map(ds)), 3); /* traffic_line has no box */
    read_annotations(ds, 0, &e);
    assert_string_equal(e.filename, "filename000.jpg");
    assert_string_equal(e.source_id, "0");
    assert_int_equal(e.object_count, 2);
    expect_box(&e.objects[0], 431.29 / 1200, 316.83 / 1600, 1100.79 / 1200, 1161.84 / 1600);
    assert_int_equal(e.objects[0].flags, OD_OBJECT_OCCLUDED | OD_OBJECT_TRUNCATED);
    assert_int_equal(e.objects[1].flags, 0);
    od_example_deinit(&e);
    read_annotations(ds, 1, &e);
    assert_int_equal(e.object_count, 3);
    expect_box(&e.objects[0], 0.2, 0.05, 0.6, 0.25);
    expect_box(&e.objects[1], 0.1, 0.1, 0.5, 0.5);
    expect_box(&e.objects[2], 0.4, 0.4, 0.6, 0.6);
    for (int i = 0; i < 3; i++) assert_int_equal(e.objects[i].flags, OD_OBJECT_OUTLINE);
    od_example_deinit(&e);
    od_error err = {0};
    assert_int_equal(od_dataset_read_annotations(ds, 3, &e, &err), OD_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "cvat_images.xml:68: a box is rotated; only upright boxes are read"));
    od_example_deinit(&e);
    od_dataset_free(ds);
    snprintf(part, sizeof part, "%s#val", path);
    ds = open_all(part);
    assert_int_equal(od_dataset_size(ds), 2);
    read_annotations(ds, 1, &e);
    assert_string_equal(e.filename, "empty.jpg");
    assert_int_equal(e.object_count, 0);
    od_example_deinit(&e);
    od_dataset_free(ds);
}

typedef struct bad_text {
    const char *text, *part;
} bad_text;

static void expect_bad_texts(const char *name, const bad_text *cases, size_t count)
{
    char root[300], path[400];
    make_dir(root, "bad");
    for (size_t i = 0; i < count; i++) {
        od_dataset *ds = NULL;
        od_error err = {0};
        write_file(path, root, name, cases[i].text);
        const char *from = path;
        assert_int_not_equal(od_dataset_open(&ds, &from, 1, NULL, &err), OD_OK);
        if (!strstr(err.message, cases[i].part)) fail_msg("\"%s\" doesn't hold \"%s\"", err.message, cases[i].part);
        if (!strstr(err.message, name)) fail_msg("\"%s\" doesn't name its file", err.message);
    }
}

static void test_cvat_errors(void **state)
{
    (void)state;
#define IMAGE "<annotations>\n<image id='0' name='a.jpg' width='10' height='10'>\n"
    static const bad_text cases[] = {
        {IMAGE "<box label='a' xtl='1' ytl='2' xbr='x' ybr='4'/></image></annotations>", "bad.xml:3: xbr must be a number, but is \"x\""},
        {IMAGE "<box label='a' xtl='1' ytl='2' ybr='4'/></image></annotations>", "bad.xml:3: xbr is missing"},
        {IMAGE "<box xtl='1' ytl='2' xbr='3' ybr='4'/></image></annotations>", "bad.xml:3: a shape has no label: \"box\""},
        {IMAGE "<polygon label='a' points='1,2;3'/></image></annotations>", "bad.xml:3: points must be x,y;x,y;..., found \"3\""},
        {IMAGE "<box", "bad.xml:3: not well-formed XML"},
        {"<annotations><image id='0' width='1' height='1'/></annotations>", "bad.xml:1: an image has no name"},
        {"<annotations><image id='0' name='a' width='1.5' height='1'/></annotations>", "must be whole pixels, found \"1.5\""},
        {"<annotations><track id='0' label='car'/></annotations>", "export the task as \"CVAT for images 1.1\""},
        {"<annotations></annotations>", "holds no images"},
    };
#undef IMAGE
    expect_bad_texts("bad.xml", cases, sizeof cases / sizeof *cases);
}

/* --- Label Studio ----------------------------------------------------------------------------------------------------- */

/* The documented tasks (labelstud.io/guide/task_format, /guide/export), with regions of other kinds. */
static void test_label_studio_as_documented(void **state)
{
    (void)state;
    char path[400];
    fixture(path, "label_studio.json");
    od_dataset *ds = open_all(path);
    od_example e;
    assert_int_equal(od_dataset_size(ds), 4); /* the tasks 3 and 4 have no annotation */
    read_annotations(ds, 0, &e);
    assert_string_equal(e.filename, "1.jpg");
    assert_string_equal(e.source_id, "1");
    assert_int_equal(e.object_count, 1);
    expect_box(&e.objects[0], 0.05869797225186766, 0.508, 0.05869797225186766 + 0.10458911419423693, 0.508 + 0.124);
    assert_string_equal(e.objects[0].class_text, "Moonwalker");
    assert_int_equal(e.width, 600);
    assert_int_equal(e.height, 403);
    od_example_deinit(&e);
    read_annotations(ds, 1, &e); /* the ground truth, not the first; two labels; an outline; marks */
    assert_string_equal(e.filename, "pics/a b.png");
    assert_int_equal(e.object_count, 3);
    expect_box(&e.objects[0], 0.2, 0.1, 0.6, 0.4);
    assert_string_equal(e.objects[1].class_text, "Planet");
    assert_int_equal(e.objects[0].flags, OD_OBJECT_TRUNCATED | OD_OBJECT_OCCLUDED);
    assert_int_equal(e.objects[1].flags, OD_OBJECT_TRUNCATED | OD_OBJECT_OCCLUDED);
    expect_box(&e.objects[2], 0.1, 0.5, 0.3, 0.9);
    assert_int_equal(e.objects[2].flags, OD_OBJECT_OUTLINE);
    od_example_deinit(&e);
    od_error err = {0};
    assert_int_equal(od_dataset_read_annotations(ds, 2, &e, &err), OD_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "label_studio.json:61: task 5: a region is rotated by 12.5 degrees; only upright boxes are read"));
    od_example_deinit(&e);
    od_dataset_free(ds);
    fixture(path, "label_studio_min.json");
    ds = open_all(path);
    assert_int_equal(od_dataset_size(ds), 1);
    read_annotations(ds, 0, &e);
    assert_string_equal(e.filename, "0a1b2c3d-street.jpg");
    assert_int_equal(e.object_count, 2);
    expect_box(&e.objects[1], 0.25, 0.5, 0.75, 1);
    assert_string_equal(e.objects[1].class_text, "Car");
    od_example_deinit(&e);
    od_dataset_free(ds);
}

static void test_label_studio_images(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"https://example.com/a/1.jpg?x=1", "1.jpg"}, {"s3://bucket/dir/x%20y.png", "x y.png"},
        {"/data/upload/3/0a1b2c3d-z.jpg", "0a1b2c3d-z.jpg"}, {"/data/local-files/?d=sub/dir/q.jpg", "sub/dir/q.jpg"},
        {"images/plain.jpg", "images/plain.jpg"}, {"100%25.jpg", "100%.jpg"}, {"%00%zz.jpg", "%00%zz.jpg"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *name = od_label_studio_image_name(cases[i][0]);
        assert_string_equal(name, cases[i][1]);
        od_free(name);
    }
}

static void test_label_studio_errors(void **state)
{
    (void)state;
#define TASK "[\n{\"id\": 7, \"data\": {\"image\": \"a.jpg\"}, \"annotations\": [{\"result\": [\n{\"id\": \"r\", \"value\": {\"x\": 1, \"y\": 2, "
    static const bad_text cases[] = {
        {TASK "\"width\": \"3\", \"height\": 4, \"rectanglelabels\": [\"a\"]}}]}]}]",
         "bad.json:2: task 7: a region's width must be a number (percent of the image) \"3\""},
        {TASK "\"width\": 3, \"height\": 4, \"rectanglelabels\": [5]}}]}]}]", "bad.json:2: task 7: a region's label must be a text"},
        {TASK "\"width\": 3, }}]}]}]", "bad.json:3: not valid JSON"},
        {"[\n{\"id\": 1}]", "bad.json:2: task 1: names no image; expected Label Studio's export"},
        {"[{\"id\": 1, \"image\": \"a.jpg\"}", "bad.json:1: not valid JSON: the list of tasks isn't closed"},
        {"[1, 2]", "bad.json:1: expected Label Studio's export, a list of tasks [{...}, {...}]; found '1'"},
        {"[]", "holds no images"},
    };
#undef TASK
    expect_bad_texts("bad.json", cases, sizeof cases / sizeof *cases);
}

/* --- Open Images ------------------------------------------------------------------------------------------------------ */

/* The documented rows (storage.googleapis.com/openimages), one image's rows apart from each other. */
static void test_open_images_as_documented(void **state)
{
    (void)state;
    char root[300], path[400], pictures[400];
    make_dir(root, "oi");
    write_file(path, root, "class-descriptions-boxable.csv", "/m/011k07,Tortoise\n/m/0cmf2,Airplane\n/m/02xwb,Fruit\n");
    write_file(path, root, "validation-images-with-rotation.csv", "ImageID,Subset\n0001eeaf4aed83f9,validation\nnull,validation\nelsewhere,validation\n");
    write_file(path, root, "validation-annotations-bbox.csv",
               "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
               "0001eeaf4aed83f9,xclick,/m/0cmf2,1,0.022673031,0.9642005,0.07103825,0.80054647,0,0,0,0,0\n"
               "000595fe6fee6369,xclick,/m/02xwb,1,0.45655376,0.6097202,0.20399113,0.50554323,0,0,1,0,-1\n"
               "0001eeaf4aed83f9,xclick,/m/02xwb,1,0.020477816,0.32935154,0.0956023,0.665392,1,1,0,1,1\n");
    make_dir(pictures, "oi/validation");
    write_picture(pictures, "0001eeaf4aed83f9.jpg");
    write_picture(pictures, "000595fe6fee6369.jpg");
    write_picture(pictures, "null.jpg");
    od_dataset *ds = open_all(root);
    od_example e;
    assert_int_equal(od_dataset_size(ds), 3);
    assert_int_equal(od_label_map_count(od_dataset_label_map(ds)), 2); /* what has boxes */
    read_annotations(ds, 0, &e);
    assert_string_equal(e.source_id, "0001eeaf4aed83f9");
    assert_int_equal(e.object_count, 2);
    expect_box(&e.objects[0], 0.07103825, 0.022673031, 0.80054647, 0.9642005);
    assert_string_equal(e.objects[0].class_text, "/m/0cmf2");
    assert_string_equal(od_label_map_name(od_dataset_label_map(ds), e.objects[0].label), "Airplane");
    assert_string_equal(od_label_map_key(od_dataset_label_map(ds), e.objects[0].label), "/m/0cmf2");
    assert_int_equal(e.objects[1].flags, OD_OBJECT_OCCLUDED | OD_OBJECT_TRUNCATED | OD_OBJECT_DEPICTION | OD_OBJECT_INSIDE);
    od_example_deinit(&e);
    read_annotations(ds, 1, &e);
    assert_int_equal(e.objects[0].flags, OD_OBJECT_GROUP_OF);
    assert_int_equal(e.width, 20);
    od_example_deinit(&e);
    read_annotations(ds, 2, &e);
    assert_string_equal(e.filename, "null.jpg");
    assert_int_equal(e.object_count, 0);
    od_example_deinit(&e);
    od_dataset_free(ds);
    /* Labels keep their codes from Open Images to Open Images. */
    char out[400], part[400];
    const char *from = root;
    convert(&from, NULL, 1, "openimages", below(out, root, "copy"));
    ds = open_all(below(part, out, "validation-annotations-bbox.csv"));
    assert_string_equal(od_label_map_key(od_dataset_label_map(ds), 1), "/m/02xwb");
    assert_string_equal(od_label_map_name(od_dataset_label_map(ds), 1), "Fruit");
    od_dataset_free(ds);
}

static void test_open_images_errors(void **state)
{
    (void)state;
#define HEAD "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
    static const bad_text cases[] = {
        {"ImageID,LabelName,XMin,XMax,YMin\n", "bad-annotations-bbox.csv:1: the header has no column \"YMax\""},
        {HEAD "a,xclick,/m/x,1,0,1,0,x\n", "bad-annotations-bbox.csv:2: YMax is \"x\"; expected a number"},
        {HEAD "a,xclick,,1,0,1,0,1\n", "bad-annotations-bbox.csv:2: LabelName is empty"},
        {HEAD ",xclick,/m/x,1,0,1,0,1\n", "bad-annotations-bbox.csv:2: ImageID is empty"},
        {HEAD, "holds no images"},
    };
#undef HEAD
    expect_bad_texts("bad-annotations-bbox.csv", cases, sizeof cases / sizeof *cases);
}

/* --- more than 8 bits ------------------------------------------------------------------------------------------------- */

/* The 16-bit grey PNG of the fuzzer's seeds stays as it is, or becomes 8 bits by the window that is asked for. */
static void test_windows(void **state)
{
    (void)state;
    char root[300], csv[400], seed[400], out[400];
    make_dir(root, "deep");
    test_source_path(seed, sizeof seed, "fuzz/seeds/fuzz_png/grey16.png");
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, seed, NULL), OD_OK);
    assert_int_equal(od_file_write_all(below(out, root, "scan.png"), view.data, view.size, NULL), OD_OK);
    write_file(csv, root, "boxes.csv", "filename,class,xmin,ymin,xmax,ymax\nscan.png,lung,1,1,3,3\n");
    const char *from = csv;
    od_data_converted done = convert(&from, NULL, 1, "yolo", below(out, root, "same"));
    assert_true(done.deep == 1 && done.windowed == 0);
    od_dataset *ds = open_all(out);
    od_example e = {0};
    assert_int_equal(od_dataset_read(ds, 0, &e, NULL), OD_OK);
    assert_int_equal(e.encoded_size, view.size);
    assert_memory_equal(e.encoded, view.data, view.size);
    od_example_deinit(&e);
    od_dataset_free(ds);
    od_gray_values values;
    od_image expected = {0}, got = {0};
    assert_int_equal(od_gray_values_read(view.data, view.size, &values, NULL), OD_OK);
    assert_int_equal(od_window_apply(&values, &(od_window){OD_WINDOW_FIXED, 20000, 30000}, &expected, NULL), OD_OK);
    od_data_input in = {.paths = &from, .path_count = 1};
    od_data_output output = {.format = "tfrecord", .path = below(out, root, "x.record"), .window = "20000,30000"};
    assert_int_equal(od_data_convert(&in, &output, &done, NULL), OD_OK);
    assert_true(done.deep == 0 && done.windowed == 1);
    ds = open_all(out);
    assert_int_equal(od_dataset_read(ds, 0, &e, NULL), OD_OK);
    assert_int_equal(od_image_decode(e.encoded, e.encoded_size, &got, NULL), OD_OK);
    assert_true(got.width == expected.width && got.height == expected.height);
    assert_memory_equal(got.pixels, expected.pixels, (size_t)got.width * (size_t)got.height * 3);
    output.window = "bright";
    assert_int_equal(od_data_convert(&in, &output, &done, NULL), OD_ERR_ARG);
    od_image_deinit(&got);
    od_image_deinit(&expected);
    od_gray_values_deinit(&values);
    od_example_deinit(&e);
    od_dataset_free(ds);
    od_file_view_close(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yolo_as_documented),
        cmocka_unit_test(test_yolo_errors),
        cmocka_unit_test(test_coco_category_zero),
        cmocka_unit_test(test_cvat_as_documented),
        cmocka_unit_test(test_cvat_errors),
        cmocka_unit_test(test_label_studio_as_documented),
        cmocka_unit_test(test_label_studio_images),
        cmocka_unit_test(test_label_studio_errors),
        cmocka_unit_test(test_open_images_as_documented),
        cmocka_unit_test(test_open_images_errors),
        cmocka_unit_test(test_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
