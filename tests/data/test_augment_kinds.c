/* SPDX-License-Identifier: Apache-2.0
 *
 * Every augmentation against the OD API's (tests/oracle/augmentations.py): what is deterministic pixel by pixel, what
 * is random by the distributions of seven quantities over 10,000 draws.
 */
#include "checkpoint/safetensors.h"
#include "config/config.h"
#include "data/augment.h"
#include "data/augment_zoom.h"
#include "data/color_adjust.h"
#include "data/sample_pixels.h"
#include "test_support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

enum { DRAWS = 10000, QUANTITIES = 7, QUANTILES = 201, IN_HEIGHT = 19, IN_WIDTH = 27 };

static const float boxes[4][4] = {
    {.1f, .2f, .5f, .6f}, {.3f, .7f, .9f, .95f}, {.75f, .05f, .85f, .12f}, {.4f, .4f, .42f, .41f}};

static od_safetensors *fixture;

/* OD_AUGMENTATIONS names another file with the fixed cases: test_oracle_augmentations.sh's of photographs. */
static int open_fixture(void **state)
{
    (void)state;
    char path[512];
    const char *other = getenv("OD_AUGMENTATIONS");
    if (other) return od_safetensors_open(&fixture, other, NULL) != OD_OK;
    test_source_path(path, sizeof path, "tests/data/fixtures/augmentations.safetensors");
    return od_safetensors_open(&fixture, path, NULL) != OD_OK;
}

static int close_fixture(void **state)
{
    (void)state;
    od_safetensors_close(fixture);
    return 0;
}

static const od_safetensors_entry *entry(const char *group, const char *name, const char *leaf)
{
    char key[160];
    snprintf(key, sizeof key, "%s/%s%s", group, name, leaf);
    return od_safetensors_find(fixture, key);
}

/* A config with this one augmentation; the caller frees both. */
static od_status make_augmenter(const char *step, od_config **config, od_augmenter **augmenter, od_error *err)
{
    char path[600], text[900];
    test_tmp_path(path, sizeof path, "augment.config");
    snprintf(text, sizeof text, "train_config {\n  data_augmentation_options {\n    %s\n  }\n}\n", step);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    if (od_config_load(path, config, err) != OD_OK) fail_msg("%s", err->message);
    return od_augmenter_create(augmenter, *config, err);
}

/* --- deterministic ------------------------------------------------------------------------------------------------ */

typedef struct trial {
    od_sample sample;
    od_object objects[4];
    od_error err;
} trial;

static void start(trial *t)
{
    memset(t, 0, sizeof *t);
    const od_safetensors_entry *image = entry("fixed", "IN", "/image");
    assert_non_null(image);
    for (int i = 0; i < 4; i++) memcpy(t->objects[i].box, boxes[i], sizeof boxes[i]), t->objects[i].label = 1;
    t->sample = (od_sample){.view = {.floats = (const float *)image->data,
                                     .width = IN_WIDTH,
                                     .height = IN_HEIGHT,
                                     .row_step = 3 * IN_WIDTH,
                                     .column_step = 3},
                            .objects = t->objects,
                            .object_count = 4};
}

/* The sample's pixels to 1/255 and boxes to 1e-6. */
static void check(trial *t, const char *name)
{
    const od_safetensors_entry *image = entry("fixed", name, "/image"), *box = entry("fixed", name, "/boxes");
    float *pixels;
    if (!image) fail_msg("no fixture %s", name);
    assert_int_equal(od_sample_own_pixels(&t->sample, &pixels, &t->err), OD_OK);
    if (t->sample.view.height != image->shape[0] || t->sample.view.width != image->shape[1])
        fail_msg("%s: %d x %d, expected %d x %d", name, t->sample.view.height, t->sample.view.width,
                 (int)image->shape[0], (int)image->shape[1]);
    double worst = 0;
    for (int64_t i = 0; i < image->shape[0] * image->shape[1] * 3; i++)
        worst = fmax(worst, fabs((double)pixels[i] - (double)((const float *)image->data)[i]));
    if (!(worst <= 1.0 / 255)) fail_msg("%s: pixels differ by %g", name, worst);
    if (box) {
        assert_int_equal(t->sample.object_count, box->shape[0]);
        for (int i = 0; i < t->sample.object_count; i++)
            for (int k = 0; k < 4; k++)
                if (fabsf(t->sample.objects[i].box[k] - ((const float *)box->data)[4 * i + k]) > 1e-6f)
                    fail_msg("%s: box %d coordinate %d is %g, expected %g", name, i, k,
                             (double)t->sample.objects[i].box[k], (double)((const float *)box->data)[4 * i + k]);
    }
    od_sample_deinit(&t->sample);
}

static void test_colors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*fn)(float *, int64_t, float);
        float amount;
    } kinds[] = {{"brightness", od_color_adjust_brightness, .3f},
                 {"darkness", od_color_adjust_brightness, -.2f},
                 {"contrast", od_color_adjust_contrast, 1.4f},
                 {"flat", od_color_adjust_contrast, .4f},
                 {"hue", od_color_adjust_hue, .2f},
                 {"hue_back", od_color_adjust_hue, -.35f},
                 {"saturation", od_color_adjust_saturation, 1.7f},
                 {"pale", od_color_adjust_saturation, .3f}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        trial t;
        float *pixels;
        start(&t);
        assert_int_equal(od_sample_own_pixels(&t.sample, &pixels, &t.err), OD_OK);
        kinds[i].fn(pixels, IN_HEIGHT * IN_WIDTH, kinds[i].amount);
        check(&t, kinds[i].name);
    }
}

/* Steps without randomness, or whose probability is 1. */
static void test_steps(void **state)
{
    (void)state;
    static const struct {
        const char *name, *step;
    } kinds[] = {
        {"gamma", "adjust_gamma { gamma: 2.2 gain: 1.3 }"},
        {"gray", "random_rgb_to_gray { probability: 1 }"},
        {"gray", "rgb_to_gray {}"},
        {"normalize",
         "normalize_image { original_minval: 10 original_maxval: 250 target_minval: -1 target_maxval: 2 }"},
        {"means", "subtract_channel_mean { means: [10, 20, 30] }"},
        {"vertical", "random_vertical_flip { probability: 1 }"},
        {"rotation", "random_rotation90 { probability: 1 }"},
        {"jpeg", "random_jpeg_quality { min_jpeg_quality: 30 max_jpeg_quality: 31 }"},
        {"image_scale", "random_image_scale { min_scale_ratio: 1.4 max_scale_ratio: 1.4 }"},
        {"downscale", "random_downscale_to_target_pixels { min_target_pixels: 200 max_target_pixels: 201 }"},
        {"concat", "random_self_concat_image { concat_vertical_probability: 1 concat_horizontal_probability: 1 }"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        trial t;
        od_config *config = NULL;
        od_augmenter *a = NULL;
        od_rng rng;
        start(&t);
        if (make_augmenter(kinds[i].step, &config, &a, &t.err) != OD_OK)
            fail_msg("%s: %s", kinds[i].step, t.err.message);
        od_rng_init(&rng, 1, i);
        assert_int_equal(od_augmenter_apply(a, &t.sample, &rng, &t.err), OD_OK);
        check(&t, kinds[i].name);
        od_augmenter_free(a);
        od_config_free(config);
    }
}

/* resize_image by each method; the fixtures are random_resize_method's four choices (which it draws as often as the OD API: test_distributions). */
static void test_resize_methods(void **state)
{
    (void)state;
    static const char *const methods[] = {"BILINEAR", "NEAREST_NEIGHBOR", "BICUBIC", "AREA"};
    for (int k = 0; k < 4; k++) {
        trial t;
        od_config *config = NULL;
        od_augmenter *a = NULL;
        od_rng rng;
        char step[100], name[30];
        snprintf(step, sizeof step, "resize_image { new_height: 31 new_width: 22 method: %s }", methods[k]);
        snprintf(name, sizeof name, "resize_method%d", k);
        start(&t);
        if (make_augmenter(step, &config, &a, &t.err) != OD_OK) fail_msg("%s: %s", step, t.err.message);
        od_rng_init(&rng, 1, 1);
        assert_int_equal(od_augmenter_apply(a, &t.sample, &rng, &t.err), OD_OK);
        check(&t, name);
        od_augmenter_free(a);
        od_config_free(config);
    }
}

static void test_padding_and_zooming(void **state)
{
    (void)state;
    static const float color[3] = {1, 2, 3};
    trial t;
    start(&t);
    assert_int_equal(od_sample_pad(&t.sample, 4, 6, 28, 40, NULL, &t.err), OD_OK);
    check(&t, "pad");
    start(&t); /* heights 19 + .6 * 19, widths 27 + .1 * 27; offsets .9 * 11, .2 * 2 */
    assert_int_equal(od_sample_pad(&t.sample, 9, 0, 30, 29, color, &t.err), OD_OK);
    check(&t, "pad_color");
    static const struct {
        float scale;
        double y, x;
    } squares[] = {{.6f, .2, .6}, {1.3f, .9, .1}, {1.0f, .5, .5}};
    for (int i = 0; i < 3; i++) {
        char name[16];
        int by = od_square_crop_border(8, IN_HEIGHT), bx = od_square_crop_border(8, IN_WIDTH);
        snprintf(name, sizeof name, "square%d", i);
        start(&t);
        assert_int_equal(od_square_crop(&t.sample, squares[i].scale,
                                        by + (int)(squares[i].y * (IN_HEIGHT + 1 - 2 * by)),
                                        bx + (int)(squares[i].x * (IN_WIDTH + 1 - 2 * bx)), &t.err),
                         OD_OK);
        check(&t, name);
    }
    static const float zooms[][3] = {
        {.1f + .2f * 1.9f, .3f, .6f}, {.1f + .8f * 1.9f, .3f, .6f}, {.1f + .95f * 1.9f, .9f, 0}};
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "scale_crop%d", i);
        start(&t);
        assert_int_equal(od_scale_crop_and_pad(&t.sample, 24, zooms[i][0], zooms[i][1], zooms[i][2], &t.err), OD_OK);
        check(&t, name);
    }
}

/* --- random ------------------------------------------------------------------------------------------------------- */

/* The same as in tests/oracle/augmentations.py. */
static const struct {
    const char *name, *step;
} cases[] = {
    {"random_vertical_flip", "random_vertical_flip { probability: .3 }"},
    {"random_rotation90", "random_rotation90 {}"},
    {"random_crop_to_aspect_ratio", "random_crop_to_aspect_ratio { aspect_ratio: .8 }"},
    {"random_pad_image", "random_pad_image {}"},
    {"random_absolute_pad_image", "random_absolute_pad_image { max_height_padding: 20 max_width_padding: 30 }"},
    {"random_crop_pad_image", "random_crop_pad_image { min_object_covered: .4 }"},
    {"ssd_random_crop", "ssd_random_crop {}"},
    {"ssd_random_crop_fixed_aspect_ratio", "ssd_random_crop_fixed_aspect_ratio {}"},
    {"ssd_random_crop_pad_fixed_aspect_ratio", "ssd_random_crop_pad_fixed_aspect_ratio {}"},
    {"random_square_crop_by_scale", "random_square_crop_by_scale {}"},
    {"random_scale_crop_and_pad_to_square", "random_scale_crop_and_pad_to_square { output_size: 64 }"},
    {"random_image_scale", "random_image_scale {}"},
    {"random_downscale_to_target_pixels",
     "random_downscale_to_target_pixels { min_target_pixels: 1000 max_target_pixels: 6000 }"},
    {"random_adjust_brightness", "random_adjust_brightness {}"},
    {"random_adjust_contrast", "random_adjust_contrast {}"},
    {"random_adjust_hue", "random_adjust_hue {}"},
    {"random_adjust_saturation", "random_adjust_saturation {}"},
    {"random_distort_color", "random_distort_color {}"},
    {"random_distort_color1", "random_distort_color { color_ordering: 1 }"},
    {"random_pixel_value_scale", "random_pixel_value_scale {}"},
    {"random_rgb_to_gray", "random_rgb_to_gray { probability: .4 }"},
    {"random_black_patches", "random_black_patches {}"},
    {"random_patch_gaussian", "random_patch_gaussian { max_patch_size: 50 random_coef: .2 }"},
    {"random_jitter_boxes", "random_jitter_boxes { ratio: .2 }"},
    {"random_jitter_boxes_expand", "random_jitter_boxes { ratio: .3 jitter_mode: EXPAND }"},
    {"random_jitter_boxes_shrink_symmetric", "random_jitter_boxes { ratio: .3 jitter_mode: SHRINK_SYMMETRIC }"},
    {"random_jitter_boxes_expand_symmetric_xy", "random_jitter_boxes { ratio: .3 jitter_mode: EXPAND_SYMMETRIC_XY }"},
    {"drop_label_probabilistically", "drop_label_probabilistically { label: 1 drop_probability: .3 }"},
    {"random_resize_method", "random_resize_method { target_height: 37 target_width: 31 }"},
    {"random_self_concat_image",
     "random_self_concat_image { concat_vertical_probability: .3 concat_horizontal_probability: .4 }"},
};

static void draw(const od_augmenter *a, const uint8_t *pixels, uint64_t stream, float *out)
{
    od_object objects[4] = {0};
    for (int i = 0; i < 4; i++) memcpy(objects[i].box, boxes[i], sizeof boxes[i]), objects[i].label = 1;
    od_sample s = {.view = {.bytes = pixels, .width = 80, .height = 60, .row_step = 240, .column_step = 3},
                   .objects = objects,
                   .object_count = 4};
    od_rng rng;
    od_error err = {0};
    od_rng_init(&rng, 23, stream);
    if (od_augmenter_apply(a, &s, &rng, &err) != OD_OK) fail_msg("%s", err.message);
    memset(out, 0, QUANTITIES * sizeof *out);
    out[0] = (float)s.view.height, out[1] = (float)s.view.width;
    od_sample_mean_color(&s, out + 2);
    out[5] = (float)s.object_count;
    for (int i = 0; i < s.object_count; i++)
        for (int k = 0; k < 4; k++) out[6] += (float)(1 << k) * s.objects[i].box[k];
    od_sample_deinit(&s);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* As in test_augment.c: the largest difference of the distributions, less what the quantiles' spacing leaves open. Sums
 * in another order differ in the last digits. */
static double distance(const float *values, const float *quantiles)
{
    double worst = 0;
    float margin = 1e-4f + 1e-5f * fabsf(quantiles[QUANTILES - 1]);
    int i = 0;
    for (int q = 0; q < QUANTILES; q++) {
        if (q + 1 < QUANTILES && quantiles[q + 1] <= quantiles[q] + margin) continue; /* the last of equal ones */
        while (i < DRAWS && values[i] <= quantiles[q] + margin) i++;
        worst = fmax(worst, fabs((double)i / DRAWS - (double)q / (QUANTILES - 1)) - 1.0 / (QUANTILES - 1));
    }
    return worst;
}

/* The chance of a distance this large between 10,000 and 20,000 draws of the same distribution. */
static double p_value(double d)
{
    double root = sqrt(DRAWS * 2 / 3.0), x = (root + .12 + .11 / root) * d, p = 0;
    if (x < .2) return 1;
    for (int k = 1; k <= 100; k++) p += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    return fmin(1, fmax(0, p));
}

static void test_distributions(void **state)
{
    (void)state;
    static uint8_t pixels[60 * 80 * 3];
    static float draws[QUANTITIES][DRAWS];
    for (int i = 0; i < 60 * 80; i++)
        pixels[3 * i] = (uint8_t)(i / 80), pixels[3 * i + 1] = (uint8_t)(i % 80), pixels[3 * i + 2] = 100;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const od_safetensors_entry *e = entry("random", cases[c].name, "");
        if (!e) fail_msg("no fixture of %s", cases[c].name);
        od_config *config = NULL;
        od_augmenter *a = NULL;
        od_error err = {0};
        if (make_augmenter(cases[c].step, &config, &a, &err) != OD_OK) fail_msg("%s", err.message);
        for (int i = 0; i < DRAWS; i++) {
            float one[QUANTITIES];
            draw(a, pixels, (uint64_t)i, one);
            for (int q = 0; q < QUANTITIES; q++) draws[q][i] = one[q];
        }
        double worst = 0;
        for (int q = 0; q < QUANTITIES; q++) {
            qsort(draws[q], DRAWS, sizeof **draws, by_value);
            double d = distance(draws[q], (const float *)e->data + q * QUANTILES);
            worst = fmax(worst, d);
            /* 30 cases of 7 quantities: p = 1e-5 leaves one false alarm in 500 changes of the seed */
            if (p_value(d) < 1e-5)
                fail_msg("%s: quantity %d is distributed differently: distance %.4f", cases[c].name, q, d);
        }
        print_message("%-42s p >= %.3g\n", cases[c].name, p_value(worst));
        od_augmenter_free(a);
        od_config_free(config);
    }
}

static void test_labels(void **state)
{
    (void)state;
    trial t;
    od_config *config = NULL;
    od_augmenter *a = NULL;
    od_rng rng;
    start(&t);
    t.objects[1].label = 2, t.objects[2].label = 3;
    assert_int_equal(make_augmenter("remap_labels { original_labels: [1, 2] new_label: 5 }", &config, &a, &t.err),
                     OD_OK);
    od_rng_init(&rng, 1, 1);
    assert_int_equal(od_augmenter_apply(a, &t.sample, &rng, &t.err), OD_OK);
    const int expected[4] = {5, 5, 3, 5};
    for (int i = 0; i < 4; i++) assert_int_equal(t.objects[i].label, expected[i]);
    od_augmenter_free(a);
    od_config_free(config);
}

static void test_bad_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *step, *message;
    } kinds[] = {
        {"normalize_image { original_minval: 0 }",
         "normalize_image needs original_minval, original_maxval, target_minval and target_maxval, all four"},
        {"random_pad_image { min_image_height: 5 }", "must be given both or not at all"},
        {"random_pad_image { pad_color: [1, 2] }", "pad_color has 2 numbers; expected 3 or none"},
        {"ssd_random_crop { operations { min_object_covered: .5 } }",
         "min_aspect_ratio and max_aspect_ratio must be positive"},
        {"random_distort_color { color_ordering: 2 }", "color_ordering is 2; expected 0 or 1"},
        {"subtract_channel_mean { means: 1 }", "has 1 means; expected 3"},
        {"random_patch_gaussian { min_patch_size: 0 }", "patch sizes 0 to 250"},
        {"random_square_crop_by_scale { num_scales: 0 }", "num_scales is 0"},
        {"resize_image { new_height: 5 }", "a size of 5 x 0"},
        {"random_vertical_flip { probability: 0 }", "remove the step to never do it"},
        {"autoaugment_image {}", "the augmentation autoaugment_image isn't supported"},
        {"convert_class_logits_to_softmax { temperature: 0 }", "temperature is 0; expected more than 0"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        od_config *config = NULL;
        od_augmenter *a = NULL;
        od_error err = {0};
        assert_true(make_augmenter(kinds[i].step, &config, &a, &err) != OD_OK);
        if (!strstr(err.message, kinds[i].message)) fail_msg("got: %s\nexpected: %s", err.message, kinds[i].message);
        assert_non_null(strstr(err.message, "augment.config:3"));
        od_config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest fixed[] = {
        cmocka_unit_test(test_colors),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_padding_and_zooming),
        cmocka_unit_test(test_resize_methods),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_bad_values_are_refused),
    };
    int failed = cmocka_run_group_tests(fixed, open_fixture, close_fixture);
    return failed || getenv("OD_AUGMENTATIONS") ? failed : cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
