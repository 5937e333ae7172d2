/* SPDX-License-Identifier: Apache-2.0
 *
 * Anchors: the boxes that predictions are relative to, laid out on each feature map by the configured generator
 * (multiscale, SSD, grid, flexible grid; OD API anchor_generators/). Order: feature maps, then rows, then columns, then the
 * location's anchors, as the box predictors' outputs.
 *
 *     int64_t shapes[5][2] = {{40, 40}, {20, 20}, {10, 10}, {5, 5}, {3, 3}};
 *     od_anchors *anchors;
 *     OD_TRY(od_anchors_create(ssd->anchor_generator, shapes, 5, 320, 320, 0, &anchors, err));
 */
#ifndef OD_DETECTION_ANCHORS_H
#define OD_DETECTION_ANCHORS_H

#include "util/error.h"

#include "anchor_generator.pb-c.h"

#include <stdint.h>

typedef struct od_anchors {
    float *boxes;         /* [count, 4] ymin, xmin, ymax, xmax; relative to the image, or pixels when the config says so */
    int64_t count;
    int levels;
    int64_t *level_first; /* [levels + 1] index of each feature map's first anchor; the last entry is count */
} od_anchors;

/* The number of feature maps that the generator expects. */
od_status od_anchors_levels(const ObjectDetection__Protos__AnchorGenerator *config, int *levels, od_error *err);

/* Anchors at each location of feature map `level` (from 0): the box predictor's number of boxes there. */
od_status od_anchors_per_location(const ObjectDetection__Protos__AnchorGenerator *config, int level, int *count, od_error *err);

/* Lays out the anchors of feature maps shapes[levels] (height, width) of an image (padded) of the given size in pixels.
 * size_varies: images come in different sizes; the OD API then always centres multiscale anchors in their cells,
 * while for a fixed size it does so only where the image's side is a multiple of the stride.
 * OD_ERR_CONFIG for values no generator accepts, OD_ERR_ARG for shapes. The caller frees *out with od_anchors_free. */
od_status od_anchors_create(const ObjectDetection__Protos__AnchorGenerator *config, const int64_t (*shapes)[2], int levels,
                            int64_t image_height, int64_t image_width, int size_varies, od_anchors **out, od_error *err);

void od_anchors_free(od_anchors *anchors);

#endif
