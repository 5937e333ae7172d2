/* SPDX-License-Identifier: Apache-2.0
 *
 * The resizers against TensorFlow's own results (tests/oracle/resize_fixtures.py), and views: crops, mirrored, floats.
 */
#include "checkpoint/safetensors.h"
#include "image/resize.h"
#include "image/row_kernels.h"
#include "test_support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

static od_safetensors *open_fixture(void)
{
    char path[512];
    od_error err = {0};
    od_safetensors *st;
    test_source_path(path, sizeof path, "tests/image/data/resize.safetensors");
    if (od_safetensors_open(&st, path, &err) != OD_OK) fail_msg("%s", err.message);
    return st;
}

static od_image_view view_of(const uint8_t *pixels, int height, int width)
{
    return (od_image_view){
        .bytes = pixels, .width = width, .height = height, .row_step = 3 * (ptrdiff_t)width, .column_step = 3};
}

static void expect_equal(const char *name, const float *got, const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(got[i] - expected[i]) <= 255e-6f))
            fail_msg("%s: [%zu] is %.9g, expected %.9g", name, i, (double)got[i], (double)expected[i]);
}

static void test_tensorflows_values(void **state)
{
    (void)state;
    od_safetensors *st = open_fixture();
    int cases = 0;
    for (size_t i = 0; i < od_safetensors_count(st); i++) {
        const od_safetensors_entry *e = od_safetensors_at(st, i);
        int h, w, oh, ow, method, align;
        if (sscanf(e->name, "resize/%d,%d,%d,%d,%d,%d", &h, &w, &oh, &ow, &method, &align) != 6) continue;
        char key[64];
        snprintf(key, sizeof key, "image/%d,%d", h, w);
        const od_safetensors_entry *image = od_safetensors_find(st, key);
        assert_non_null(image);
        od_image_view view = view_of(image->data, h, w);
        od_resize_params params = {(od_resize_method)method, align, ow, oh, NULL, NULL};
        size_t count = (size_t)(oh * ow * 3);
        float *out = malloc(count * sizeof *out); /* exact: a sanitizer sees a write past the last pixel */
        assert_int_equal(od_image_resize(&view, &params, out, 3 * ow, NULL), OD_OK);
        expect_equal(e->name, out, e->data, count);
        free(out);
        cases++;
    }
    assert_in_range(cases, 50, 60);
    od_safetensors_close(st);
}

enum { H = 23, W = 31, OH = 17, OW = 40 };

static void fill_pixels(uint8_t *pixels)
{
    for (int i = 0; i < H * W * 3; i++) pixels[i] = (uint8_t)(i * 37 + i / 13 * 11);
}

/* The same picture as a view and as a copy in plain order must give the same bits, whatever the method. */
static void compare_with_copy(od_image_view view, const od_normalization *before)
{
    static uint8_t copy[H * W * 3];
    static float floats[H * W * 3], a[OH * OW * 3], b[OH * OW * 3], c[OH * OW * 3];
    for (int y = 0; y < view.height; y++)
        for (int x = 0; x < view.width; x++)
            for (int k = 0; k < 3; k++) {
                int to = (y * view.width + x) * 3 + k;
                floats[to] = copy[to] = view.bytes[y * view.row_step + x * view.column_step + k];
            }
    od_image_view plain = view_of(copy, view.height, view.width), real = plain;
    real.bytes = NULL;
    real.floats = floats;
    for (int method = 0; method < 4; method++) {
        od_resize_params params = {(od_resize_method)method, 0, OW, OH, before, NULL};
        assert_int_equal(od_image_resize(&view, &params, a, 3 * OW, NULL), OD_OK);
        assert_int_equal(od_image_resize(&plain, &params, b, 3 * OW, NULL), OD_OK);
        assert_int_equal(od_image_resize(&real, &params, c, 3 * OW, NULL), OD_OK);
        assert_memory_equal(a, b, sizeof a);
        assert_memory_equal(a, c, sizeof a);
    }
}

static void test_views_equal_copies(void **state)
{
    (void)state;
    static uint8_t pixels[H * W * 3];
    fill_pixels(pixels);
    od_normalization divide = {0}, scale = {0}, reversed = {.reverse_channels = 1};
    od_normalization_add(&divide, OD_NORMALIZE_DIVIDE, 0.3f, 7, 255);
    od_normalization_add(&scale, OD_NORMALIZE_MULTIPLY, 0.01f, 0.02f, 0.03f);
    od_normalization_add(&scale, OD_NORMALIZE_SUBTRACT, 1, 2, 3);
    od_normalization_add(&reversed, OD_NORMALIZE_SUBTRACT, 1, 2, 3);
    const od_normalization *const kinds[] = {NULL, &divide, &scale, &reversed};
    od_image_view whole = view_of(pixels, H, W);
    for (int k = 0; k < 4; k++) {
        od_image_view crop = od_image_view_crop(whole, 3, 5, 11, 13);
        compare_with_copy(whole, kinds[k]);
        compare_with_copy(crop, kinds[k]);
        compare_with_copy(od_image_view_flip_horizontal(crop), kinds[k]);
        compare_with_copy(od_image_view_flip_vertical(crop), kinds[k]);
        compare_with_copy(od_image_view_crop(od_image_view_flip_horizontal(whole), H - 1, W - 1, 1, 1), kinds[k]);
        compare_with_copy(
            od_image_view_crop(od_image_view_flip_horizontal(od_image_view_flip_vertical(whole)), 0, 1, 9, 30),
            kinds[k]);
    }
}

static void test_flips_mirror(void **state)
{
    (void)state;
    static uint8_t pixels[H * W * 3];
    fill_pixels(pixels);
    od_image_view v = od_image_view_flip_horizontal(view_of(pixels, H, W));
    assert_ptr_equal(v.bytes + 2 * v.row_step + 4 * v.column_step, pixels + (2 * W + W - 1 - 4) * 3);
    v = od_image_view_flip_horizontal(v);
    assert_ptr_equal(v.bytes, pixels);
    v = od_image_view_crop(od_image_view_flip_vertical(v), 1, 2, 3, 4);
    assert_ptr_equal(v.bytes, pixels + ((H - 2) * W + 2) * 3);
}

static void test_normalising_after(void **state)
{
    (void)state;
    static uint8_t pixels[H * W * 3];
    static float plain[OH * OW * 3], done[OH * OW * 3];
    fill_pixels(pixels);
    od_image_view view = view_of(pixels, H, W);
    od_normalization bgr = {.reverse_channels = 1};
    od_normalization_add(&bgr, OD_NORMALIZE_SUBTRACT, 100, 110, 120);
    od_normalization_add(&bgr, OD_NORMALIZE_DIVIDE, 2, 4, 8);
    od_resize_params params = {OD_RESIZE_BILINEAR, 0, OW, OH, NULL, NULL};
    assert_int_equal(od_image_resize(&view, &params, plain, 3 * OW, NULL), OD_OK);
    params.after = &bgr;
    assert_int_equal(od_image_resize(&view, &params, done, 3 * OW, NULL), OD_OK);
    for (int i = 0; i < OH * OW; i++) {
        assert_true(done[3 * i] == (plain[3 * i + 2] - 100) / 2);
        assert_true(done[3 * i + 1] == (plain[3 * i + 1] - 110) / 4);
        assert_true(done[3 * i + 2] == (plain[3 * i] - 120) / 8);
    }
}

static void test_bad_arguments_and_failing_memory(void **state)
{
    (void)state;
    static uint8_t pixels[H * W * 3];
    static float out[OH * OW * 3];
    od_image_view view = view_of(pixels, H, W);
    od_error err = {0};
    od_resize_params params = {OD_RESIZE_BILINEAR, 0, 0, OH, NULL, NULL};
    assert_int_equal(od_image_resize(&view, &params, out, 3 * OW, &err), OD_ERR_ARG);
    params = (od_resize_params){(od_resize_method)9, 0, OW, OH, NULL, NULL};
    assert_int_equal(od_image_resize(&view, &params, out, 3 * OW, &err), OD_ERR_ARG);
    for (int method = 0; method < 4; method++) {
        params.method = (od_resize_method)method;
        od_alloc_fail_after(1);
        assert_int_equal(od_image_resize(&view, &params, out, 3 * OW, &err), OD_ERR_NOMEM);
    }
    params.method = OD_RESIZE_BICUBIC;
    od_alloc_fail_after(2);
    assert_int_equal(od_image_resize(&view, &params, out, 3 * OW, &err), OD_ERR_NOMEM);
    od_alloc_fail_after(0);
}

static void test_area_of_a_single_pixel_with_aligned_corners(void **state)
{
    (void)state;
    const uint8_t pixel[3] = {7, 80, 200};
    float out[2 * 3 * 3];
    od_image_view view = view_of(pixel, 1, 1);
    od_resize_params params = {OD_RESIZE_AREA, 1, 3, 2, NULL, NULL};
    assert_int_equal(od_image_resize(&view, &params, out, 9, NULL), OD_OK);
    for (int i = 0; i < 18; i++) assert_true(out[i] == pixel[i % 3]);
}

/* The loops of every instruction set against plain arithmetic, to the bit; no float past the end, where none is
 * allowed. */
static void check_row_kernels(const od__row_kernels *k, int width)
{
    const float factor[3] = {0.3f, -7, 2 / 255.f}, offset[3] = {1, 0, -0.1f};
    size_t count = (size_t)width * 3;
    uint8_t *bytes = calloc(count, 1);
    float *row = malloc((count + 1) * sizeof *row), *below = malloc(count * sizeof *below),
          *out = malloc((count + 1) * sizeof *out);
    od__tap *columns = malloc((size_t)width * sizeof *columns);
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(i * 91 + 5), below[i] = 3.7f * (float)i;
    uint8_t *rgb = malloc(count);
    k->spread_gray(bytes, rgb, (size_t)width);
    for (size_t i = 0; i < count; i++) assert_int_equal(rgb[i], bytes[i / 3]);
    free(rgb);
    k->scale_bytes(bytes, row, count, factor, offset);
    for (size_t i = 0; i < count; i++) {
        float product = (float)bytes[i] * factor[i % 3];
        assert_true(row[i] == product - offset[i % 3]);
    }
    for (int x = 0; x < width; x++)
        columns[x] = (od__tap){(uint32_t)(3 * (x / 2)), (uint32_t)(3 * (width - 1 - x / 3)), 0.37f * (float)(x % 3)};
    row[count] = 0; /* the float after the last pixel is read, not used */
    k->blend_columns(row, columns, width, out);
    for (size_t i = 0; i < count; i++) {
        const od__tap *t = &columns[i / 3];
        float low = row[t->low + i % 3], part = (row[t->high + i % 3] - low) * t->fraction;
        assert_true(out[i] == low + part);
    }
    k->blend_rows(row, below, 0.61f, out, count);
    for (size_t i = 0; i < count; i++) {
        float part = (below[i] - row[i]) * 0.61f;
        assert_true(out[i] == row[i] + part);
    }
    free(bytes), free(row), free(below), free(out), free(columns);
}

static void test_row_kernels(void **state)
{
    (void)state;
    for (int width = 1; width < 40; width++) {
        check_row_kernels(&od__row_kernels_portable, width);
        check_row_kernels(od__row_kernels_best(), width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensorflows_values),
        cmocka_unit_test(test_views_equal_copies),
        cmocka_unit_test(test_flips_mirror),
        cmocka_unit_test(test_normalising_after),
        cmocka_unit_test(test_bad_arguments_and_failing_memory),
        cmocka_unit_test(test_row_kernels),
        cmocka_unit_test(test_area_of_a_single_pixel_with_aligned_corners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
