/* SPDX-License-Identifier: Apache-2.0
 *
 * Portable depthwise convolution, one row at a time: tap after tap is added to the row, channels innermost.
 */
#include "kernels/kernels_impl.h"
#include "kernels/ref/act_ref.h"

#include <string.h>

enum { DW_PIECE = 64 }; /* channels */

/* The input column of output column x under tap kx, or -1 outside the image. */
static int64_t input_column(const od_dw_shape *s, int64_t x, int kx)
{
    int64_t column = x * s->stride_w - s->pad_left + (int64_t)kx * s->dilation_w;
    return column >= 0 && column < s->in_width ? column : -1;
}

static void multiply_add(int64_t n, const float *restrict x, const float *restrict w, float *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] += x[i] * w[i];
}

static void dw_row(const od_dw_shape *s, const float *const *rows, const float *weights, float *out,
                   const od_gemm_post *post)
{
    int64_t c = s->channels;
    for (int64_t x = 0; x < s->out_width; x++) {
        float *y = out + x * c;
        memset(y, 0, (size_t)c * sizeof *y);
        for (int ky = 0; ky < s->kernel_h; ky++)
            for (int kx = 0; rows[ky] && kx < s->kernel_w; kx++) {
                int64_t column = input_column(s, x, kx);
                if (column >= 0) multiply_add(c, rows[ky] + column * c, weights + (ky * s->kernel_w + kx) * c, y);
            }
        if (post) od__post_row_ref(c, y, post, NULL);
    }
    if (post && post->behind.floats) memcpy(post->behind.to, post->behind.from, (size_t)post->behind.floats * sizeof(float));
}

/* n channels, from j on, of the convolution's input at x. */
static void input_piece(const od_act_grad *in, const float *x, int64_t j, int64_t n, float *u)
{
    for (int64_t i = 0; i < n; i++) u[i] = x[i] * (in->scale ? in->scale[j + i] : 1.0f) + (in->shift ? in->shift[j + i] : 0.0f);
    od__act_row_ref(n, u, in->act);
}

/* The output column that input column i reaches through tap kx, or -1. */
static int64_t output_column(const od_dw_shape *s, int64_t i, int kx)
{
    int64_t left = i + s->pad_left - (int64_t)kx * s->dilation_w;
    return left >= 0 && left % s->stride_w == 0 && left / s->stride_w < s->out_width ? left / s->stride_w : -1;
}

/* n channels, from j on, of column i. */
static void grad_piece(const od_dw_shape *s, const od_dw_grad *g, int64_t i, int64_t j, int64_t n)
{
    int64_t c = s->channels, at = i * c + j;
    float u[DW_PIECE], *dx = g->dx + at;
    input_piece(&g->in, g->in.x + at, j, n, u);
    memset(dx, 0, (size_t)n * sizeof *dx);
    for (int ky = 0; ky < s->kernel_h; ky++)
        for (int kx = 0; g->drows[ky] && kx < s->kernel_w; kx++) {
            int64_t x = output_column(s, i, kx), tap = (ky * s->kernel_w + kx) * c + j;
            if (x < 0) continue;
            multiply_add(n, g->drows[ky] + x * c + j, g->weights + tap, dx);
            multiply_add(n, g->drows[ky] + x * c + j, u, g->dweights + tap);
        }
}

static void dw_row_grad(const od_dw_shape *s, const od_dw_grad *g)
{
    int64_t c = s->channels;
    for (int64_t i = 0; i < s->in_width; i++)
        for (int64_t j = 0; j < c; j += DW_PIECE) grad_piece(s, g, i, j, c - j < DW_PIECE ? c - j : DW_PIECE);
    if (g->through) od__rows_act_grad_ref(s->in_width, c, g->dx, c, &g->in, g->dx, c);
}

void od__kernels_dw_ref(od_kernels *t)
{
    t->dw_row = dw_row;
    t->dw_row_grad = dw_row_grad;
}
