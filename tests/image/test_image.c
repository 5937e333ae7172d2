/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding against the pixels that TensorFlow gives for the same files (tests/oracle/image_fixtures.py), damaged and
 * hostile files, and the writers.
 */
#include "image/image.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/rng.h"

#include <string.h>

enum { WIDTH = 19, HEIGHT = 13, BYTES = WIDTH * HEIGHT * 3 };

static const char *const fixtures[] = {
    "rgb420.jpg",     "rgb444.jpg",       "progressive.jpg", "grey.jpg",     "exif.jpg",     "cmyk_adobe.jpg",
    "cmyk_plain.jpg", "ycck.jpg",         "rgb8.png",        "rgba8.png",    "grey8.png",    "grey1.png",
    "palette4.png",   "palette_trns.png", "rgb16.png",       "grey16.png",   "rgba16.png",   "rgb24.bmp",
    "topdown.bmp",    "rgba32.bmp",       "palette8.bmp",    "palette1.bmp", "grey8bit.bmp", "rgb565.bmp",
    "lossless.webp",  "lossy.webp",       "alpha.webp",
};
enum { FIXTURES = sizeof fixtures / sizeof *fixtures };

static void open_fixture(od_file_view *view, const char *name)
{
    char path[512], relative[256];
    snprintf(relative, sizeof relative, "tests/image/data/%s", name);
    test_source_path(path, sizeof path, relative);
    od_error err = {0};
    if (od_file_view_open(view, path, &err) != OD_OK) fail_msg("%s", err.message);
}

static void open_expected(od_file_view *view, const char *name)
{
    char rgb[128];
    snprintf(rgb, sizeof rgb, "%.*s.rgb", (int)(strrchr(name, '.') - name), name);
    open_fixture(view, rgb);
    assert_int_equal(view->size, BYTES);
}

static void test_pixels_are_tensorflows(void **state)
{
    (void)state;
    for (int i = 0; i < FIXTURES; i++) {
        od_file_view file, expected;
        open_fixture(&file, fixtures[i]);
        open_expected(&expected, fixtures[i]);
        od_image image = {0};
        od_error err = {0};
        if (od_image_decode(file.data, file.size, &image, &err) != OD_OK) fail_msg("%s: %s", fixtures[i], err.message);
        assert_int_equal(image.width, WIDTH);
        assert_int_equal(image.height, HEIGHT);
        if (memcmp(image.pixels, expected.data, BYTES)) fail_msg("%s: pixels differ from the reference", fixtures[i]);
        int w = 0, h = 0;
        assert_int_equal(od_image_read_size(file.data, file.size, &w, &h, &err), OD_OK);
        assert_int_equal(w, WIDTH);
        assert_int_equal(h, HEIGHT);
        od_image_deinit(&image);
        od_file_view_close(&file);
        od_file_view_close(&expected);
    }
}

/* The bytes at the end of each format that hold no pixels and that a reader may do without. */
static size_t spare_end(const char *name)
{
    return strstr(name, ".png") ? 4 : 0;
}

static void test_every_truncation_is_an_error(void **state)
{
    (void)state;
    for (int i = 0; i < FIXTURES; i++) {
        od_file_view file;
        open_fixture(&file, fixtures[i]);
        for (size_t n = 0; n + spare_end(fixtures[i]) < file.size; n++) {
            uint8_t *cut = malloc(n + 1); /* exact, so that a sanitizer sees a read past the end */
            memcpy(cut, file.data, n);
            od_image image = {0};
            od_error err = {0};
            if (od_image_decode(cut, n, &image, &err) == OD_OK)
                fail_msg("%s: decoded from %zu of %zu bytes", fixtures[i], n, file.size);
            assert_null(image.pixels);
            assert_true(err.message[0] != 0);
            free(cut);
        }
        od_file_view_close(&file);
    }
}

static void test_flipped_bits_never_crash(void **state)
{
    (void)state;
    od_rng rng;
    od_rng_init(&rng, 3, 0);
    int decoded = 0, refused = 0;
    for (int i = 0; i < FIXTURES; i++) {
        od_file_view file;
        open_fixture(&file, fixtures[i]);
        uint8_t *bytes = malloc(file.size);
        for (int trial = 0; trial < 300; trial++) {
            memcpy(bytes, file.data, file.size);
            for (int64_t flips = od_rng_int(&rng, 1, 4); flips > 0; flips--)
                bytes[od_rng_int(&rng, 0, (int64_t)file.size)] ^= (uint8_t)(1u << od_rng_int(&rng, 0, 8));
            od_image image = {0};
            int w = 0, h = 0;
            if (od_image_read_size(bytes, file.size, &w, &h, NULL) == OD_OK && (int64_t)w * h > 1 << 22) continue;
            if (od_image_decode(bytes, file.size, &image, NULL) == OD_OK) {
                assert_int_equal(image.width, w);
                assert_int_equal(image.height, h);
                decoded++;
            } else {
                refused++;
            }
            od_image_deinit(&image);
        }
        free(bytes);
        od_file_view_close(&file);
    }
    assert_true(decoded > 1000 && refused > 1000);
}

static void expect_error(const void *bytes, size_t size, od_status status, const char *text)
{
    od_image image = {0};
    od_error err = {0};
    assert_int_equal(od_image_decode(bytes, size, &image, &err), status);
    if (!strstr(err.message, text)) fail_msg("'%s' doesn't contain '%s'", err.message, text);
    assert_null(image.pixels);
}

static void test_other_data_is_refused_by_name(void **state)
{
    (void)state;
    expect_error("", 0, OD_ERR_FORMAT, "no data");
    expect_error("GIF89a......", 12, OD_ERR_UNSUPPORTED, "GIF");
    expect_error("II*\0........", 12, OD_ERR_UNSUPPORTED, "TIFF");
    expect_error("\0\0\0\x18"
                 "ftypheic",
                 12, OD_ERR_UNSUPPORTED, "HEIC");
    expect_error("hello", 5, OD_ERR_FORMAT, "68 65 6c 6c");
    expect_error("\xff", 1, OD_ERR_FORMAT, "not an image");
    assert_null(od_image_format_name((const uint8_t *)"hello", 5));
}

/* Overwrites the declared size of a fixture and expects a refusal before anything large is allocated. */
static void declare_size(const char *name, size_t at, int bytes_per_side, int little, uint32_t w, uint32_t h,
                         int height_first)
{
    od_file_view file;
    open_fixture(&file, name);
    uint8_t *bytes = malloc(file.size);
    memcpy(bytes, file.data, file.size);
    uint32_t sides[2] = {height_first ? h : w, height_first ? w : h};
    for (int s = 0; s < 2; s++)
        for (int b = 0; b < bytes_per_side; b++)
            bytes[at + (size_t)(s * bytes_per_side + b)] =
                (uint8_t)(sides[s] >> 8 * (little ? b : bytes_per_side - 1 - b));
    od_image image = {0};
    od_error err = {0};
    assert_int_equal(od_image_decode(bytes, file.size, &image, &err), OD_ERR_FORMAT);
    assert_null(image.pixels);
    free(bytes);
    od_file_view_close(&file);
}

static size_t find_sof(const char *name)
{
    od_file_view file;
    open_fixture(&file, name);
    size_t at = 0;
    for (size_t i = 0; i + 9 < file.size && !at; i++)
        if (file.data[i] == 0xff && (file.data[i + 1] == 0xc0 || file.data[i + 1] == 0xc2)) at = i + 5;
    od_file_view_close(&file);
    assert_true(at > 0);
    return at;
}

static void test_huge_declared_sizes_are_refused(void **state)
{
    (void)state;
    declare_size("rgb420.jpg", find_sof("rgb420.jpg"), 2, 0, 65000, 65000, 1);
    declare_size("rgb420.jpg", find_sof("rgb420.jpg"), 2, 0, 13000, 13000, 1);
    declare_size("progressive.jpg", find_sof("progressive.jpg"), 2, 0, 13000, 13000, 1);
    declare_size("rgb24.bmp", 18, 4, 1, 0x7fffffff, 0x7fffffff, 0);
    declare_size("rgb24.bmp", 18, 4, 1, 100000, 0x80000000u, 0);
    declare_size("rgb24.bmp", 18, 4, 1, 0, 13, 0);
    declare_size("palette1.bmp", 18, 4, 1, 0xffffffffu, 13, 0);
    od_image image = {0};
    od_error err = {0};
    assert_int_equal(od_image_init(&image, 1 << 20, 1 << 20, &err), OD_ERR_FORMAT);
    assert_non_null(strstr(err.message, "limit"));
    assert_int_equal(od_image_init(&image, 0, 5, &err), OD_ERR_FORMAT);
    assert_int_equal(od_image_init(&image, INT64_MAX, INT64_MAX, &err), OD_ERR_FORMAT);
    assert_null(image.pixels);
}

/* Every allocation fails in turn: an error each time, nothing leaked (the sanitizer build checks), then success. */
static void test_allocation_failures(void **state)
{
    (void)state;
    static const char *const names[] = {"rgb420.jpg", "ycck.jpg", "rgb16.png", "palette8.bmp", "alpha.webp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        od_file_view file;
        open_fixture(&file, names[i]);
        long n = 1;
        for (; n < 200; n++) {
            od_image image = {0};
            od_error err = {0};
            od_alloc_fail_after(n);
            od_status status = od_image_decode(file.data, file.size, &image, &err);
            od_alloc_fail_after(0);
            od_image_deinit(&image);
            if (status == OD_OK) break;
            /* zlib's own failure to allocate inside inflate reaches us as a damaged stream */
            if (status != OD_ERR_NOMEM && !strstr(err.message, "stream error")) fail_msg("%s", err.message);
        }
        assert_in_range(n, 2, 199);
        od_file_view_close(&file);
    }
}

static od_image pattern(int width, int height)
{
    od_image image;
    assert_int_equal(od_image_init(&image, width, height, NULL), OD_OK);
    for (int i = 0; i < width * height * 3; i++) image.pixels[i] = (uint8_t)(i * 7 + i / 11);
    return image;
}

static void test_png_round_trip(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {17, 33}, {300, 5}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        od_image image = pattern(sizes[i][0], sizes[i][1]), back = {0};
        uint8_t *bytes;
        size_t size;
        assert_int_equal(od_image_encode_png(&image, &bytes, &size, NULL), OD_OK);
        assert_string_equal(od_image_format_name(bytes, size), "PNG");
        assert_int_equal(od_image_decode(bytes, size, &back, NULL), OD_OK);
        assert_int_equal(back.width, image.width);
        assert_int_equal(back.height, image.height);
        assert_memory_equal(back.pixels, image.pixels, (size_t)image.width * (size_t)image.height * 3);
        od_free(bytes);
        od_image_deinit(&image);
        od_image_deinit(&back);
    }
}

static void test_jpeg_round_trip(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 9}, {17, 1}, {640, 480}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        od_image image, back = {0};
        int w = sizes[i][0], h = sizes[i][1], worst = 0;
        assert_int_equal(od_image_init(&image, w, h, NULL), OD_OK);
        for (int p = 0; p < w * h; p++)
            for (int c = 0; c < 3; c++) image.pixels[p * 3 + c] = (uint8_t)(60 + 40 * c + p % w / 16 + p / w / 16);
        uint8_t *bytes;
        size_t size;
        assert_int_equal(od_image_encode_jpeg(&image, 95, &bytes, &size, NULL), OD_OK);
        assert_int_equal(od_image_decode(bytes, size, &back, NULL), OD_OK);
        for (int p = 0; p < w * h * 3; p++) {
            int d = abs(back.pixels[p] - image.pixels[p]);
            if (d > worst) worst = d;
        }
        assert_in_range(worst, 0, 4);
        od_free(bytes);
        od_image_deinit(&image);
        od_image_deinit(&back);
    }
}

static void test_writers_survive_allocation_failures(void **state)
{
    (void)state;
    od_image image = pattern(200, 200);
    for (int kind = 0; kind < 2; kind++) {
        long n = 1;
        for (; n < 200; n++) {
            uint8_t *bytes = NULL;
            size_t size;
            od_alloc_fail_after(n);
            od_status status = kind ? od_image_encode_png(&image, &bytes, &size, NULL)
                                    : od_image_encode_jpeg(&image, 90, &bytes, &size, NULL);
            od_alloc_fail_after(0);
            od_free(bytes);
            if (status == OD_OK) break;
            assert_int_equal(status, OD_ERR_NOMEM);
        }
        assert_in_range(n, 2, 199);
    }
    od_image_deinit(&image);
}

static void test_save_and_load(void **state)
{
    (void)state;
    od_image image = pattern(31, 17), back = {0};
    od_error err = {0};
    char path[300];
    test_tmp_path(path, sizeof path, "x.PNG");
    assert_int_equal(od_image_save(&image, path, &err), OD_OK);
    assert_int_equal(od_image_load(path, &back, &err), OD_OK);
    assert_memory_equal(back.pixels, image.pixels, 31 * 17 * 3);
    od_image_deinit(&back);
    od_file_fail_after(100);
    assert_int_equal(od_image_save(&image, path, &err), OD_ERR_IO);
    od_file_fail_after(-1);
    assert_int_equal(od_image_load(path, &back, &err), OD_OK); /* the old file is whole */
    od_image_deinit(&back);
    test_tmp_path(path, sizeof path, "x.tiff");
    assert_int_equal(od_image_save(&image, path, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, ".png"));
    test_tmp_path(path, sizeof path, "missing.jpg");
    assert_int_equal(od_image_load(path, &back, &err), OD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, path));
    od_image_deinit(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels_are_tensorflows),
        cmocka_unit_test(test_every_truncation_is_an_error),
        cmocka_unit_test(test_flipped_bits_never_crash),
        cmocka_unit_test(test_other_data_is_refused_by_name),
        cmocka_unit_test(test_huge_declared_sizes_are_refused),
        cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_png_round_trip),
        cmocka_unit_test(test_jpeg_round_trip),
        cmocka_unit_test(test_writers_survive_allocation_failures),
        cmocka_unit_test(test_save_and_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
