/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows by their definition, 16-bit PNG and DICOM as numbers; DICOM files are put together here, element by element.
 */
#include "image/window.h"
#include "test_support.h"
#include "util/strbuf.h"

#include <math.h>
#include <string.h>

static void expect_levels(const od_gray_values *v, od_window window, const uint8_t *levels)
{
    od_image image = {0};
    assert_int_equal(od_window_apply(v, &window, &image, NULL), OD_OK);
    for (int i = 0; i < v->width * v->height; i++) {
        assert_int_equal(image.pixels[3 * i], levels[i]);
        assert_memory_equal(image.pixels + 3 * i, image.pixels + 3 * i + 1, 2);
    }
    od_image_deinit(&image);
}

/* PS3.3 C.11.2.1.2's own example: centre 2048, width 4096 maps 0 to 0 and 4095 to the largest; and a CT's soft tissue. */
static void test_linear_window(void **state)
{
    (void)state;
    float values[6] = {0, 4095, 2047.5f, 1024, -5, 9000};
    od_gray_values v = {.width = 3, .height = 2, .values = values};
    expect_levels(&v, (od_window){OD_WINDOW_FIXED, 2048, 4096}, (const uint8_t[]){0, 255, 128, 64, 0, 255});
    float tissue[6] = {-160, -161, 40, 239, 240, 139};
    v.values = tissue;
    /* c = 39.5, w = 399: (-160 + 199.5) / 399 ... */
    expect_levels(&v, (od_window){OD_WINDOW_FIXED, 40, 400}, (const uint8_t[]){0, 0, 128, 255, 255, 191});
    v.inverted = 1;
    expect_levels(&v, (od_window){OD_WINDOW_FIXED, 40, 400}, (const uint8_t[]){255, 255, 127, 0, 0, 64});
}

static void test_other_windows(void **state)
{
    (void)state;
    float values[4] = {100, 200, 300, 1100};
    od_gray_values v = {.width = 4, .height = 1, .values = values};
    const uint8_t minmax[] = {0, 26, 51, 255};
    expect_levels(&v, (od_window){OD_WINDOW_MINMAX, 0, 0}, minmax);
    expect_levels(&v, (od_window){OD_WINDOW_OF_FILE, 0, 0}, minmax); /* it has none */
    v.has_window = 1, v.center = 300, v.window_width = 400, v.function = OD_WINDOW_LINEAR_EXACT;
    expect_levels(&v, (od_window){OD_WINDOW_OF_FILE, 0, 0}, (const uint8_t[]){0, 64, 128, 255});
    v.function = OD_WINDOW_SIGMOID; /* 255 / (1 + exp(-4 (v - c) / w)) */
    expect_levels(&v, (od_window){OD_WINDOW_OF_FILE, 0, 0}, (const uint8_t[]){30, 69, 128, 255});
    expect_levels(&v, (od_window){OD_WINDOW_MINMAX, 0, 0}, minmax);
    float flat[2] = {7, 7};
    v = (od_gray_values){.width = 2, .height = 1, .values = flat};
    expect_levels(&v, (od_window){OD_WINDOW_MINMAX, 0, 0}, (const uint8_t[]){0, 0});
}

static void test_window_texts(void **state)
{
    (void)state;
    od_window w;
    od_error err = {0};
    assert_int_equal(od_window_parse("-600,1500.5", &w, NULL), OD_OK);
    assert_true(w.kind == OD_WINDOW_FIXED && w.center == -600 && w.width == 1500.5);
    assert_int_equal(od_window_parse("minmax", &w, NULL), OD_OK);
    assert_int_equal(w.kind, OD_WINDOW_MINMAX);
    static const char *const bad[] = {"", "40", "40,", "40,0", "a,b", "40,400x", "nan,4", "40,-3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(od_window_parse(bad[i], &w, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "expected file, minmax, or CENTER,WIDTH"));
}

/* fuzz/seeds has a 16-bit grey PNG, whose high bytes are what decoding gives. */
static void test_png_of_16_bits(void **state)
{
    (void)state;
    char path[400];
    test_source_path(path, sizeof path, "fuzz/seeds/fuzz_png/grey16.png");
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t bytes[65536];
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(od_image_is_deep(bytes, size));
    od_gray_values v;
    od_image image = {0};
    assert_int_equal(od_gray_values_read(bytes, size, &v, NULL), OD_OK);
    assert_int_equal(od_image_decode(bytes, size, &image, NULL), OD_OK);
    assert_int_equal(v.width, image.width);
    int low_bytes = 0;
    for (int i = 0; i < v.width * v.height; i++) {
        assert_int_equal((int)v.values[i] >> 8, image.pixels[3 * i]);
        low_bytes |= (int)v.values[i] & 255;
    }
    assert_int_not_equal(low_bytes, 0);
    od_gray_values_deinit(&v);
    od_image_deinit(&image);
    assert_int_not_equal(od_gray_values_read(bytes, size / 2, &v, NULL), OD_OK);
}

/* --- DICOM ------------------------------------------------------------------------------------------------------------ */

static void put_short(od_strbuf *b, unsigned v)
{
    const uint8_t bytes[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    od_strbuf_append(b, bytes, 2);
}

/* An element in explicit VR, little endian. */
static void put_element(od_strbuf *b, unsigned group, unsigned element, const char *vr, const void *value, size_t size)
{
    put_short(b, group);
    put_short(b, element);
    od_strbuf_append(b, vr, 2);
    size_t even = size + size % 2;
    if (!strcmp(vr, "OB") || !strcmp(vr, "OW")) {
        put_short(b, 0);
        put_short(b, (unsigned)even);
        put_short(b, (unsigned)(even >> 16));
    } else {
        put_short(b, (unsigned)even);
    }
    od_strbuf_append(b, value, size);
    if (size % 2) od_strbuf_append(b, !strcmp(vr, "UI") ? "" : " ", 1);
}

static void put_text(od_strbuf *b, unsigned group, unsigned element, const char *vr, const char *text)
{
    put_element(b, group, element, vr, text, strlen(text));
}

static void put_us(od_strbuf *b, unsigned element, unsigned v)
{
    const uint8_t bytes[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    put_element(b, 0x0028, element, "US", bytes, 2);
}

/* 4 x 2 signed 12-bit values. */
static od_strbuf make_dicom(const char *photometric, const char *center, const char *width, const char *frames)
{
    static const int16_t values[8] = {0, 1000, 1024, 1064, 1224, 2000, 1023, 1104};
    od_strbuf meta = {0}, b = {0};
    put_element(&meta, 2, 1, "OB", "\0\1", 2);
    put_text(&meta, 2, 2, "UI", "1.2.840.10008.5.1.4.1.1.7");
    put_text(&meta, 2, 3, "UI", "1.2.3.4");
    put_text(&meta, 2, 0x10, "UI", "1.2.840.10008.1.2.1");
    const uint8_t zeros[128] = {0};
    od_strbuf_append(&b, zeros, 128);
    od_strbuf_puts(&b, "DICM");
    const uint8_t length[4] = {(uint8_t)meta.size, 0, 0, 0};
    put_element(&b, 2, 0, "UL", length, 4);
    od_strbuf_append(&b, meta.data, meta.size);
    put_text(&b, 8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.7");
    put_text(&b, 8, 0x18, "UI", "1.2.3.4");
    put_us(&b, 2, 1);
    put_text(&b, 0x28, 4, "CS", photometric);
    if (frames) put_text(&b, 0x28, 8, "IS", frames);
    put_us(&b, 0x10, 2);
    put_us(&b, 0x11, 4);
    put_us(&b, 0x100, 16);
    put_us(&b, 0x101, 12);
    put_us(&b, 0x102, 11);
    put_us(&b, 0x103, 1);
    if (center) put_text(&b, 0x28, 0x1050, "DS", center);
    if (width) put_text(&b, 0x28, 0x1051, "DS", width);
    put_text(&b, 0x28, 0x1052, "DS", "-1024");
    put_text(&b, 0x28, 0x1053, "DS", "1");
    put_element(&b, 0x7fe0, 0x10, "OW", values, sizeof values);
    od_strbuf_deinit(&meta);
    assert_false(od_strbuf_failed(&b));
    return b;
}

/* Whether this build reads DICOM; one that doesn't says so by name. */
static int reads_dicom(const od_strbuf *b)
{
    od_error err = {0};
    int width, height;
    if (od_image_format_name((const uint8_t *)b->data, b->size)) return 1;
    assert_int_equal(od_image_read_size((const uint8_t *)b->data, b->size, &width, &height, &err), OD_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "libdcmtk-dev"));
    return 0;
}

static void test_dicom(void **state)
{
    (void)state;
    od_strbuf b = make_dicom("MONOCHROME2", "40\\50", "400\\60", NULL);
    const uint8_t *bytes = (const uint8_t *)b.data;
    if (!reads_dicom(&b)) {
        od_strbuf_deinit(&b);
        skip();
    }
    od_gray_values v;
    od_error err = {0};
    int width, height;
    if (od_image_read_size(bytes, b.size, &width, &height, &err) != OD_OK) fail_msg("%s", err.message);
    assert_true(width == 4 && height == 2);
    if (od_gray_values_read(bytes, b.size, &v, &err) != OD_OK) fail_msg("%s", err.message);
    const float values[8] = {-1024, -24, 0, 40, 200, 976, -1, 80};
    for (int i = 0; i < 8; i++) assert_true(v.values[i] == values[i]);
    assert_true(v.has_window && v.center == 40 && v.window_width == 400 && !v.inverted);
    od_gray_values_deinit(&v);
    od_image image = {0};
    assert_int_equal(od_image_decode(bytes, b.size, &image, NULL), OD_OK); /* ((v - 39.5) / 399 + 0.5) * 255 */
    const uint8_t levels[8] = {0, 87, 102, 128, 230, 255, 102, 153};
    for (int i = 0; i < 8; i++) assert_int_equal(image.pixels[3 * i], levels[i]);
    od_image_deinit(&image);
    od_strbuf_deinit(&b);
    b = make_dicom("MONOCHROME1", NULL, NULL, NULL);
    assert_int_equal(od_image_decode((const uint8_t *)b.data, b.size, &image, NULL), OD_OK);
    for (int i = 0; i < 8; i++) assert_int_equal(image.pixels[3 * i], 255 - lround((values[i] + 1024.0) / 2000 * 255));
    od_image_deinit(&image);
    od_strbuf_deinit(&b);
}

static void test_dicom_that_is_refused(void **state)
{
    (void)state;
    od_strbuf b = make_dicom("MONOCHROME2", NULL, NULL, NULL);
    if (!reads_dicom(&b)) {
        od_strbuf_deinit(&b);
        skip();
    }
    od_image image = {0};
    for (size_t size = 132; size < b.size; size += 7) {
        od_error err = {0};
        assert_int_not_equal(od_image_decode((const uint8_t *)b.data, size, &image, &err), OD_OK);
        assert_int_not_equal(err.message[0], 0);
    }
    od_strbuf_deinit(&b);
    b = make_dicom("PALETTE COLOR", NULL, NULL, NULL);
    assert_int_not_equal(od_image_decode((const uint8_t *)b.data, b.size, &image, NULL), OD_OK);
    od_strbuf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_window),  cmocka_unit_test(test_other_windows), cmocka_unit_test(test_window_texts),
        cmocka_unit_test(test_png_of_16_bits), cmocka_unit_test(test_dicom),         cmocka_unit_test(test_dicom_that_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
