/* SPDX-License-Identifier: Apache-2.0
 *
 * Detections' masks in pictures and results: a mask of one half of its box, pasted, drawn and written.
 */
#include "detection/mask_paste.h"
#include "eval/coco_eval.h"
#include "image/draw.h"
#include "test_support.h"
#include "train/detection_masks.h"
#include "train/detections_file.h"
#include "train/mask_metrics.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

enum { HEIGHT = 40, WIDTH = 60, CELLS = 8 };

/* Two detections of one image: the left half of a box, and all of another that covers it. */
static od_detections make(void)
{
    od_detections d = {0};
    assert_int_equal(od_detections_reset(&d, 1, 3, NULL), OD_OK);
    assert_null(d.masks);
    assert_int_equal(od_detections_add_masks(&d, CELLS, CELLS, NULL), OD_OK);
    memcpy(d.boxes, (float[]){.25f, .25f, .75f, .75f, 0, 0, 1, 1}, 8 * sizeof(float));
    memcpy(d.scores, (float[]){.9f, .6f}, 2 * sizeof(float));
    memcpy(d.classes, (int32_t[]){1, 4}, 2 * sizeof(int32_t));
    d.count[0] = 2;
    for (int i = 0; i < CELLS * CELLS; i++) {
        d.masks[i] = i % CELLS < CELLS / 2 ? 1 : 0;
        d.masks[CELLS * CELLS + i] = .8f;
    }
    return d;
}

static void test_rle(void **state)
{
    (void)state;
    od_detections d = make();
    od_mask *mask;
    int32_t bounds[4];
    assert_int_equal(od_detection_mask(&mask, &d, 0, 0, HEIGHT, WIDTH, NULL), OD_OK);
    od_mask_bounds(mask, bounds);
    assert_int_equal(bounds[0], 10);
    assert_int_equal(bounds[1], 15);
    assert_in_range(bounds[2], 19, 20);
    assert_in_range(bounds[3], 14, 15);
    assert_int_equal(od_mask_area(mask), (int64_t)bounds[2] * bounds[3]);
    od_strbuf json = {0};
    assert_int_equal(od_json_append_detection_mask(&json, &d, 0, 0, HEIGHT, WIDTH, NULL), OD_OK);
    static const char start[] = ",\"segmentation\":";
    assert_memory_equal(json.data, start, sizeof start - 1);
    od_mask *back;
    assert_int_equal(od_mask_from_json(&back, HEIGHT, WIDTH, json.data + sizeof start - 1, json.size - (sizeof start - 1), NULL), OD_OK);
    assert_int_equal(back->count, mask->count);
    assert_memory_equal(back->runs, mask->runs, mask->count * sizeof *mask->runs);
    od_free(mask);
    od_free(back);
    od_strbuf_deinit(&json);
    od_detections_deinit(&d);
}

static int is_color(const od_image *image, int y, int x, int class_index)
{
    const uint8_t *p = image->pixels + 3 * (y * image->width + x);
    return (uint32_t)(p[0] << 16 | p[1] << 8 | p[2]) == od_draw_color(class_index);
}

/* The better one lies above; outlines have the class's colour, insides a part of it, and what scores less stays out. */
static void test_drawing(void **state)
{
    (void)state;
    od_detections d = make();
    od_image image;
    assert_int_equal(od_image_init(&image, WIDTH, HEIGHT, NULL), OD_OK);
    memset(image.pixels, 0, HEIGHT * WIDTH * 3);
    assert_int_equal(od_detections_draw_masks(&image, &d, 0, .7, NULL, 10, NULL), OD_OK);
    assert_true(is_color(&image, 20, 15, 1));
    const uint8_t *inside = image.pixels + 3 * (20 * WIDTH + 20);
    assert_in_range(inside[0], 90, 115); /* 105/256 of 0xff */
    for (int c = 0; c < 3; c++) assert_int_equal(image.pixels[c], 0);
    for (int c = 0; c < 3; c++) assert_int_equal(image.pixels[3 * (20 * WIDTH + 40) + c], 0);
    assert_int_equal(od_detections_draw_masks(&image, &d, 0, .5, NULL, 10, NULL), OD_OK);
    assert_true(is_color(&image, 0, 0, 4));
    assert_true(is_color(&image, 20, 15, 1));
    od_image_deinit(&image);
    od_detections_deinit(&d);
}

static void test_objects(void **state)
{
    (void)state;
    od_mask *mask;
    od_image image;
    uint8_t bits[4] = {0, 1, 0, 0}; /* stretched to the picture: its upper right quarter */
    assert_int_equal(od_mask_from_pixels(&mask, 2, 2, bits, 2, 1, NULL), OD_OK);
    assert_int_equal(od_image_init(&image, WIDTH, HEIGHT, NULL), OD_OK);
    memset(image.pixels, 0, HEIGHT * WIDTH * 3);
    const od_object objects[2] = {{.label = 3, .mask = mask}, {.label = 1}};
    assert_int_equal(od_objects_draw_masks(&image, objects, 2, NULL), OD_OK);
    int drawn = 0;
    for (int i = 0; i < HEIGHT * WIDTH; i++) drawn += image.pixels[3 * i] || image.pixels[3 * i + 1] || image.pixels[3 * i + 2];
    assert_int_equal(drawn, HEIGHT * WIDTH / 4);
    assert_true(is_color(&image, 0, WIDTH - 1, 2));
    od_free(mask);
    od_image_deinit(&image);
}

/* Objects that look just like the detections: all found. Then one of them with another mask in the same box. */
static void test_metrics(void **state)
{
    (void)state;
    od_detections d = make();
    for (int same = 1; same >= 0; same--) {
        od_coco_eval *e;
        od_mask *masks[2];
        od_object objects[2] = {{.label = 2, .weight = 1}, {.label = 5, .weight = 1}};
        for (int i = 0; i < 2; i++) {
            memcpy(objects[i].box, d.boxes + 4 * i, sizeof objects[i].box);
            assert_int_equal(od_detection_mask(&masks[i], &d, 0, i, HEIGHT, WIDTH, NULL), OD_OK);
            objects[i].mask = masks[i];
        }
        if (!same) objects[0].mask = NULL; /* empty */
        const od_batch_item item = {.example = {.width = WIDTH, .height = HEIGHT, .filename = (char *)"a"}, .objects = objects, .object_count = 2};
        assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
        assert_int_equal(od_coco_eval_use_masks(e, NULL), OD_OK);
        for (int id = 1; id <= 5; id++) assert_int_equal(od_coco_eval_add_class(e, id, NULL, NULL), OD_OK);
        assert_int_equal(od_mask_metrics_add(e, 1, &item, 2, &d, 0, NULL), OD_OK);
        assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
        assert_true(fabs(od_coco_eval_class_stats(e, 1)[OD_COCO_AP] - same) < 1e-9);
        assert_true(fabs(od_coco_eval_class_stats(e, 4)[OD_COCO_AP] - 1) < 1e-9);
        assert_string_equal(od_coco_stat_mask_tag(OD_COCO_AP_SMALL), "DetectionMasks_Precision/mAP (small)");
        od_coco_eval_free(e);
        for (int i = 0; i < 2; i++) od_free(masks[i]);
    }
    od_detections_deinit(&d);
}

/* A model without a mask head can't be evaluated by masks. */
static void test_no_mask_head(void **state)
{
    (void)state;
    od_detections d = {0};
    od_coco_eval *e;
    od_error err = {0};
    const od_batch_item item = {.example = {.width = WIDTH, .height = HEIGHT}};
    assert_int_equal(od_detections_reset(&d, 1, 3, NULL), OD_OK);
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    assert_int_equal(od_mask_metrics_add(e, 1, &item, 0, &d, 0, &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "the model has no masks"));
    od_coco_eval_free(e);
    od_detections_deinit(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rle),
        cmocka_unit_test(test_drawing),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_no_mask_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
