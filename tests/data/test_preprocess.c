/* SPDX-License-Identifier: Apache-2.0
 *
 * Preprocessing against the OD API: every image_resizer (tests/oracle/resize_fixtures.py), and pixels and shapes of
 * every golden case, whose configs cover every normalisation.
 */
#include "checkpoint/safetensors.h"
#include "config/config.h"
#include "data/preprocess.h"
#include "test_support.h"
#include "util/alloc.h"

#include <dirent.h>
#include <math.h>
#include <string.h>

static od_config *parse_model(const char *text)
{
    od_config *config;
    od_error err = {0};
    if (od_config_parse(text, strlen(text), "test.config", &config, &err) != OD_OK) fail_msg("%s", err.message);
    return config;
}

static const ObjectDetection__Protos__DetectionModel *model_of(const od_config *config)
{
    return od_config_proto(config)->model;
}

static od_config *parse_ssd(const char *type, const char *resizer)
{
    char text[1000];
    snprintf(text, sizeof text, "model { ssd { feature_extractor { type: \"%s\" } image_resizer { %s } } }", type,
             resizer);
    return parse_model(text);
}

/* The same list as RESIZERS in tests/oracle/resize_fixtures.py. */
static const char *const resizers[] = {
    "fixed_shape_resizer { height: 12 width: 17 }",
    "fixed_shape_resizer { height: 12 width: 17 resize_method: NEAREST_NEIGHBOR }",
    "keep_aspect_ratio_resizer { min_dimension: 16 max_dimension: 27 }",
    "keep_aspect_ratio_resizer { min_dimension: 13 max_dimension: 19 pad_to_max_dimension: true }",
    ("keep_aspect_ratio_resizer { min_dimension: 9 max_dimension: 12 pad_to_max_dimension: true resize_method: BICUBIC "
     "per_channel_pad_value: 10 per_channel_pad_value: 20 per_channel_pad_value: 30 }"),
    "identity_resizer { }",
    "conditional_shape_resizer { condition: GREATER size_threshold: 23 }",
    "conditional_shape_resizer { condition: SMALLER size_threshold: 22 }",
    "pad_to_multiple_resizer { multiple: 16 }",
};

/* Runs it and compares with floats [height, width, 3] within `bound`. */
static void expect_pixels(const od_preprocess *p, const od_image_view *view, const od_safetensors_entry *expected,
                          int64_t first, float bound, const char *name)
{
    const int64_t *shape = expected->shape + (expected->rank - 3);
    od_preprocess_shape s;
    assert_int_equal(od_preprocess_find_shape(p, view->height, view->width, &s, NULL), OD_OK);
    if (s.height != shape[0] || s.width != shape[1])
        fail_msg("%s: shape %d x %d, expected %d x %d", name, s.height, s.width, (int)shape[0], (int)shape[1]);
    size_t count = (size_t)(shape[0] * shape[1] * 3);
    const float *values = (const float *)expected->data + (size_t)first * count;
    float *out = malloc(count * sizeof *out);
    assert_int_equal(od_preprocess_run(p, view, s.height, s.width, out, NULL), OD_OK);
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(out[i] - values[i]) <= bound))
            fail_msg("%s: [%zu] is %.9g, expected %.9g", name, i, (double)out[i], (double)values[i]);
    free(out);
}

static void test_every_resizer(void **state)
{
    (void)state;
    char path[512];
    od_safetensors *st;
    test_source_path(path, sizeof path, "tests/image/data/resize.safetensors");
    assert_int_equal(od_safetensors_open(&st, path, NULL), OD_OK);
    int cases = 0;
    for (size_t i = 0; i < od_safetensors_count(st); i++) {
        const od_safetensors_entry *e = od_safetensors_at(st, i);
        int n, h, w;
        char key[64];
        if (sscanf(e->name, "resizer/%d,%d,%d", &n, &h, &w) != 3) continue;
        snprintf(key, sizeof key, "image/%d,%d", h, w);
        const od_safetensors_entry *image = od_safetensors_find(st, key);
        snprintf(key, sizeof key, "resizer_shape/%d,%d,%d", n, h, w);
        const int32_t *true_shape = od_safetensors_find(st, key)->data;
        od_config *config = parse_ssd("ssd_mobilenet_v2_keras", resizers[n]);
        od_preprocess p = {0};
        od_preprocess_shape s;
        assert_int_equal(od_preprocess_set_resizer(&p, model_of(config)->ssd->image_resizer, NULL), OD_OK);
        od_image_view view = {.bytes = image->data, .width = w, .height = h, .row_step = 3 * w, .column_step = 3};
        expect_pixels(&p, &view, e, 0, 255e-6f, e->name);
        assert_int_equal(od_preprocess_find_shape(&p, h, w, &s, NULL), OD_OK);
        int padded =
            p.kind == OD_RESIZER_KEEP_ASPECT && p.pad_to_max; /* true_shape then counts the padding's absence */
        if (!padded || s.true_height == true_shape[0]) assert_int_equal(s.true_height, true_shape[0]);
        assert_int_equal(s.true_width, true_shape[1]);
        od_config_free(config);
        cases++;
    }
    assert_int_equal(cases, (int)(sizeof resizers / sizeof *resizers) * 5);
    od_safetensors_close(st);
}

static void check_golden(const char *folder, const char *name)
{
    char path[1024];
    od_config *config;
    od_safetensors *st;
    od_error err = {0};
    od_preprocess p;
    snprintf(path, sizeof path, "%s/%s/pipeline.config", folder, name);
    if (od_config_load(path, &config, &err) != OD_OK) fail_msg("%s", err.message);
    if (od_preprocess_init(&p, model_of(config), &err) != OD_OK) fail_msg("%s: %s", name, err.message);
    snprintf(path, sizeof path, "%s/%s/forward.safetensors", folder, name);
    if (od_safetensors_open(&st, path, &err) != OD_OK) fail_msg("%s", err.message);
    const od_safetensors_entry *image = od_safetensors_find(st, "image"),
                               *expected = od_safetensors_find(st, "preprocessed");
    const od_safetensors_entry *true_shapes = od_safetensors_find(st, "true_image_shapes");
    assert_true(image && expected && true_shapes);
    int h = (int)image->shape[1], w = (int)image->shape[2];
    float largest = 1;
    for (size_t i = 0; i < expected->bytes / 4; i++)
        largest = fmaxf(largest, fabsf(((const float *)expected->data)[i]));
    for (int64_t i = 0; i < expected->shape[0]; i++) {
        od_image_view view = {.bytes = (const uint8_t *)image->data + i * h * w * 3,
                              .width = w,
                              .height = h,
                              .row_step = 3 * w,
                              .column_step = 3};
        expect_pixels(&p, &view, expected, i, 1e-6f * largest, name);
        od_preprocess_shape s;
        assert_int_equal(od_preprocess_find_shape(&p, h, w, &s, NULL), OD_OK);
        const int32_t *true_shape = (const int32_t *)true_shapes->data + i * 3;
        assert_int_equal(s.true_height, true_shape[0]);
        assert_int_equal(s.true_width, true_shape[1]);
    }
    od_safetensors_close(st);
    od_config_free(config);
}

static void test_golden_cases(void **state)
{
    (void)state;
    char folder[512];
    test_need_shared(folder, "golden");
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    int cases = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.' || strchr(e->d_name, '.')) continue;
        check_golden(folder, e->d_name);
        cases++;
    }
    closedir(dir);
    assert_true(cases >= 12);
}

/* CenterNet's means and deviations come before the backbone's own preprocessing, in the order of bgr_ordering. */
static void test_center_net_channel_settings(void **state)
{
    (void)state;
    static const char model[] =
        "model { center_net { feature_extractor { type: \"%s\" channel_means: 10 channel_means: 20 channel_means: 30 "
        "channel_stds: 2 channel_stds: 4 channel_stds: 8 bgr_ordering: true } image_resizer { identity_resizer { } } } "
        "}";
    static const struct {
        const char *type;
        float expected[3];
    } cases[] = {
        {"hourglass_104", {(90 - 10) / 2.f, (60 - 20) / 4.f, (46 - 30) / 8.f}},
        {"resnet_v2_50", {40 / 127.5f - 1, 10 / 127.5f - 1, 2 / 127.5f - 1}},
        {"resnet_v1_50_fpn", {2 - 103.939f, 10 - 116.779f, 40 - 123.68f}},
    };
    const uint8_t pixel[3] = {46, 60, 90};
    for (size_t i = 0; i < 3; i++) {
        char text[1000];
        snprintf(text, sizeof text, model, cases[i].type);
        od_config *config = parse_model(text);
        od_preprocess p;
        float out[3];
        assert_int_equal(od_preprocess_init(&p, model_of(config), NULL), OD_OK);
        od_image_view view = {.bytes = pixel, .width = 1, .height = 1, .row_step = 3, .column_step = 3};
        assert_int_equal(od_preprocess_run(&p, &view, 1, 1, out, NULL), OD_OK);
        for (int c = 0; c < 3; c++) assert_true(fabsf(out[c] - cases[i].expected[c]) < 1e-5f);
        od_config_free(config);
    }
}

static void expect_refusal(const char *text, od_status status, const char *message)
{
    od_config *config = parse_model(text);
    od_preprocess p;
    od_error err = {0};
    assert_int_equal(od_preprocess_init(&p, model_of(config), &err), status);
    if (!strstr(err.message, message)) fail_msg("'%s' doesn't contain '%s'", err.message, message);
    od_config_free(config);
}

/* A grey image's one channel, from which CenterNet's three means make three (core/preprocessor.py rgb_to_gray after resizing and padding). */
static void test_grey(void **state)
{
    (void)state;
    enum { SIDE = 4, WIDTH = 6 };
    static const char format[] = "model { center_net { feature_extractor { type: 'hourglass_20' channel_means: [10, 20, 30] channel_stds: [2, 4, 8] } image_resizer { "
                                 "keep_aspect_ratio_resizer { min_dimension: 4 max_dimension: 6 pad_to_max_dimension: true per_channel_pad_value: [100, 50, 10] %s } } } }";
    float pixels[SIDE * WIDTH * 3], colour[WIDTH * WIDTH * 3], grey[WIDTH * WIDTH * 3];
    for (int i = 0; i < SIDE * WIDTH * 3; i++) pixels[i] = (float)(i * 37 % 256);
    od_image_view view = {.floats = pixels, .width = WIDTH, .height = SIDE, .row_step = 3 * WIDTH, .column_step = 3};
    for (int on = 0; on < 2; on++) {
        char text[600];
        snprintf(text, sizeof text, format, on ? "convert_to_grayscale: true" : "");
        od_config *config = parse_model(text);
        od_preprocess p;
        assert_int_equal(od_preprocess_init(&p, model_of(config), NULL), OD_OK);
        assert_int_equal(od_preprocess_run(&p, &view, WIDTH, WIDTH, on ? grey : colour, NULL), OD_OK);
        od_config_free(config);
    }
    for (int i = 0; i < WIDTH * WIDTH; i++) {
        const float means[3] = {10, 20, 30}, stds[3] = {2, 4, 8}, weights[3] = {.2989f, .587f, .114f};
        float value = 0;
        for (int c = 0; c < 3; c++) value += weights[c] * (colour[3 * i + c] * stds[c] + means[c]);
        for (int c = 0; c < 3; c++) assert_true(fabsf(grey[3 * i + c] - (value - means[c]) / stds[c]) < 1e-3f);
    }
    assert_true(fabsf(grey[3 * WIDTH * SIDE] - (.2989f * 100 + .587f * 50 + .114f * 10 - 10) / 2) < 1e-3f); /* the padding, too */
    expect_refusal("model { center_net { feature_extractor { type: 'hourglass_20' bgr_ordering: true } image_resizer { fixed_shape_resizer { convert_to_grayscale: true } } } }",
                   OD_ERR_CONFIG, "bgr_ordering");
}

#define SSD(resizer) "model { ssd { feature_extractor { type: \"ssd_mobilenet_v2_fpn_keras\" } " resizer " } }"

static void test_refusals(void **state)
{
    (void)state;
    expect_refusal(SSD(""), OD_ERR_CONFIG, "image_resizer");
    expect_refusal(SSD("image_resizer { }"), OD_ERR_CONFIG, "image_resizer");
    expect_refusal(SSD("image_resizer { fixed_shape_resizer { height: 0 width: 10 } }"), OD_ERR_CONFIG, "height is 0");
    expect_refusal(SSD("image_resizer { fixed_shape_resizer { height: 9 width: -1 } }"), OD_ERR_CONFIG, "width is -1");
    expect_refusal("model { ssd { feature_extractor { type: \"ssd_mobilenet_v2_keras\" } image_resizer { fixed_shape_resizer { convert_to_grayscale: true } } } }", OD_ERR_CONFIG,
                   "convert_to_grayscale works with center_net and ssd_mobilenet_v2_fpn_keras only");
    expect_refusal(SSD("image_resizer { keep_aspect_ratio_resizer { min_dimension: 9 max_dimension: 8 } }"),
                   OD_ERR_CONFIG, "larger than");
    expect_refusal(SSD("image_resizer { keep_aspect_ratio_resizer { per_channel_pad_value: 9 } }"), OD_ERR_CONFIG,
                   "expected 3");
    expect_refusal(SSD("image_resizer { pad_to_multiple_resizer { multiple: 0 } }"), OD_ERR_CONFIG, "multiple");
    expect_refusal(SSD("image_resizer { conditional_shape_resizer { condition: INVALID } }"), OD_ERR_CONFIG,
                   "condition");
    expect_refusal(
        "model { ssd { feature_extractor { type: \"ssd_inception_v2\" } image_resizer { identity_resizer { } } } }",
        OD_ERR_UNSUPPORTED, "ssd_inception_v2");
    expect_refusal("model { ssd { image_resizer { identity_resizer { } } } }", OD_ERR_CONFIG, "feature_extractor");
    expect_refusal("model { }", OD_ERR_CONFIG, "feature_extractor");
}

static void test_impossible_sizes(void **state)
{
    (void)state;
    od_preprocess p = {.kind = OD_RESIZER_KEEP_ASPECT, .min_side = 10, .max_side = 20};
    od_preprocess_shape s;
    od_error err = {0};
    assert_int_equal(od_preprocess_find_shape(&p, 1, 100000, &s, &err), OD_ERR_FORMAT); /* height would round to 0 */
    p = (od_preprocess){.kind = OD_RESIZER_PAD_MULTIPLE, .limit = 2000000000};
    assert_int_equal(od_preprocess_find_shape(&p, 3, 3, &s, &err), OD_ERR_FORMAT);
    p = (od_preprocess){.kind = OD_RESIZER_AT_LEAST, .limit = 1000000};
    assert_int_equal(od_preprocess_find_shape(&p, 3, 3, &s, &err), OD_ERR_FORMAT);
    const uint8_t pixel[3] = {0};
    float out[3];
    od_image_view view = {.bytes = pixel, .width = 1, .height = 1, .row_step = 3, .column_step = 3};
    p = (od_preprocess){.kind = OD_RESIZER_FIXED, .height = 4, .width = 4};
    assert_int_equal(od_preprocess_run(&p, &view, 1, 1, out, &err), OD_ERR_ARG);
    int h, w;
    assert_true(od_preprocess_fixed_shape(&p, &h, &w));
    assert_int_equal(h * 10 + w, 44);
    p.kind = OD_RESIZER_IDENTITY;
    assert_false(od_preprocess_fixed_shape(&p, &h, &w));
}

/* More room than needed is padding: in SSD raw 0 after normalising, elsewhere black before it. */
static void test_extra_padding(void **state)
{
    (void)state;
    const uint8_t pixel[3] = {255, 255, 255};
    od_image_view view = {.bytes = pixel, .width = 1, .height = 1, .row_step = 3, .column_step = 3};
    od_preprocess p = {.kind = OD_RESIZER_IDENTITY, .normalize_first = 1};
    od_normalization_add(&p.normalization, OD_NORMALIZE_SUBTRACT, 1, 2, 3);
    float out[2 * 2 * 3];
    for (int first = 0; first < 2; first++) {
        p.normalize_first = first;
        assert_int_equal(od_preprocess_run(&p, &view, 2, 2, out, NULL), OD_OK);
        for (int i = 0; i < 12; i++)
            assert_true(out[i] == (i < 3 ? 255.f : 0.f) - (i < 3 || !first ? (float)(i % 3 + 1) : 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_resizer),
        cmocka_unit_test(test_golden_cases),
        cmocka_unit_test(test_center_net_channel_settings),
        cmocka_unit_test(test_grey),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_impossible_sizes),
        cmocka_unit_test(test_extra_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
