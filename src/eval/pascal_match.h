/* SPDX-License-Identifier: Apache-2.0
 *
 * Which detections are true positives in the sense of the OD API's PASCAL-like metrics (utils/per_image_evaluation.py): each detection,
 * from the highest score down, goes to the box of its class that it overlaps most, and counts if that one is still free. Unlike in COCO
 * it doesn't look for the next best.
 */
#ifndef OD_EVAL_PASCAL_MATCH_H
#define OD_EVAL_PASCAL_MATCH_H

#include "eval/detection_set.h"

#define OD_PASCAL_IOU .5 /* matching_iou_threshold: no config field changes it */

/* Which detections of an image count at all. */
typedef enum od_pascal_filter {
    OD_PASCAL_ALL,
    OD_PASCAL_LABELED,          /* of the image's labeled classes */
    OD_PASCAL_LABELED_OR_TRUTH, /* of its labeled classes and of those it has boxes of */
} od_pascal_filter;

typedef struct od_pascal_rules {
    od_pascal_filter filter;
    int difficult;          /* difficult boxes neither count nor harm */
    int group_of;           /* boxes around groups take detections by the share of the detection inside */
    double group_of_weight; /* what such a box counts when found, or missed; 0: its detections are ignored */
    int masks;              /* masks are compared; objects without one are no objects to find, but take detections by their box */
} od_pascal_rules;

/* One detection that counts: weight 1 or group_of_weight for a true positive, 0 for a false one. */
typedef struct od_pascal_hit {
    double score, weight;
} od_pascal_hit;

typedef struct od_pascal_class {
    od_pascal_hit *hits; /* in the order of images */
    size_t num_hits, capacity;
    double num_truths; /* boxes to be found, groups with their weight */
} od_pascal_class;

/* Fills classes[num_classes], which are zero before. What has been filled is freed by od_pascal_classes_free, also after an error. */
od_status od_pascal_match(od_pascal_class *classes, int num_classes, const od_detection_set *set, const od_pascal_rules *rules, od_error *err);
void od_pascal_classes_free(od_pascal_class *classes, int num_classes); /* the array, too; NULL is fine */

#endif
