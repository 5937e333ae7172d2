/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OD_EVAL_FAILURES_H
#define OD_EVAL_FAILURES_H

#include "eval/tide_match.h"

struct od_failures {
    double threshold;
    od_failure *items;
    size_t count;
    int64_t kinds[OD_FAILURE_NUM_KINDS];
    od_image_failures *images;
    size_t num_images, num_classes;
    int64_t *confusion; /* [(num_classes + 1)²] */
    od_tide tide;       /* of all detections */
};

#endif
