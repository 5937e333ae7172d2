/* SPDX-License-Identifier: Apache-2.0
 *
 * Every format converted into every other: images to the byte, boxes to the bit, classes by name, marks where both formats can
 * say them, and the counts of what they can't.
 */
#include "config/label_map.h"
#include "data/dataset.h"
#include "data/label_studio.h"
#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "image/image.h"
#include "image/window.h"
#include "objdet/dataset.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/rng.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 9, CLASSES = 4, ALL_FLAGS = 127 };
static const char *const class_names[CLASSES] = {"Red fox", "a, \"b\" <c> & 'd'", "\xd0\xba\xd0\xbe\xd1\x82", "tail"};
static const int sizes[IMAGES][2] = {{64, 48}, {33, 17}, {640, 480}, {100, 100}, {7, 9}, {1000, 3}, {301, 211}, {320, 240}, {50, 40}};

/* What each format is to hold, stated anew here. */
static const struct format_case {
    const char *name, *output; /* output: below the test's folder */
    uint32_t flags;
    int poses, weights, ids, outside;
} formats[] = {
    {"tfrecord", "r/data.record", ALL_FLAGS & ~OD_OBJECT_INSIDE, 1, 1, 1, 1},
    {"coco", "c/boxes.json", OD_OBJECT_CROWD, 0, 0, 1, 1},
    {"voc", "v", OD_OBJECT_DIFFICULT | OD_OBJECT_TRUNCATED | OD_OBJECT_OCCLUDED, 1, 0, 0, 1},
    {"csv", "s/boxes.csv", 0, 0, 0, 0, 1},
    {"yolo", "y", 0, 0, 0, 0, 0},
    {"cvat", "a/annotations.xml", ALL_FLAGS, 1, 1, 1, 1},
    {"labelstudio", "l/tasks.json", ALL_FLAGS, 0, 0, 1, 1},
    {"labelstudio-min", "m/tasks.json", 0, 0, 0, 1, 1},
    {"openimages", "o", ALL_FLAGS & ~(OD_OBJECT_CROWD | OD_OBJECT_DIFFICULT), 0, 0, 0, 1},
    {"roboflow-coco", "rc", OD_OBJECT_CROWD, 0, 0, 1, 1},
    {"roboflow-voc", "rv", OD_OBJECT_DIFFICULT | OD_OBJECT_TRUNCATED | OD_OBJECT_OCCLUDED, 1, 0, 0, 1},
    {"roboflow-csv", "rs", 0, 0, 0, 0, 1},
    {"roboflow-tfrecord", "rt", ALL_FLAGS & ~OD_OBJECT_INSIDE, 1, 1, 1, 1},
    {"roboflow-yolo", "ry", 0, 0, 0, 0, 0},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static char *below(char out[400], const char *dir, const char *name)
{
    snprintf(out, 400, "%.250s/%.140s", dir, name);
    return out;
}

/* --- the data that is converted --------------------------------------------------------------------------------------- */

/* Whole pixels, fractions of pixels, and floats of any kind; with `outside` some reach beyond the edge. */
static void draw_box(od_rng *rng, int kind, int outside, const int size[2], float box[4])
{
    for (int axis = 0; axis < 2; axis++) {
        int of = size[1 - axis];
        double a = od_rng_uniform(rng), b = od_rng_uniform(rng);
        if (kind == 0) a = floor(a * of) / of, b = floor(b * of) / of;
        if (kind == 1) a = floor(a * of * 8) / of / 8, b = floor(b * of * 8) / of / 8;
        if (a == b) b = a < 0.5 ? 1 : 0;
        box[axis] = (float)(a < b ? a : b);
        box[axis + 2] = (float)(a < b ? b : a);
        if (outside && od_rng_uniform(rng) < 0.3) box[axis] -= 0.25f;
    }
}

static void add_objects(od_example *e, od_rng *rng, int image, int outside)
{
    int n = image == 3 ? 0 : 1 + image % 5; /* the fourth is a null image */
    e->objects = od_calloc((size_t)n, sizeof *e->objects);
    e->object_count = n;
    for (int i = 0; i < n; i++) {
        od_object *o = &e->objects[i];
        draw_box(rng, (image + i) % 3, outside, sizes[image], o->box);
        o->label = (int32_t)od_rng_int(rng, 1, CLASSES + 1);
        o->class_text = od_example_keep_text(e, class_names[o->label - 1], strlen(class_names[o->label - 1]));
        o->weight = i == 1 ? 0.5f : 1;
        o->flags = (uint32_t)od_rng_int(rng, 0, ALL_FLAGS + 1) & ~(uint32_t)OD_OBJECT_INSIDE;
        o->pose = i % 2 ? "Left" : "Unspecified";
        o->area = (o->box[2] - o->box[0]) * (o->box[3] - o->box[1]) * (float)(sizes[image][0] * sizes[image][1]);
    }
}

static void make_image(od_example *e, int image, od_rng *rng)
{
    od_image picture = {0};
    assert_int_equal(od_image_init(&picture, sizes[image][0], sizes[image][1], NULL), OD_OK);
    for (int k = 0; k < picture.width * picture.height * 3; k++) picture.pixels[k] = (uint8_t)od_rng_int(rng, 0, 256);
    od_status status = image % 2 ? od_image_encode_jpeg(&picture, 90, &e->encoded, &e->encoded_size, NULL)
                                 : od_image_encode_png(&picture, &e->encoded, &e->encoded_size, NULL);
    assert_int_equal(status, OD_OK);
    od_image_deinit(&picture);
}

/* Images first .. last - 1 into a TFRecord, with everything that one holds. */
static void write_base(const char *path, int first, int last, int outside)
{
    od_tfrecord_writer *w;
    assert_int_equal(od_tfrecord_writer_create(&w, path, NULL), OD_OK);
    for (int i = first; i < last; i++) {
        od_example e = {.width = sizes[i][0], .height = sizes[i][1]};
        od_rng rng;
        od_strbuf bytes = {0};
        od_rng_init(&rng, 11, (uint64_t)i);
        make_image(&e, i, &rng);
        e.filename = od_asprintf("pic %d.%s", i, i % 2 ? "jpg" : "png"); /* a blank in the name */
        e.source_id = od_asprintf("%d", 100 + i);
        add_objects(&e, &rng, i, outside);
        assert_int_equal(od_tf_example_format(&e, &bytes, NULL), OD_OK);
        assert_int_equal(od_tfrecord_writer_write(w, bytes.data, bytes.size, NULL), OD_OK);
        od_strbuf_deinit(&bytes);
        od_example_deinit(&e);
    }
    assert_int_equal(od_tfrecord_writer_commit(w, NULL), OD_OK);
}

static void make_dir(char out[300], const char *name)
{
    test_tmp_path(out, 300, name);
    assert_int_equal(od_dir_create(out, NULL), OD_OK);
}

/* --- conversions ------------------------------------------------------------------------------------------------------ */

static od_data_converted convert(const char *const *from, const char *const *names, int count, const char *format, const char *to)
{
    od_data_input in = {.paths = from, .path_count = count, .split_names = names};
    od_data_output out = {.format = format, .path = to};
    od_data_converted done = {0};
    od_error err = {0};
    if (od_data_convert(&in, &out, &done, &err) != OD_OK) fail_msg("to %s: %s", format, err.message);
    return done;
}

static od_dataset *open_all(const char *path)
{
    od_dataset *ds = NULL;
    od_error err = {0};
    if (od_dataset_open(&ds, &path, 1, &(od_dataset_options){.all_splits = 1}, &err) != OD_OK) fail_msg("%s", err.message);
    if (od_dataset_infer_label_map(ds, &err) != OD_OK) fail_msg("%s", err.message);
    return ds;
}

/* The example whose file has this name. */
static void read_named(const od_dataset *ds, const char *name, od_example *out)
{
    for (int64_t i = 0; i < od_dataset_size(ds); i++) {
        od_example e = {0};
        od_error err = {0};
        if (od_dataset_read(ds, i, &e, &err) != OD_OK) fail_msg("%s", err.message);
        if (!strcmp(od_path_base(e.filename), name)) {
            *out = e;
            return;
        }
        od_example_deinit(&e);
    }
    fail_msg("%s isn't in %s", name, od_dataset_describe(ds));
}

static void expect_object(const od_dataset *a, const od_object *x, const od_dataset *b, const od_object *y, uint32_t flags, int poses,
                          int weights)
{
    assert_memory_equal(x->box, y->box, sizeof x->box);
    assert_string_equal(od_label_map_name(od_dataset_label_map(a), x->label), od_label_map_name(od_dataset_label_map(b), y->label));
    assert_int_equal(x->flags & flags, y->flags);
    if (poses) assert_string_equal(x->pose, y->pose);
    assert_true(y->weight == (weights ? x->weight : 1));
}

/* `b` holds what `a` does, as far as flags, poses and ids say. */
static void expect_kept(const od_dataset *a, const od_dataset *b, uint32_t flags, int poses, int weights, int ids)
{
    assert_int_equal(od_dataset_size(a), od_dataset_size(b));
    for (int64_t i = 0; i < od_dataset_size(a); i++) {
        od_example x = {0}, y = {0};
        assert_int_equal(od_dataset_read(a, i, &x, NULL), OD_OK);
        read_named(b, od_path_base(x.filename), &y);
        assert_int_equal(x.encoded_size, y.encoded_size);
        assert_memory_equal(x.encoded, y.encoded, x.encoded_size);
        assert_int_equal(x.width, y.width);
        assert_int_equal(x.height, y.height);
        assert_int_equal(x.object_count, y.object_count);
        for (int k = 0; k < x.object_count; k++) expect_object(a, &x.objects[k], b, &y.objects[k], flags, poses, weights);
        if (ids) assert_string_equal(x.source_id, y.source_id);
        od_example_deinit(&x);
        od_example_deinit(&y);
    }
}

static void test_every_pair(void **state)
{
    (void)state;
    char root[300], base[400], one[400], two[400], dir[400];
    make_dir(root, "pairs");
    write_base(below(base, root, "base.record"), 0, IMAGES, 0);
    od_dataset *first = open_all(base);
    const char *from = base;
    for (int a = 0; a < FORMATS; a++) {
        char name[64];
        snprintf(name, sizeof name, "%s_only", formats[a].name);
        below(dir, root, name);
        convert(&from, NULL, 1, formats[a].name, below(one, dir, formats[a].output));
        od_dataset *middle = open_all(one);
        expect_kept(first, middle, formats[a].flags, formats[a].poses, formats[a].weights, formats[a].ids);
        od_dataset_free(middle);
        for (int b = 0; b < FORMATS; b++) {
            const char *through = one;
            snprintf(name, sizeof name, "%s_%s", formats[a].name, formats[b].name);
            below(dir, root, name);
            convert(&through, NULL, 1, formats[b].name, below(two, dir, formats[b].output));
            od_dataset *last = open_all(two);
            expect_kept(first, last, formats[a].flags & formats[b].flags, formats[a].poses && formats[b].poses,
                        formats[a].weights && formats[b].weights, formats[a].ids && formats[b].ids);
            od_dataset_free(last);
        }
    }
    od_dataset_free(first);
}

/* The counts of what is dropped are those of the data. */
static void test_what_is_dropped_is_counted(void **state)
{
    (void)state;
    static const struct { uint32_t flag; od_data_kind kind; } marks[] = {
        {OD_OBJECT_CROWD, OD_DATA_KIND_CROWD},         {OD_OBJECT_DIFFICULT, OD_DATA_KIND_DIFFICULT},
        {OD_OBJECT_GROUP_OF, OD_DATA_KIND_GROUP_OF},   {OD_OBJECT_TRUNCATED, OD_DATA_KIND_TRUNCATED},
        {OD_OBJECT_OCCLUDED, OD_DATA_KIND_OCCLUDED},   {OD_OBJECT_DEPICTION, OD_DATA_KIND_DEPICTION}};
    char root[300], base[400], out[400], name[64];
    make_dir(root, "drops");
    write_base(below(base, root, "base.record"), 0, IMAGES, 1);
    od_dataset *ds = open_all(base);
    int64_t counts[OD_DATA_KIND_COUNT] = {0};
    for (int64_t i = 0; i < IMAGES; i++) {
        od_example e = {0};
        assert_int_equal(od_dataset_read(ds, i, &e, NULL), OD_OK);
        counts[OD_DATA_KIND_IMAGE_ID]++;
        for (int k = 0; k < e.object_count; k++) {
            const od_object *o = &e.objects[k];
            for (size_t m = 0; m < 6; m++) counts[marks[m].kind] += (o->flags & marks[m].flag) != 0;
            counts[OD_DATA_KIND_POSE] += !strcmp(o->pose, "Left");
            counts[OD_DATA_KIND_WEIGHT] += o->weight != 1;
            counts[OD_DATA_KIND_OUTSIDE] += o->box[0] < 0 || o->box[1] < 0;
        }
        od_example_deinit(&e);
    }
    assert_true(counts[OD_DATA_KIND_CROWD] > 3 && counts[OD_DATA_KIND_OUTSIDE] > 3 && counts[OD_DATA_KIND_WEIGHT] > 3);
    const char *from = base;
    for (int f = 0; f < FORMATS; f++) {
        snprintf(name, sizeof name, "%s/%s", formats[f].name, formats[f].output);
        od_data_converted done = convert(&from, NULL, 1, formats[f].name, below(out, root, name));
        assert_int_equal(done.images, IMAGES);
        assert_int_equal(done.null_images, 1);
        for (size_t m = 0; m < 6; m++)
            assert_int_equal(done.dropped[marks[m].kind], formats[f].flags & marks[m].flag ? 0 : counts[marks[m].kind]);
        assert_int_equal(done.dropped[OD_DATA_KIND_POSE], formats[f].poses ? 0 : counts[OD_DATA_KIND_POSE]);
        assert_int_equal(done.dropped[OD_DATA_KIND_WEIGHT], formats[f].weights ? 0 : counts[OD_DATA_KIND_WEIGHT]);
        assert_int_equal(done.dropped[OD_DATA_KIND_IMAGE_ID], formats[f].ids ? 0 : counts[OD_DATA_KIND_IMAGE_ID]);
        assert_int_equal(done.dropped[OD_DATA_KIND_OUTSIDE], formats[f].outside ? 0 : counts[OD_DATA_KIND_OUTSIDE]);
        assert_int_equal(done.dropped[OD_DATA_KIND_AREA], 0);
    }
    od_dataset_free(ds);
}

/* --- parts ------------------------------------------------------------------------------------------------------------ */

static void expect_parts(const char *path, int train, int val, int test)
{
    const char *const names[] = {"train", "valid", "test"};
    const int counts[] = {train, val, test};
    for (int p = 0; p < 3; p++) {
        char part[400];
        od_dataset *ds = open_all(below(part, path, names[p]));
        assert_int_equal(od_dataset_size(ds), counts[p]);
        assert_int_equal(od_label_map_count(od_dataset_label_map(ds)), CLASSES);
        od_dataset_free(ds);
    }
}

static void test_parts_are_kept(void **state)
{
    (void)state;
    static const char *const names[] = {"train", "validation", "test"};
    char root[300], paths[3][400], yolo[400], roboflow[400], again[400], name[400];
    make_dir(root, "parts");
    write_base(below(paths[0], root, "a.record"), 0, 5, 0);
    write_base(below(paths[1], root, "b.record"), 5, 7, 0);
    write_base(below(paths[2], root, "c.record"), 7, 9, 0);
    const char *from[] = {paths[0], paths[1], paths[2]};
    od_data_converted done = convert(from, names, 3, "yolo", below(yolo, root, "yolo"));
    assert_int_equal(done.images, 9);
    const char *through = yolo;
    convert(&through, NULL, 1, "roboflow-coco", below(roboflow, root, "roboflow"));
    expect_parts(roboflow, 5, 2, 2);
    through = roboflow;
    convert(&through, NULL, 1, "yolo", below(again, root, "again"));
    convert(&through, NULL, 1, "voc", below(name, root, "voc"));
    char list[400], part[400];
    od_dataset *ds = open_all(below(list, name, "ImageSets/Main/val.txt"));
    assert_int_equal(od_dataset_size(ds), 2);
    od_dataset_free(ds);
    below(part, again, "data.yaml#test");
    ds = open_all(part);
    assert_int_equal(od_dataset_size(ds), 2);
    od_dataset_free(ds);
    /* One path of several parts is no data set to train on. */
    od_error err = {0};
    through = again;
    assert_int_equal(od_dataset_open(&ds, &through, 1, NULL, &err), OD_ERR_FORMAT);
    assert_non_null(strstr(err.message, "holds 3 parts (train, val, ...): name the one that is meant"));
    convert(&through, NULL, 1, "csv", below(name, root, "csv"));
    ds = open_all(below(part, name, "val.csv"));
    assert_int_equal(od_dataset_size(ds), 2);
    od_dataset_free(ds);
}

static void expect_convert_error(const char *from, const char *part_name, const char *format, const char *to, const char *part)
{
    od_data_input in = {.paths = &from, .path_count = 1, .split_names = &part_name};
    od_error err = {0};
    assert_int_equal(od_data_convert(&in, &(od_data_output){.format = format, .path = to}, NULL, &err), OD_ERR_ARG);
    if (!strstr(err.message, part)) fail_msg("\"%s\" doesn't hold \"%s\"", err.message, part);
}

static void test_wrong_outputs(void **state)
{
    (void)state;
    char root[300], base[400], out[400];
    make_dir(root, "wrong");
    write_base(below(base, root, "a.record"), 0, 2, 0);
    const char *two[] = {base, base}, *names[] = {"train", "val"};
    od_data_input in = {.paths = two, .path_count = 2, .split_names = names};
    od_error err = {0};
    below(out, root, "x.json");
    assert_int_equal(od_data_convert(&in, &(od_data_output){.format = "coco", .path = out}, NULL, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "x.json: the data has several parts, which need a folder as the output"));
    expect_convert_error(base, "fold1", "yolo", below(out, root, "x"), "has the parts train, val and test only; found \"fold1\"");
    expect_convert_error(base, NULL, "roboflow-kitti", out, "cannot write the data format \"roboflow-kitti\"; expected tfrecord, coco");
    assert_false(od_path_exists(out));
}

/* --- YOLO ------------------------------------------------------------------------------------------------------------- */

static void write_file(char out[400], const char *dir, const char *name, const char *text)
{
    below(out, dir, name);
    char *folder = od_path_dir(out);
    assert_int_equal(od_dir_create(folder, NULL), OD_OK);
    od_free(folder);
    assert_int_equal(od_file_write_all(out, text, strlen(text), NULL), OD_OK);
}

static void write_picture(const char *dir, const char *name)
{
    od_image image = {0};
    char path[400];
    assert_int_equal(od_image_init(&image, 20, 10, NULL), OD_OK);
    memset(image.pixels, 7, 600);
    assert_int_equal(od_image_save(&image, below(path, dir, name), NULL), OD_OK);
    od_image_deinit(&image);
}

static void expect_box(const od_object *o, double ymin, double xmin, double ymax, double xmax)
{
    const double box[4] = {ymin, xmin, ymax, xmax};
    for (int k = 0; k < 4; k++) assert_true(fabs((double)o->box[k] - box[k]) < 1e-6);
}

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
        cmocka_unit_test(test_every_pair),
        cmocka_unit_test(test_what_is_dropped_is_counted),
        cmocka_unit_test(test_parts_are_kept),
        cmocka_unit_test(test_wrong_outputs),
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
