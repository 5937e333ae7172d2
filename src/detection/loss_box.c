/* SPDX-License-Identifier: Apache-2.0
 *
 * Huber (smooth L1), L1 and L2 losses of box codes.
 */
#include "detection/losses.h"

#include <math.h>
#include <stddef.h>

double od_loss_huber(float delta, int64_t n, const float *predictions, const float *targets, const float *weights, float grad_scale,
                     float *losses, float *grad)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        float e = predictions[i] - targets[i], size = fabsf(e);
        float inner = size > delta ? delta : size; /* NaN stays */
        float loss = weights[i] * (0.5f * inner * inner + delta * (size - inner));
        if (losses) losses[i] = loss;
        if (grad) grad[i] = grad_scale * weights[i] * (e < 0.0f ? -inner : inner);
        sum += (double)loss;
    }
    return sum;
}

double od_loss_l1(int64_t n, const float *predictions, const float *targets, const float *weights, float grad_scale, float *losses, float *grad)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        float e = predictions[i] - targets[i], loss = weights[i] * fabsf(e);
        float sign = e > 0.0f ? 1.0f : e < 0.0f ? -1.0f : 0.0f;
        if (losses) losses[i] = loss;
        if (grad) grad[i] = isnan(e) ? e : grad_scale * weights[i] * sign;
        sum += (double)loss;
    }
    return sum;
}

double od_loss_l2(int64_t n, const float *predictions, const float *targets, const float *weights, float grad_scale, float *losses, float *grad)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        float e = weights[i] * (predictions[i] - targets[i]), loss = 0.5f * e * e;
        if (losses) losses[i] = loss;
        if (grad) grad[i] = grad_scale * weights[i] * e;
        sum += (double)loss;
    }
    return sum;
}
