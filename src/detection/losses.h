/* SPDX-License-Identifier: Apache-2.0
 *
 * The OD API's losses (core/losses.py) on plain arrays. Each function takes n predictions with their targets and weights and
 * returns the sum of the weighted losses; NaN and infinite predictions make the sum NaN or infinite, nothing else.
 *   losses  [n] or NULL: the weighted loss of each element (of each row, for softmax)
 *   grad    [n] or NULL: d(grad_scale * sum) / d(prediction), overwritten
 * One thread, no allocation; the same input gives the same bits.
 */
#ifndef OD_DETECTION_LOSSES_H
#define OD_DETECTION_LOSSES_H

#include <stdint.h>

/* (1-pt)^gamma * (alpha t + (1-alpha)(1-t)) * sigmoid cross entropy; without has_alpha the alpha factor is 1.
 * logits, targets (0..1), weights: [n]. */
typedef struct od_focal_params {
    float gamma, alpha;
    int has_alpha;
} od_focal_params;
double od_loss_sigmoid_focal(const od_focal_params *params, int64_t n, const float *logits, const float *targets, const float *weights,
                             float grad_scale, float *losses, float *grad);

/* Sigmoid cross entropy: max(x,0) - x t + ln(1 + e^-|x|). logits, targets, weights: [n]. */
double od_loss_sigmoid(int64_t n, const float *logits, const float *targets, const float *weights, float grad_scale, float *losses, float *grad);

/* The heatmap loss of CenterNet: -(1-p)^alpha ln p where the target is exactly 1, else -(1-t)^beta p^alpha ln(1-p); p is the
 * sigmoid clipped to [1e-4, 1-1e-4]. logits, targets, weights: [n]. */
typedef struct od_penalty_focal_params {
    float alpha, beta;
} od_penalty_focal_params;
double od_loss_penalty_focal(const od_penalty_focal_params *params, int64_t n, const float *logits, const float *targets, const float *weights,
                             float grad_scale, float *losses, float *grad);

/* Softmax cross entropy of each row of logits / logit_scale. logits, targets, grad: [rows, columns]; weights, losses: [rows].
 * The gradient is softmax - target, as TensorFlow's, also where a row of targets doesn't sum to 1 (then it is not the
 * derivative of the returned value). */
double od_loss_softmax(int64_t rows, int columns, float logit_scale, const float *logits, const float *targets, const float *weights,
                       float grad_scale, float *losses, float *grad);

/* The same against the softmax of targets / logit_scale, where targets are logits. `targets` is overwritten by these probabilities. */
double od_loss_logits_softmax(int64_t rows, int columns, float logit_scale, const float *logits, float *targets, const float *weights,
                              float grad_scale, float *losses, float *grad);

/* Sigmoid cross entropy against alpha * target + (1 - alpha) * prediction; hard: the prediction counts as 0 or 1. [n]. */
typedef struct od_bootstrap_params {
    float alpha;
    int hard;
} od_bootstrap_params;
double od_loss_bootstrapped_sigmoid(const od_bootstrap_params *params, int64_t n, const float *logits, const float *targets, const float *weights,
                                    float grad_scale, float *losses, float *grad);

/* The sum over `columns` classes of 1 - Dice coefficient over one image's anchors. logits, targets, weights, grad: [anchors, columns]. */
typedef struct od_dice_params {
    int squared;        /* probabilities and targets count squared */
    int is_probability; /* the predictions are probabilities, not logits */
} od_dice_params;
double od_loss_dice(const od_dice_params *params, int64_t anchors, int columns, const float *logits, const float *targets, const float *weights,
                    float grad_scale, float *grad);

/* 1 - IoU, or 1 - generalised IoU, of two boxes [ymin, xmin, ymax, xmax]; grad [4] or NULL: of grad_scale * that. */
float od_loss_box_iou(int generalised, const float prediction[4], const float target[4], float grad_scale, float *grad);

/* Box regression; predictions, targets, weights: [n]. huber (smooth L1): e^2/2 up to |e| = delta, then delta |e| - delta^2/2.
 * l2 is (weight * e)^2 / 2, with the weight inside the square, as the OD API has it. */
double od_loss_huber(float delta, int64_t n, const float *predictions, const float *targets, const float *weights, float grad_scale,
                     float *losses, float *grad);
double od_loss_l1(int64_t n, const float *predictions, const float *targets, const float *weights, float grad_scale, float *losses, float *grad);
double od_loss_l2(int64_t n, const float *predictions, const float *targets, const float *weights, float grad_scale, float *losses, float *grad);

#endif
