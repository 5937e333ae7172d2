/* SPDX-License-Identifier: Apache-2.0
 *
 * Detections' and objects' masks in pictures and in COCO's run lengths.
 */
#ifndef OD_TRAIN_DETECTION_MASKS_H
#define OD_TRAIN_DETECTION_MASKS_H

#include "data/example.h"
#include "data/mask.h"
#include "detection/detections.h"
#include "image/image.h"

/* Mask of detection `i` of an image (row of the batch) of height x width pixels. The detections have masks. OD_ERR_NOMEM, and OD_ERR_FORMAT
 * as od_mask's makers. */
od_status od_detection_mask(od_mask **out, const od_detections *d, int64_t row, int i, int height, int width, od_error *err);

/* Draws the masks of the first `max` detections with at least the score, the best ones above; nothing when there are no masks.
 * `class_scores`: each class's own least score; NULL: min_score is every class's. */
od_status od_detections_draw_masks(od_image *image, const od_detections *d, int64_t row, double min_score, const double *class_scores, int max, od_error *err);
/* The same of objects. */
od_status od_objects_draw_masks(od_image *image, const od_object *objects, int count, od_error *err);

#endif
