/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluator's state behind objdet/eval.h, for the other parts of eval/.
 */
#ifndef OD_EVAL_COCO_EVAL_H
#define OD_EVAL_COCO_EVAL_H

#include "eval/coco_accumulate.h"
#include "eval/coco_groups.h"
#include "eval/coco_masks.h"
#include "eval/coco_match.h"
#include "objdet/eval.h"

struct od_coco_eval {
    od_coco_image *images;
    od_coco_class *classes;
    od_coco_truth *truths;
    od_coco_det *dets;
    size_t num_images, num_classes, num_truths, num_dets;
    size_t images_capacity, classes_capacity, truths_capacity, dets_capacity;
    struct od_id_map *image_ids, *class_ids; /* id -> index */
    od_coco_oddities oddities;
    od_coco_masks *masks; /* NULL: none */
    int by_masks;         /* masks decide what overlaps, and none is missing; else they are there for pictures and may be NULL */

    const od_coco_keypoints *keypoints; /* borrowed: they decide what overlaps; NULL: they don't */

    /* Results; groups.num_classes is 0 and `results` NULL before a run. */
    od_coco_groups groups;
    od_coco_matches matches;
    od_coco_curves *curves;        /* [K] by class rank, limit 100 */
    od_coco_class_result *results; /* [K] by class rank */
    double stats[OD_COCO_NUM_STATS];
    double (*class_stats)[OD_COCO_NUM_STATS]; /* [K] by class index */
    int32_t *class_rank;                      /* [K] of class index */
    struct od_box_cache *box_cache;           /* what eval/box_match.h has found for these results; never NULL */
};

/* Threads to use when asked for `requested` (0: OpenMP's number). */
int od_eval_threads(int requested);

#endif
