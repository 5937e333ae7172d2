/* SPDX-License-Identifier: Apache-2.0
 *
 * Portable passes over rows and the optimiser's update. Outputs may be inputs (the same element is read before it is
 * written), which `omp simd` tells the compiler.
 */
#include "kernels/kernels_impl.h"
#include "kernels/ref/act_ref.h"

#include <string.h>

static void affine_row(int64_t c, const float *x, const float *scale, const float *shift, float *y)
{
    if (scale && shift) {
#pragma omp simd
        for (int64_t i = 0; i < c; i++) y[i] = x[i] * scale[i] + shift[i];
    } else if (scale) {
#pragma omp simd
        for (int64_t i = 0; i < c; i++) y[i] = x[i] * scale[i];
    } else if (shift) {
#pragma omp simd
        for (int64_t i = 0; i < c; i++) y[i] = x[i] + shift[i];
    } else if (y != x) {
        for (int64_t i = 0; i < c; i++) y[i] = x[i];
    }
}

static void rows_affine_act(int64_t rows, int64_t c, const float *x, int64_t ldx, const float *scale,
                            const float *shift, od_act act, float *y, int64_t ldy)
{
    for (int64_t r = 0; r < rows; r++) {
        affine_row(c, x + r * ldx, scale, shift, y + r * ldy);
        od__act_row_ref(c, y + r * ldy, act);
    }
}

/* In pieces through a buffer, because y may be the residual. */
static void rows_affine_act_add(int64_t rows, int64_t c, const float *x, int64_t ldx, const float *scale,
                                const float *shift, od_act act, const float *residual, int64_t ldr, float *y,
                                int64_t ldy)
{
    enum { PIECE = 256 };
    float z[PIECE];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c0 = 0; c0 < c; c0 += PIECE) {
            int64_t n = c - c0 < PIECE ? c - c0 : PIECE;
            const float *add = residual + r * ldr + c0;
            float *out = y + r * ldy + c0;
            affine_row(n, x + r * ldx + c0, scale ? scale + c0 : NULL, shift ? shift + c0 : NULL, z);
            od__act_row_ref(n, z, act);
#pragma omp simd
            for (int64_t i = 0; i < n; i++) out[i] = z[i] + add[i];
        }
}

static void rows_stats(int64_t rows, int64_t c, const float *x, int64_t ldx, float *sum, float *sumsq)
{
    for (int64_t r = 0; r < rows; r++, x += ldx) {
#pragma omp simd
        for (int64_t i = 0; i < c; i++) {
            sum[i] += x[i];
            sumsq[i] += x[i] * x[i];
        }
    }
}

/* d[i] = act'(z[i]), in place. */
static void act_derivative(int64_t n, float *z, od_act act)
{
    switch (act) {
    case OD_ACT_NONE:
        for (int64_t i = 0; i < n; i++) z[i] = 1.0f;
        break;
    case OD_ACT_RELU:
        for (int64_t i = 0; i < n; i++) z[i] = z[i] > 0.0f ? 1.0f : 0.0f;
        break;
    case OD_ACT_RELU6:
        for (int64_t i = 0; i < n; i++) z[i] = (float)((z[i] > 0.0f) & (z[i] < 6.0f));
        break;
    case OD_ACT_SWISH:
        for (int64_t i = 0; i < n; i++) {
            float s = od__sigmoid_ref(z[i]);
            z[i] = s * (1.0f + z[i] * (1.0f - s));
        }
        break;
    case OD_ACT_SIGMOID:
        for (int64_t i = 0; i < n; i++) {
            float s = od__sigmoid_ref(z[i]);
            z[i] = s * (1.0f - s);
        }
        break;
    }
}

void od__rows_act_grad_ref(int64_t rows, int64_t c, const float *dy, int64_t lddy, const od_act_grad *g, float *dz, int64_t lddz)
{
    enum { PIECE = 256 };
    float z[PIECE], x[PIECE];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c0 = 0; c0 < c; c0 += PIECE) {
            int64_t n = c - c0 < PIECE ? c - c0 : PIECE;
            const float *dyr = dy + r * lddy + c0;
            float *out = dz + r * lddz + c0;
            memcpy(x, g->x + r * g->ldx + c0, (size_t)n * sizeof *x); /* dz may lie on it */
            affine_row(n, x, g->scale ? g->scale + c0 : NULL, g->shift ? g->shift + c0 : NULL, z);
            act_derivative(n, z, g->act);
#pragma omp simd
            for (int64_t i = 0; i < n; i++) out[i] = dyr[i] * z[i];
            for (int64_t i = 0; g->sum_dz && i < n; i++) g->sum_dz[c0 + i] += out[i];
            for (int64_t i = 0; g->sum_dzx && i < n; i++) g->sum_dzx[c0 + i] += out[i] * (x[i] - g->mean[c0 + i]);
        }
}

static void rows_bn_grad(int64_t rows, int64_t c, const float *dz, int64_t lddz, const float *x, int64_t ldx,
                         const float *a, const float *b, const float *cc, float *dx, int64_t lddx)
{
    for (int64_t r = 0; r < rows; r++) {
        const float *dzr = dz + r * lddz, *xr = x + r * ldx;
        float *out = dx + r * lddx;
#pragma omp simd
        for (int64_t i = 0; i < c; i++) out[i] = a[i] * dzr[i] + b[i] * xr[i] + cc[i];
    }
}

static void copy_past(int64_t n, const float *from, float *to)
{
    memcpy(to, from, (size_t)n * sizeof *to);
}

static void add(int64_t n, const float *x, float *y)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

static void momentum_update(int64_t n, float *w, float *v, const float *g, float lr, float momentum, float grad_scale)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] - lr * (grad_scale * g[i]);
        w[i] += v[i];
    }
}

static double sum_squares(int64_t n, const float *x)
{
    double part[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++) part[j] += (double)x[i + j] * x[i + j];
    for (; i < n; i++) part[0] += (double)x[i] * x[i];
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

static void matmul_double(int64_t m, int64_t n, int64_t k, const double *a, int64_t lda, const float *b, int64_t ldb, double *c, int64_t ldc)
{
    for (int64_t i = 0; i < m; i++) {
        double *row = c + i * ldc;
        for (int64_t j = 0; j < n; j++) row[j] = 0;
        for (int64_t p = 0; p < k; p++)
            for (int64_t j = 0; j < n; j++) row[j] += a[i * lda + p] * (double)b[p * ldb + j];
    }
}

void od__kernels_rows_ref(od_kernels *t)
{
    t->rows_affine_act = rows_affine_act;
    t->rows_affine_act_add = rows_affine_act_add;
    t->rows_stats = rows_stats;
    t->rows_act_grad = od__rows_act_grad_ref;
    t->rows_bn_grad = rows_bn_grad;
    t->copy_past = copy_past;
    t->add = add;
    t->momentum_update = momentum_update;
    t->sum_squares = sum_squares;
    t->matmul_double = matmul_double;
}
