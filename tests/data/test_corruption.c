/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of pictures for robustness: what each does to pixels, that boxes come back to where they were, that nothing depends on anything
 * but the picture's number.
 */
#include "data/corruption.h"
#include "data/corruption_pixels.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/rng.h"

#include <math.h>
#include <string.h>

enum { W = 60, H = 40 };

static void make(od_image *image, int width, int height)
{
    od_rng rng;
    assert_int_equal(od_image_init(image, width, height, NULL), OD_OK);
    od_rng_init(&rng, 7, 0);
    for (int i = 0; i < width * height * 3; i++) image->pixels[i] = (uint8_t)od_rng_int(&rng, 0, 256);
}

/* Black with a white box, in pixels. */
static void make_box(od_image *image, int width, int height, int y0, int x0, int y1, int x1)
{
    assert_int_equal(od_image_init(image, width, height, NULL), OD_OK);
    memset(image->pixels, 0, (size_t)(width * height * 3));
    for (int y = y0; y < y1; y++) memset(image->pixels + 3 * (y * width + x0), 255, (size_t)(3 * (x1 - x0)));
}

/* Where the picture is brighter than `least`, relative. */
static void find_box(const od_image *image, int least, float box[4])
{
    int y0 = image->height, x0 = image->width, y1 = 0, x1 = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++)
            if (image->pixels[3 * (y * image->width + x)] > least) {
                if (y < y0) y0 = y;
                if (x < x0) x0 = x;
                if (y + 1 > y1) y1 = y + 1;
                if (x + 1 > x1) x1 = x + 1;
            }
    box[0] = (float)y0 / (float)image->height;
    box[1] = (float)x0 / (float)image->width;
    box[2] = (float)y1 / (float)image->height;
    box[3] = (float)x1 / (float)image->width;
}

static void apply(od_corruption c, uint64_t number, od_image *image)
{
    assert_int_equal(od_corruption_apply(c, number, image, NULL), OD_OK);
}

/* A white box moves with the picture, and what a detector finds there is mapped back to where it was. */
static void test_boxes_come_back(void **state)
{
    (void)state;
    static const od_corruption_kind kinds[] = {OD_CORRUPT_FLIP_HORIZONTAL, OD_CORRUPT_FLIP_VERTICAL, OD_CORRUPT_ROTATE_90, OD_CORRUPT_ROTATE_180, OD_CORRUPT_ROTATE_270};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        od_image image = {0};
        float found[4], back[4];
        od_corruption c = {kinds[i], 1};
        make_box(&image, W, H, 5, 10, 15, 34);
        apply(c, 3, &image);
        int turned = kinds[i] == OD_CORRUPT_ROTATE_90 || kinds[i] == OD_CORRUPT_ROTATE_270;
        assert_int_equal(image.width, turned ? H : W);
        find_box(&image, 128, found);
        od_corruption_map_back(c, 3, W, H, found, back);
        assert_float_equal(back[0], 5. / H, 1e-6);
        assert_float_equal(back[1], 10. / W, 1e-6);
        assert_float_equal(back[2], 15. / H, 1e-6);
        assert_float_equal(back[3], 34. / W, 1e-6);
        od_image_deinit(&image);
    }
}

/* Which way a quarter turn goes: what was at the top right is at the top left after a turn to the left. */
static void test_quarter_turns(void **state)
{
    (void)state;
    od_image left = {0}, right = {0};
    make_box(&left, W, H, 0, W - 1, 1, W);
    make_box(&right, W, H, 0, W - 1, 1, W);
    apply((od_corruption){OD_CORRUPT_ROTATE_90, 1}, 0, &left);
    apply((od_corruption){OD_CORRUPT_ROTATE_270, 1}, 0, &right);
    assert_int_equal(left.pixels[0], 255);
    assert_int_equal(right.pixels[3 * (W * H - 1)], 255);
    od_image_deinit(&left);
    od_image_deinit(&right);
}

/* A bright ellipse on black: its own box, tilted away and back, to a pixel or two. Both ways. */
static void test_tilt_and_zoom(void **state)
{
    (void)state;
    enum { SIDE = 400, TALL = 300 };
    static const od_corruption changes[] = {{OD_CORRUPT_TILT, 1}, {OD_CORRUPT_TILT, 3}, {OD_CORRUPT_ZOOM_OUT, 1}, {OD_CORRUPT_ZOOM_OUT, 3}};
    for (size_t i = 0; i < 2 * sizeof changes / sizeof *changes; i++) {
        od_image image = {0};
        od_corruption c = changes[i / 2];
        float was[4], found[4], back[4];
        make_box(&image, SIDE, TALL, 0, 0, 0, 0);
        for (int y = 0; y < TALL; y++)
            for (int x = 0; x < SIDE; x++) {
                double dy = (y + .5 - 110) / 40, dx = (x + .5 - 230) / 70;
                if (dy * dy + dx * dx < 1) memset(image.pixels + 3 * (y * SIDE + x), 255, 3);
            }
        find_box(&image, 190, was);
        apply(c, i, &image);
        find_box(&image, 190, found); /* brighter than the grey around */
        assert_true(fabs(found[0] - was[0]) > .005);
        od_corruption_map_back(c, i, SIDE, TALL, found, back);
        for (int k = 0; k < 4; k++)
            if (fabs(back[k] - was[k]) > .0101) fail_msg("%s %d: side %d at %g came back at %g", od_corruption_name(c.kind), c.level, k, was[k], back[k]);
        od_image_deinit(&image);
    }
}

static double mean(const od_image *image)
{
    double sum = 0;
    int n = image->width * image->height * 3;
    for (int i = 0; i < n; i++) sum += image->pixels[i];
    return sum / n;
}

static double deviation(const od_image *a, const od_image *b)
{
    double sum = 0;
    int n = a->width * a->height * 3;
    for (int i = 0; i < n; i++) sum += pow((double)a->pixels[i] - b->pixels[i], 2);
    return sqrt(sum / n);
}

static void fill(od_image *image, uint8_t value)
{
    memset(image->pixels, value, (size_t)(image->width * image->height * 3));
}

static void test_light(void **state)
{
    (void)state;
    od_image image = {0};
    make(&image, W, H);
    fill(&image, 100);
    apply((od_corruption){OD_CORRUPT_BRIGHTER, 2}, 0, &image);
    assert_int_equal(image.pixels[0], 151); /* + .2 * 255 */
    apply((od_corruption){OD_CORRUPT_DARKER, 3}, 0, &image);
    assert_int_equal(image.pixels[0], 62); /* 151 - 89.25 */
    for (int i = 0; i < 3; i++) apply((od_corruption){OD_CORRUPT_DARKER, 3}, 0, &image);
    assert_int_equal(image.pixels[0], 0);
    od_image_deinit(&image);
    make_box(&image, W, H, 0, 0, H / 2, W); /* half white: mean 127.5 */
    apply((od_corruption){OD_CORRUPT_CONTRAST, 3}, 0, &image);
    assert_in_range(image.pixels[0], 159, 160);
    assert_in_range(image.pixels[3 * W * H - 1], 95, 96);
    od_image_deinit(&image);
}

static void test_noise(void **state)
{
    (void)state;
    od_image image = {0}, flat = {0}, again = {0};
    make(&image, 200, 200);
    make(&flat, 200, 200);
    make(&again, 200, 200);
    fill(&image, 128);
    fill(&flat, 128);
    fill(&again, 128);
    apply((od_corruption){OD_CORRUPT_NOISE, 2}, 5, &image);
    assert_float_equal(deviation(&image, &flat), .08 * 255, .15);
    assert_float_equal(mean(&image), 128, .2);
    apply((od_corruption){OD_CORRUPT_NOISE, 2}, 5, &again);
    assert_memory_equal(image.pixels, again.pixels, 200 * 200 * 3);
    fill(&again, 128);
    apply((od_corruption){OD_CORRUPT_NOISE, 2}, 6, &again);
    assert_memory_not_equal(image.pixels, again.pixels, 200 * 200 * 3);
    od_image_deinit(&image);
    od_image_deinit(&flat);
    od_image_deinit(&again);
}

/* A step edge blurred by a Gaussian is its distribution function. */
static void test_blur(void **state)
{
    (void)state;
    od_image image = {0};
    double sigma = 3;
    make_box(&image, W, H, 0, W / 2, H, W);
    assert_int_equal(od_corrupt_blur(&image, sigma, NULL), OD_OK);
    for (int x = W / 2 - 8; x < W / 2 + 8; x++) {
        double want = 255 * .5 * erfc(-((x + .5 - W / 2) / sigma) / sqrt(2));
        assert_float_equal(image.pixels[3 * (H / 2 * W + x)], want, 1.6);
    }
    od_image_deinit(&image);
}

/* Fewer pixels: a ramp stays where it is, fine detail is gone. */
static void test_resolution(void **state)
{
    (void)state;
    od_image ramp = {0}, stripes = {0};
    make(&ramp, 64, 64);
    make(&stripes, 64, 64);
    for (int i = 0; i < 64 * 64 * 3; i++) {
        ramp.pixels[i] = (uint8_t)(40 + 3 * (i / 3 % 64));
        stripes.pixels[i] = i / 3 % 2 ? 255 : 0;
    }
    apply((od_corruption){OD_CORRUPT_RESOLUTION, 3}, 0, &ramp);
    apply((od_corruption){OD_CORRUPT_RESOLUTION, 1}, 0, &stripes);
    for (int x = 4; x < 60; x++) assert_float_equal(ramp.pixels[3 * (32 * 64 + x)], 40 + 3 * x, 1.01);
    for (int i = 0; i < 64 * 64 * 3; i++) assert_in_range(stripes.pixels[i], 126, 129);
    od_image_deinit(&ramp);
    od_image_deinit(&stripes);
}

/* Each level changes more than the one before (but for moves, where it depends on the picture); a smooth picture, so that JPEG and blur have something to lose and something to keep. */
static void test_levels_grow(void **state)
{
    (void)state;
    for (int k = 1; k < OD_CORRUPTIONS; k++) {
        double last = 0;
        for (int level = 1; level <= od_corruption_levels((od_corruption_kind)k); level++) {
            od_image image = {0}, was = {0};
            make(&image, 240, 240);
            for (int i = 0; i < 240 * 240 * 3; i++) image.pixels[i] = (uint8_t)(127 + 80 * sin(i / 3 % 240 / 5.) * cos(i / 3 / 240 / 7.) + image.pixels[i] / 16);
            assert_int_equal(od_image_init(&was, 240, 240, NULL), OD_OK);
            memcpy(was.pixels, image.pixels, 240 * 240 * 3);
            apply((od_corruption){(od_corruption_kind)k, level}, 1, &image);
            double now = deviation(&image, &was);
            if (od_corruption_is_geometric((od_corruption_kind)k)) last = 0;
            if (!(now > last + .1)) fail_msg("%s: level %d changes the picture by %g, the one before by %g", od_corruption_name((od_corruption_kind)k), level, now, last);
            last = now;
            od_image_deinit(&image);
            od_image_deinit(&was);
        }
    }
}

static void test_texts(void **state)
{
    (void)state;
    char *text = od_corruption_describe((od_corruption){OD_CORRUPT_BLUR, 2});
    assert_string_equal(text, "blurred, sigma 0.6 % of the longer side");
    od_free(text);
    text = od_corruption_describe((od_corruption){OD_CORRUPT_ROTATE_180, 1});
    assert_string_equal(text, "a half turn");
    od_free(text);
    text = od_corruption_describe((od_corruption){OD_CORRUPT_NONE, 0});
    assert_string_equal(text, "as it is");
    od_free(text);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    int failures = 0;
    for (int k = 1; k < OD_CORRUPTIONS; k++)
        for (long n = 1;; n++) {
            od_image image = {0}, was = {0};
            make(&image, W, H);
            make(&was, W, H);
            od_alloc_fail_after(n);
            od_status status = od_corruption_apply((od_corruption){(od_corruption_kind)k, 1}, 0, &image, NULL);
            od_alloc_fail_after(0);
            if (status != OD_OK) assert_memory_equal(image.pixels, was.pixels, W * H * 3);
            od_image_deinit(&image);
            od_image_deinit(&was);
            if (status == OD_OK) break;
            failures++;
        }
    assert_true(failures >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boxes_come_back), cmocka_unit_test(test_quarter_turns), cmocka_unit_test(test_tilt_and_zoom),
        cmocka_unit_test(test_light),           cmocka_unit_test(test_noise),         cmocka_unit_test(test_blur),
        cmocka_unit_test(test_resolution),      cmocka_unit_test(test_levels_grow),   cmocka_unit_test(test_texts),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
