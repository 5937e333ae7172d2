/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_masks.h"

#include "eval/coco_eval.h"
#include "util/alloc.h"

#include <string.h>

od_status od_coco_eval_use_masks(od_coco_eval *e, od_error *err)
{
    OD_TRY(od_coco_eval_keep_masks(e, err));
    e->by_masks = 1;
    return OD_OK;
}

od_status od_coco_eval_keep_masks(od_coco_eval *e, od_error *err)
{
    if (e->masks) return OD_OK;
    if (e->num_truths || e->num_dets) return od_error_set(err, OD_ERR_ARG, "an evaluation by masks has boxes without masks already");
    e->masks = od_calloc(1, sizeof *e->masks);
    return e->masks ? OD_OK : od_error_nomem(err, "masks");
}

static void free_all(od_mask **masks, size_t n)
{
    for (size_t i = 0; i < n; i++) od_free(masks[i]);
}

void od_coco_masks_clear_dets(od_coco_masks *m)
{
    if (!m) return;
    free_all(m->dets, m->num_dets);
    m->num_dets = 0;
}

void od_coco_masks_free(od_coco_masks *m)
{
    if (!m) return;
    od_coco_masks_clear_dets(m);
    free_all(m->truths, m->num_truths);
    od_free(m->truths);
    od_free(m->dets);
    od_free(m->det_areas);
    od_free(m);
}

od_status od_coco_masks_give_truth(od_coco_masks *m, od_mask *mask, od_error *err)
{
    if (od_grow(&m->truths, &m->truths_capacity, m->num_truths + 1, sizeof *m->truths)) {
        od_free(mask);
        return od_error_nomem(err, "masks");
    }
    m->truths[m->num_truths++] = mask;
    return OD_OK;
}

od_status od_coco_masks_give_det(od_coco_masks *m, od_mask *mask, double area, od_error *err)
{
    if (od_grow(&m->dets, &m->dets_capacity, m->num_dets + 1, sizeof *m->dets) ||
        od_grow(&m->det_areas, &m->areas_capacity, m->num_dets + 1, sizeof *m->det_areas)) {
        od_free(mask);
        return od_error_nomem(err, "masks");
    }
    m->det_areas[m->num_dets] = area < 0 && mask ? (double)od_mask_area(mask) : area;
    m->dets[m->num_dets++] = mask;
    return OD_OK;
}

od_status od_coco_masks_check(const od_coco_masks *m, size_t num_truths, size_t num_dets, od_error *err)
{
    if (!m || (m->num_truths == num_truths && m->num_dets == num_dets)) return OD_OK;
    return od_error_set(err, OD_ERR_ARG, "an evaluation by masks has %zu masks for %zu objects and %zu for %zu detections", m->num_truths, num_truths, m->num_dets,
                        num_dets);
}

static od_status parse_one(const od_coco_segment *s, od_mask **out, od_error *err)
{
    if (!s->text && s->height) {
        double x0 = s->box.x, y0 = s->box.y, x1 = x0 + s->box.w, y1 = y0 + s->box.h, corners[8] = {x0, y0, x0, y1, x1, y1, x1, y0};
        return od_mask_from_polygons(out, s->height, s->width, corners, (size_t[]){8}, 1, err);
    }
    if (!s->text) return od_error_set(err, OD_ERR_FORMAT, "has no segmentation");
    if (s->height) OD_TRY(od_mask_from_json(out, s->height, s->width, s->text, s->size, err));
    if (!s->height && s->text[0] == '[')
        return od_error_set(err, OD_ERR_FORMAT, "segmentation: polygons need the image's height and width, which the ground truth's \"images\" don't state");
    if (!s->height) OD_TRY(od_mask_from_json_sized(out, s->text, s->size, err));
    return *out ? OD_OK : od_error_set(err, OD_ERR_FORMAT, "its segmentation is empty");
}

od_status od_coco_segments_parse(const od_coco_segment *segments, size_t n, const char *file, const char *what, int num_threads, od_mask **out, od_error *err)
{
    od_error first = {0};
    size_t first_at = n;
    memset(out, 0, n * sizeof *out);
#pragma omp parallel for num_threads(num_threads) schedule(dynamic, 256)
    for (size_t i = 0; i < n; i++) {
        od_error local = {0};
        if (!file && !segments[i].text) continue;
        od_status status = parse_one(&segments[i], &out[i], &local);
        if (status == OD_OK || (!file && status != OD_ERR_NOMEM)) continue;
        local.status = status;
#pragma omp critical(od_eval_segments_failed)
        if (i < first_at) {
            first_at = i;
            first = local;
        }
    }
    if (first_at == n) return OD_OK;
    free_all(out, n);
    memset(out, 0, n * sizeof *out);
    if (!file) return od_error_nomem(err, "masks");
    return od_error_set(err, first.status, "%s: %s %zu: %s", file, what, segments[first_at].number, first.message);
}
