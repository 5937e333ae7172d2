/* SPDX-License-Identifier: Apache-2.0
 *
 * CenterNet's losses over one batch and their gradients with respect to the raw predictions (OD API
 * meta_architectures/center_net_meta_arch.py). A network with several stacks (hourglass) predicts once a stack; the losses
 * are the mean over them.
 */
#ifndef OD_DETECTION_CENTER_NET_LOSS_H
#define OD_DETECTION_CENTER_NET_LOSS_H

#include "detection/center_net_targets.h"

/* Weighted and normalised, as printed and logged: Loss/object_center, Loss/box/scale, Loss/box/offset. */
typedef struct od_center_net_loss_values {
    double object_center, box_scale, box_offset;
} od_center_net_loss_values;

/* One stack's predictions and where their gradients go (overwritten; all three NULL: only the values). */
typedef struct od_center_net_head {
    const float *center; /* [N, H, W, classes] logits */
    const float *scale;  /* [N, H, W, 2] height and width in cells */
    const float *offset; /* [N, H, W, 2] y, x */
    float *d_center, *d_scale, *d_offset;
} od_center_net_head;

/* Parallel over the maps; the same bits for any number of threads. OD_ERR_NOMEM. */
od_status od_center_net_loss_run(const od_center_net_config *config, const od_center_net_targets *targets, const od_center_net_head *heads,
                                 int head_count, od_center_net_loss_values *values, od_error *err);

#endif
