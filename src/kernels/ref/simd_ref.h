/* SPDX-License-Identifier: Apache-2.0
 *
 * The vector vocabulary of x86/simd_*.h in the compilers' portable vectors of 4 floats; a mask is a number of lanes.
 */
#ifndef OD_KERNELS_REF_SIMD_REF_H
#define OD_KERNELS_REF_SIMD_REF_H

#include "kernels/kernels_impl.h"
#include "kernels/ref/act_ref.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#define VL 4
typedef float vf __attribute__((vector_size(16)));
typedef int vmask;

INLINE vf v_set1(float x) { return (vf){x, x, x, x}; }
INLINE vf v_zero(void) { return v_set1(0.0f); }
INLINE vf v_load(const float *p)
{
    vf x;
    memcpy(&x, p, sizeof x);
    return x;
}
INLINE void v_store(float *p, vf x) { memcpy(p, &x, sizeof x); }
INLINE vf v_loadm(const float *p, vmask m)
{
    float x[VL] = {0};
    for (int i = 0; i < m; i++) x[i] = p[i];
    return v_load(x);
}
INLINE void v_storem(float *p, vf x, vmask m)
{
    for (int i = 0; i < m; i++) p[i] = x[i];
}
INLINE vf v_add(vf a, vf b) { return a + b; }
INLINE vf v_sub(vf a, vf b) { return a - b; }
INLINE vf v_mul(vf a, vf b) { return a * b; }
INLINE vf v_fma(vf a, vf b, vf c) { return a * b + c; }
INLINE vf v_fnma(vf a, vf b, vf c) { return c - a * b; }
INLINE vmask v_first(int64_t n) { return n >= VL ? VL : (int)n; }
INLINE vf v_act(vf x, od_act act)
{
    float y[VL];
    if (act == OD_ACT_NONE) return x;
    v_store(y, x);
    od__act_row_ref(VL, y, act);
    return v_load(y);
}

#endif
