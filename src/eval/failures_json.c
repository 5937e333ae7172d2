/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/failures.h"

#include "eval/coco_json.h"
#include "util/error.h"

static json_t *box_json(const double box[4])
{
    return json_pack("[f,f,f,f]", box[0], box[1], box[2], box[3]);
}

/* NULL becomes JSON's null. */
static json_t *text_json(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *image_id_json(const od_coco_eval *e, int64_t image)
{
    const char *text = od_coco_eval_image_text_id(e, image);
    return text ? json_string(text) : json_integer(od_coco_eval_image_id(e, image));
}

static json_t *failure_json(const od_failure *f, const od_coco_eval *e)
{
    static const char *const sizes[] = {"", "small", "medium", "large"};
    json_t *out = json_pack("{s:s,s:o,s:s,s:o,s:I,s:s,s:f,s:f,s:s,s:f,s:o}", "kind", od_failure_kind_name(f->kind), "image_id",
                            image_id_json(e, f->image), "file_name", od_coco_eval_image_name(e, f->image), "group",
                            text_json(od_coco_eval_image_group(e, f->image)), "category_id",
                            (json_int_t)od_coco_eval_class_id(e, f->class_index), "category", od_coco_eval_class_name(e, f->class_index),
                            "score", f->score, "iou", f->iou, "size", sizes[f->size], "severity", f->severity, "bbox", box_json(f->box));
    if (out && f->object >= 0 && f->detection >= 0) {
        json_object_set_new(out, "object_bbox", box_json(f->object_box));
        json_object_set_new(out, "object_category_id", json_integer(od_coco_eval_class_id(e, f->object_class)));
        json_object_set_new(out, "object_category", json_string(od_coco_eval_class_name(e, f->object_class)));
    }
    return out;
}

static json_t *image_json(const od_image_failures *f, const od_coco_eval *e)
{
    json_t *out = json_pack("{s:o,s:s,s:f}", "image_id", image_id_json(e, f->image), "file_name",
                            od_coco_eval_image_name(e, f->image), "severity", f->severity);
    for (int k = 0; out && k < OD_FAILURE_NUM_KINDS; k++)
        if (f->count[k]) json_object_set_new(out, od_failure_kind_name((od_failure_kind)k), json_integer(f->count[k]));
    return out;
}

static json_t *kinds_json(const od_failures *f)
{
    json_t *out = json_object();
    for (int k = 0; out && k < OD_FAILURE_NUM_KINDS; k++)
        json_object_set_new(out, od_failure_kind_name((od_failure_kind)k),
                            json_pack("{s:I,s:f,s:I}", "at_threshold", (json_int_t)f->kinds[k], "ap_cost", f->tide.cost[k],
                                      "at_any_score", (json_int_t)f->tide.count[k]));
    return out;
}

od_status od_failures_write_json(const od_failures *f, const od_coco_eval *e, int64_t most, const char *path, od_error *err)
{
    json_t *items = json_array(), *images = json_array();
    size_t n = most < 0 || (size_t)most > f->count ? f->count : (size_t)most;
    int failed = !items || !images;
    for (size_t i = 0; i < n && !failed; i++) failed = json_array_append_new(items, failure_json(&f->items[i], e));
    for (size_t i = 0; i < f->num_images && !failed; i++) failed = json_array_append_new(images, image_json(&f->images[i], e));
    if (failed) {
        json_decref(items);
        json_decref(images);
        return od_error_nomem(err, path);
    }
    json_t *out = json_pack("{s:f,s:f,s:o,s:o,s:o}", "threshold", f->threshold, "ap", f->tide.ap, "kinds", kinds_json(f),
                            "failures", items, "images", images);
    return od_json_write(out, path, err);
}
