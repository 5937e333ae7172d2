/* SPDX-License-Identifier: Apache-2.0
 *
 * What a configured generator puts on one feature map: the sizes of a location's anchors, and the grid of centres.
 */
#ifndef OD_DETECTION_ANCHOR_LEVEL_H
#define OD_DETECTION_ANCHOR_LEVEL_H

#include "util/error.h"

#include "anchor_generator.pb-c.h"

#include <stdint.h>

/* Every box is (height[i], width[i]) around (row * stride_y + offset_y, column * stride_x + offset_x), times scale. */
typedef struct od_anchor_level {
    int count;
    float *heights, *widths; /* [count] */
    float stride_y, stride_x, offset_y, offset_x;
    float scale_y, scale_x;  /* 1/height and 1/width of the image where pixels become relative, or 1 */
} od_anchor_level;

/* The feature map and image that a level is for; sizes in pixels. */
typedef struct od_anchor_frame {
    int level;
    int64_t map_height, map_width, image_height, image_width;
    int size_varies;
} od_anchor_frame;

/* Fills *out from the config; the caller calls od_anchor_level_deinit, also after an error. */
od_status od_anchor_level_init(const ObjectDetection__Protos__AnchorGenerator *config, const od_anchor_frame *frame,
                               od_anchor_level *out, od_error *err);
void od_anchor_level_deinit(od_anchor_level *level);

#endif
