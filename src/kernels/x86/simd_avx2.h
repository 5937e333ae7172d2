/* SPDX-License-Identifier: Apache-2.0
 *
 * The small vector vocabulary that the *_impl.h files are written in, for AVX2 with FMA: 8 floats and a vector mask.
 * Masked-off lanes of a load are zero and are never touched in memory.
 */
#ifndef OD_KERNELS_X86_SIMD_AVX2_H
#define OD_KERNELS_X86_SIMD_AVX2_H

#include "kernels/x86/simd_common.h"

#define VL 8
#define VREGS 16
typedef __m256 vf;
typedef __m256i vmask;

static inline vf v_set1(float x) { return _mm256_set1_ps(x); }
static inline vf v_zero(void) { return _mm256_setzero_ps(); }
static inline vf v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
static inline vf v_loadm(const float *p, vmask m) { return _mm256_maskload_ps(p, m); }
static inline void v_storem(float *p, vf x, vmask m) { _mm256_maskstore_ps(p, m, x); }
static inline vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }   /* a * b + c */
static inline vf v_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); } /* c - a * b */
/* The second argument comes back when either is NaN. */
static inline vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }

/* 16 floats past the caches; to is aligned. */
static inline void stream_line(float *to, const float *from)
{
    _mm256_stream_ps(to, _mm256_loadu_ps(from));
    _mm256_stream_ps(to + VL, _mm256_loadu_ps(from + VL));
}

/* Vectors that n values take, the last one perhaps in part. */
static inline int64_t vectors_in(int64_t n) { return (n + VL - 1) / VL; }

/* The first n lanes (0 <= n <= VL; more count as all). */
static inline vmask v_first(int64_t n)
{
    int count = n >= VL ? VL : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* x where z > low (and z < high), else 0. */
static inline vf v_where_above(vf x, vf z, vf low) { return _mm256_and_ps(x, _mm256_cmp_ps(z, low, _CMP_GT_OQ)); }
static inline vf v_where_between(vf x, vf z, vf low, vf high)
{
    return _mm256_and_ps(v_where_above(x, z, low), _mm256_cmp_ps(z, high, _CMP_LT_OQ));
}

/* r * 2^n for a whole number |n| < 254, in two steps; goes to infinity, denormals and zero as it should. */
static inline vf v_scale_power(vf r, vf n)
{
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), rest = _mm256_sub_epi32(whole, half);
    __m256i bias = _mm256_set1_epi32(127);
    vf a = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
    vf b = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
    return v_mul(v_mul(r, a), b);
}
static inline vf v_round(vf x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

/* Turns a VL x VL block round: lane j of row i becomes lane i of row j. */
static inline void v_transpose(vf r[VL])
{
    vf t[VL];
    UNROLL
    for (int i = 0; i < VL; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL
    for (int i = 0; i < VL; i += 4) {
        UNROLL
        for (int j = 0; j < 2; j++) {
            __m256d a = _mm256_castps_pd(t[i + j]), b = _mm256_castps_pd(t[i + j + 2]);
            r[i + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
            r[i + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
        }
    }
    UNROLL
    for (int i = 0; i < 4; i++) t[i] = r[i], t[i + 4] = r[i + 4];
    UNROLL
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
    }
}

/* Sums in double: acc[0] and acc[1] each take half of x squared. */
typedef __m256d vd;
static inline vd vd_zero(void) { return _mm256_setzero_pd(); }
static inline vd vd_add(vd a, vd b) { return _mm256_add_pd(a, b); }
static inline double vd_total(vd a) { return (a[0] + a[1]) + (a[2] + a[3]); }
static inline vd vd_set1(double x) { return _mm256_set1_pd(x); }
static inline vd vd_fma(vd a, vd b, vd c) { return _mm256_fmadd_pd(a, b, c); } /* a * b + c */
static inline void vd_store(double *p, vd x) { _mm256_storeu_pd(p, x); }
static inline void vd_widen(vf x, vd *low, vd *high)
{
    *low = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
    *high = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}
static inline void vd_squares(vf x, vd acc[2])
{
    vd low, high;
    vd_widen(x, &low, &high);
    acc[0] = _mm256_fmadd_pd(low, low, acc[0]);
    acc[1] = _mm256_fmadd_pd(high, high, acc[1]);
}

#include "kernels/x86/simd_math.h"

#endif
