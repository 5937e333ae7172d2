/* SPDX-License-Identifier: Apache-2.0
 *
 * Keypoints of an evaluation by them (pycocotools' iouType keypoints): beside the boxes, in the same order.
 */
#ifndef OD_EVAL_COCO_KEYPOINTS_H
#define OD_EVAL_COCO_KEYPOINTS_H

#include "eval/coco_types.h"

enum { OD_COCO_KEYPOINTS_TOP = 20 }; /* detections of an image and class that count: keypoints' maxDets */

typedef struct od_coco_keypoints {
    int count;            /* of an object */
    const double *sigmas; /* [count]: deviation of each as annotated, in parts of the object's size (the root of its area) */
    double *truths;       /* [truths, count, 3] x, y in pixels, visibility; 0: not labelled, doesn't count */
    double *dets;         /* [detections, count, 2] x, y in pixels */
} od_coco_keypoints;

/* Object keypoint similarity: the mean of exp(-d^2 / (2 area (2 sigma)^2)) over labelled keypoints. Of an object without any the distances from its box,
 * enlarged to thrice its size, count (cocoeval.py's computeOks). */
double od_coco_oks(const od_coco_keypoints *k, size_t det, size_t truth, const od_coco_truth *object);

#endif
