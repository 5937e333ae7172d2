/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading back what an evaluator holds.
 */
#include "eval/coco_eval.h"

int64_t od_coco_eval_num_images(const od_coco_eval *e)
{
    return (int64_t)e->num_images;
}

int64_t od_coco_eval_image_id(const od_coco_eval *e, int64_t image)
{
    return e->images[image].id;
}

const char *od_coco_eval_image_text_id(const od_coco_eval *e, int64_t image)
{
    return e->images[image].text_id;
}

const char *od_coco_eval_image_name(const od_coco_eval *e, int64_t image)
{
    const char *name = e->images[image].name;
    return name ? name : "";
}

const char *od_coco_eval_image_group(const od_coco_eval *e, int64_t image)
{
    return e->images[image].group;
}

int64_t od_coco_eval_num_truths(const od_coco_eval *e)
{
    return (int64_t)e->num_truths;
}

int64_t od_coco_eval_num_detections(const od_coco_eval *e)
{
    return (int64_t)e->num_dets;
}

od_coco_entry od_coco_eval_truth(const od_coco_eval *e, int64_t index)
{
    const od_coco_truth *t = &e->truths[index];
    return (od_coco_entry){t->image, t->class_index, {t->box.x, t->box.y, t->box.w, t->box.h}, t->area, 0, t->crowd};
}

od_coco_entry od_coco_eval_detection(const od_coco_eval *e, int64_t index)
{
    const od_coco_det *d = &e->dets[index];
    return (od_coco_entry){d->image, d->class_index, {d->box.x, d->box.y, d->box.w, d->box.h}, d->box.w * d->box.h, d->score, 0};
}
