/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling the evaluator from memory.
 */
#include "eval/coco_eval.h"
#include "eval/id_map.h"
#include "util/alloc.h"
#include "util/error.h"

#include <inttypes.h>
#include <math.h>

static int copy_text(char **out, const char *text)
{
    *out = text ? od_strdup(text) : NULL;
    return !text || *out;
}

od_status od_coco_eval_add_class(od_coco_eval *e, int64_t id, const char *name, od_error *err)
{
    od_coco_class c = {.id = id};
    if (od_grow(&e->classes, &e->classes_capacity, e->num_classes + 1, sizeof *e->classes) || !copy_text(&c.name, name))
        return od_error_nomem(err, "a class");
    int added = od_id_map_add(e->class_ids, id, (int64_t)e->num_classes);
    if (added == 0) {
        e->classes[e->num_classes++] = c;
        return OD_OK;
    }
    od_free(c.name);
    return added < 0 ? od_error_nomem(err, "a class")
                     : od_error_set(err, OD_ERR_ARG, "class id %" PRId64 " (%s) was added twice", id, name ? name : "unnamed");
}

od_status od_coco_eval_add_image(od_coco_eval *e, int64_t id, const char *name, int64_t *index, od_error *err)
{
    od_coco_image image = {.id = id};
    if (od_grow(&e->images, &e->images_capacity, e->num_images + 1, sizeof *e->images) || !copy_text(&image.name, name))
        return od_error_nomem(err, "an image");
    int added = od_id_map_add(e->image_ids, id, (int64_t)e->num_images);
    if (added == 0) {
        if (index) *index = (int64_t)e->num_images;
        e->images[e->num_images++] = image;
        return OD_OK;
    }
    od_free(image.name);
    return added < 0 ? od_error_nomem(err, "an image")
                     : od_error_set(err, OD_ERR_ARG, "image id %" PRId64 " (%s) was added twice", id, name ? name : "unnamed");
}

static od_status check_box(const od_coco_eval *e, int64_t image, int64_t class_index, const double box[4], od_error *err)
{
    if (image < 0 || (size_t)image >= e->num_images)
        return od_error_set(err, OD_ERR_ARG, "image index %" PRId64 " is not among the %zu images", image, e->num_images);
    if (class_index < 0 || (size_t)class_index >= e->num_classes)
        return od_error_set(err, OD_ERR_ARG, "class index %" PRId64 " is not among the %zu classes", class_index,
                            e->num_classes);
    for (int i = 0; i < 4; i++)
        if (!isfinite(box[i]))
            return od_error_set(err, OD_ERR_NAN, "box [%g, %g, %g, %g] is not finite", box[0], box[1], box[2], box[3]);
    return OD_OK;
}

od_status od_coco_eval_add_truth(od_coco_eval *e, int64_t image, int64_t class_index, const double box[4], double area,
                                 int crowd, od_error *err)
{
    OD_TRY(check_box(e, image, class_index, box, err));
    if (!isfinite(area)) return od_error_set(err, OD_ERR_NAN, "area %g is not finite", area);
    if (od_grow(&e->truths, &e->truths_capacity, e->num_truths + 1, sizeof *e->truths))
        return od_error_nomem(err, "a ground-truth box");
    e->truths[e->num_truths++] = (od_coco_truth){{box[0], box[1], box[2], box[3]},
                                                 area < 0 ? box[2] * box[3] : area,
                                                 (int32_t)image,
                                                 (int32_t)class_index,
                                                 crowd != 0,
                                                 0,
                                                 0};
    return OD_OK;
}

od_status od_coco_eval_add_detection(od_coco_eval *e, int64_t image, int64_t class_index, const double box[4],
                                     double score, od_error *err)
{
    OD_TRY(check_box(e, image, class_index, box, err));
    if (!isfinite(score)) return od_error_set(err, OD_ERR_NAN, "score %g is not finite", score);
    if (od_grow(&e->dets, &e->dets_capacity, e->num_dets + 1, sizeof *e->dets)) return od_error_nomem(err, "a detection");
    e->dets[e->num_dets++] =
        (od_coco_det){{box[0], box[1], box[2], box[3]}, score, (int32_t)image, (int32_t)class_index};
    return OD_OK;
}

static void corners_to_box(const float c[4], double box[4])
{
    float height = c[2] - c[0], width = c[3] - c[1];
    box[0] = c[1];
    box[1] = c[0];
    box[2] = width;
    box[3] = height;
}

od_status od_coco_eval_add_truth_corners(od_coco_eval *e, int64_t image, int64_t class_index, const float corners[4],
                                         int crowd, od_error *err)
{
    double box[4];
    corners_to_box(corners, box);
    float area = (float)box[3] * (float)box[2];
    return od_coco_eval_add_truth(e, image, class_index, box, area, crowd, err);
}

od_status od_coco_eval_add_detection_corners(od_coco_eval *e, int64_t image, int64_t class_index,
                                             const float corners[4], float score, od_error *err)
{
    double box[4];
    corners_to_box(corners, box);
    return od_coco_eval_add_detection(e, image, class_index, box, score, err);
}
