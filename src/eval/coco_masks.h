/* SPDX-License-Identifier: Apache-2.0
 *
 * Masks of an evaluation by mask (pycocotools' iouType segm): beside the boxes, in the same order, so that an evaluation by boxes
 * pays nothing for them.
 */
#ifndef OD_EVAL_COCO_MASKS_H
#define OD_EVAL_COCO_MASKS_H

#include "data/mask.h"
#include "eval/coco_types.h"

struct od_coco_eval;

typedef struct od_coco_masks {
    od_mask **truths, **dets; /* [num_truths], [num_dets]; owned; none is NULL once everything has been given */
    double *det_areas;        /* [num_dets]: what decides a detection's size */
    size_t num_truths, num_dets;
    size_t truths_capacity, dets_capacity, areas_capacity;
} od_coco_masks;

/* From now on each truth and detection that is added needs a mask: od_coco_masks_give_*, right after it. OD_ERR_ARG when there are
 * some already. */
od_status od_coco_eval_use_masks(struct od_coco_eval *e, od_error *err);
/* The same of an evaluation by boxes: masks are kept with their boxes and may be NULL. */
od_status od_coco_eval_keep_masks(struct od_coco_eval *e, od_error *err);
void od_coco_masks_free(od_coco_masks *m);
void od_coco_masks_clear_dets(od_coco_masks *m);

/* Take ownership of `mask` whatever happens. `area`: negative for the mask's own. NULL: kept masks only. */
od_status od_coco_masks_give_truth(od_coco_masks *m, od_mask *mask, od_error *err);
od_status od_coco_masks_give_det(od_coco_masks *m, od_mask *mask, double area, od_error *err);

/* OD_ERR_ARG unless every truth and detection has its mask. */
od_status od_coco_masks_check(const od_coco_masks *m, size_t num_truths, size_t num_dets, od_error *err);

static inline double od_coco_det_area(const od_coco_masks *m, const od_coco_det *dets, size_t i)
{
    return m ? m->det_areas[i] : dets[i].box.w * dets[i].box.h;
}

/* A "segmentation" in a file, to be made a mask of. */
typedef struct od_coco_segment {
    const char *text;      /* JSON; NULL: the box stands for it */
    size_t size;
    od_coco_box box;
    int32_t height, width; /* of the image; 0: not known, then only an object with its own size will do */
    size_t number;         /* in the file, for messages */
} od_coco_segment;

/* out [n], owned by the caller (od_free each); all NULL after an error, which names the first bad one: "FILE: WHAT 7: segmentation: ...".
 * file NULL: one that is missing or bad is NULL and no error. */
od_status od_coco_segments_parse(const od_coco_segment *segments, size_t n, const char *file, const char *what, int num_threads, od_mask **out, od_error *err);

#endif
