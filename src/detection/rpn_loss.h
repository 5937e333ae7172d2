/* SPDX-License-Identifier: Apache-2.0
 *
 * The first stage's loss and its gradient (OD API faster_rcnn_meta_arch.py, _loss_rpn): of each image's random minibatch of anchors,
 * softmax cross entropy of the objectness and smooth L1 of the matched boxes' codes, each divided by the minibatch's size.
 */
#ifndef OD_DETECTION_RPN_LOSS_H
#define OD_DETECTION_RPN_LOSS_H

#include "detection/minibatch_sampler.h"
#include "detection/proposals.h"
#include "detection/two_stage_targets.h"

typedef struct od_rpn_loss_params {
    od_box_coder coder;
    od_minibatch_sampler sampler;
    int64_t minibatch;
    float localization_weight, objectness_weight;
} od_rpn_loss_params;

typedef struct od_stage_loss {
    double localization, classification; /* weighted */
} od_stage_loss;

/* One image of `batch`: codes [predicted, 4], logits [predicted, 2] and, or NULL, their gradients (overwritten). truth in pixels.
 * Adds to *loss. OD_ERR_NOMEM. */
od_status od_rpn_loss_image(const od_rpn_loss_params *params, const od_rpn_anchors *anchors, const od_groundtruth *truth, int64_t batch, od_rng *rng,
                            const float *codes, const float *logits, od_stage_loss *loss, float *d_codes, float *d_logits, od_error *err);

#endif
