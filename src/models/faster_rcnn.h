/* SPDX-License-Identifier: Apache-2.0
 *
 * Faster R-CNN's own parts, shared by its files: faster_rcnn_config.c reads the config, faster_rcnn.c builds the network,
 * faster_rcnn_run.c is what happens between its stages and after it, faster_rcnn_masks.c the same for masks.
 *
 *     features, RPN -> [host: proposals] -> crops -> second network -> boxes, classes
 *     with masks, training:                                        `-> masks
 *     with masks, inference: [host: detections] -> crops -> second network again -> masks
 *     number_of_stages 1:    features, RPN alone
 *
 * All is one graph. The proposals are a host step: decoded, suppressed and, in training, sampled by the ground truth; constants to the
 * backward pass. Boxes are kept in pixels of the padded image; the crops take them relative to it.
 */
#ifndef OD_MODELS_FASTER_RCNN_H
#define OD_MODELS_FASTER_RCNN_H

#include "detection/box_classifier_loss.h"
#include "detection/box_classifier_postprocess.h"
#include "models/faster_rcnn_features.h"
#include "models/mask_loss.h"
#include "models/mask_rcnn_predictor.h"
#include "models/meta.h"

typedef struct od_faster_rcnn {
    const od_config *config;
    const ObjectDetection__Protos__FasterRcnn *c;
    const od_faster_rcnn_features *features;
    od_mask_rcnn_predictor predictor;
    int first_only; /* number_of_stages: 1, no more than the first stage: proposals are the detections; what is of the second isn't set */
    od_hyperparams rpn; /* of the first stage's convolution and heads */
    od_nms_params proposals[2]; /* in inference, in training */
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
    od_value rpn_codes, rpn_logits, proposals, codes, logits; /* the last three: of the second stage */
    od_value detected, masks; /* with a mask head (detected: inference), else OD_NO_VALUE */
    const int32_t (*true_shapes)[3];
    const od_groundtruth *truth;
    float *boxes;        /* [batch, max_proposals, 4] pixels; zeros from count on */
    int32_t *count;      /* [batch] */
    int32_t *match;      /* [batch, max_proposals] */
    float *counts;       /* [batch] the same as count, for od_instance_prediction */
    od_pixel_truth *pixel_truth; /* [batch] */
    od_detections found;  /* inference with a mask head: what `detected` are the boxes of */
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

/* The image's part that isn't padding, in pixels. */
void od_faster_rcnn_window(const od_faster_rcnn_state *st, int64_t image, float window[4]);
/* An image's proposals after suppression, in pixels of the padded image; out's rows are first zeroed. */
od_status od_faster_rcnn_select(const od_faster_rcnn_state *st, const od_net *net, int64_t image, od_nms_output *out, od_error *err);
/* Proposals of an image, [max_proposals, 4] pixels. */
float *od_faster_rcnn_boxes(const od_faster_rcnn_state *st, int64_t image);
/* Detections of the last forward pass into `out`, without masks. */
od_status od_faster_rcnn_suppress(od_faster_rcnn_state *st, const od_net *net, od_detections *out, od_error *err);

/* Mask head, inference: a host step; in: codes, logits of the second stage; out [N*max_total,1,1,4]. The OD API crops at boxes that are
 * relative to the image without its padding as if they were relative to all of it, and so does this. */
void od_faster_rcnn_detect_host(void *state, od_net *net, const od_node *node, float *out);
/* Mask head, inference: the last forward pass's detections with their masks. */
od_status od_faster_rcnn_give_masks(const od_faster_rcnn_state *st, const od_net *net, od_detections *out, od_error *err);
/* Mask head: the masks' loss, weighted, and its gradient. Of proposals that od_box_classifier_loss_image has matched, in inference of the
 * detections. Ground truth without masks: an error in training, in inference *known = 0. */
od_status od_faster_rcnn_mask_loss(od_faster_rcnn_state *st, od_net *net, int gradients, int *known, double *loss, od_error *err);

/* od_meta's. */
void od_faster_rcnn_set_inputs(void *state, const int32_t (*true_shapes)[3], const od_groundtruth *truth);
od_status od_faster_rcnn_loss(void *state, od_net *net, const od_groundtruth *truth, int gradients, od_losses *losses, od_error *err);
od_status od_faster_rcnn_detect(void *state, od_net *net, const int32_t (*true_shapes)[3], od_detections *detections, od_error *err);
const float *od_faster_rcnn_prediction(const void *state, const od_net *net, const char *name, int64_t shape[4]);

#endif
