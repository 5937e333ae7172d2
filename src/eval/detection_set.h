/* SPDX-License-Identifier: Apache-2.0
 *
 * Ground truth and detections of an evaluation, image by image, as the OD API hands them to its evaluators: float32 corners in absolute
 * pixels of the original image, classes from 0. The metrics sets of eval_config (eval/metric_sets.h) read it.
 */
#ifndef OD_EVAL_DETECTION_SET_H
#define OD_EVAL_DETECTION_SET_H

#include "data/mask.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

/* Bits of a ground-truth box. */
enum { OD_TRUTH_CROWD = 1, OD_TRUTH_DIFFICULT = 2, OD_TRUTH_GROUP_OF = 4 };

/* What an image says of whole classes (Open Images, LVIS). */
typedef enum od_class_list {
    OD_CLASSES_LABELED,        /* verified, present or absent: other classes' detections tell nothing */
    OD_CLASSES_NEGATIVE,       /* verified to be absent */
    OD_CLASSES_NOT_EXHAUSTIVE, /* present, but not every one is annotated */
    OD_CLASS_LISTS
} od_class_list;

typedef struct od_set_truth {
    float box[4]; /* ymin, xmin, ymax, xmax */
    float area;   /* square pixels as annotated; 0: the box's */
    int32_t class_index;
    uint32_t flags;
    od_mask *mask;    /* of the original image's size, the set's own; NULL: none */
    float *keypoints; /* [num_keypoints, 3] y, x and visibility (0 not labelled), the set's own; NULL: none */
    int num_keypoints;
} od_set_truth;

typedef struct od_set_detection {
    float box[4]; /* ymin, xmin, ymax, xmax */
    float score;
    int32_t class_index;
    od_mask *mask;    /* as above */
    float *keypoints; /* [num_keypoints, 2] y, x, likewise */
    int num_keypoints;
} od_set_detection;

typedef struct od_set_image {
    size_t truths, num_truths;         /* first index and count in od_detection_set.truths */
    size_t detections, num_detections;
    size_t classes[OD_CLASS_LISTS], num_classes[OD_CLASS_LISTS]; /* in od_detection_set.classes */
} od_set_image;

typedef struct od_detection_set {
    od_set_image *images;
    od_set_truth *truths;
    od_set_detection *detections;
    int32_t *classes;
    size_t num_images, num_truths, num_detections, num_classes;
    size_t images_capacity, truths_capacity, detections_capacity, classes_capacity;
} od_detection_set;

void od_detection_set_deinit(od_detection_set *s); /* and empties it */

/* The next image; what follows belongs to it. Masks and keypoints go over to the set, also on failure. Errors are OD_ERR_NOMEM only. */
od_status od_detection_set_add_image(od_detection_set *s, od_error *err);
od_status od_detection_set_add_truth(od_detection_set *s, const od_set_truth *truth, od_error *err);
od_status od_detection_set_add_detection(od_detection_set *s, const od_set_detection *detection, od_error *err);
/* Classes from 0, at most one call for each image and list. */
od_status od_detection_set_add_classes(od_detection_set *s, od_class_list list, const int32_t *classes, size_t count, od_error *err);

/* 1 when the image's list names the class. */
int od_set_image_lists(const od_detection_set *s, const od_set_image *image, od_class_list list, int32_t class_index);

#endif
