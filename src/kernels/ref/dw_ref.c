/* SPDX-License-Identifier: Apache-2.0
 *
 * Portable depthwise convolution, one row at a time: tap after tap is added to the row, channels innermost.
 */
#include "kernels/kernels_impl.h"
#include "kernels/ref/act_ref.h"

#include <string.h>

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
}

static void dw_row_grad_in(const od_dw_shape *s, const float *const *drows, const float *weights, float *dx, const od_act_grad *through)
{
    int64_t c = s->channels;
    memset(dx, 0, (size_t)(s->in_width * c) * sizeof *dx);
    for (int64_t x = 0; x < s->out_width; x++)
        for (int ky = 0; ky < s->kernel_h; ky++)
            for (int kx = 0; drows[ky] && kx < s->kernel_w; kx++) {
                int64_t column = input_column(s, x, kx);
                if (column >= 0) multiply_add(c, drows[ky] + x * c, weights + (ky * s->kernel_w + kx) * c, dx + column * c);
            }
    if (through) od__rows_act_grad_ref(s->in_width, c, dx, c, through, dx, c);
}

static void dw_row_grad_weights(const od_dw_shape *s, const float *const *rows, const float *drow, float *g, const od_ahead *ahead)
{
    (void)ahead;
    int64_t c = s->channels;
    for (int64_t x = 0; x < s->out_width; x++)
        for (int ky = 0; ky < s->kernel_h; ky++)
            for (int kx = 0; rows[ky] && kx < s->kernel_w; kx++) {
                int64_t column = input_column(s, x, kx);
                if (column >= 0) multiply_add(c, rows[ky] + column * c, drow + x * c, g + (ky * s->kernel_w + kx) * c);
            }
}

void od__kernels_dw_ref(od_kernels *t)
{
    t->dw_row = dw_row;
    t->dw_row_grad_in = dw_row_grad_in;
    t->dw_row_grad_weights = dw_row_grad_weights;
}
