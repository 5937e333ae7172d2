/* SPDX-License-Identifier: Apache-2.0
 *
 * Portable matrix products. B is packed in panels of NR columns, [panel][K][NR], the last one filled with zeros;
 * a tile of MR x NR results stays in registers while K runs.
 */
#include "kernels/kernels_impl.h"
#include "kernels/ref/act_ref.h"

#include <string.h>

enum { MR = 4, NR = 8 };

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static size_t gemm_packed_size(int64_t k, int64_t n)
{
    return (size_t)k * (size_t)((n + NR - 1) / NR * NR);
}

static void gemm_pack_rows(int64_t k, int64_t n, int64_t first, int64_t count, const float *b, int64_t ldb, int transposed, float *packed)
{
    for (int64_t j0 = 0; j0 < n; j0 += NR)
        for (int64_t p = 0; p < count; p++)
            for (int64_t j = j0; j < j0 + NR; j++) {
                float v = 0.0f;
                if (j < n) v = transposed ? b[j * ldb + p] : b[p * ldb + j];
                packed[j0 * k + (first + p) * NR + j - j0] = v;
            }
}

static void gemm_pack_b(int64_t k, int64_t n, const float *b, int64_t ldb, int transposed, float *packed)
{
    gemm_pack_rows(k, n, 0, k, b, ldb, transposed, packed);
}

/* acc[MR][NR] = A[m,K] * panel[K,NR]; rows beyond m repeat row m - 1. */
static void tile_product(int64_t m, int64_t k, const float *a, int64_t lda, const float *panel, float acc[MR][NR])
{
    const float *row[MR];
    float sum[MR][NR] = {{0}};
    for (int i = 0; i < MR; i++) row[i] = a + min64(i, m - 1) * lda;
    for (int64_t p = 0; p < k; p++)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++) sum[i][j] += row[i][p] * panel[p * NR + j];
    memcpy(acc, sum, sizeof sum);
}

static void gemm(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed_b, float *c,
                 int64_t ldc, int accumulate, const od_gemm_post *post)
{
    float acc[MR][NR];
    for (int64_t i0 = 0; i0 < m; i0 += MR) {
        int64_t rows = min64(MR, m - i0);
        for (int64_t j0 = 0; j0 < n; j0 += NR) {
            tile_product(rows, k, a + i0 * lda, lda, packed_b + j0 * k, acc);
            for (int64_t i = 0; i < rows; i++) {
                float *y = c + (i0 + i) * ldc + j0;
                for (int64_t j = 0; j < min64(NR, n - j0); j++) y[j] = (accumulate ? y[j] : 0.0f) + acc[i][j];
            }
        }
        if (!post) continue;
        for (int64_t i = i0; i < i0 + rows; i++)
            od__post_row_ref(n, c + i * ldc, post, post->residual ? post->residual + i * post->ldr : NULL);
    }
    if (post && post->behind.floats) memcpy(post->behind.to, post->behind.from, (size_t)post->behind.floats * sizeof(float));
}

/* The packed order is by panels of columns, so the segments of B are not contiguous: one column block at a time. */
static void gemm_segments(int64_t m, int64_t n, int64_t k, int count, const float *const *a, int64_t lda, const float *packed_b, float *c,
                          int64_t ldc, const od_gemm_post *post)
{
    for (int64_t i = 0; i < m; i++) {
        float *y = c + i * ldc;
        for (int64_t j0 = 0; j0 < n; j0 += NR) {
            float sum[NR] = {0};
            const float *panel = packed_b + j0 * k * count;
            for (int s = 0; s < count; s++, panel += k * NR)
                for (int64_t p = 0; a[s] && p < k; p++)
                    for (int j = 0; j < NR; j++) sum[j] += a[s][i * lda + p] * panel[p * NR + j];
            for (int64_t j = 0; j < min64(NR, n - j0); j++) y[j0 + j] = sum[j];
        }
        if (post) od__post_row_ref(n, y, post, post->residual ? post->residual + i * post->ldr : NULL);
    }
}

/* Four rows of A and D at a time, so that G is read and written once for four of them. */
static void gemm_tn(int64_t m, int64_t k, int64_t n, const float *a, int64_t lda, const float *d, int64_t ldd, float *g,
                    int64_t ldg, const od_ahead *ahead)
{
    (void)ahead;
    int64_t i = 0;
    for (; i + 4 <= m; i += 4) {
        const float *a0 = a + i * lda, *d0 = d + i * ldd, *d1 = d0 + ldd, *d2 = d1 + ldd, *d3 = d2 + ldd;
        for (int64_t p = 0; p < k; p++) {
            float x0 = a0[p], x1 = a0[lda + p], x2 = a0[2 * lda + p], x3 = a0[3 * lda + p];
            float *restrict y = g + p * ldg;
            for (int64_t j = 0; j < n; j++) y[j] += (x0 * d0[j] + x1 * d1[j]) + (x2 * d2[j] + x3 * d3[j]);
        }
    }
    for (; i < m; i++)
        for (int64_t p = 0; p < k; p++) {
            float x = a[i * lda + p];
            float *restrict y = g + p * ldg;
            for (int64_t j = 0; j < n; j++) y[j] += x * d[i * ldd + j];
        }
}

void od__kernels_gemm_ref(od_kernels *t)
{
    t->gemm_packed_size = gemm_packed_size;
    t->gemm_pack_b = gemm_pack_b;
    t->gemm_pack_rows = gemm_pack_rows;
    t->gemm = gemm;
    t->gemm_segments = gemm_segments;
    t->gemm_tn = gemm_tn;
}
