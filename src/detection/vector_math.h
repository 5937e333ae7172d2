/* SPDX-License-Identifier: Apache-2.0
 *
 * exp, log, log1p and the sigmoid as plain float arithmetic without calls, tables or branches, so that compilers
 * vectorise the loops that use them. Relative error below 2e-7 (tests/detection/test_vector_math.c); NaN gives NaN.
 * The build forbids contraction, so the same operations give the same bits on every instruction set.
 */
#ifndef OD_DETECTION_VECTOR_MATH_H
#define OD_DETECTION_VECTOR_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float od_vm_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t od_vm_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* e^r for |r| <= ln 2 / 2 (Cephes' expf polynomial). */
static inline float od_vm_exp_polynomial(float r)
{
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return p * (r * r) + r + 1.0f;
}

/* e^x for x <= 86.9; below -86.9 (where e^x < 2e-38) it is e^-86.9. x = n ln 2 + r; adding 1.5 * 2^23 leaves the integer n in
 * the low bits. */
static inline float od_vm_exp_bounded(float x)
{
    const float round_to_int = 12582912.0f;
    x = x < -86.9f ? -86.9f : x;
    float shifted = x * 1.44269504088896341f + round_to_int;
    float n = shifted - round_to_int;
    float r = x - n * 0.693359375f;
    float p = od_vm_exp_polynomial(r + n * 2.12194440e-4f);
    uint32_t exponent = od_vm_bits(shifted) - 0x4B400000u;
    return p * od_vm_from_bits((exponent + 127u) << 23);
}

/* e^x for any x: as above, but the power of two is applied in two halves, so that the ends of the range come out right. */
static inline float od_vm_exp(float x)
{
    const float round_to_int = 12582912.0f;
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float shifted = x * 1.44269504088896341f + round_to_int;
    float n = shifted - round_to_int;
    float r = x - n * 0.693359375f;
    float p = od_vm_exp_polynomial(r + n * 2.12194440e-4f);
    uint32_t exponent = od_vm_bits(shifted) - 0x4B400000u;
    uint32_t low = (uint32_t)((int32_t)exponent >> 1), high = exponent - low;
    return p * od_vm_from_bits((low + 127u) << 23) * od_vm_from_bits((high + 127u) << 23);
}

/* ln x for normal positive x (smaller ones count as the smallest normal); infinity and NaN stay. m in [sqrt(1/2), sqrt(2)),
 * ln m = 2 atanh((m-1)/(m+1)). */
static inline float od_vm_log(float x)
{
    float safe = x < 1.17549435e-38f ? 1.17549435e-38f : x;
    uint32_t bits = od_vm_bits(safe) - 0x3F3504F3u; /* sqrt(1/2) */
    int32_t n = (int32_t)bits >> 23;
    float m = od_vm_from_bits((bits & 0x007FFFFFu) + 0x3F3504F3u);
    float z = (m - 1.0f) / (m + 1.0f), s = z * z;
    float p = 1.0f / 9.0f;
    p = p * s + 1.0f / 7.0f;
    p = p * s + 1.0f / 5.0f;
    p = p * s + 1.0f / 3.0f;
    float e = (float)n;
    float y = e * 0.693359375f + (e * -2.12194440e-4f + (2.0f * z + 2.0f * z * s * p));
    return x - x == 0.0f ? y : x;
}

/* ln(1 + e) for e in [0, 1], as 2 atanh(e / (2 + e)): exact to rounding also where e is tiny. */
static inline float od_vm_log1p_unit(float e)
{
    float z = e / (2.0f + e), s = z * z;
    float p = 1.0f / 17.0f;
    p = p * s + 1.0f / 15.0f;
    p = p * s + 1.0f / 13.0f;
    p = p * s + 1.0f / 11.0f;
    p = p * s + 1.0f / 9.0f;
    p = p * s + 1.0f / 7.0f;
    p = p * s + 1.0f / 5.0f;
    p = p * s + 1.0f / 3.0f;
    return 2.0f * z + 2.0f * z * (s * p);
}

/* 1 / (1 + e^-x). */
static inline float od_vm_sigmoid(float x)
{
    float e = od_vm_exp_bounded(-fabsf(x));
    float big = 1.0f / (1.0f + e);
    return x >= 0.0f ? big : e * big;
}

#endif
