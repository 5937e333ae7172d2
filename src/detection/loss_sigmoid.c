/* SPDX-License-Identifier: Apache-2.0
 *
 * Weighted sigmoid cross entropy: the focal loss with the exponent 0 and no alpha.
 */
#include "detection/losses.h"

double od_loss_sigmoid(int64_t n, const float *logits, const float *targets, const float *weights, float grad_scale, float *losses, float *grad)
{
    const od_focal_params plain = {.gamma = 0};
    return od_loss_sigmoid_focal(&plain, n, logits, targets, weights, grad_scale, losses, grad);
}
