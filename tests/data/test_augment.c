/* SPDX-License-Identifier: Apache-2.0
 *
 * random_horizontal_flip and random_crop_image: the distribution of crops and kept boxes against the OD API's draws
 * (tests/oracle/crop_statistics.py), exact box arithmetic, what a config may ask for.
 */
#include "checkpoint/safetensors.h"
#include "data/augment.h"
#include "data/crop.h"
#include "test_support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

enum { HEIGHT = 60, WIDTH = 80, DRAWS = 10000, QUANTITIES = 6, QUANTILES = 201 };

static const float boxes[4][4] = {
    {.1f, .2f, .5f, .6f}, {.3f, .7f, .9f, .95f}, {.75f, .05f, .85f, .12f}, {.4f, .4f, .42f, .41f}};

/* The same CASES as in tests/oracle/crop_statistics.py. */
static const struct {
    const char *name;
    int box_count;
    od_crop_params params;
} cases[] = {
    {"default", 4, {1, .75f, 1.33f, .1f, 1, .3f, 1, 0}},       {"zoo", 4, {0, .75f, 3, .75f, 1, 0, 1, 0}},
    {"half", 4, {.5f, .5f, 2, .1f, .5f, .6f, 0, 0}},           {"null", 0, {.3f, .75f, 1.33f, .1f, 1, .3f, 1, 0}},
    {"sometimes", 4, {.1f, .75f, 1.33f, .1f, 1, .3f, 1, .4f}}, {"impossible", 4, {1, 8, 9, .1f, .12f, .3f, 1, 0}},
};

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void draw(const od_crop_params *p, int box_count, uint64_t stream, float out[QUANTITIES])
{
    static const uint8_t pixels[HEIGHT * WIDTH * 3];
    od_object objects[4] = {0};
    for (int i = 0; i < box_count; i++) memcpy(objects[i].box, boxes[i], sizeof objects[i].box);
    od_sample s = {.view = {.bytes = pixels, .width = WIDTH, .height = HEIGHT, .row_step = 3 * WIDTH, .column_step = 3},
                   .objects = objects,
                   .object_count = box_count};
    od_rng rng;
    od_rng_init(&rng, 17, stream);
    od_crop_random(p, &s, &rng);
    ptrdiff_t at = (s.view.bytes - pixels) / 3;
    out[0] = (float)(at / WIDTH);
    out[1] = (float)(at % WIDTH);
    out[2] = (float)s.view.height;
    out[3] = (float)s.view.width;
    out[4] = (float)s.object_count;
    out[5] = 0;
    for (int i = 0; i < s.object_count; i++)
        for (int k = 0; k < 4; k++) out[5] += objects[i].box[k];
}

/* The largest difference between the distribution of sorted `values` and the one that has these quantiles. Quantiles
 * are 1/(QUANTILES-1) apart, so a value may lie that much off without telling anything. */
static double distance(const float *values, const float *quantiles)
{
    double worst = 0;
    int i = 0;
    for (int q = 0; q < QUANTILES; q++) {
        if (q + 1 < QUANTILES && quantiles[q + 1] <= quantiles[q] + 1e-5f) continue; /* the last of equal ones */
        while (i < DRAWS && values[i] <= quantiles[q] + 1e-5f) i++;
        double expected = (double)q / (QUANTILES - 1), got = (double)i / DRAWS;
        worst = fmax(worst, fabs(got - expected) - 1.0 / (QUANTILES - 1));
    }
    return worst;
}

static void test_crops_are_distributed_as_the_od_apis(void **state)
{
    (void)state;
    static float draws[QUANTITIES][DRAWS];
    char path[512];
    od_safetensors *st;
    test_source_path(path, sizeof path, "tests/data/fixtures/crop_statistics.safetensors");
    assert_int_equal(od_safetensors_open(&st, path, NULL), OD_OK);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char key[64];
        snprintf(key, sizeof key, "%s/quantiles", cases[c].name);
        const od_safetensors_entry *e = od_safetensors_find(st, key);
        assert_non_null(e);
        for (int i = 0; i < DRAWS; i++) {
            float one[QUANTITIES];
            draw(&cases[c].params, cases[c].box_count, (uint64_t)i, one);
            for (int q = 0; q < QUANTITIES; q++) draws[q][i] = one[q];
        }
        for (int q = 0; q < QUANTITIES; q++) {
            qsort(draws[q], DRAWS, sizeof **draws, by_value);
            double d = distance(draws[q], (const float *)e->data + q * QUANTILES);
            /* Kolmogorov-Smirnov, 10,000 draws against 20,000, p = 0.001: 1.95 sqrt(1/10000 + 1/20000) */
            if (d > 0.0239) fail_msg("%s: quantity %d is distributed differently: distance %.4f", cases[c].name, q, d);
        }
    }
    od_safetensors_close(st);
}

/* The comparison must be able to fail: a slightly different parameter shows. */
static void test_the_comparison_sees_a_difference(void **state)
{
    (void)state;
    static float heights[DRAWS];
    char path[512];
    od_safetensors *st;
    test_source_path(path, sizeof path, "tests/data/fixtures/crop_statistics.safetensors");
    assert_int_equal(od_safetensors_open(&st, path, NULL), OD_OK);
    od_crop_params p = cases[0].params;
    p.max_area = .8f;
    for (int i = 0; i < DRAWS; i++) {
        float one[QUANTITIES];
        draw(&p, 4, (uint64_t)i, one);
        heights[i] = one[2];
    }
    qsort(heights, DRAWS, sizeof *heights, by_value);
    assert_true(distance(heights, (const float *)od_safetensors_find(st, "default/quantiles")->data + 2 * QUANTILES) >
                0.05);
    od_safetensors_close(st);
}

static void expect_box(const float *box, float a, float b, float c, float d)
{
    const float expected[4] = {a, b, c, d};
    for (int k = 0; k < 4; k++) assert_true(fabsf(box[k] - expected[k]) < 1e-6f);
}

static void test_boxes_in_a_crop(void **state)
{
    (void)state;
    static const uint8_t pixels[100 * 200 * 3];
    od_object objects[] = {
        {.box = {.1f, .1f, .3f, .3f}, .label = 1},   /* a quarter of it inside */
        {.box = {.2f, .2f, .6f, .7f}, .label = 2},   /* all inside, fills the crop */
        {.box = {.7f, .1f, .9f, .3f}, .label = 3},   /* outside */
        {.box = {.6f, .2f, .9f, .7f}, .label = 4},   /* touches from below */
        {.box = {.3f, .3f, .3f, .4f}, .label = 5},   /* no area */
        {.box = {.15f, .4f, .35f, .5f}, .label = 6}, /* three quarters inside */
    };
    od_sample s = {.view = {.bytes = pixels, .width = 200, .height = 100, .row_step = 600, .column_step = 3},
                   .objects = objects,
                   .object_count = 6};
    od_sample again = s;
    od_object copy[6];
    memcpy(copy, objects, sizeof copy);
    od_crop_apply(&s, (od_crop_rect){20, 40, 40, 100}, .3f, 1);
    assert_int_equal(s.view.height * 1000 + s.view.width, 40100);
    assert_ptr_equal(s.view.bytes, pixels + (20 * 200 + 40) * 3);
    assert_int_equal(s.object_count, 2);
    assert_int_equal(objects[0].label * 10 + objects[1].label, 26);
    expect_box(objects[0].box, 0, 0, 1, 1);
    expect_box(objects[1].box, 0, .4f, .375f, .6f);
    again.objects = copy;
    od_crop_apply(&again, (od_crop_rect){20, 40, 40, 100}, .2f, 0);
    assert_int_equal(again.object_count, 3);
    assert_int_equal(copy[0].label, 1);
    expect_box(copy[0].box, -.25f, -.2f, .25f, .2f);
}

static void test_tiny_images_and_odd_boxes(void **state)
{
    (void)state;
    static const uint8_t pixels[3 * 2 * 3];
    od_crop_params p = {.5f, .1f, 10, .01f, 1, 0, 1, 0};
    for (int h = 1; h <= 3; h++)
        for (int w = 1; w <= 2; w++)
            for (uint64_t i = 0; i < 500; i++) {
                od_object objects[] = {{.box = {-3, -2, 5, 9}}, {.box = {.5f, .5f, .5f, .5f}}, {.box = {NAN, 0, 1, 1}}};
                od_sample s = {.view = {.bytes = pixels, .width = w, .height = h, .row_step = 6, .column_step = 3},
                               .objects = objects,
                               .object_count = 3};
                od_rng rng;
                od_rng_init(&rng, 1, i);
                od_crop_random(&p, &s, &rng);
                assert_in_range(s.view.width, 1, w);
                assert_in_range(s.view.height, 1, h);
                ptrdiff_t at = (s.view.bytes - pixels) / 3;
                assert_true(at / 2 + s.view.height <= h && at % 2 + s.view.width <= w);
            }
}

static od_config *parse(const char *steps)
{
    char text[2000];
    od_config *config;
    od_error err = {0};
    snprintf(text, sizeof text, "train_config {\n  batch_size: 1\n%s\n}\n", steps);
    if (od_config_parse(text, strlen(text), "my.config", &config, &err) != OD_OK) fail_msg("%s", err.message);
    return config;
}

static void test_flip(void **state)
{
    (void)state;
    od_config *config = parse("data_augmentation_options { random_horizontal_flip { probability: 0.25 } }");
    od_augmenter *a;
    assert_int_equal(od_augmenter_create(&a, config, NULL), OD_OK);
    assert_int_equal(od_augmenter_count(a), 1);
    static const uint8_t pixels[2 * 5 * 3];
    int flipped = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        od_object object = {.box = {.1f, .2f, .3f, .6f}, .label = 1};
        od_sample s = {.view = {.bytes = pixels, .width = 5, .height = 2, .row_step = 15, .column_step = 3},
                       .objects = &object,
                       .object_count = 1};
        od_rng rng;
        od_rng_init(&rng, 3, i);
        assert_int_equal(od_augmenter_apply(a, &s, &rng, NULL), OD_OK);
        if (s.view.column_step == 3) {
            expect_box(object.box, .1f, .2f, .3f, .6f);
        } else {
            assert_ptr_equal(s.view.bytes, pixels + 12);
            expect_box(object.box, .1f, .4f, .3f, .8f);
            flipped++;
        }
        od_sample_deinit(&s);
    }
    assert_in_range(flipped, DRAWS / 4 - 150, DRAWS / 4 + 150);
    od_augmenter_free(a);
    od_config_free(config);
}

static void test_config_order_and_defaults(void **state)
{
    (void)state;
    od_config *config = parse("data_augmentation_options { random_crop_image { } }\n"
                              "data_augmentation_options { random_horizontal_flip { } }");
    od_augmenter *a;
    assert_int_equal(od_augmenter_create(&a, config, NULL), OD_OK);
    static const uint8_t pixels[HEIGHT * WIDTH * 3];
    for (uint64_t i = 0; i < 200; i++) {
        float expected[QUANTITIES];
        draw(&cases[0].params, 4, i, expected); /* the same numbers are drawn first: the crop comes first */
        od_object objects[4] = {0};
        for (int k = 0; k < 4; k++) memcpy(objects[k].box, boxes[k], sizeof objects[k].box);
        od_sample s = {
            .view = {.bytes = pixels, .width = WIDTH, .height = HEIGHT, .row_step = 3 * WIDTH, .column_step = 3},
            .objects = objects,
            .object_count = 4};
        od_rng rng;
        od_rng_init(&rng, 17, i);
        assert_int_equal(od_augmenter_apply(a, &s, &rng, NULL), OD_OK);
        assert_int_equal(s.view.height, (int)expected[2]);
        assert_int_equal(s.view.width, (int)expected[3]);
        assert_int_equal(s.object_count, (int)expected[4]);
    }
    od_augmenter_free(a);
    od_config_free(config);
}

static void expect_refusal(const char *steps, od_status status, const char *message)
{
    od_config *config = parse(steps);
    od_augmenter *a = NULL;
    od_error err = {0};
    assert_int_equal(od_augmenter_create(&a, config, &err), status);
    assert_null(a);
    if (!strstr(err.message, message)) fail_msg("'%s' doesn't contain '%s'", err.message, message);
    assert_non_null(strstr(err.message, "my.config:"));
    od_config_free(config);
}

static void test_refusals_name_file_and_line(void **state)
{
    (void)state;
    expect_refusal("data_augmentation_options {\n autoaugment_image { }\n}", OD_ERR_UNSUPPORTED, "my.config:4");
    expect_refusal("data_augmentation_options { autoaugment_image { } }", OD_ERR_UNSUPPORTED, "autoaugment_image");
    expect_refusal("data_augmentation_options { }", OD_ERR_CONFIG, "names no augmentation");
    expect_refusal("data_augmentation_options { random_horizontal_flip { probability: 0 } }", OD_ERR_CONFIG,
                   "probability is 0");
    expect_refusal("data_augmentation_options { random_horizontal_flip { probability: 1.5 } }", OD_ERR_CONFIG,
                   "probability is 1.5");
    expect_refusal("data_augmentation_options { random_crop_image { min_aspect_ratio: 0 } }", OD_ERR_CONFIG,
                   "min_aspect_ratio");
    expect_refusal("data_augmentation_options { random_crop_image { min_area: 0 } }", OD_ERR_CONFIG, "min_area");
    expect_refusal("data_augmentation_options { random_crop_image { max_area: 1.1 } }", OD_ERR_CONFIG, "max_area");
    expect_refusal("data_augmentation_options { random_crop_image { min_object_covered: -1 } }", OD_ERR_CONFIG,
                   "min_object_covered");
}

static void test_failing_memory(void **state)
{
    (void)state;
    od_config *config = parse("data_augmentation_options { random_horizontal_flip { } }");
    od_augmenter *a = NULL;
    for (long n = 1; n <= 2; n++) {
        od_alloc_fail_after(n);
        assert_int_equal(od_augmenter_create(&a, config, NULL), OD_ERR_NOMEM);
        od_alloc_fail_after(0);
    }
    assert_null(a);
    od_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crops_are_distributed_as_the_od_apis),
        cmocka_unit_test(test_the_comparison_sees_a_difference),
        cmocka_unit_test(test_boxes_in_a_crop),
        cmocka_unit_test(test_tiny_images_and_odd_boxes),
        cmocka_unit_test(test_flip),
        cmocka_unit_test(test_config_order_and_defaults),
        cmocka_unit_test(test_refusals_name_file_and_line),
        cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
