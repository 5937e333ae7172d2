/* SPDX-License-Identifier: Apache-2.0
 *
 * Intervals by resampling for the image-level figures that have no formula: MCC, macro F1, PR-AUC.
 */
#ifndef OD_EVAL_IMAGE_RESAMPLE_H
#define OD_EVAL_IMAGE_RESAMPLE_H

#include "eval/image_scores.h"
#include "eval/roc.h"
#include "objdet/image_level.h"

/* All that a resample is computed from. */
typedef struct od_image_sample {
    const od_image_scores *scores;
    const uint8_t *cells;        /* [K + 1, images]: one-vs-rest at the threshold; last row any object */
    const od_score_order *order; /* [K + 1] */
    int with_labels;             /* 1: scores->label and answer give macro F1 and MCC too */
} od_image_sample;

/* Replaces mcc and pr_auc of l->classes and l->any, and macro_f1 and mcc of l->labels and of its labels. */
od_status od_image_resample(od_image_level *l, const od_image_sample *sample, const od_image_options *options,
                            od_error *err);

#endif
