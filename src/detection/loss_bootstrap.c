/* SPDX-License-Identifier: Apache-2.0
 *
 * Sigmoid cross entropy against a mixture of target and prediction (Reed et al., ICLR 2015; core/losses.py,
 * BootstrappedSigmoidClassificationLoss). TensorFlow differentiates the soft mixture, too: the gradient has a term of the target.
 */
#include "detection/losses.h"

#include "detection/vector_math.h"

#include <math.h>
#include <stddef.h>

double od_loss_bootstrapped_sigmoid(const od_bootstrap_params *params, int64_t n, const float *logits, const float *targets, const float *weights,
                                    float grad_scale, float *losses, float *grad)
{
    double sum = 0;
    float a = params->alpha, b = 1.0f - a;
    for (int64_t i = 0; i < n; i++) {
        float x = logits[i], s = od_vm_sigmoid(x);
        float t = a * targets[i] + b * (params->hard ? (s > 0.5f ? 1.0f : 0.0f) : s);
        float loss = weights[i] * ((x > 0.0f ? x : 0.0f) - x * t + log1pf(expf(-fabsf(x))));
        if (losses) losses[i] = loss;
        if (grad) grad[i] = grad_scale * weights[i] * (s - t - (params->hard ? 0.0f : x * b * s * (1.0f - s)));
        sum += (double)loss;
    }
    return sum;
}
