/* SPDX-License-Identifier: Apache-2.0
 *
 * Boxes with labels and keypoints drawn on pictures, by libgd and its built-in fonts. Lines and letters grow with the picture.
 *
 *     const od_draw_box boxes[] = {{{0.1f, 0.2f, 0.8f, 0.6f}, "raccoon", 0.97f, 0}};
 *     OD_TRY(od_image_draw_boxes(&image, boxes, 1, err));
 */
#ifndef OD_IMAGE_DRAW_H
#define OD_IMAGE_DRAW_H

#include "image/image.h"

typedef struct od_draw_box {
    float box[4];      /* ymin, xmin, ymax, xmax relative to the image; cut to it; NaN or inverted: not drawn */
    const char *label; /* UTF-8, or NULL; letters outside ASCII become '?' */
    float score;       /* shown in percent; negative: not shown */
    int class_index;   /* chooses the colour */
    const float *keypoints; /* [keypoint_count, 2] y, x as the box: dots; those outside and NaN aren't drawn */
    int keypoint_count;
} od_draw_box;

/* Draws on the image. Earlier boxes end up above later ones, labels above all boxes. OD_ERR_NOMEM leaves it unchanged.
 */
od_status od_image_draw_boxes(od_image *image, const od_draw_box *boxes, int count, od_error *err);

/* The two pictures next to each other, left to right with their tops aligned, black where one is lower. */
od_status od_image_side_by_side(const od_image *left, const od_image *right, od_image *out, od_error *err);

/* The colour of a class as 0xRRGGBB. */
uint32_t od_draw_color(int class_index);

#endif
