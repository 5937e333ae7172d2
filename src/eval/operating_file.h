/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OD_EVAL_OPERATING_FILE_H
#define OD_EVAL_OPERATING_FILE_H

#include "eval/calibrator.h"
#include "eval/name_sketch.h"
#include "objdet/operating_point.h"

#define OD_OPERATING_FORMAT "objdet operating point"

struct od_operating_file {
    double threshold;
    char *reason, *fit_gt, *fit_dt;
    char *checkpoint; /* NULL: unknown */
    json_t *choice;
    int64_t num_images;
    int by_id; /* images without names are known by id */
    od_name_sketch images, groups;
    od_calibrator *calibrator; /* NULL: none */
    struct od_named_threshold {
        char *name;
        double threshold;
    } *classes; /* classes with a threshold of their own */
    size_t num_classes, classes_capacity;
};

#endif
