/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluation by masks: pycocotools' twelve numbers on its own problems (data/masks by tests/oracle/coco_masks.py), from files and from
 * memory; what files may get wrong.
 */
#include "eval/coco_eval.h"
#include "objdet/bootstrap.h"
#include "objdet/localisation.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <string.h>

static const od_coco_load_options by_masks = {.iou_type = OD_COCO_SEGM};

static void data_path(char out[512], const char *what, int i, const char *ending)
{
    char name[100];
    snprintf(name, sizeof name, "tests/eval/data/masks/%s%d.%s", what, i, ending);
    test_source_path(out, 512, name);
}

static od_coco_eval *load(int i)
{
    char gt[512], dt[512];
    od_coco_eval *e;
    od_error err = {0};
    data_path(gt, "gt", i, "json");
    data_path(dt, "dt", i, "json");
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    if (od_coco_eval_load_truth(e, gt, &by_masks, &err) != OD_OK || od_coco_eval_load_detections(e, dt, &by_masks, &err) != OD_OK) fail_msg("%s", err.message);
    return e;
}

static void expect_stats(const od_coco_eval *e, int i)
{
    char path[512];
    data_path(path, "stats", i, "txt");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int k = 0; k < OD_COCO_NUM_STATS; k++) {
        double want;
        assert_int_equal(fscanf(f, "%lf", &want), 1);
        if (!(fabs(od_coco_eval_stats(e)[k] - want) <= 1e-15)) fail_msg("problem %d, %s: %.17g, expected %.17g", i, od_coco_stat_name((od_coco_stat)k), od_coco_eval_stats(e)[k], want);
    }
    fclose(f);
}

static void test_pycocotools(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        od_coco_eval *e = load(i);
        for (int threads = 1; threads <= 3; threads += 2) {
            assert_int_equal(od_coco_eval_run(e, threads, NULL), OD_OK);
            expect_stats(e, i);
        }
        od_bootstrap_options o = od_bootstrap_options_default();
        od_bootstrap *b;
        o.num_resamples = 50;
        assert_int_equal(od_bootstrap_run(&b, e, &o, NULL), OD_OK);
        assert_true(od_bootstrap_stat(b, OD_COCO_AP).value == od_coco_eval_stats(e)[OD_COCO_AP]); /* intervals are the masks' */
        od_bootstrap_free(b);
        od_coco_eval_free(e);
    }
}

/* The same from memory. */
static void test_in_memory(void **state)
{
    (void)state;
    od_coco_eval *from = load(0), *e;
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    assert_int_equal(od_coco_eval_use_masks(e, NULL), OD_OK);
    for (size_t k = 0; k < from->num_classes; k++) assert_int_equal(od_coco_eval_add_class(e, from->classes[k].id, from->classes[k].name, NULL), OD_OK);
    for (size_t k = 0; k < from->num_images; k++) assert_int_equal(od_coco_eval_add_image(e, from->images[k].id, NULL, NULL, NULL), OD_OK);
    for (size_t k = 0; k < from->num_truths; k++) {
        const od_coco_truth *t = &from->truths[k];
        od_mask *mask;
        assert_int_equal(od_coco_eval_add_truth(e, t->image, t->class_index, (double[]){0, 0, 1, 1}, t->area, t->crowd, NULL), OD_OK);
        assert_int_equal(od_mask_copy(&mask, from->masks->truths[k], NULL), OD_OK);
        assert_int_equal(od_coco_masks_give_truth(e->masks, mask, NULL), OD_OK);
    }
    for (size_t k = 0; k < from->num_dets; k++) {
        const od_coco_det *d = &from->dets[k];
        od_mask *mask;
        assert_int_equal(od_coco_eval_add_detection(e, d->image, d->class_index, (double[]){0, 0, 1, 1}, d->score, NULL), OD_OK);
        if (k + 1 == from->num_dets) assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_ERR_ARG); /* a mask short */
        assert_int_equal(od_mask_copy(&mask, from->masks->dets[k], NULL), OD_OK);
        assert_int_equal(od_coco_masks_give_det(e->masks, mask, -1, NULL), OD_OK);
    }
    assert_int_equal(od_coco_eval_run(e, 2, NULL), OD_OK);
    expect_stats(e, 0);
    od_coco_eval_clear_detections(e);
    assert_int_equal(od_coco_eval_run(e, 2, NULL), OD_OK);
    assert_true(od_coco_eval_stats(e)[OD_COCO_AR100] == 0);
    od_coco_eval_free(e);
    od_coco_eval_free(from);
}

static void test_boxes_alone_are_refused(void **state)
{
    (void)state;
    od_coco_eval *e = load(0);
    od_error err = {0};
    od_localisation_options o = od_localisation_options_default();
    assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
    assert_int_equal(od_coco_eval_write_details(e, &o, "/nowhere/details.json", &err), OD_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "the evaluation is by masks"));
    od_coco_eval_free(e);
}

/* Kept beside boxes: the numbers are the boxes', masks that aren't there or make no sense are simply none. */
static void test_kept_for_pictures(void **state)
{
    (void)state;
    static const od_coco_load_options boxes = {0}, kept = {.keep_masks = 1};
    char gt[512], dt[512];
    double stats[2][OD_COCO_NUM_STATS];
    data_path(gt, "gt", 1, "json");
    data_path(dt, "dt", 1, "json");
    for (int i = 0; i < 2; i++) {
        od_coco_eval *e;
        size_t without = 0;
        assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
        assert_int_equal(od_coco_eval_load_truth(e, gt, i ? &kept : &boxes, NULL), OD_OK);
        assert_int_equal(od_coco_eval_load_detections(e, dt, i ? &kept : &boxes, NULL), OD_OK);
        assert_int_equal(od_coco_eval_run(e, 2, NULL), OD_OK);
        memcpy(stats[i], od_coco_eval_stats(e), sizeof stats[i]);
        if (!i) assert_null(e->masks);
        if (i) {
            assert_int_equal(e->masks->num_truths, e->num_truths);
            assert_int_equal(e->masks->num_dets, e->num_dets);
            for (size_t k = 0; k < e->num_dets; k++) without += !e->masks->dets[k];
            assert_in_range(without, 1, 12); /* problem 1 has some detections with a box alone */
            od_localisation_options o = od_localisation_options_default();
            char path[512];
            test_tmp_path(path, sizeof path, "details.json");
            assert_int_equal(od_coco_eval_write_details(e, &o, path, NULL), OD_OK); /* explains boxes as ever */
        }
        od_coco_eval_free(e);
    }
    assert_memory_equal(stats[0], stats[1], sizeof stats[0]);
}

static const char gt_text[] = "{\"images\":[{\"id\":1,\"file_name\":\"a\",\"height\":4,\"width\":5}],\"categories\":[{\"id\":1,\"name\":\"x\"}],\n"
                              "\"annotations\":[{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,2,2],\"area\":4,\"iscrowd\":0,%s}]}";
static const char dt_text[] = "[{\"image_id\":1,\"category_id\":1,\"score\":0.5%s}]";

/* Loads both texts; the message of the first error, or "". */
static const char *try_texts(const char *gt_part, const char *dt_part, od_error *err)
{
    char gt[512], dt[512], text[2000];
    od_coco_eval *e;
    test_tmp_path(gt, sizeof gt, "gt.json");
    test_tmp_path(dt, sizeof dt, "dt.json");
    snprintf(text, sizeof text, gt_text, gt_part);
    assert_int_equal(od_file_write_all(gt, text, strlen(text), NULL), OD_OK);
    snprintf(text, sizeof text, dt_text, dt_part);
    assert_int_equal(od_file_write_all(dt, text, strlen(text), NULL), OD_OK);
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    err->message[0] = 0;
    if (od_coco_eval_load_truth(e, gt, &by_masks, err) == OD_OK) od_coco_eval_load_detections(e, dt, &by_masks, err);
    od_coco_eval_free(e);
    return err->message;
}

static void test_bad_files(void **state)
{
    (void)state;
    static const char good_gt[] = "\"segmentation\":[[0,0,2,0,2,2,0,2]]", good_dt[] = ",\"segmentation\":{\"size\":[4,5],\"counts\":[0,2,2,2,14]}";
    static const struct { const char *gt, *dt, *message; } cases[] = {
        {good_gt, good_dt, ""},
        {good_gt, ",\"bbox\":[],\"segmentation\":[[0,0,2,0,2,2,0,2]]", ""},
        {good_gt, ",\"bbox\":[0,0,2,2]", ""},
        {"\"x\":1", good_dt, "gt.json: annotation 0 has no segmentation; --iou_type=segm needs one of each"},
        {"\"segmentation\":[]", good_dt, "gt.json: annotation 0: its segmentation is empty"},
        {"\"segmentation\":[[0,0,2]]", good_dt, "gt.json: annotation 0: segmentation: polygon 1 has 3 numbers"},
        {good_gt, "", "dt.json: detection 0 (counted from 0; byte 43): has neither segmentation nor bbox"},
        {good_gt, ",\"segmentation\":{\"size\":[5,4],\"counts\":[20]}", "dt.json: detection 0: segmentation: its size is 4 x 5 (width x height), the image's 5 x 4"},
        {good_gt, ",\"segmentation\":{\"size\":[4,5],\"counts\":\"~\"}", "dt.json: detection 0: character 1 of the run lengths"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        od_error err = {0};
        const char *message = try_texts(cases[i].gt, cases[i].dt, &err), *part = cases[i].message;
        if (part[0] ? !strstr(message, part) : message[0]) fail_msg("%s, %s: \"%s\", expected \"%s\"", cases[i].gt, cases[i].dt, message, part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pycocotools),
        cmocka_unit_test(test_in_memory),
        cmocka_unit_test(test_boxes_alone_are_refused),
        cmocka_unit_test(test_kept_for_pictures),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
