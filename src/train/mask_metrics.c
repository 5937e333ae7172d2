/* SPDX-License-Identifier: Apache-2.0 */
#include "train/mask_metrics.h"

#include "eval/coco_eval.h"
#include "eval/metric_sets.h"
#include "train/detection_masks.h"

#include <string.h>

int od_mask_metrics_wanted(const od_run_setup *setup)
{
    const ObjectDetection__Protos__EvalConfig *c = setup->proto->eval_config;
    for (size_t i = 0; c && i < c->n_metrics_set; i++)
        if (!strcmp(c->metrics_set[i], "coco_mask_metrics")) return 1;
    return 0;
}

/* The first metrics set that compares masks, or NULL. */
static const char *set_of_masks(const ObjectDetection__Protos__EvalConfig *c)
{
    for (size_t i = 0; c && i < c->n_metrics_set; i++) {
        const od_metric_set *set = od_metric_set_find(c->metrics_set[i]);
        if (!strcmp(c->metrics_set[i], "coco_mask_metrics") || (set && set->needs_masks)) return c->metrics_set[i];
    }
    return NULL;
}

od_status od_mask_metrics_check(const od_run_setup *setup, const od_run_input *input, od_error *err)
{
    const char *name = set_of_masks(setup->proto->eval_config);
    if (!name || od_dataset_masks(input->dataset) != OD_MASKS_NONE) return OD_OK;
    return od_config_error(setup->config, setup->proto->eval_config, "metrics_set", err, OD_ERR_CONFIG,
                           "\"%s\" needs the objects' masks; set load_instance_masks: true in the eval_input_reader", name);
}

od_status od_mask_metrics_have(const od_detections *d, const char *set, od_error *err)
{
    if (d->masks) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "%s: the model has no masks; give it a mask head (mask_rcnn_box_predictor { predict_instance_masks: true }), or take it out of metrics_set", set);
}

static void scale_box(const float box[4], int width, int height, float out[4])
{
    for (int k = 0; k < 4; k++) out[k] = box[k] * (float)(k % 2 ? width : height);
}

/* An object's own mask, or an empty one. */
static od_status truth_mask(const od_object *o, int height, int width, od_mask **out, od_error *err)
{
    return o->mask ? od_mask_copy(out, o->mask, err) : od_mask_from_runs(out, height, width, (uint32_t[]){(uint32_t)height * (uint32_t)width}, 1, err);
}

od_status od_mask_metrics_add(od_coco_eval *e, int64_t id, const od_batch_item *item, int objects, const od_detections *d, int64_t row, od_error *err)
{
    int w = item->example.width, h = item->example.height;
    int64_t image;
    float box[4];
    od_mask *mask;
    OD_TRY(od_mask_metrics_have(d, "coco_mask_metrics", err));
    OD_TRY(od_coco_eval_add_image(e, id, item->example.filename, &image, err));
    for (int i = 0; i < objects; i++) {
        const od_object *o = &item->objects[i];
        scale_box(o->box, w, h, box);
        OD_TRY(od_coco_eval_add_truth_corners(e, image, o->label - 1, box, (o->flags & OD_OBJECT_CROWD) != 0, err));
        OD_TRY(truth_mask(o, h, w, &mask, err));
        OD_TRY(od_coco_masks_give_truth(e->masks, mask, err));
    }
    for (int i = 0; i < d->count[row]; i++) {
        int64_t at = row * d->max + i;
        scale_box(d->boxes + 4 * at, w, h, box);
        OD_TRY(od_coco_eval_add_detection_corners(e, image, d->classes[at], box, d->scores[at], err));
        OD_TRY(od_detection_mask(&mask, d, row, i, h, w, err));
        OD_TRY(od_coco_masks_give_det(e->masks, mask, -1, err));
    }
    return OD_OK;
}
