/* SPDX-License-Identifier: Apache-2.0
 *
 * Boxes or images by falling score, each right or wrong: what thresholds count.
 */
#ifndef OD_EVAL_OPERATING_WALK_H
#define OD_EVAL_OPERATING_WALK_H

#include "eval/coco_eval.h"
#include "objdet/operating_point.h"

typedef struct od_scored_case {
    double score;
    uint32_t image;
    uint8_t right;
} od_scored_case;

/* At image level every image is a case, those without detection with a score of -INFINITY; `positives` are the images (one
 * entry for each object at box level) that can be found. */
typedef struct od_cases {
    od_scored_case *items;
    size_t count;
    uint32_t *positives;
    size_t num_positives, num_images;
    od_level level;
} od_cases;

od_status od_cases_build(od_cases *out, const od_coco_eval *e, int64_t class_index, od_level level,
                         const od_localisation_options *o, od_error *err);
void od_cases_deinit(od_cases *c);

/* OD_ERR_ARG with the option's name and value. */
od_status od_operating_options_check(const od_operating_options *o, od_error *err);

#endif
