/* SPDX-License-Identifier: Apache-2.0
 *
 * Masks on the report's pictures: what is drawn of which image, and which results have any.
 */
#include "image/draw.h"
#include "report/mask_overlay.h"
#include "test_support.h"
#include "util/file.h"

#include <string.h>

static const char truth[] = "{\"images\":[{\"id\":1,\"file_name\":\"a\",\"height\":20,\"width\":30},{\"id\":2,\"file_name\":\"b\",\"height\":20,\"width\":30}],\n"
                            "\"categories\":[{\"id\":1,\"name\":\"x\"},{\"id\":2,\"name\":\"y\"}],\"annotations\":[{\"id\":1,\"image_id\":1,\"category_id\":1,\n"
                            "\"bbox\":[2,2,8,8],\"area\":64,\"iscrowd\":0,\"segmentation\":[[2,2,10,2,10,10,2,10]]}]}";
static const char results[] = "[{\"image_id\":1,\"category_id\":2,\"bbox\":[15,5,10,10],\"score\":0.8,\"segmentation\":[[15,5,25,5,25,15,15,15]]},\n"
                              "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,15,5,5],\"score\":0.3,\"segmentation\":[[0,15,5,15,5,20,0,20]]},\n"
                              "{\"image_id\":2,\"category_id\":1,\"bbox\":[0,15,5,5],\"score\":0.9,\"segmentation\":\"odd\"}]";

static void put(char path[512], const char *name, const char *text)
{
    test_tmp_path(path, 512, name);
    assert_int_equal(od_file_write_all(path, text, strlen(text), NULL), OD_OK);
}

static uint32_t pixel(const od_image *image, int y, int x)
{
    const uint8_t *p = image->pixels + 3 * (y * image->width + x);
    return (uint32_t)(p[0] << 16 | p[1] << 8 | p[2]);
}

static void test_drawing(void **state)
{
    (void)state;
    static const od_coco_load_options kept = {.keep_masks = 1};
    char gt[512], dt[512];
    od_coco_eval *e;
    od_image image;
    put(gt, "gt.json", truth);
    put(dt, "dt.json", results);
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    assert_int_equal(od_coco_eval_load_truth(e, gt, &kept, NULL), OD_OK);
    assert_int_equal(od_coco_eval_load_detections(e, dt, &kept, NULL), OD_OK);
    assert_int_equal(od_image_init(&image, 30, 20, NULL), OD_OK);
    memset(image.pixels, 0, 30 * 20 * 3);
    assert_int_equal(od_mask_overlay_draw(e, 1, .5, &image, NULL), OD_OK);
    for (int i = 0; i < 30 * 20 * 3; i++) assert_int_equal(image.pixels[i], 0); /* nothing well-formed in image 2 */
    assert_int_equal(od_mask_overlay_draw(e, 0, .5, &image, NULL), OD_OK);
    assert_int_equal(pixel(&image, 2, 5), 0xffffff); /* ground truth: an outline */
    assert_int_equal(pixel(&image, 5, 5), 0);
    assert_int_equal(pixel(&image, 5, 20), od_draw_color(1)); /* a detection: outline and veil */
    assert_true(pixel(&image, 10, 20) != 0 && pixel(&image, 10, 20) != od_draw_color(1));
    assert_int_equal(pixel(&image, 17, 2), 0); /* scores too little */
    od_image_deinit(&image);
    assert_int_equal(od_image_init(&image, 31, 20, NULL), OD_OK);
    memset(image.pixels, 0, 31 * 20 * 3);
    assert_int_equal(od_mask_overlay_draw(e, 0, .5, &image, NULL), OD_OK);
    for (int i = 0; i < 31 * 20 * 3; i++) assert_int_equal(image.pixels[i], 0); /* another picture's size */
    od_image_deinit(&image);
    od_coco_eval_free(e);
}

static void test_wanted(void **state)
{
    (void)state;
    char path[512];
    put(path, "masks.json", results);
    assert_true(od_mask_overlay_wanted(path));
    put(path, "boxes.json", "[{\"image_id\":1,\"category_id\":2,\"bbox\":[15,5,10,10],\"score\":0.8}]");
    assert_false(od_mask_overlay_wanted(path));
    assert_false(od_mask_overlay_wanted("/nowhere/at/all.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drawing),
        cmocka_unit_test(test_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
