/* SPDX-License-Identifier: Apache-2.0
 *
 * Penalty-reduced focal loss of CenterNet's heatmaps (https://arxiv.org/abs/1904.07850, core/losses.py). With p the sigmoid
 * clipped to [1e-4, 1-1e-4]: where the target is exactly 1, u = p, else u = 1-p; v = 1-u; k = 1 or (1-t)^beta:
 *     loss = -k v^alpha ln u          d loss / dv = -k (alpha v^(alpha-1) ln u - v^alpha / u)
 */
#include "detection/losses.h"

#include "detection/vector_math.h"

#include <stddef.h>

enum { block = 512 };

typedef struct coefficients {
    float alpha, beta, grad_scale;
} coefficients;

static inline float clip_probability(float p)
{
    p = p < 1e-4f ? 1e-4f : p;
    return p > 1.0f - 1e-4f ? 1.0f - 1e-4f : p;
}

/* usual: alpha 2 and beta 4, as in every published config; otherwise powers by logarithm and exponential. */
static inline __attribute__((always_inline)) void penalty_block(int usual, const coefficients *c, int64_t n, const float *restrict logits,
                                                                const float *restrict targets, const float *restrict weights,
                                                                float *restrict losses, float *restrict grad)
{
    const float alpha = c->alpha, beta = c->beta, scale = c->grad_scale;
    for (int64_t i = 0; i < n; i++) {
        float x = logits[i], t = targets[i], w = weights[i];
        float e = od_vm_exp_bounded(-fabsf(x)), big = 1.0f / (1.0f + e), small = e * big;
        float s = x >= 0.0f ? big : small, s1 = x >= 0.0f ? small : big;
        float inside = s < 1e-4f || s1 < 1e-4f ? 0.0f : 1.0f; /* the clipping's derivative */
        float p = clip_probability(s), p1 = clip_probability(s1);
        int positive = t == 1.0f;
        float u = positive ? p : p1, v = positive ? p1 : p, m = 1.0f - t;
        float k = usual ? (m * m) * (m * m) : od_vm_exp_bounded(beta * od_vm_log(m));
        k = positive ? 1.0f : k;
        float v_alpha = usual ? v * v : od_vm_exp_bounded(alpha * od_vm_log(v)), log_u = od_vm_log(u);
        float loss = -(w * k) * (v_alpha * log_u);
        float slope_v = -k * (alpha * (v_alpha / v) * log_u - v_alpha / u);
        losses[i] = loss;
        grad[i] = scale * w * (positive ? -slope_v : slope_v) * (s * s1) * inside;
    }
}

static void penalty_usual(const coefficients *c, int64_t n, const float *x, const float *t, const float *w, float *l, float *g)
{
    penalty_block(1, c, n, x, t, w, l, g);
}

static void penalty_any(const coefficients *c, int64_t n, const float *x, const float *t, const float *w, float *l, float *g)
{
    penalty_block(0, c, n, x, t, w, l, g);
}

double od_loss_penalty_focal(const od_penalty_focal_params *params, int64_t n, const float *logits, const float *targets, const float *weights,
                             float grad_scale, float *losses, float *grad)
{
    coefficients c = {params->alpha, params->beta, grad_scale};
    int usual = params->alpha == 2.0f && params->beta == 4.0f;
    float spare[2][block];
    double sum = 0;
    for (int64_t i = 0; i < n; i += block) {
        int64_t m = n - i < block ? n - i : block;
        float *out = losses ? losses + i : spare[0];
        (usual ? penalty_usual : penalty_any)(&c, m, logits + i, targets + i, weights + i, out, grad ? grad + i : spare[1]);
        for (int64_t k = 0; k < m; k++) sum += (double)out[k];
    }
    return sum;
}
