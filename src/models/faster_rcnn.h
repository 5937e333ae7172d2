/* SPDX-License-Identifier: Apache-2.0
 *
 * Faster R-CNN's own parts, shared by its files: faster_rcnn_config.c reads the config, faster_rcnn.c builds the network,
 * faster_rcnn_run.c is what happens between its stages and after it.
 *
 *     features, RPN -> [host: proposals] -> crops -> second network -> boxes, classes
 *
 * All is one graph. The proposals are a host step: decoded, suppressed and, in training, sampled by the ground truth; constants to the
 * backward pass. Boxes are kept in pixels of the padded image; the crops take them relative to it.
 */
#ifndef OD_MODELS_FASTER_RCNN_H
#define OD_MODELS_FASTER_RCNN_H

#include "detection/box_classifier_loss.h"
#include "detection/box_classifier_postprocess.h"
#include "models/faster_rcnn_features.h"
#include "models/mask_rcnn_predictor.h"
#include "models/meta.h"

typedef struct od_faster_rcnn {
    const od_config *config;
    const ObjectDetection__Protos__FasterRcnn *c;
    const od_faster_rcnn_features *features;
    od_mask_rcnn_predictor predictor;
    od_hyperparams rpn; /* of the first stage's convolution and heads */
    od_nms_params proposals;
    od_minibatch_sampler sampler; /* of the second stage's minibatch */
    od_rpn_loss_params rpn_loss;
    od_box_classifier_loss_params classifier_loss;
    od_box_classifier_postprocess postprocess;
} od_faster_rcnn;

/* OD_ERR_CONFIG, OD_ERR_UNSUPPORTED with file and line. */
od_status od_faster_rcnn_read(od_faster_rcnn *model, const od_config *config, od_error *err);

/* What an instance holds for its size. */
typedef struct od_faster_rcnn_state {
    const od_faster_rcnn *model;
    int training;
    int64_t batch, height, width;
    int64_t max_proposals; /* an image, in this mode */
    od_rpn_anchors anchors;
    od_value rpn_codes, rpn_logits, proposals, codes, logits;
    const int32_t (*true_shapes)[3];
    const od_groundtruth *truth;
    float *boxes;        /* [batch, max_proposals, 4] pixels; zeros from count on */
    int32_t *count;      /* [batch] */
    int32_t *match;      /* [batch, max_proposals] */
    float *counts;       /* [batch] the same as count, for od_instance_prediction */
    od_pixel_truth *pixel_truth; /* [batch] */
    od_status status;    /* of the last forward pass's host steps */
    od_error error;
} od_faster_rcnn_state;

od_status od_faster_rcnn_state_create(const od_faster_rcnn *model, const od_graph *g, od_value images, const od_value *maps, int levels,
                                      od_faster_rcnn_state **out, od_error *err);
void od_faster_rcnn_state_free(void *state);
/* Proposals an image that the second stage runs on. */
int64_t od_faster_rcnn_max_proposals(const od_faster_rcnn *model, int training);

/* The host step; in: codes [N,A,1,4], logits [N,A,1,2]; out [N*max_proposals,1,1,4] relative to the padded image. */
void od_faster_rcnn_propose(void *state, od_net *net, const od_node *node, float *out);

/* od_meta's. */
void od_faster_rcnn_set_inputs(void *state, const int32_t (*true_shapes)[3], const od_groundtruth *truth);
od_status od_faster_rcnn_loss(void *state, od_net *net, const od_groundtruth *truth, int gradients, od_losses *losses, od_error *err);
od_status od_faster_rcnn_detect(void *state, od_net *net, const int32_t (*true_shapes)[3], od_detections *detections, od_error *err);
const float *od_faster_rcnn_prediction(const void *state, const od_net *net, const char *name, int64_t shape[4]);

#endif
