/* SPDX-License-Identifier: Apache-2.0
 *
 * What was evaluated, and the curves as arrays.
 */
#include "eval/coco_eval.h"
#include "util/alloc.h"
#include "util/error.h"

#include <string.h>

static void count_truth(const od_coco_truth *t, od_coco_counts *out)
{
    unsigned bits = t->crowd ? 0 : od_coco_area_bits(t->area);
    out->crowds += t->crowd;
    for (int a = 0; a < OD_COCO_A; a++) out->truths[a] += bits >> a & 1;
}

static void count_group(const od_coco_group *g, od_coco_counts *out)
{
    if (g->num_dets > OD_COCO_TOP) out->detections_beyond_limit += g->num_dets - OD_COCO_TOP;
}

/* Sets seen[i] for the images and classes that have ground truth; returns how many lack it. */
static int64_t count_unseen(const uint8_t *seen, size_t n)
{
    int64_t unseen = 0;
    for (size_t i = 0; i < n; i++) unseen += !seen[i];
    return unseen;
}

void od_coco_eval_counts(const od_coco_eval *e, od_coco_counts *out)
{
    *out = (od_coco_counts){.images = (int64_t)e->num_images,
                            .classes = (int64_t)e->num_classes,
                            .detections = (int64_t)e->num_dets};
    uint8_t *images = od_calloc(e->num_images, 1), *classes = od_calloc(e->num_classes, 1);
    for (size_t i = 0; i < e->num_truths; i++) {
        count_truth(&e->truths[i], out);
        if (images) images[e->truths[i].image] = 1;
        if (classes && !e->truths[i].crowd) classes[e->truths[i].class_index] = 1;
    }
    out->images_without_truth = images ? count_unseen(images, e->num_images) : -1;
    out->classes_without_truth = classes ? count_unseen(classes, e->num_classes) : -1;
    for (size_t i = 0; i < e->groups.num_groups; i++) count_group(&e->groups.groups[i], out);
    od_free(images);
    od_free(classes);
}

/* From the groups of a run: of many classes, looking through all boxes for each would take longer than the evaluation. */
static void count_class_groups(const od_coco_eval *e, size_t rank, od_coco_counts *out)
{
    for (size_t i = e->groups.class_begin[rank]; i < e->groups.class_begin[rank + 1]; i++) {
        const od_coco_group *g = &e->groups.groups[i];
        for (uint32_t t = 0; t < g->num_truths; t++) count_truth(&e->truths[e->groups.truths[g->truth + t]], out);
        out->detections += g->num_dets;
        count_group(g, out);
    }
}

void od_coco_eval_class_counts(const od_coco_eval *e, int64_t class_index, od_coco_counts *out)
{
    *out = (od_coco_counts){.images = (int64_t)e->num_images, .classes = 1};
    if (e->class_rank) {
        count_class_groups(e, (size_t)e->class_rank[class_index], out);
    } else {
        for (size_t i = 0; i < e->num_truths; i++)
            if (e->truths[i].class_index == class_index) count_truth(&e->truths[i], out);
        for (size_t i = 0; i < e->num_dets; i++) out->detections += e->dets[i].class_index == class_index;
    }
    out->classes_without_truth = out->truths[0] == 0;
}

int64_t od_coco_eval_num_classes(const od_coco_eval *e)
{
    return (int64_t)e->num_classes;
}

int64_t od_coco_eval_class_id(const od_coco_eval *e, int64_t class_index)
{
    return e->classes[class_index].id;
}

const char *od_coco_eval_class_name(const od_coco_eval *e, int64_t class_index)
{
    const char *name = e->classes[class_index].name;
    return name ? name : "";
}

typedef struct arrays {
    double *precision, *scores, *recall;
} arrays;

/* Spreads one class and limit into [T, R, K, A, M]; pycocotools has -1 where the class has neither ground truth nor
 * detections, and where nothing counts. */
static void spread(const od_coco_eval *e, size_t k, int m, const od_coco_class_result *result,
                   double (*scores)[OD_COCO_T][OD_COCO_R], const arrays *out)
{
    size_t k_count = e->num_classes;
    for (size_t t = 0; t < OD_COCO_T; t++) {
        for (size_t a = 0; a < OD_COCO_A; a++) {
            if (out->recall) out->recall[((t * k_count + k) * OD_COCO_A + a) * OD_COCO_M + (size_t)m] = result->recall[2][a][t];
            for (size_t r = 0; r < OD_COCO_R; r++) {
                size_t at = (((t * OD_COCO_R + r) * k_count + k) * OD_COCO_A + a) * OD_COCO_M + (size_t)m;
                if (out->precision) out->precision[at] = result->precision[a][t][r];
                if (out->scores) out->scores[at] = scores[a][t][r];
            }
        }
    }
}

static od_status spread_class(const od_coco_eval *e, size_t k, int m, od_coco_class_result *result, double (*scores)[OD_COCO_T][OD_COCO_R], const arrays *out, od_error *err)
{
    od_coco_curves curves = {0};
    od_coco_accumulator acc = {0};
    od_status status;
    OD_TRY_GOTO(od_coco_curves_build(&curves, k, od_coco_max_dets[m], &e->groups, &e->matches, e->dets, e->truths, e->by_masks ? e->masks : NULL, err));
    OD_TRY_GOTO(od_coco_accumulator_init(&acc, &curves, 1, err));
    od_coco_accumulate(&curves, &acc, result);
    od_coco_accumulate_scores(&curves, e->dets, scores);
    spread(e, k, m, result, scores, out);
done:
    od_coco_accumulator_deinit(&acc);
    od_coco_curves_deinit(&curves);
    return status;
}

od_status od_coco_eval_arrays(od_coco_eval *e, double *precision, double *scores, double *recall, od_error *err)
{
    if (!e->class_rank) return od_error_set(err, OD_ERR_ARG, "the evaluation has not been run");
    arrays out = {precision, scores, recall};
    od_coco_class_result *result = od_malloc(1, sizeof *result);
    double(*class_scores)[OD_COCO_T][OD_COCO_R] = od_malloc(OD_COCO_A, sizeof *class_scores);
    od_status status = result && class_scores ? OD_OK : od_error_nomem(err, "the curves");
    for (size_t k = 0; status == OD_OK && k < e->num_classes; k++)
        for (int m = 0; status == OD_OK && m < OD_COCO_M; m++)
            status = spread_class(e, k, m, result, class_scores, &out, err);
    od_free(result);
    od_free(class_scores);
    return status;
}
