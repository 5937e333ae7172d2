/* SPDX-License-Identifier: Apache-2.0
 *
 * The small vector vocabulary that the *_impl.h files are written in, for AVX-512: 16 floats and a bit mask.
 * Masked-off lanes of a load are zero and are never touched in memory.
 */
#ifndef OD_KERNELS_X86_SIMD_AVX512_H
#define OD_KERNELS_X86_SIMD_AVX512_H

#include "kernels/x86/simd_common.h"

#define VL 16
#define VREGS 32
typedef __m512 vf;
typedef __mmask16 vmask;

static inline vf v_set1(float x) { return _mm512_set1_ps(x); }
static inline vf v_zero(void) { return _mm512_setzero_ps(); }
static inline vf v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
static inline vf v_loadm(const float *p, vmask m) { return _mm512_maskz_loadu_ps(m, p); }
static inline void v_storem(float *p, vf x, vmask m) { _mm512_mask_storeu_ps(p, m, x); }
static inline vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }   /* a * b + c */
static inline vf v_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); } /* c - a * b */
/* The second argument comes back when either is NaN. */
static inline vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }

/* 16 floats past the caches; to is aligned. */
static inline void stream_line(float *to, const float *from)
{
    _mm512_stream_ps(to, _mm512_loadu_ps(from));
}

/* Vectors that n values take, the last one perhaps in part. */
static inline int64_t vectors_in(int64_t n) { return (n + VL - 1) / VL; }

/* The first n lanes (0 <= n <= VL; more count as all). */
static inline vmask v_first(int64_t n) { return (vmask)(n >= VL ? 0xffff : (1u << n) - 1u); }

/* x where z > low (and z < high), else 0. */
static inline vf v_where_above(vf x, vf z, vf low)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(z, low, _CMP_GT_OQ), x);
}
static inline vf v_where_between(vf x, vf z, vf low, vf high)
{
    vmask m = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(z, low, _CMP_GT_OQ), z, high, _CMP_LT_OQ);
    return _mm512_maskz_mov_ps(m, x);
}

/* r * 2^n for a whole number n; goes to infinity, denormals and zero as it should. */
static inline vf v_scale_power(vf r, vf n) { return _mm512_scalef_ps(r, n); }
static inline vf v_round(vf x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

/* Turns a VL x VL block round: lane j of row i becomes lane i of row j. */
static inline void v_transpose(vf r[VL])
{
    vf t[VL];
    UNROLL
    for (int i = 0; i < VL; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL
    for (int i = 0; i < VL; i += 4) {
        UNROLL
        for (int j = 0; j < 2; j++) {
            __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + j + 2]);
            r[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            r[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        UNROLL
        for (int half = 0; half < VL; half += 8) {
            t[half + i] = _mm512_shuffle_f32x4(r[half + i], r[half + i + 4], 0x88);
            t[half + i + 4] = _mm512_shuffle_f32x4(r[half + i], r[half + i + 4], 0xdd);
        }
    }
    UNROLL
    for (int i = 0; i < 8; i++) {
        r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    }
}

/* Sums in double: acc[0] and acc[1] each take half of x squared. */
typedef __m512d vd;
static inline vd vd_zero(void) { return _mm512_setzero_pd(); }
static inline vd vd_add(vd a, vd b) { return _mm512_add_pd(a, b); }
static inline double vd_total(vd a) { return _mm512_reduce_add_pd(a); }
static inline vd vd_set1(double x) { return _mm512_set1_pd(x); }
static inline vd vd_fma(vd a, vd b, vd c) { return _mm512_fmadd_pd(a, b, c); } /* a * b + c */
static inline void vd_store(double *p, vd x) { _mm512_storeu_pd(p, x); }
static inline void vd_widen(vf x, vd *low, vd *high)
{
    *low = _mm512_cvtps_pd(_mm512_castps512_ps256(x));
    *high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
}
static inline void vd_squares(vf x, vd acc[2])
{
    vd low, high;
    vd_widen(x, &low, &high);
    acc[0] = _mm512_fmadd_pd(low, low, acc[0]);
    acc[1] = _mm512_fmadd_pd(high, high, acc[1]);
}

#include "kernels/x86/simd_math.h"

#endif
