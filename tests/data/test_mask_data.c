/* SPDX-License-Identifier: Apache-2.0
 *
 * Masks on their way from annotations to the network: formats, conversions, and augmentations and resizers that must move a mask as
 * they move the pixels. The pictures' three channels are their three objects' masks, so that each result says itself what its masks
 * have to be.
 */
#define _GNU_SOURCE /* memmem */
#include "config/config.h"
#include "data/loader.h"
#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "example.pb-c.h"
#include "objdet/dataset.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/rng.h"

#include <string.h>

enum { OBJECTS = 3, IMAGES = 6 };

/* Overlapping ellipses; the picture's channels are 255 inside. */
static void make_example(int number, od_example *e)
{
    int height = 41 + 3 * number, width = 60 - 5 * number;
    od_image image;
    assert_int_equal(od_image_init(&image, width, height, NULL), OD_OK);
    uint8_t *bits = calloc((size_t)height * (size_t)width, 1);
    *e = (od_example){.width = width, .height = height, .objects = od_calloc(OBJECTS, sizeof *e->objects), .object_count = OBJECTS};
    e->filename = od_asprintf("%d.png", number);
    e->source_id = od_asprintf("%d", number + 1);
    for (int k = 0; k < OBJECTS; k++) {
        double cy = height * (.3 + .2 * k), cx = width * (.7 - .2 * k), ry = height * (.25 + .02 * number), rx = width * .2;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                double dy = (y - cy) / ry, dx = (x - cx) / rx;
                bits[y * width + x] = dy * dy + dx * dx < 1;
                image.pixels[3 * (y * width + x) + k] = bits[y * width + x] ? 255 : 0;
            }
        od_mask *mask;
        assert_int_equal(od_mask_from_pixels(&mask, height, width, bits, width, 1, NULL), OD_OK);
        int32_t b[4];
        od_mask_bounds(mask, b);
        e->objects[k] = (od_object){.box = {(float)b[0] / (float)height, (float)b[1] / (float)width, (float)(b[0] + b[2]) / (float)height,
                                            (float)(b[1] + b[3]) / (float)width},
                                    .label = k + 1,
                                    .weight = 1,
                                    .class_text = (const char *[]){"a", "b", "c"}[k],
                                    .mask = od_example_keep_mask(e, mask)};
    }
    assert_int_equal(od_image_encode_png(&image, &e->encoded, &e->encoded_size, NULL), OD_OK);
    od_image_deinit(&image);
    free(bits);
}

static void write_records(const char *path)
{
    od_tfrecord_writer *w;
    assert_int_equal(od_tfrecord_writer_create(&w, path, NULL), OD_OK);
    for (int i = 0; i < IMAGES; i++) {
        od_example e;
        od_strbuf record = {0};
        make_example(i, &e);
        assert_int_equal(od_tf_example_format(&e, &record, NULL), OD_OK);
        assert_int_equal(od_tfrecord_writer_write(w, record.data, record.size, NULL), OD_OK);
        od_strbuf_deinit(&record);
        od_example_deinit(&e);
    }
    assert_int_equal(od_tfrecord_writer_commit(w, NULL), OD_OK);
}

static od_dataset *open_set(const char *path, od_mask_loading masks)
{
    od_dataset *ds;
    od_error err = {0};
    if (od_dataset_open(&ds, &path, 1, &(od_dataset_options){.masks = masks}, &err) != OD_OK) fail_msg("%s", err.message);
    if (od_dataset_infer_label_map(ds, &err) != OD_OK) fail_msg("%s", err.message);
    return ds;
}

static void expect_same_mask(const od_mask *a, const od_mask *b)
{
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->runs, b->runs, a->count * sizeof *a->runs);
}

/* --- augmentations -------------------------------------------------------------------------------------------------------- */

/* Share of the pixels where a mask and the picture's channel, cut at half, differ. */
static double difference(const od_batch *b, int item, int object)
{
    int channel = b->items[item].objects[object].label - 1;
    int64_t pixels = (int64_t)b->height * b->width, wrong = 0;
    for (int64_t i = 0; i < pixels; i++) {
        int inside = b->images[(item * pixels + i) * 3 + channel] > 127;
        wrong += inside != b->items[item].masks[object * pixels + i];
    }
    return (double)wrong / (double)pixels;
}

static void check_moves(const od_dataset *ds, const char *steps, od_preprocess preprocess, double tolerance)
{
    od_config *config = NULL;
    od_augmenter *augmenter = NULL;
    od_error err = {0};
    char text[1200];
    int size = snprintf(text, sizeof text, "train_config { %s }", steps);
    if (od_config_parse(text, (size_t)size, "t", &config, &err) != OD_OK || od_augmenter_create(&augmenter, config, &err) != OD_OK)
        fail_msg("%s: %s", steps, err.message);
    od_loader_options o = od_loader_options_training(&preprocess, 4);
    o.augmenter = augmenter;
    o.num_threads = 0;
    od_loader *loader;
    const od_batch *b;
    assert_int_equal(od_loader_create(&loader, ds, &o, NULL), OD_OK);
    int objects = 0, inside = 0;
    for (int step = 0; step < 12; step++) {
        if (od_loader_next(loader, &b, &err) != OD_OK) fail_msg("%s: %s", steps, err.message);
        for (int i = 0; i < b->count; i++)
            for (int k = 0; k < b->box_counts[i]; k++, objects++) {
                double wrong = difference(b, i, k);
                if (!(wrong <= tolerance)) fail_msg("%s: step %d, image %d, object %d: %g of the pixels differ", steps, step, i, k, wrong);
                for (int p = 0; p < b->height * b->width; p++) inside += b->items[i].masks[k * b->height * b->width + p];
            }
    }
    assert_in_range(objects, 30, 1000);
    assert_true(inside > 2000);
    od_loader_free(loader);
    od_augmenter_free(augmenter);
    od_config_free(config);
}

#define STEP(text) "data_augmentation_options { " text " } "

static void test_masks_follow_pixels(void **state)
{
    (void)state;
    static const char *const exact[] = {
        "",
        STEP("random_horizontal_flip { }"),
        STEP("random_vertical_flip { }"),
        STEP("random_rotation90 { }") STEP("random_rotation90 { }") STEP("random_horizontal_flip { }"),
        STEP("random_crop_image { min_object_covered: 0.3 }"),
        STEP("random_crop_to_aspect_ratio { aspect_ratio: 0.7 }"),
        STEP("random_pad_image { pad_color: [0, 0, 0] }"),
        STEP("random_absolute_pad_image { max_height_padding: 20 max_width_padding: 9 pad_color: [0, 0, 0] }"),
        STEP("random_crop_pad_image { min_object_covered: 0.3 pad_color: [0, 0, 0] }"),
        STEP("ssd_random_crop { }"),
        STEP("ssd_random_crop_fixed_aspect_ratio { }"),
        STEP("random_square_crop_by_scale { scale_min: 0.5 scale_max: 1.4 num_scales: 8 }"),
        STEP("resize_image { new_height: 33 new_width: 71 method: NEAREST_NEIGHBOR }"),
        STEP("random_jitter_boxes { }") STEP("random_rotation90 { }") STEP("random_crop_image { min_object_covered: 0.5 }")
            STEP("random_pad_image { pad_color: [0, 0, 0] }") STEP("random_horizontal_flip { }") STEP("random_square_crop_by_scale { }")};
    static const char *const smooth[] = {STEP("random_scale_crop_and_pad_to_square { output_size: 64 scale_min: 0.5 scale_max: 2.0 }"),
                                         STEP("random_image_scale { min_scale_ratio: 0.6 max_scale_ratio: 1.9 }") STEP("random_vertical_flip { }")};
    const od_preprocess resizers[] = {
        {.kind = OD_RESIZER_FIXED, .method = OD_RESIZE_NEAREST, .height = 48, .width = 37},
        {.kind = OD_RESIZER_KEEP_ASPECT, .method = OD_RESIZE_NEAREST, .min_side = 40, .max_side = 66, .pad_to_max = 1},
        {.kind = OD_RESIZER_KEEP_ASPECT, .method = OD_RESIZE_NEAREST, .min_side = 40, .max_side = 66},
        {.kind = OD_RESIZER_IDENTITY},
        {.kind = OD_RESIZER_AT_MOST, .method = OD_RESIZE_NEAREST, .limit = 31},
        {.kind = OD_RESIZER_AT_LEAST, .method = OD_RESIZE_NEAREST, .limit = 83},
        {.kind = OD_RESIZER_PAD_MULTIPLE, .limit = 32}};
    char path[512];
    test_tmp_path(path, sizeof path, "moves.record");
    write_records(path);
    od_dataset *ds = open_set(path, OD_MASKS_PNG);
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) check_moves(ds, exact[i], resizers[i % 7], 0);
    for (size_t i = 0; i < sizeof resizers / sizeof *resizers; i++) check_moves(ds, exact[13], resizers[i], 0);
    for (size_t i = 0; i < sizeof smooth / sizeof *smooth; i++) check_moves(ds, smooth[i], resizers[0], .06); /* outlines a pixel aside */
    od_dataset_free(ds);
}

static void test_no_masks_unless_asked(void **state)
{
    (void)state;
    char path[512];
    test_tmp_path(path, sizeof path, "none.record");
    write_records(path);
    od_dataset *ds = open_set(path, OD_MASKS_NONE);
    od_preprocess p = {.kind = OD_RESIZER_FIXED, .height = 16, .width = 16};
    od_loader_options o = od_loader_options_evaluation(&p, 2);
    od_loader *loader;
    const od_batch *b;
    assert_int_equal(od_loader_create(&loader, ds, &o, NULL), OD_OK);
    assert_int_equal(od_loader_next(loader, &b, NULL), OD_OK);
    for (int i = 0; i < 2; i++) {
        assert_null(b->items[i].masks);
        assert_int_equal(b->items[i].object_count, OBJECTS);
        assert_null(b->items[i].objects[0].mask);
    }
    od_loader_free(loader);
    od_dataset_free(ds);
}

/* --- formats ------------------------------------------------------------------------------------------------------------------ */

static void convert(const char *from, const char *format, const char *to, const char *image_dir)
{
    od_data_input in = {.paths = &from, .path_count = 1, .image_dir = image_dir};
    od_data_output out = {.format = format, .path = to};
    od_data_converted done;
    od_error err = {0};
    if (od_data_convert(&in, &out, &done, &err) != OD_OK) fail_msg("%s", err.message);
}

static void expect_same_masks(const char *a, const char *b)
{
    od_dataset *x = open_set(a, OD_MASKS_IF_ANY), *y = open_set(b, OD_MASKS_IF_ANY);
    assert_int_equal(od_dataset_size(x), od_dataset_size(y));
    for (int64_t i = 0; i < od_dataset_size(x); i++) {
        od_example e = {0}, f = {0};
        assert_int_equal(od_dataset_read(x, i, &e, NULL), OD_OK);
        assert_int_equal(od_dataset_read(y, i, &f, NULL), OD_OK);
        assert_int_equal(e.object_count, f.object_count);
        for (int k = 0; k < e.object_count; k++) {
            assert_int_equal(e.objects[k].label, f.objects[k].label);
            expect_same_mask(e.objects[k].mask, f.objects[k].mask);
        }
        od_example_deinit(&e);
        od_example_deinit(&f);
    }
    od_dataset_free(x);
    od_dataset_free(y);
}

static void test_tfrecord_and_coco(void **state)
{
    (void)state;
    char record[512], coco[512], back[512];
    test_tmp_path(record, sizeof record, "trip/a.record");
    test_tmp_path(coco, sizeof coco, "trip/coco/a.json");
    test_tmp_path(back, sizeof back, "trip/back/a.record");
    char *dir = od_path_dir(record);
    assert_int_equal(od_dir_create(dir, NULL), OD_OK);
    od_free(dir);
    write_records(record);
    convert(record, "coco", coco, NULL);
    convert(coco, "tfrecord", back, NULL);
    expect_same_masks(record, coco);
    expect_same_masks(record, back);
}

static void write_text(const char *path, const char *text)
{
    assert_int_equal(od_file_write_all(path, text, strlen(text), NULL), OD_OK);
}

static const char polygons[] =
    "{\"images\": [{\"id\": 3, \"file_name\": \"p.png\", \"width\": 6, \"height\": 5}],\n"
    " \"categories\": [{\"id\": 1, \"name\": \"a\"}],\n \"annotations\": [\n"
    "  {\"segmentation\": [[1, 1, 4.50, 1, 4.5, 4, 1, 4], [5,0,6,0,6,2]], \"id\": 1, \"image_id\": 3, \"category_id\": 1, \"bbox\": [1, 0, 5, 4]},\n"
    "  {\"id\": 2, \"image_id\": 3, \"category_id\": 1, \"bbox\": [0, 0, 2, 2], \"segmentation\": {\"counts\": [0, 2, 3, 2, 23], \"size\": [5, 6]}, \"iscrowd\": 1},\n"
    "  {\"id\": 3, \"image_id\": 3, \"category_id\": 1, \"bbox\": [0, 0, 2, 2], \"segmentation\": []}]}\n";

static void write_polygons(char json[512], const char *name, const char *text)
{
    char png[512], file[300];
    od_image image;
    uint8_t *bytes;
    size_t size;
    snprintf(file, sizeof file, "%s.json", name);
    test_tmp_path(json, 512, file);
    test_tmp_path(png, sizeof png, "p.png");
    assert_int_equal(od_image_init(&image, 6, 5, NULL), OD_OK);
    memset(image.pixels, 9, 90);
    assert_int_equal(od_image_encode_png(&image, &bytes, &size, NULL), OD_OK);
    assert_int_equal(od_file_write_all(png, bytes, size, NULL), OD_OK);
    od_free(bytes);
    od_image_deinit(&image);
    write_text(json, text);
}

static void test_coco_polygons(void **state)
{
    (void)state;
    char json[512], copy[512];
    write_polygons(json, "polygons", polygons);
    od_dataset *ds = open_set(json, OD_MASKS_IF_ANY);
    od_example e = {0};
    od_error err = {0};
    if (od_dataset_read(ds, 0, &e, &err) != OD_OK) fail_msg("%s", err.message);
    uint8_t columns[30];
    od_mask_to_columns(e.objects[0].mask, columns);
    /* pycocotools' pixels of these polygons, column by column */
    static const uint8_t want[30] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0};
    assert_memory_equal(columns, want, 30);
    od_mask_to_columns(e.objects[1].mask, columns);
    assert_memory_equal(columns, ((uint8_t[30]){1, 1, 0, 0, 0, 1, 1}), 30);
    assert_null(e.objects[2].mask);
    od_example_deinit(&e);
    od_dataset_free(ds);
    test_tmp_path(copy, sizeof copy, "copy.json");
    convert(json, "coco", copy, NULL);
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, copy, NULL), OD_OK);
    static const char as_it_was[] = "\"segmentation\": [[1, 1, 4.50, 1, 4.5, 4, 1, 4], [5,0,6,0,6,2]]}";
    assert_non_null(memmem(view.data, view.size, as_it_was, sizeof as_it_was - 1));
    od_file_view_close(&view);
}

/* Pixels of the picture where the annotation states another size: stretched as the boxes are. */
static void test_stated_size(void **state)
{
    (void)state;
    char json[512];
    write_polygons(json, "stated",
                   "{\"images\": [{\"id\": 3, \"file_name\": \"p.png\", \"width\": 12, \"height\": 10}], \"categories\": [{\"id\": 1, \"name\": \"a\"}],\n"
                   "\"annotations\": [{\"segmentation\": [[0,0,6,0,6,10,0,10]], \"id\": 1, \"image_id\": 3, \"category_id\": 1, \"bbox\": [0, 0, 6, 10]}]}");
    od_dataset *ds = open_set(json, OD_MASKS_PNG);
    od_example e = {0};
    assert_int_equal(od_dataset_read(ds, 0, &e, NULL), OD_OK);
    uint8_t columns[30];
    assert_int_equal(e.objects[0].mask->height, 5);
    od_mask_to_columns(e.objects[0].mask, columns);
    for (int i = 0; i < 30; i++) assert_int_equal(columns[i], i < 15);
    od_example_deinit(&e);
    od_dataset_free(ds);
}

static void expect_read_error(const char *path, od_mask_loading masks, od_status status, const char *part)
{
    od_dataset *ds = open_set(path, masks);
    od_example e = {0};
    od_error err = {0};
    assert_int_equal(od_dataset_read(ds, 0, &e, &err), status);
    if (!strstr(err.message, part)) fail_msg("\"%s\" doesn't hold \"%s\"", err.message, part);
    od_example_deinit(&e);
    od_dataset_free(ds);
}

static void test_bad_masks(void **state)
{
    (void)state;
    char json[512], record[512];
    write_polygons(json, "asked", polygons);
    expect_read_error(json, OD_MASKS_PNG, OD_ERR_CONFIG, "asked.json: annotations[2]: has no segmentation, which load_instance_masks asks for");
    char text[sizeof polygons];
    memcpy(text, polygons, sizeof text);
    memcpy(strstr(text, "23]"), "99]", 3);
    write_polygons(json, "sum", text);
    expect_read_error(json, OD_MASKS_PNG, OD_ERR_FORMAT, "annotations[1]: run lengths add up to 106 pixels; the image has 6 x 5 = 30");
    od_dataset *ds = open_set(json, OD_MASKS_IF_ANY); /* a conversion keeps the boxes */
    od_example e = {0};
    assert_int_equal(od_dataset_read(ds, 0, &e, NULL), OD_OK);
    assert_int_equal(e.object_count, 3);
    assert_non_null(e.objects[0].mask);
    assert_null(e.objects[1].mask);
    od_example_deinit(&e);
    od_dataset_free(ds);
    test_tmp_path(record, sizeof record, "png.record");
    write_records(record);
    expect_read_error(record, OD_MASKS_NUMERICAL, OD_ERR_CONFIG, "png.record: record 0: image/object/mask holds PNGs; set mask_type: PNG_MASKS");
}

/* image/object/mask as floats: rows, above 0 is inside. */
static void numerical(od_strbuf *out, size_t count)
{
    od_example e = {.width = 3, .height = 2, .objects = (od_object[]){{.box = {0, 0, 1, 1}, .label = 1, .weight = 1}, {.box = {0, 0, 1, 1}, .label = 1, .weight = 1}},
                    .object_count = 2, .encoded = (uint8_t[]){0xff, 0xd8}, .encoded_size = 2};
    od_strbuf plain = {0};
    assert_int_equal(od_tf_example_format(&e, &plain, NULL), OD_OK);
    Tensorflow__Example *m = tensorflow__example__unpack(NULL, plain.size, (uint8_t *)plain.data);
    float values[13] = {1, 0, 0, 0, .5f, 0, -1, 1, 1, 0, 0, 2, 1};
    Tensorflow__FloatList list = TENSORFLOW__FLOAT_LIST__INIT;
    Tensorflow__Feature f = TENSORFLOW__FEATURE__INIT;
    Tensorflow__FeatureEntry entry = TENSORFLOW__FEATURE_ENTRY__INIT;
    list.value = values;
    list.n_value = count;
    f.kind_case = TENSORFLOW__FEATURE__KIND_FLOAT_LIST;
    f.float_list = &list;
    entry.key = "image/object/mask";
    entry.value = &f;
    Tensorflow__FeatureEntry *entries[30], **kept = m->features->feature;
    size_t n = m->features->n_feature;
    memcpy(entries, kept, n * sizeof *entries);
    entries[n] = &entry;
    m->features->feature = entries;
    m->features->n_feature = n + 1;
    size_t size = tensorflow__example__get_packed_size(m);
    uint8_t *bytes = malloc(size);
    tensorflow__example__pack(m, bytes);
    od_strbuf_append(out, bytes, size);
    m->features->feature = kept;
    m->features->n_feature = n;
    tensorflow__example__free_unpacked(m, NULL);
    free(bytes);
    od_strbuf_deinit(&plain);
}

static void test_numerical_masks(void **state)
{
    (void)state;
    od_strbuf bytes = {0};
    numerical(&bytes, 12);
    od_example e = {0};
    od_error err = {0};
    od_tf_example_options o = {.masks = OD_MASKS_NUMERICAL};
    if (od_tf_example_parse_with((uint8_t *)bytes.data, bytes.size, &o, &e, &err) != OD_OK) fail_msg("%s", err.message);
    uint8_t columns[6];
    od_mask_to_columns(e.objects[0].mask, columns);
    assert_memory_equal(columns, ((uint8_t[]){1, 0, 0, 1, 0, 0}), 6);
    od_mask_to_columns(e.objects[1].mask, columns);
    assert_memory_equal(columns, ((uint8_t[]){0, 0, 1, 0, 1, 1}), 6);
    od_example_deinit(&e);
    o.masks = OD_MASKS_PNG;
    assert_int_equal(od_tf_example_parse_with((uint8_t *)bytes.data, bytes.size, &o, &e, &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "set mask_type: NUMERICAL_MASKS"));
    od_example_deinit(&e);
    bytes.size = 0;
    numerical(&bytes, 13);
    o.masks = OD_MASKS_NUMERICAL;
    assert_int_equal(od_tf_example_parse_with((uint8_t *)bytes.data, bytes.size, &o, &e, &err), OD_ERR_FORMAT);
    assert_non_null(strstr(err.message, "has 13 values; expected image/height x image/width = 2 x 3 for each of 2 boxes"));
    od_example_deinit(&e);
    o.masks = OD_MASKS_IF_ANY;
    assert_int_equal(od_tf_example_parse_with((uint8_t *)bytes.data, bytes.size, &o, &e, &err), OD_OK);
    assert_int_equal(e.object_count, 2);
    assert_null(e.objects[0].mask);
    od_example_deinit(&e);
    od_strbuf_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks_follow_pixels), cmocka_unit_test(test_no_masks_unless_asked), cmocka_unit_test(test_tfrecord_and_coco),
        cmocka_unit_test(test_coco_polygons),       cmocka_unit_test(test_stated_size),           cmocka_unit_test(test_bad_masks),
        cmocka_unit_test(test_numerical_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
