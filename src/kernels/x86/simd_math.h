/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations on vectors, in the vocabulary of simd_avx2.h or simd_avx512.h (which include this). NaN stays NaN.
 */
#ifndef OD_KERNELS_X86_SIMD_MATH_H
#define OD_KERNELS_X86_SIMD_MATH_H

/* e^x to about one unit in the last place for |x| <= 87: x = n ln 2 + r, |r| <= ln 2 / 2, and Taylor's series for e^r,
 * whose eighth term is under 1e-8. Beyond, x counts as 87 or -87: the result and its reciprocal stay normal numbers
 * (denormal ones cost hundreds of cycles), which a sigmoid can't tell from infinity and zero. */
static inline vf v_exp_clamped(vf x)
{
    x = v_min(v_set1(87.0f), v_max(v_set1(-87.0f), x));
    vf n = v_round(v_mul(x, v_set1(1.44269504088896341f)));
    vf r = v_fnma(n, v_set1(0.693145751953125f), x); /* ln 2 in two parts: the first has trailing zeros */
    r = v_fnma(n, v_set1(1.42860682030941723e-6f), r);
    vf p = v_fma(v_set1(1.0f / 5040), r, v_set1(1.0f / 720));
    p = v_fma(p, r, v_set1(1.0f / 120));
    p = v_fma(p, r, v_set1(1.0f / 24));
    p = v_fma(p, r, v_set1(1.0f / 6));
    p = v_fma(p, r, v_set1(0.5f));
    p = v_fma(p, r, v_set1(1.0f));
    p = v_fma(p, r, v_set1(1.0f));
    return v_scale_power(p, n);
}

static inline vf v_sigmoid(vf x)
{
    vf one = v_set1(1.0f);
    return v_div(one, v_add(one, v_exp_clamped(v_sub(v_zero(), x))));
}

/* act(x); `act` is a constant where this is inlined, or the branch is well predicted. */
INLINE vf v_act(vf x, od_act act)
{
    switch (act) {
    case OD_ACT_NONE: return x;
    case OD_ACT_RELU: return v_max(v_zero(), x);
    case OD_ACT_RELU6: return v_min(v_set1(6.0f), v_max(v_zero(), x));
    case OD_ACT_SWISH: return v_mul(x, v_sigmoid(x));
    case OD_ACT_SIGMOID: return v_sigmoid(x);
    }
    return x;
}

/* dy * act'(z) */
INLINE vf v_act_grad(vf dy, vf z, od_act act)
{
    vf one = v_set1(1.0f), s;
    switch (act) {
    case OD_ACT_NONE: return dy;
    case OD_ACT_RELU: return v_where_above(dy, z, v_zero());
    case OD_ACT_RELU6: return v_where_between(dy, z, v_zero(), v_set1(6.0f));
    case OD_ACT_SWISH: s = v_sigmoid(z); return v_mul(dy, v_mul(s, v_fma(z, v_sub(one, s), one)));
    case OD_ACT_SIGMOID: s = v_sigmoid(z); return v_mul(dy, v_mul(s, v_sub(one, s)));
    }
    return dy;
}

#endif
