/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations and the epilogue of products as plain C loops without branches inside, so that the compiler turns
 * them into vector code. A NaN stays a NaN through every activation.
 */
#ifndef OD_KERNELS_REF_ACT_REF_H
#define OD_KERNELS_REF_ACT_REF_H

#include "kernels/kernels.h"

#include <math.h>

static inline float od__relu_ref(float x)
{
    return x < 0.0f ? 0.0f : x;
}

static inline float od__relu6_ref(float x)
{
    float y = x < 0.0f ? 0.0f : x;
    return y > 6.0f ? 6.0f : y;
}

static inline float od__sigmoid_ref(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* y[0..n) = act(y[0..n)). */
static inline void od__act_row_ref(int64_t n, float *y, od_act act)
{
    switch (act) {
    case OD_ACT_NONE: break;
    case OD_ACT_RELU:
        for (int64_t i = 0; i < n; i++) y[i] = od__relu_ref(y[i]);
        break;
    case OD_ACT_RELU6:
        for (int64_t i = 0; i < n; i++) y[i] = od__relu6_ref(y[i]);
        break;
    case OD_ACT_SWISH:
        for (int64_t i = 0; i < n; i++) y[i] *= od__sigmoid_ref(y[i]);
        break;
    case OD_ACT_SIGMOID:
        for (int64_t i = 0; i < n; i++) y[i] = od__sigmoid_ref(y[i]);
        break;
    }
}

/* What od_gemm_post asks for, on one finished row y [n] (residual: the same row, or NULL). */
static inline void od__post_row_ref(int64_t n, float *y, const od_gemm_post *post, const float *residual)
{
    if (post->bias)
        for (int64_t i = 0; i < n; i++) y[i] += post->bias[i];
    od__act_row_ref(n, y, post->act);
    if (residual) {
        for (int64_t i = 0; i < n; i++) y[i] += residual[i];
        od__act_row_ref(n, y, post->act_after);
    }
    if (post->sum)
        for (int64_t i = 0; i < n; i++) {
            post->sum[i] += y[i];
            post->sumsq[i] += y[i] * y[i];
        }
}

#endif
