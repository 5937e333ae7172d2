/* SPDX-License-Identifier: Apache-2.0
 *
 * CenterNet's training targets of one batch: a heatmap a class with a Gaussian around each box's centre, and each box's
 * size and offset at its centre's cell (OD API core/target_assigner.py, CenterNetCenterHeatmapTargetAssigner and
 * CenterNetBoxTargetAssigner).
 */
#ifndef OD_DETECTION_CENTER_NET_TARGETS_H
#define OD_DETECTION_CENTER_NET_TARGETS_H

#include "detection/center_net_config.h"
#include "detection/targets.h"

/* What one box asks of the size and offset maps. */
typedef struct od_center_net_box {
    int64_t cell;         /* (image * height + y) * width + x */
    float height, width;  /* in cells */
    float y_offset, x_offset; /* of the centre within its cell, 0..1 */
    float weight;
} od_center_net_box;

/* Zero-initialise before the first use; grows as needed and can be used for every batch. */
typedef struct od_center_net_targets {
    int64_t batch, height, width; /* of the output maps, in cells */
    int classes;
    float *heatmap;               /* [batch, height, width, classes] */
    int64_t *valid;               /* [batch, 2] rows and columns of cells that lie in the image without its padding */
    od_center_net_box *boxes;     /* [box_count], in the order of the images; those whose centre lies in the map */
    int64_t box_count;
    int64_t instances;            /* boxes of weight other than 0, at least 1: what the losses are divided by */
    size_t capacity_heatmap, capacity_valid, capacity_boxes;
} od_center_net_targets;

/* truth[batch]; boxes relative to the padded input of input_height x input_width pixels. true_shapes [batch, 2]: pixels
 * without padding. Errors as od_target_assigner_assign. Images in parallel. */
od_status od_center_net_targets_assign(const od_center_net_config *config, const od_groundtruth *truth, const int64_t (*true_shapes)[2],
                                       int64_t batch, int64_t input_height, int64_t input_width, od_center_net_targets *targets, od_error *err);
void od_center_net_targets_deinit(od_center_net_targets *targets);

/* Standard deviation, in cells, of the Gaussian of a box of height x width cells: a third of the largest shift that keeps an
 * IoU of min_overlap (as CornerNet has it: with a square root's divisor of 2 for all three cases). */
float od_center_net_sigma(float height, float width, float min_overlap);

#endif
