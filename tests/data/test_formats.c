/* SPDX-License-Identifier: Apache-2.0
 *
 * Every format converted into every other: images to the byte, boxes to the bit, classes by name, marks where both formats can
 * say them, and the counts of what they can't.
 */
#include "config/label_map.h"
#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "format_files.h"
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

/* --- conversions ------------------------------------------------------------------------------------------------------ */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair),
        cmocka_unit_test(test_what_is_dropped_is_counted),
        cmocka_unit_test(test_parts_are_kept),
        cmocka_unit_test(test_wrong_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
