/* SPDX-License-Identifier: Apache-2.0
 *
 * A label file of YOLO (https://docs.ultralytics.com/datasets/detect/): a row an object,
 *
 *     class x_center y_center width height
 *
 * in parts of the image's width and height, classes from 0. Rows of segmentation have the corners of an outline behind the
 * class, of which the box around it is taken.
 */
#ifndef OD_DATA_YOLO_LABELS_H
#define OD_DATA_YOLO_LABELS_H

#include "data/example.h"

/* Fills the objects of *out (zeroed; the caller deinits it whatever happens): label is the class + 1, class_text NULL, the flag
 * OD_OBJECT_OUTLINE on boxes around outlines, which `outline` holds. With `keypoints` what stands behind the box is left out. OD_ERR_FORMAT with
 * "path:line: ...". */
od_status od_yolo_labels_parse(const char *text, size_t size, const char *path, int class_count, int keypoints, od_example *out,
                               od_error *err);

#endif
