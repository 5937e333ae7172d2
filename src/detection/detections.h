/* SPDX-License-Identifier: Apache-2.0
 *
 * The detections of a batch, as post-processing gives them.
 */
#ifndef OD_DETECTION_DETECTIONS_H
#define OD_DETECTION_DETECTIONS_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

/* Rows of each image by falling score; rows from count[i] on are zero. Zero-initialise before the first use; grows as needed. */
typedef struct od_detections {
    int64_t batch;
    int max;          /* rows an image */
    float *boxes;     /* [batch, max, 4] ymin, xmin, ymax, xmax, relative to the image without its padding */
    float *scores;    /* [batch, max] */
    int32_t *classes; /* [batch, max] zero-based: the label map's id is class + 1 */
    int32_t *anchors; /* [batch, max] which anchor a detection comes from */
    int32_t *count;   /* [batch] */
    float *masks;     /* [batch, max, mask_h, mask_w] probability of the detection's class inside its box; NULL without a mask head */
    int mask_h, mask_w;
    float *keypoints; /* [batch, max, num_keypoints, 2] y, x as boxes, not cut to the image; NULL without keypoints */
    int num_keypoints;
    size_t capacity_keypoints; /* and of the others: */
    size_t capacity_masks, capacity_boxes, capacity_scores, capacity_classes, capacity_anchors, capacity_count;
} od_detections;

/* Makes room for batch x max rows and zeroes them. OD_ERR_NOMEM. */
od_status od_detections_reset(od_detections *detections, int64_t batch, int max, od_error *err);
/* Then room for the masks, zeroed, of a model that has them. OD_ERR_NOMEM. */
od_status od_detections_add_masks(od_detections *detections, int mask_h, int mask_w, od_error *err);
/* The same of keypoints. */
od_status od_detections_add_keypoints(od_detections *detections, int num_keypoints, od_error *err);
void od_detections_deinit(od_detections *detections);

#endif
