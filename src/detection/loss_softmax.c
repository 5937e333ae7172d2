/* SPDX-License-Identifier: Apache-2.0
 *
 * Weighted softmax cross entropy, row by row: loss = sum_k t_k (ln sum_j e^(x_j - max) - (x_k - max)).
 */
#include "detection/losses.h"

#include "detection/vector_math.h"

#include <stddef.h>

static float row_max(int n, const float *x)
{
    float most = x[0];
    for (int k = 1; k < n; k++) most = x[k] > most || isnan(x[k]) ? x[k] : most;
    return most;
}

static float row_loss(int n, const float *x, const float *t, float inverse_scale, float most, float log_sum)
{
    float loss = 0;
    for (int k = 0; k < n; k++) loss += t[k] * (log_sum - (x[k] - most) * inverse_scale);
    return loss;
}

double od_loss_softmax(int64_t rows, int columns, float logit_scale, const float *logits, const float *targets, const float *weights,
                       float grad_scale, float *losses, float *grad)
{
    double sum = 0;
    float inverse_scale = 1.0f / logit_scale;
    for (int64_t i = 0; i < rows; i++) {
        const float *x = logits + i * columns, *t = targets + i * columns;
        float most = row_max(columns, x), exp_sum = 0;
        for (int k = 0; k < columns; k++) exp_sum += od_vm_exp((x[k] - most) * inverse_scale);
        float loss = weights[i] * row_loss(columns, x, t, inverse_scale, most, logf(exp_sum));
        if (losses) losses[i] = loss;
        sum += (double)loss;
        if (!grad) continue;
        float factor = grad_scale * weights[i] * inverse_scale;
        for (int k = 0; k < columns; k++)
            grad[i * columns + k] = factor * (od_vm_exp((x[k] - most) * inverse_scale) / exp_sum - t[k]);
    }
    return sum;
}

double od_loss_logits_softmax(int64_t rows, int columns, float logit_scale, const float *logits, float *targets, const float *weights,
                              float grad_scale, float *losses, float *grad)
{
    float inverse_scale = 1.0f / logit_scale;
    for (int64_t i = 0; i < rows; i++) {
        float *t = targets + i * columns, most = row_max(columns, t), sum = 0;
        for (int k = 0; k < columns; k++) sum += t[k] = od_vm_exp((t[k] - most) * inverse_scale);
        for (int k = 0; k < columns; k++) t[k] /= sum;
    }
    return od_loss_softmax(rows, columns, logit_scale, logits, targets, weights, grad_scale, losses, grad);
}
