/* SPDX-License-Identifier: Apache-2.0 */
#include "image/row_kernels.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* One pixel and the float after it. GCC's and clang's vectors: SSE, NEON or plain code, the same arithmetic. */
typedef float pixel4 __attribute__((vector_size(16)));

static void spread_gray_portable(const uint8_t *restrict gray, uint8_t *restrict rgb, size_t width)
{
    for (size_t i = 0; i < width; i++) rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = gray[i];
}

static void scale_bytes_portable(const uint8_t *restrict in, float *restrict row, size_t count, const float factor[3],
                                 const float offset[3])
{
    /* Four pixels are a whole number of vectors. */
    enum { PERIOD = 12 };
    float factors[PERIOD], offsets[PERIOD];
    size_t i = 0;
    for (int k = 0; k < PERIOD; k++) factors[k] = factor[k % 3], offsets[k] = offset[k % 3];
    for (; i + PERIOD <= count; i += PERIOD)
        for (size_t k = 0; k < PERIOD; k++) row[i + k] = (float)in[i + k] * factors[k] - offsets[k];
    for (; i < count; i++) row[i] = (float)in[i] * factor[i % 3] - offset[i % 3];
}

INLINE pixel4 load(const float *p)
{
    pixel4 v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void blend_columns(const float *restrict row, const od__tap *restrict columns, int width, float *restrict out)
{
    for (int x = 0; x < width; x++, out += 3) {
        pixel4 left = load(row + columns[x].low), right = load(row + columns[x].high);
        pixel4 value = left + (right - left) * columns[x].fraction;
        memcpy(out, &value, sizeof value);
    }
}

INLINE void blend_rows(const float *restrict top, const float *restrict bottom, float fraction, float *restrict out,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) out[i] = top[i] + (bottom[i] - top[i]) * fraction;
}

#define BLENDS(suffix, attribute)                                                                                      \
    attribute static void blend_columns_##suffix(const float *restrict row, const od__tap *restrict columns,           \
                                                 int width, float *restrict out)                                       \
    {                                                                                                                  \
        blend_columns(row, columns, width, out);                                                                       \
    }                                                                                                                  \
    attribute static void blend_rows_##suffix(const float *restrict top, const float *restrict bottom, float fraction, \
                                              float *restrict out, size_t count)                                       \
    {                                                                                                                  \
        blend_rows(top, bottom, fraction, out, count);                                                                 \
    }

BLENDS(portable, )
const od__row_kernels od__row_kernels_portable = {spread_gray_portable, scale_bytes_portable, blend_columns_portable,
                                                  blend_rows_portable};

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))

AVX2 static void spread_gray_avx2(const uint8_t *restrict gray, uint8_t *restrict rgb, size_t width)
{
    const __m128i first = _mm_setr_epi8(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5);
    const __m128i second = _mm_setr_epi8(5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10);
    const __m128i third = _mm_setr_epi8(10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15);
    size_t i = 0;
    for (; i + 16 <= width; i += 16) {
        __m128i pixels = _mm_loadu_si128((const __m128i *)(gray + i)), *out = (__m128i *)(rgb + 3 * i);
        _mm_storeu_si128(out, _mm_shuffle_epi8(pixels, first));
        _mm_storeu_si128(out + 1, _mm_shuffle_epi8(pixels, second));
        _mm_storeu_si128(out + 2, _mm_shuffle_epi8(pixels, third));
    }
    spread_gray_portable(gray + i, rgb + 3 * i, width - i);
}

AVX2 static inline __m256 load_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

AVX2 static void scale_bytes_avx2(const uint8_t *restrict in, float *restrict row, size_t count, const float factor[3],
                                  const float offset[3])
{
    enum { VECTORS = 3, PERIOD = 8 * VECTORS }; /* eight pixels */
    float factors[PERIOD], offsets[PERIOD];
    size_t i = 0;
    for (int k = 0; k < PERIOD; k++) factors[k] = factor[k % 3], offsets[k] = offset[k % 3];
    for (; i + PERIOD <= count; i += PERIOD)
        for (size_t k = 0; k < PERIOD; k += 8)
            _mm256_storeu_ps(row + i + k,
                             _mm256_sub_ps(_mm256_mul_ps(load_bytes(in + i + k), _mm256_loadu_ps(factors + k)),
                                           _mm256_loadu_ps(offsets + k)));
    scale_bytes_portable(in + i, row + i, count - i, factor, offset);
}

BLENDS(avx2, AVX2)
static const od__row_kernels avx2_kernels = {spread_gray_avx2, scale_bytes_avx2, blend_columns_avx2, blend_rows_avx2};
#endif

const od__row_kernels *od__row_kernels_best(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return &avx2_kernels;
#endif
    return &od__row_kernels_portable;
}
