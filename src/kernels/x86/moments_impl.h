/* SPDX-License-Identifier: Apache-2.0
 *
 * A small matrix product with double sums in the vector vocabulary of the including file: MOMENT_ROWS rows by one float vector's
 * columns (two vectors of doubles) stay in registers.
 */
#ifndef OD_KERNELS_X86_MOMENTS_IMPL_H
#define OD_KERNELS_X86_MOMENTS_IMPL_H

enum { MOMENT_ROWS = VREGS / 4 - 2 }; /* 6 of AVX-512, 2 of AVX2 */

INLINE void moment_tile(const int rows, int64_t k, const double *a, int64_t lda, const float *b, int64_t ldb, double *c, int64_t ldc)
{
    vd acc[MOMENT_ROWS][2];
    UNROLL
    for (int i = 0; i < rows; i++) acc[i][0] = acc[i][1] = vd_zero();
    for (int64_t p = 0; p < k; p++, b += ldb) {
        vd low, high;
        vd_widen(v_load(b), &low, &high);
        UNROLL
        for (int i = 0; i < rows; i++) {
            vd x = vd_set1(a[i * lda + p]);
            acc[i][0] = vd_fma(x, low, acc[i][0]);
            acc[i][1] = vd_fma(x, high, acc[i][1]);
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++) vd_store(c + i * ldc, acc[i][0]), vd_store(c + i * ldc + VL / 2, acc[i][1]);
}

static void matmul_double(int64_t m, int64_t n, int64_t k, const double *a, int64_t lda, const float *b, int64_t ldb, double *c, int64_t ldc)
{
    int64_t whole = n / VL * VL;
    for (int64_t j = 0; j < whole; j += VL) {
        int64_t i = 0;
        for (; i + MOMENT_ROWS <= m; i += MOMENT_ROWS) moment_tile(MOMENT_ROWS, k, a + i * lda, lda, b + j, ldb, c + i * ldc + j, ldc);
        for (; i < m; i++) moment_tile(1, k, a + i * lda, lda, b + j, ldb, c + i * ldc + j, ldc);
    }
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = whole; j < n; j++) {
            double sum = 0;
            for (int64_t p = 0; p < k; p++) sum += a[i * lda + p] * (double)b[p * ldb + j];
            c[i * ldc + j] = sum;
        }
}

#endif
