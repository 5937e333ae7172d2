/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_eval.h"

#include "eval/box_match.h"
#include "eval/coco_summarise.h"
#include "eval/id_map.h"
#include "util/alloc.h"

#include <omp.h>

int od_eval_threads(int requested)
{
    return requested > 0 ? requested : omp_get_max_threads();
}

/* The masks where they decide; else NULL: the boxes do. */
static const od_coco_masks *deciding_masks(const od_coco_eval *e)
{
    return e->by_masks ? e->masks : NULL;
}

static od_status build_curves(od_coco_eval *e, int threads, od_error *err)
{
    size_t k_count = e->num_classes;
    e->curves = od_calloc(k_count, sizeof *e->curves);
    if (!e->curves) return od_error_nomem(err, "the precision-recall curves");
    od_status status = OD_OK;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (size_t k = 0; k < k_count; k++) {
        od_error local = {0};
        od_status s = od_coco_curves_build(&e->curves[k], k, OD_COCO_TOP, &e->groups, &e->matches, e->dets, e->truths,
                                           deciding_masks(e), &local);
        if (s != OD_OK) {
#pragma omp critical(od_eval_curves_failed)
            status = od_error_set(err, s, "%s", local.message);
        }
    }
    return status;
}

/* Returns 0 when out of memory. */
static int accumulate_all(od_coco_eval *e, int threads)
{
    int failed = 0; /* in each thread its own, joined at the end */
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        od_coco_accumulator acc = {0};
        failed = od_coco_accumulator_init(&acc, e->curves, e->num_classes, NULL) != OD_OK;
#pragma omp for schedule(dynamic, 1)
        for (size_t k = 0; k < e->num_classes; k++)
            if (!failed) od_coco_accumulate(&e->curves[k], &acc, &e->results[k]);
        od_coco_accumulator_deinit(&acc);
    }
    return !failed;
}

static od_status accumulate(od_coco_eval *e, int threads, od_error *err)
{
    e->results = od_malloc(e->num_classes, sizeof *e->results);
    return e->results && accumulate_all(e, threads) ? OD_OK : od_error_nomem(err, "the accumulation of precision and recall");
}

static od_status summarise(od_coco_eval *e, od_error *err)
{
    double *scratch = od_malloc(e->num_classes, sizeof(double) * OD_COCO_T * OD_COCO_R);
    e->class_stats = od_malloc(e->num_classes, sizeof *e->class_stats);
    e->class_rank = od_malloc(e->num_classes, sizeof *e->class_rank);
    int ok = scratch && e->class_stats && e->class_rank;
    if (ok) {
        od_coco_summarise(e->results, e->num_classes, scratch, e->stats);
        for (size_t k = 0; k < e->num_classes; k++) {
            e->class_rank[e->groups.class_order[k]] = (int32_t)k;
            od_coco_summarise(&e->results[k], 1, scratch, e->class_stats[e->groups.class_order[k]]);
        }
    }
    od_free(scratch);
    return ok ? OD_OK : od_error_nomem(err, "the summary");
}

static void clear_results(od_coco_eval *e)
{
    for (size_t k = 0; e->curves && k < e->num_classes; k++) od_coco_curves_deinit(&e->curves[k]);
    od_free(e->curves);
    od_free(e->results);
    od_free(e->class_stats);
    od_free(e->class_rank);
    e->curves = NULL;
    e->results = NULL;
    e->class_stats = NULL;
    e->class_rank = NULL;
    od_box_cache_clear(e->box_cache);
    od_coco_matches_deinit(&e->matches);
    od_coco_groups_deinit(&e->groups);
}

/* Counts are kept in 31 bits; an image has at most 100 detections of a class. */
static od_status check_sizes(const od_coco_eval *e, od_error *err)
{
    if (e->num_images < INT32_MAX / OD_COCO_TOP && e->num_dets < INT32_MAX && e->num_truths < INT32_MAX &&
        e->num_classes < INT32_MAX)
        return OD_OK;
    return od_error_set(err, OD_ERR_UNSUPPORTED,
                        "%zu images, %zu ground-truth boxes and %zu detections are more than can be evaluated at once",
                        e->num_images, e->num_truths, e->num_dets);
}

od_status od_coco_eval_run(od_coco_eval *e, int num_threads, od_error *err)
{
    int threads = od_eval_threads(num_threads);
    clear_results(e);
    od_status status;
    OD_TRY_GOTO(check_sizes(e, err));
    OD_TRY_GOTO(od_coco_masks_check(deciding_masks(e), e->num_truths, e->num_dets, err));
    OD_TRY_GOTO(od_coco_groups_build(&e->groups, e->images, e->num_images, e->classes, e->num_classes, e->truths,
                                     e->num_truths, e->dets, e->num_dets, err));
    OD_TRY_GOTO(od_coco_match(&e->matches, &e->groups, e->dets, e->truths, deciding_masks(e), e->keypoints, threads, err));
    OD_TRY_GOTO(build_curves(e, threads, err));
    OD_TRY_GOTO(accumulate(e, threads, err));
    OD_TRY_GOTO(summarise(e, err));
done:
    if (status != OD_OK) clear_results(e);
    return status;
}

const double *od_coco_eval_stats(const od_coco_eval *e)
{
    return e->class_rank ? e->stats : NULL;
}

const double *od_coco_eval_class_stats(const od_coco_eval *e, int64_t class_index)
{
    if (!e->class_rank || class_index < 0 || (size_t)class_index >= e->num_classes) return NULL;
    return e->class_stats[class_index];
}

od_status od_coco_eval_create(od_coco_eval **out, od_error *err)
{
    od_coco_eval *e = od_calloc(1, sizeof *e);
    if (!e) return od_error_nomem(err, "the evaluator");
    e->image_ids = od_id_map_create(0);
    e->class_ids = od_id_map_create(0);
    e->box_cache = od_box_cache_create();
    if (!e->image_ids || !e->class_ids || !e->box_cache) {
        od_coco_eval_free(e);
        return od_error_nomem(err, "the evaluator");
    }
    *out = e;
    return OD_OK;
}

void od_coco_eval_free(od_coco_eval *e)
{
    if (!e) return;
    clear_results(e);
    for (size_t i = 0; i < e->num_images; i++) {
        od_free(e->images[i].text_id);
        od_free(e->images[i].name);
        od_free(e->images[i].group);
    }
    for (size_t i = 0; i < e->num_classes; i++) od_free(e->classes[i].name);
    od_id_map_free(e->image_ids);
    od_id_map_free(e->class_ids);
    od_box_cache_free(e->box_cache);
    od_free(e->images);
    od_free(e->classes);
    od_free(e->truths);
    od_free(e->dets);
    od_coco_masks_free(e->masks);
    od_free(e);
}

void od_coco_eval_clear_detections(od_coco_eval *e)
{
    clear_results(e);
    od_coco_masks_clear_dets(e->masks);
    e->num_dets = 0;
}
