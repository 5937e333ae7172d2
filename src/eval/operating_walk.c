/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/operating_walk.h"

#include "eval/image_kinds.h"
#include "eval/localisation_options.h"
#include "eval/score_sort.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>

static od_status build_boxes(od_cases *c, const od_coco_eval *e, int64_t class_index, const od_localisation_options *o,
                             od_error *err)
{
    od_box_list list = {0};
    OD_TRY(od_localisation_list(e, class_index, o, &list, err));
    c->items = od_malloc(list.count, sizeof *c->items);
    od_status status = c->items ? OD_OK : od_error_nomem(err, "the operating curve");
    for (size_t i = 0; status == OD_OK && i < list.count; i++) {
        const od_box_item *b = &list.items[i];
        if (b->verdict == OD_VERDICT_IGNORED || (b->verdict == OD_VERDICT_DUPLICATE && o->ignore_duplicates)) continue;
        c->items[c->count++] = (od_scored_case){b->score, b->image, b->verdict == OD_VERDICT_TRUE};
    }
    c->positives = list.truth_image;
    c->num_positives = list.num_truths;
    list.truth_image = NULL;
    od_box_list_deinit(&list);
    return status;
}

static void highest_scores(const od_coco_eval *e, int64_t class_index, od_scored *images)
{
    for (size_t i = 0; i < e->num_images; i++) images[i] = (od_scored){-INFINITY, (uint32_t)i};
    for (size_t i = 0; i < e->num_dets; i++) {
        const od_coco_det *d = &e->dets[i];
        if ((class_index < 0 || d->class_index == class_index) && d->score > images[d->image].score)
            images[d->image].score = d->score;
    }
}

static od_status build_images(od_cases *c, const od_coco_eval *e, int64_t class_index, od_error *err)
{
    size_t n = e->num_images;
    uint8_t *kinds = od_malloc(n, 1);
    od_scored *order = od_malloc(n, sizeof *order), *scratch = od_malloc(n, sizeof *scratch);
    c->items = od_malloc(n, sizeof *c->items);
    c->positives = od_malloc(n, sizeof *c->positives);
    int ok = kinds && order && scratch && c->items && c->positives;
    if (ok) {
        od_image_kinds_fill(e, class_index, kinds);
        highest_scores(e, class_index, order);
        od_score_sort(order, scratch, n);
        for (size_t i = 0; i < n; i++) {
            uint32_t image = order[i].index;
            int positive = kinds[image] == OD_IMAGES_WITH;
            c->items[c->count++] = (od_scored_case){order[i].score, image, (uint8_t)positive};
            if (positive) c->positives[c->num_positives++] = image;
        }
    }
    od_free(kinds);
    od_free(order);
    od_free(scratch);
    return ok ? OD_OK : od_error_nomem(err, "the operating curve");
}

od_status od_cases_build(od_cases *out, const od_coco_eval *e, int64_t class_index, od_level level,
                         const od_localisation_options *o, od_error *err)
{
    od_cases c = {.level = level, .num_images = e->num_images};
    OD_TRY(od_box_check(e, class_index, err));
    od_status status = level == OD_LEVEL_BOX ? build_boxes(&c, e, class_index, o, err) : build_images(&c, e, class_index, err);
    if (status == OD_OK)
        *out = c;
    else
        od_cases_deinit(&c);
    return status;
}

void od_cases_deinit(od_cases *c)
{
    od_free(c->items);
    od_free(c->positives);
    *c = (od_cases){0};
}

od_operating_options od_operating_options_default(void)
{
    return (od_operating_options){.match = od_localisation_options_default(), .cost_fp = 1, .cost_fn = 1};
}

od_status od_operating_options_check(const od_operating_options *o, od_error *err)
{
    OD_TRY(od_localisation_options_check(&o->match, err));
    if (!(o->cost_fp >= 0 && isfinite(o->cost_fp)))
        return od_error_set(err, OD_ERR_ARG, "cost_fp is %g; expected 0 or more", o->cost_fp);
    if (!(o->cost_fn >= 0 && isfinite(o->cost_fn)))
        return od_error_set(err, OD_ERR_ARG, "cost_fn is %g; expected 0 or more", o->cost_fn);
    return OD_OK;
}
