/* SPDX-License-Identifier: Apache-2.0
 *
 * Dice loss of one image (core/losses.py, WeightedDiceClassificationLoss): for each class, over all anchors,
 *     1 - 2 sum(p t) / max(sum(p) + sum(t), 1)
 * where p is the weighted probability and t the weighted target, both squared before weighting with squared_normalization.
 */
#include "detection/losses.h"

#include "detection/vector_math.h"

#include <stddef.h>

static inline float probability(const od_dice_params *c, float x)
{
    return c->is_probability ? x : od_vm_sigmoid(x);
}

static void class_gradient(const od_dice_params *c, int64_t anchors, int columns, const float *logits, const float *targets, const float *weights,
                           double overlap, double area, float grad_scale, float *grad)
{
    double divisor = area > 1 ? area : 1;
    for (int64_t i = 0; i < anchors * columns; i += columns) {
        float p = probability(c, logits[i]), t = c->squared ? targets[i] * targets[i] : targets[i], w = weights[i];
        /* of 1 - 2 overlap / divisor by the weighted (squared) probability */
        double slope = -2 * (double)(t * w) / divisor + (area > 1 ? 2 * overlap / (divisor * divisor) : 0);
        float inner = (c->squared ? 2 * p : 1) * w * (c->is_probability ? 1 : p * (1 - p));
        grad[i] = grad_scale * (float)slope * inner;
    }
}

double od_loss_dice(const od_dice_params *params, int64_t anchors, int columns, const float *logits, const float *targets, const float *weights,
                    float grad_scale, float *grad)
{
    double sum = 0;
    for (int k = 0; k < columns; k++) {
        double overlap = 0, area = 0;
        for (int64_t i = k; i < anchors * columns; i += columns) {
            float p = probability(params, logits[i]), t = targets[i];
            if (params->squared) p *= p, t *= t;
            p *= weights[i], t *= weights[i];
            overlap += (double)p * t;
            area += (double)p + (double)t;
        }
        sum += 1 - 2 * overlap / (area > 1 ? area : 1);
        if (grad) class_gradient(params, anchors, columns, logits + k, targets + k, weights + k, overlap, area, grad_scale, grad + k);
    }
    return sum;
}
