/* SPDX-License-Identifier: Apache-2.0
 *
 * The second stage's loss and its gradient (OD API faster_rcnn_meta_arch.py, _loss_box_classifier): each proposal's class, and smooth L1
 * of the code of its class' box, divided by the image's number of proposals.
 */
#ifndef OD_DETECTION_BOX_CLASSIFIER_LOSS_H
#define OD_DETECTION_BOX_CLASSIFIER_LOSS_H

#include "detection/hard_example_miner.h"
#include "detection/losses.h"
#include "detection/rpn_loss.h"

#include "losses.pb-c.h"

typedef enum od_stage_class_loss { OD_STAGE_SOFTMAX, OD_STAGE_SIGMOID, OD_STAGE_FOCAL } od_stage_class_loss;

typedef struct od_box_classifier_loss_params {
    od_box_coder coder;
    int num_classes;
    int boxes_each;  /* of a proposal: 1, or num_classes */
    od_stage_class_loss kind;
    float logit_scale;
    od_focal_params focal;
    float localization_weight, classification_weight;
    int mine;
    od_hard_example_miner miner;
} od_box_classifier_loss_params;

/* The kind of loss (NULL: softmax) into params; OD_ERR_UNSUPPORTED names the others. */
od_status od_box_classifier_loss_read(od_box_classifier_loss_params *params, const ObjectDetection__Protos__ClassificationLoss *config, od_error *err);

/* One image of `batch`, its first `count` of `max` proposals [max, 4] in pixels: codes [max, boxes_each, 4], logits [max, 1 + num_classes]
 * and, or NULL, their gradients (overwritten, 0 from `count` on). match [max]: filled. With mining only image 0 counts, as in the OD
 * API. Adds to *loss. OD_ERR_NOMEM. */
typedef struct od_box_classifier_image {
    int64_t image, batch, count, max;
    const float *proposals;
    const od_groundtruth *truth; /* in pixels */
    const float *codes, *logits;
    float *d_codes, *d_logits;
    int32_t *match;
} od_box_classifier_image;
od_status od_box_classifier_loss_image(const od_box_classifier_loss_params *params, const od_box_classifier_image *image, od_stage_loss *loss, od_error *err);

#endif
