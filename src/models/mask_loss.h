/* SPDX-License-Identifier: Apache-2.0
 *
 * The mask head's loss and its gradient (OD API faster_rcnn_meta_arch.py, _loss_box_classifier): sigmoid cross entropy between the mask of a
 * box' class and what its match's ground-truth mask is inside the box, sampled to the head's size. Averaged over all pixels of the batch's
 * matched boxes, so first od_mask_loss_weight of every image, then od_mask_loss_image.
 */
#ifndef OD_MODELS_MASK_LOSS_H
#define OD_MODELS_MASK_LOSS_H

#include "detection/targets.h"

typedef struct od_mask_loss_params {
    int mask_h, mask_w;
    int masks;             /* of a box: one a class, or 1 */
    int matmul;            /* how ground truth is sampled: od_roi_attrs */
    int64_t height, width; /* of the padded image */
    float weight;
} od_mask_loss_params;

typedef struct od_mask_loss_image_in {
    int64_t count;
    const float *boxes;          /* [count, 4] pixels */
    const int32_t *match;        /* [count] index of a ground truth, or negative */
    const od_groundtruth *truth; /* with masks, unless it is empty */
    const float *logits;         /* [count, mask_h, mask_w, masks] */
    float *d_logits;             /* the same, zeroed by the caller; or NULL */
} od_mask_loss_image_in;

/* The sum of the matched boxes' weights. */
double od_mask_loss_weight(const od_mask_loss_image_in *image);
/* Adds to *loss. total_weight: of the batch. OD_ERR_NOMEM. */
od_status od_mask_loss_image(const od_mask_loss_params *params, const od_mask_loss_image_in *image, double total_weight, double *loss, od_error *err);

#endif
