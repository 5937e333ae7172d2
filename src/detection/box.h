/* SPDX-License-Identifier: Apache-2.0
 *
 * Boxes are four floats: ymin, xmin, ymax, xmax, normally relative to the (padded) image. The arithmetic and its order are
 * those of the OD API (core/box_list_ops.py), so that thresholds decide alike.
 */
#ifndef OD_DETECTION_BOX_H
#define OD_DETECTION_BOX_H

static inline float od_box_area(const float box[4])
{
    return (box[2] - box[0]) * (box[3] - box[1]);
}

/* Area of the overlap; 0 when the boxes only touch. */
float od_box_intersection(const float a[4], const float b[4]);

/* Intersection over union; 0 when they don't overlap, also for boxes without area. */
float od_box_iou(const float a[4], const float b[4]);

/* IoU as TensorFlow's non-max suppression computes it: corners in any order, 0 when either area isn't positive. */
float od_box_iou_suppression(const float a[4], const float b[4]);

/* Moves the box's edges into the window (ymin, xmin, ymax, xmax). A box outside ends with no area. */
void od_box_clip(float box[4], const float window[4]);

#endif
