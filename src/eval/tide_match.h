/* SPDX-License-Identifier: Apache-2.0
 *
 * TIDE's matching and its kinds of errors, image by image, as tidecv does them (its quantify.py): detections of all
 * classes by score, the first best object of the class above the threshold, crowds only afterwards.
 */
#ifndef OD_EVAL_TIDE_MATCH_H
#define OD_EVAL_TIDE_MATCH_H

#include "eval/coco_eval.h"
#include "objdet/detection_errors.h"

typedef enum od_tide_use { OD_TIDE_UNUSED, OD_TIDE_USED, OD_TIDE_IGNORED } od_tide_use;
enum { OD_TIDE_NO_FAILURE = -1 };

typedef struct od_tide_det {
    double score;
    double iou;    /* with `object`; of an invented one the highest with any object */
    uint32_t det;
    int32_t object; /* USED: the object found. Failures: the object it should have found, or has already; -1 */
    int8_t use, kind;
} od_tide_det;

typedef struct od_tide_truth {
    double best_score; /* highest score among mislocated and confused detections for it */
    int32_t best_det;  /* position in dets of the first such; -1: none, so if it isn't used it is missed */
    uint8_t used;
} od_tide_truth;

typedef struct od_tide_matches {
    od_tide_det *dets;     /* by image index, then by score, equal ones in order of adding */
    size_t num_dets;
    od_tide_truth *truths; /* [num_truths]; crowds have no part in it */
    size_t *image_begin;   /* [num_images + 1]: range of dets */
} od_tide_matches;

/* Of the detections with a score of at least min_score. */
od_status od_tide_match(od_tide_matches *out, const od_coco_eval *e, double min_score, const od_tide_options *o,
                        od_error *err);
void od_tide_matches_deinit(od_tide_matches *m);

/* Missed in TIDE's sense. */
int od_tide_is_missed(const od_coco_eval *e, const od_tide_matches *m, size_t truth);

#endif
