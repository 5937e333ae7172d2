/* SPDX-License-Identifier: Apache-2.0
 *
 * Scores and truth of whole images, from boxes.
 */
#ifndef OD_EVAL_IMAGE_SCORES_H
#define OD_EVAL_IMAGE_SCORES_H

#include "eval/coco_eval.h"
#include "eval/resample.h"

enum { OD_LABEL_SEVERAL = -2 };

/* Row K is any object. */
typedef struct od_image_scores {
    size_t num_images, num_classes;
    double *score;   /* [K + 1, images]: highest score, -INFINITY without a detection */
    uint8_t *truth;  /* [K + 1, images] */
    int32_t *label;  /* [images]: the only class, K for none, OD_LABEL_SEVERAL */
    int32_t *answer; /* [images]: class of the highest score, K for none */
    char **names;    /* [K + 1]: of the classes ("id N" without name), and "nothing" */
    od_units units;
} od_image_scores;

od_status od_image_scores_create(od_image_scores **out, const od_coco_eval *e, od_error *err);
void od_image_scores_free(od_image_scores *s);
/* Fills `answer`: a highest score below `threshold` answers K. */
void od_image_scores_answer(od_image_scores *s, double threshold);

#endif
