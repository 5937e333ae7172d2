/* SPDX-License-Identifier: Apache-2.0
 *
 * Sigmoid focal loss (Lin et al., https://arxiv.org/abs/1708.02002), as core/losses.py computes it but with
 * 1 - pt = t (1-p) + (1-t) p, which loses no digits where p is small. Its gradient, with q = 1 - pt and a the alpha factor:
 *     a * (q^gamma (p - t) + gamma q^(gamma-1) (1-2t) p (1-p) * cross_entropy)
 */
#include "detection/losses.h"

#include "detection/vector_math.h"

#include <stddef.h>

enum { block = 512 };

/* The powers that have a loop of their own; the exponents in use are 2 (SSD, RetinaNet) and 1.5 (EfficientDet). */
typedef enum power { POWER_0, POWER_1, POWER_1_5, POWER_2, POWER_ANY } power;

typedef struct focal_coefficients {
    float gamma, negative_factor, factor_slope; /* alpha factor = negative_factor + t * factor_slope */
    float grad_scale;
} focal_coefficients;

static inline __attribute__((always_inline)) float power_of(power kind, float q, float gamma)
{
    switch (kind) {
    case POWER_0: return 1.0f;
    case POWER_1: return q;
    case POWER_1_5: return q * sqrtf(q);
    case POWER_2: return q * q;
    default: return od_vm_exp_bounded(gamma * od_vm_log(q));
    }
}

/* gamma * q^(gamma-1), given q^gamma. */
static inline __attribute__((always_inline)) float power_slope(power kind, float q, float gamma, float q_gamma)
{
    switch (kind) {
    case POWER_0: return 0.0f;
    case POWER_1: return 1.0f;
    case POWER_1_5: return 1.5f * sqrtf(q);
    case POWER_2: return 2.0f * q;
    default: return gamma * q_gamma / (q > 1e-30f ? q : 1e-30f);
    }
}

static inline __attribute__((always_inline)) void focal_block(power kind, const focal_coefficients *c, int64_t n, const float *restrict logits,
                                                                const float *restrict targets, const float *restrict weights,
                                                                float *restrict losses, float *restrict grad)
{
    const float gamma = c->gamma, factor0 = c->negative_factor, slope = c->factor_slope, scale = c->grad_scale;
    for (int64_t i = 0; i < n; i++) {
        float x = logits[i], t = targets[i], w = weights[i];
        float e = od_vm_exp_bounded(-fabsf(x)), inverse = 1.0f / (1.0f + e), rest = e * inverse;
        float p = x >= 0.0f ? inverse : rest, p1 = x >= 0.0f ? rest : inverse;
        float cross_entropy = (x > 0.0f ? x : 0.0f) - x * t + od_vm_log1p_unit(e);
        float q = t * p1 + (1.0f - t) * p, q_gamma = power_of(kind, q, gamma);
        float factor = w * (factor0 + t * slope);
        float loss = factor * q_gamma * cross_entropy;
        float d = q_gamma * ((1.0f - t) * p - t * p1) + power_slope(kind, q, gamma, q_gamma) * (1.0f - 2.0f * t) * (p * p1) * cross_entropy;
        losses[i] = loss;
        grad[i] = scale * factor * d;
    }
}

typedef void (*block_fn)(const focal_coefficients *, int64_t, const float *, const float *, const float *, float *, float *);
#define FOCAL_FN(name, kind) \
    static void name(const focal_coefficients *c, int64_t n, const float *x, const float *t, const float *w, float *l, float *g) \
    { \
        focal_block(kind, c, n, x, t, w, l, g); \
    }
FOCAL_FN(focal_0, POWER_0)
FOCAL_FN(focal_1, POWER_1)
FOCAL_FN(focal_1_5, POWER_1_5)
FOCAL_FN(focal_2, POWER_2)
FOCAL_FN(focal_any, POWER_ANY)

static block_fn choose(float gamma)
{
    if (gamma == 0.0f) return focal_0;
    if (gamma == 1.0f) return focal_1;
    if (gamma == 1.5f) return focal_1_5;
    return gamma == 2.0f ? focal_2 : focal_any;
}

/* In double, over four running sums that one vector can hold. */
static double sum_of(int64_t n, const float *x)
{
    enum { lanes = 4 };
    double lane[lanes] = {0}, rest = 0;
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (int k = 0; k < lanes; k++) lane[k] += (double)x[i + k];
    for (; i < n; i++) rest += (double)x[i];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]) + rest;
}

double od_loss_sigmoid_focal(const od_focal_params *params, int64_t n, const float *logits, const float *targets, const float *weights,
                             float grad_scale, float *losses, float *grad)
{
    focal_coefficients c = {params->gamma, 1.0f, 0.0f, grad_scale};
    if (params->has_alpha) {
        c.negative_factor = 1.0f - params->alpha;
        c.factor_slope = params->alpha - c.negative_factor;
    }
    block_fn fn = choose(params->gamma);
    float spare[2][block];
    double sum = 0;
    for (int64_t i = 0; i < n; i += block) {
        int64_t m = n - i < block ? n - i : block;
        float *out = losses ? losses + i : spare[0];
        fn(&c, m, logits + i, targets + i, weights + i, out, grad ? grad + i : spare[1]);
        sum += sum_of(m, out);
    }
    return sum;
}
