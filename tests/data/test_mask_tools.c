/* SPDX-License-Identifier: Apache-2.0
 *
 * Masks and ellipses of CVAT and Label Studio. Brushes' bytes are those of label-studio-converter 0.0.59 (brush.mask2rle).
 */
#include "data/mask_tools.h"
#include "format_files.h"

#include <stdlib.h>
#include <string.h>

enum { HEIGHT = 5, WIDTH = 6 };

/* "......\n.###..\n" */
static void expect_mask(const od_mask *m, int height, int width, const char *picture)
{
    uint8_t columns[1200];
    char have[1300];
    size_t n = 0;
    assert_int_equal(m->height, height);
    assert_int_equal(m->width, width);
    od_mask_to_columns(m, columns);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) have[n++] = columns[x * height + y] ? '#' : '.';
        have[n++] = '\n';
    }
    have[n] = 0;
    assert_string_equal(have, picture);
}

static const char ring[] = "......\n"
                           "..###.\n"
                           "..#.#.\n"
                           "..###.\n"
                           "#.....\n";
static const uint8_t ring_brush[] = {0, 0, 0, 120, 57, 27, 254, 31, 0, 183, 255, 108, 2, 63, 248, 192, 35, 255, 182, 1, 111, 254, 48, 8, 255, 240, 152, 0};
static const uint8_t noise_brush[] = {0,   0,  0,   64,  57,  27,  252, 109, 81, 219, 198, 1,   26,  108, 100, 177, 139, 198,
                                      95, 26, 196, 108, 177, 196, 198, 213, 29, 116, 102, 145, 239, 198, 13,  29,  80};

static void test_brushes(void **state)
{
    (void)state;
    od_mask *m;
    od_error err = {0};
    assert_int_equal(od_mask_from_brush(&m, HEIGHT, WIDTH, ring_brush, sizeof ring_brush, &err), OD_OK);
    expect_mask(m, HEIGHT, WIDTH, ring);
    od_free(m);
    assert_int_equal(od_mask_from_brush(&m, 4, 4, noise_brush, sizeof noise_brush, &err), OD_OK);
    expect_mask(m, 4, 4, ".#..\n....\n.#.#\n.#.#\n");
    od_free(m);
    assert_int_equal(od_mask_from_brush(&m, WIDTH + 1, HEIGHT, ring_brush, sizeof ring_brush, &err), OD_ERR_FORMAT);
    assert_string_equal(err.message, "a brush's rle has 120 numbers; expected 4 for each of 5 x 7 pixels");
    for (size_t cut = 0; cut + 1 < sizeof ring_brush; cut++) { /* the last byte is padding */
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, ring_brush, cut);
        assert_int_equal(od_mask_from_brush(&m, HEIGHT, WIDTH, copy, cut, &err), OD_ERR_FORMAT);
        free(copy);
    }
    assert_string_equal(err.message, "a brush's rle ends too early");
}

/* What is written is what label-studio-converter writes of the same mask. */
static void test_brush_is_written(void **state)
{
    (void)state;
    od_mask *m, *again;
    od_strbuf text = {0}, want = {0};
    assert_int_equal(od_mask_from_brush(&m, HEIGHT, WIDTH, ring_brush, sizeof ring_brush, NULL), OD_OK);
    assert_int_equal(od_mask_put_brush(m, &text, NULL), OD_OK);
    for (size_t i = 0; i < sizeof ring_brush; i++) od_strbuf_printf(&want, "%s%d", i ? ", " : "", ring_brush[i]);
    assert_string_equal(text.data, want.data);
    od_strbuf_deinit(&want);
    od_strbuf_deinit(&text);
    /* Runs longer than 65536 numbers. */
    uint32_t runs[] = {70000, 60001, 119999};
    static uint8_t bytes[20000];
    size_t n = 0;
    od_free(m);
    assert_int_equal(od_mask_from_runs(&m, 500, 500, runs, 3, NULL), OD_OK);
    assert_int_equal(od_mask_put_brush(m, &text, NULL), OD_OK);
    for (char *p = text.data; *p && n < sizeof bytes; p += strspn(p, ", ")) bytes[n++] = (uint8_t)strtol(p, &p, 10);
    assert_true(n < sizeof bytes);
    assert_int_equal(od_mask_from_brush(&again, 500, 500, bytes, n, NULL), OD_OK);
    assert_int_equal(again->count, m->count);
    assert_memory_equal(again->runs, m->runs, m->count * sizeof *m->runs);
    od_strbuf_deinit(&text);
    od_free(m);
    od_free(again);
}

static void test_frames(void **state)
{
    (void)state;
    static const struct {
        double frame[4]; /* top, left, height, width */
        const char *runs, *message; /* message NULL: fine */
    } cases[] = {
        {{1, 2, 3, 3}, "0, 4, 1, 4", NULL},
        {{1, 2, 3, 3}, "0,4,1,4,0", NULL},
        {{1, 2, 3, 3}, "0, 4, 1, 3", "a mask's rle must be lengths of runs that fill its 3 x 3 pixels: \"0, 4, 1, 3\""},
        {{1, 2, 3, 3}, "0, 4, 1, 5", "a mask's rle must be lengths of runs that fill its 3 x 3 pixels: \"0, 4, 1, 5\""},
        {{1, 2, 3, 3}, "0, 4, -1, 6", "a mask's rle must be lengths of runs that fill its 3 x 3 pixels: \"0, 4, -1, 6\""},
        {{1, 2, 3, 3}, "", "a mask's rle must be lengths of runs that fill its 3 x 3 pixels: \"\""},
        {{1, 2, 3, 3}, "4 5", "a mask's rle must be lengths of runs that fill its 3 x 3 pixels: \"4 5\""},
        {{3, 2, 3, 3}, "0, 9", "a mask's top 3 and height 3 don't lie in the image of 6 x 5 pixels"},
        {{1, 2.5, 3, 3}, "0, 9", "a mask's left 2.5 and width 3 don't lie in the image of 6 x 5 pixels"},
        {{1, -1, 3, 3}, "0, 9", "a mask's left -1 and width 3 don't lie in the image of 6 x 5 pixels"},
        {{1, 2, 0, 3}, "0", "a mask's top 1 and height 0 don't lie in the image of 6 x 5 pixels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        od_mask *m;
        od_error err = {0};
        od_status status = od_mask_from_frame_runs(&m, HEIGHT, WIDTH, cases[i].frame, cases[i].runs, &err);
        assert_int_equal(status, cases[i].message ? OD_ERR_FORMAT : OD_OK);
        if (cases[i].message) {
            assert_string_equal(err.message, cases[i].message);
            continue;
        }
        expect_mask(m, HEIGHT, WIDTH, "......\n..###.\n..#.#.\n..###.\n......\n");
        od_free(m);
    }
}

/* --- files ------------------------------------------------------------------------------------------------------------------ */

enum { W = 40, H = 20 };

static void write_grey(const char *dir, const char *name)
{
    od_image image;
    char path[400];
    below(path, dir, name);
    char *folder = od_path_dir(path);
    assert_int_equal(od_dir_create(folder, NULL), OD_OK);
    od_free(folder);
    assert_int_equal(od_image_init(&image, W, H, NULL), OD_OK);
    memset(image.pixels, 90, W * H * 3);
    assert_int_equal(od_image_save(&image, path, NULL), OD_OK);
    od_image_deinit(&image);
}

/* Three shapes of one picture: a mask, an ellipse, a box; what they are read as, with masks and without. */
static void expect_file(const char *path, const char *mask_picture)
{
    for (int masks = 0; masks < 2; masks++) {
        od_error err = {0};
        od_example e = {0};
        od_dataset *ds = NULL;
        if (od_dataset_open(&ds, &path, 1, &(od_dataset_options){.masks = masks ? OD_MASKS_IF_ANY : OD_MASKS_NONE}, &err) != OD_OK) fail_msg("%s", err.message);
        if (od_dataset_read(ds, 0, &e, &err) != OD_OK) fail_msg("%s", err.message);
        assert_int_equal(e.object_count, 3);
        static const float boxes[3][4] = {{1.0f / H, 2.0f / W, 4.0f / H, 5.0f / W}, {5.0f / H, 10.0f / W, 15.0f / H, 30.0f / W}, {.5f, .5f, .75f, .625f}};
        for (int i = 0; i < 3; i++) {
            const od_object *o = &e.objects[i];
            for (int k = 0; k < 4; k++)
                if (!(fabsf(o->box[k] - boxes[i][k]) < 1e-6f)) fail_msg("%s: box %d, side %d: %g, expected %g", path, i, k, (double)o->box[k], (double)boxes[i][k]);
            assert_int_equal((o->flags & OD_OBJECT_OUTLINE) != 0, !masks && i < 2);
            assert_int_equal(o->mask != NULL, masks && i < 2);
        }
        if (masks) {
            expect_mask(e.objects[0].mask, H, W, mask_picture);
            /* pi * 10 * 5 = 157 pixels, and the polygon has .16 % less; pixels at the edge make the rest. */
            assert_in_range(od_mask_area(e.objects[1].mask), 150, 166);
        }
        assert_int_equal(e.objects[1].outline_points, OD_ELLIPSE_CORNERS);
        od_example_deinit(&e);
        od_dataset_free(ds);
    }
}

/* The mask of 3 x 3 pixels at (2, 1), with a hole. */
static void draw_expected(char picture[H * (W + 1) + 1])
{
    size_t n = 0;
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) picture[n++] = y >= 1 && y < 4 && x >= 2 && x < 5 && !(y == 2 && x == 3) ? '#' : '.';
        picture[n++] = '\n';
    }
    picture[n] = 0;
}

static void test_cvat_file(void **state)
{
    (void)state;
    char dir[300], path[400], picture[H * (W + 1) + 1];
    draw_expected(picture);
    make_dir(dir, "cvat_masks");
    write_grey(dir, "images/a.png");
    write_file(path, dir, "annotations.xml",
               "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations><version>1.1</version>\n<image id=\"0\" name=\"a.png\" width=\"40\" height=\"20\">\n"
               "<mask label=\"leaf\" source=\"manual\" occluded=\"0\" rle=\"0, 4, 1, 4\" left=\"2\" top=\"1\" width=\"3\" height=\"3\" z_order=\"0\"></mask>\n"
               "<ellipse label=\"leaf\" cx=\"20.00\" cy=\"10.00\" rx=\"10.00\" ry=\"5.00\"></ellipse>\n"
               "<box label=\"stone\" xtl=\"20\" ytl=\"10\" xbr=\"25\" ybr=\"15\"></box>\n</image></annotations>\n");
    expect_file(path, picture);
    write_file(path, dir, "annotations.xml",
               "<annotations><image id=\"0\" name=\"a.png\" width=\"40\" height=\"20\">\n<mask label=\"leaf\" rle=\"4\" left=\"2\" top=\"1\" width=\"3\" height=\"3\"/></image></annotations>");
    od_dataset *ds;
    od_example e = {0};
    od_error err = {0};
    const char *p = path;
    assert_int_equal(od_dataset_open(&ds, &p, 1, &(od_dataset_options){.masks = OD_MASKS_IF_ANY}, &err), OD_OK);
    assert_int_equal(od_dataset_read(ds, 0, &e, &err), OD_ERR_FORMAT);
    assert_non_null(strstr(err.message, "annotations.xml:2: a mask's rle must be lengths of runs that fill its 3 x 3 pixels: \"4\""));
    od_example_deinit(&e);
    od_dataset_free(ds);
}

/* The expected picture as Label Studio packs it, in runs of one word each: no compression, 8 bits a word. */
static void pack_plain(const char *picture, od_strbuf *out)
{
    enum { TOTAL = W * H * 4 };
    static uint8_t bytes[TOTAL * 2];
    uint64_t at = 0;
    memset(bytes, 0, sizeof bytes);
#define PUT(value, count) for (int b = (count) - 1; b >= 0; b--, at++) bytes[at / 8] |= (uint8_t)(((uint32_t)(value) >> b & 1) << (7 - at % 8))
    PUT(TOTAL, 32);
    PUT(7, 5);
    for (int k = 0; k < 4; k++) PUT(15, 4); /* sizes of 16 bits */
    PUT(0, 1); /* no repetition */
    PUT(2, 2);
    PUT(TOTAL - 1, 16);
    for (const char *p = picture; *p; p++)
        if (*p != '\n') for (int c = 0; c < 4; c++) PUT(c == 3 && *p == '#' ? 255 : 0, 8);
#undef PUT
    for (uint64_t i = 0; i * 8 < at; i++) od_strbuf_printf(out, "%s%d", i ? "," : "", bytes[i]);
}

static void test_label_studio_file(void **state)
{
    (void)state;
    char dir[300], path[400], picture[H * (W + 1) + 1];
    draw_expected(picture);
    make_dir(dir, "ls_masks");
    write_grey(dir, "a.png");
    od_strbuf rle = {0}, text = {0};
    pack_plain(picture, &rle);
#define SIZE "\"original_width\": 40, \"original_height\": 20, \"image_rotation\": 0"
    for (int minimal = 0; minimal < 2; minimal++) {
        text.size = 0;
        od_strbuf_puts(&text, minimal ? "[{\"id\": 1, \"image\": \"/data/upload/1/a.png\", \"tag\": [\n" : "[{\"id\": 1, \"data\": {\"image\": \"/data/upload/1/a.png\"}, \"annotations\": [{\"id\": 1, \"result\": [\n");
        const char *open = minimal ? "" : "\"value\": {", *close = minimal ? "" : "}";
        od_strbuf_printf(&text, "{" SIZE ", %s\"format\": \"rle\", \"rle\": [%s], \"brushlabels\": [\"leaf\"]%s},\n", open, rle.data, close);
        od_strbuf_printf(&text, "{" SIZE ", %s\"x\": 50, \"y\": 50, \"radiusX\": 25, \"radiusY\": 25, \"rotation\": 0, \"ellipselabels\": [\"leaf\"]%s},\n", open, close);
        od_strbuf_printf(&text, "{" SIZE ", %s\"x\": 50, \"y\": 50, \"width\": 12.5, \"height\": 25, \"rotation\": 0, \"rectanglelabels\": [\"stone\"]%s}\n", open, close);
        od_strbuf_puts(&text, minimal ? "]}]" : "]}]}]");
        assert_false(od_strbuf_failed(&text));
        write_file(path, dir, "tasks.json", text.data);
        expect_file(path, picture);
    }
    od_strbuf_deinit(&text);
    od_strbuf_deinit(&rle);
}

/* To COCO, TFRecord, CVAT and Label Studio masks are carried, to YOLO the ellipse as its polygon. */
static void test_conversions(void **state)
{
    (void)state;
    static const struct { const char *format, *name; int64_t masks; } cases[] = {{"coco", "m.json", 0}, {"tfrecord", "m.record", 0}, {"yolo", "yolo", 1}, {"voc", "voc", 2}, {"cvat", "cvat", 0}, {"labelstudio", "tasks", 0}};
    char dir[300], path[400], to[400];
    test_tmp_path(dir, sizeof dir, "cvat_masks");
    write_file(path, dir, "annotations.xml",
               "<annotations><image id=\"0\" name=\"a.png\" width=\"40\" height=\"20\">\n<mask label=\"leaf\" rle=\"0, 4, 1, 4\" left=\"2\" top=\"1\" width=\"3\" height=\"3\"/>\n"
               "<ellipse label=\"leaf\" cx=\"20\" cy=\"10\" rx=\"10\" ry=\"5\"/></image></annotations>\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *from = path;
        od_data_converted done = convert(&from, NULL, 1, cases[i].format, below(to, dir, cases[i].name));
        assert_int_equal(done.boxes, 2);
        assert_int_equal(done.dropped[OD_DATA_KIND_MASK], cases[i].masks);
        assert_int_equal(done.dropped[OD_DATA_KIND_OUTLINE], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brushes), cmocka_unit_test(test_brush_is_written), cmocka_unit_test(test_frames), cmocka_unit_test(test_cvat_file), cmocka_unit_test(test_label_studio_file), cmocka_unit_test(test_conversions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
