/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawn boxes: where frames and labels come to lie, odd boxes and labels, pictures next to each other.
 */
#include "image/draw.h"
#include "test_support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

static od_image grey(int width, int height)
{
    od_image image;
    assert_int_equal(od_image_init(&image, width, height, NULL), OD_OK);
    memset(image.pixels, 40, (size_t)width * (size_t)height * 3);
    return image;
}

static uint32_t pixel(const od_image *image, int y, int x)
{
    const uint8_t *p = image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static int count_color(const od_image *image, uint32_t color)
{
    int n = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) n += pixel(image, y, x) == color;
    return n;
}

enum { GREY = 0x282828 };

static void test_frame(void **state)
{
    (void)state;
    od_image image = grey(100, 50);
    const od_draw_box box = {{.2f, .1f, .6f, .5f}, NULL, -1, 3, NULL, 0};
    assert_int_equal(od_image_draw_boxes(&image, &box, 1, NULL), OD_OK);
    uint32_t color = od_draw_color(3);
    for (int x = 10; x <= 50; x++) assert_true(pixel(&image, 10, x) == color && pixel(&image, 30, x) == color);
    for (int y = 10; y <= 30; y++) assert_true(pixel(&image, y, 10) == color && pixel(&image, y, 50) == color);
    assert_int_equal(count_color(&image, color), 2 * 41 + 2 * 19);
    assert_int_equal(count_color(&image, GREY), 5000 - 2 * 41 - 2 * 19);
    od_image_deinit(&image);
}

static void test_label_above_or_inside(void **state)
{
    (void)state;
    uint32_t color = od_draw_color(0);
    for (int inside = 0; inside < 2; inside++) {
        od_image image = grey(200, 200);
        const od_draw_box box = {{inside ? 0 : .5f, .1f, .9f, .9f}, "cat", .876f, 0, NULL, 0};
        assert_int_equal(od_image_draw_boxes(&image, &box, 1, NULL), OD_OK);
        int top = inside ? 0 : 100, label = inside ? top + 1 : top - 1, dark = 0;
        assert_true(pixel(&image, label, 20) == color);
        assert_true(pixel(&image, top > 20 ? top - 20 : 190, 21) == GREY);
        for (int y = inside ? 0 : top - 14; y < (inside ? 14 : top); y++)
            for (int x = 20; x < 20 + 7 * 6 + 3; x++) dark += pixel(&image, y, x) == 0;
        assert_in_range(dark, 60, 250); /* the letters of "cat 88%" */
        od_image_deinit(&image);
    }
}

/* The whole label is in the picture although the box is at its right edge. */
static void test_label_at_the_edge(void **state)
{
    (void)state;
    od_image image = grey(200, 200), reference = grey(200, 200);
    const od_draw_box at_edge = {{.5f, .95f, .9f, 1}, "raccoon", .5f, 0, NULL, 0},
                      at_left = {{.5f, 0, .9f, .05f}, "raccoon", .5f, 0, NULL, 0};
    assert_int_equal(od_image_draw_boxes(&image, &at_edge, 1, NULL), OD_OK);
    assert_int_equal(od_image_draw_boxes(&reference, &at_left, 1, NULL), OD_OK);
    assert_int_equal(count_color(&image, 0), count_color(&reference, 0));
    od_image_deinit(&image);
    od_image_deinit(&reference);
}

static void test_odd_boxes_are_left_out_or_cut(void **state)
{
    (void)state;
    od_image image = grey(60, 40);
    const od_draw_box none[] = {{{NAN, 0, 1, 1}, "a", 1, 0, NULL, 0},
                                {{.5f, .5f, .2f, .9f}, "a", 1, 0, NULL, 0},
                                {{2, 2, 3, 3}, "a", 1, 0, NULL, 0},
                                {{-3, 0, -1, 1}, "a", 1, 0, NULL, 0}};
    assert_int_equal(od_image_draw_boxes(&image, none, 4, NULL), OD_OK);
    assert_int_equal(count_color(&image, GREY), 60 * 40);
    const od_draw_box cut[] = {{{-1e30f, -5, INFINITY, 7}, NULL, -1, 1, NULL, 0}, {{.5f, .5f, .5f, .5f}, NULL, -1, -7, NULL, 0}};
    assert_int_equal(od_image_draw_boxes(&image, cut, 2, NULL), OD_OK);
    assert_true(pixel(&image, 0, 0) == od_draw_color(1) && pixel(&image, 39, 59) == od_draw_color(1));
    assert_true(pixel(&image, 20, 30) == od_draw_color(-7));
    od_image_deinit(&image);
}

/* Dots on keypoints, also where their box can't be drawn; none for those outside and NaN. */
static void test_keypoints(void **state)
{
    (void)state;
    od_image image = grey(100, 50);
    const float points[] = {.5f, .25f, NAN, .5f, .5f, NAN, -.1f, .5f, 1, .5f, .5f, INFINITY, 0, .99f};
    const od_draw_box box = {{NAN, 0, 1, 1}, NULL, -1, 2, points, 7};
    assert_int_equal(od_image_draw_boxes(&image, &box, 1, NULL), OD_OK);
    uint32_t color = od_draw_color(2);
    assert_true(pixel(&image, 25, 25) == color && pixel(&image, 0, 99) == color && pixel(&image, 25, 28) == 0x101010);
    assert_true(pixel(&image, 25, 30) == GREY && pixel(&image, 25, 50) == GREY && pixel(&image, 49, 50) == GREY);
    assert_in_range(count_color(&image, color), 8, 16); /* a whole disc of 3 pixels across, and a part of one in the corner */
    od_image_deinit(&image);
}

static void test_every_size_and_long_labels(void **state)
{
    (void)state;
    char longest[4000];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    static const int sizes[] = {1, 2, 7, 30, 159, 160, 401, 1900};
    const od_draw_box boxes[] = {{{0, 0, 1, 1}, longest, 2, 0, NULL, 0},
                                 {{.4f, .4f, .6f, .6f}, "W\xc3\xa4sche \x01", .004f, 1, NULL, 0},
                                 {{.9f, .9f, 1, 1}, "", -1, 2, NULL, 0},
                                 {{.1f, .1f, .2f, .2f}, "\xff\xfe\x80", NAN, 3, NULL, 0}};
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 8; k += 3) {
            od_image image = grey(sizes[i], sizes[k]);
            assert_int_equal(od_image_draw_boxes(&image, boxes, 4, NULL), OD_OK);
            assert_true(count_color(&image, GREY) < sizes[i] * sizes[k]);
            od_image_deinit(&image);
        }
}

static void test_first_box_is_on_top(void **state)
{
    (void)state;
    od_image image = grey(50, 50);
    const od_draw_box boxes[] = {{{0, 0, .5f, .5f}, NULL, -1, 0, NULL, 0}, {{0, 0, .5f, .5f}, NULL, -1, 1, NULL, 0}};
    assert_int_equal(od_image_draw_boxes(&image, boxes, 2, NULL), OD_OK);
    assert_true(pixel(&image, 0, 5) == od_draw_color(0));
    assert_int_equal(count_color(&image, od_draw_color(1)), 0);
    od_image_deinit(&image);
}

static void test_side_by_side(void **state)
{
    (void)state;
    od_image a = grey(3, 2), b = grey(2, 4), joined = {0};
    memset(b.pixels, 9, 2 * 4 * 3);
    assert_int_equal(od_image_side_by_side(&a, &b, &joined, NULL), OD_OK);
    assert_int_equal(joined.width * 10 + joined.height, 54);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 5; x++) assert_int_equal(pixel(&joined, y, x), x >= 3 ? 0x090909 : y < 2 ? GREY : 0);
    od_image_deinit(&joined);
    od_alloc_fail_after(1);
    assert_int_equal(od_image_side_by_side(&a, &b, &joined, NULL), OD_ERR_NOMEM);
    od_alloc_fail_after(0);
    assert_null(joined.pixels);
    od_image_deinit(&a);
    od_image_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_label_above_or_inside),
        cmocka_unit_test(test_label_at_the_edge),
        cmocka_unit_test(test_odd_boxes_are_left_out_or_cut),
        cmocka_unit_test(test_keypoints),
        cmocka_unit_test(test_every_size_and_long_labels),
        cmocka_unit_test(test_first_box_is_on_top),
        cmocka_unit_test(test_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
