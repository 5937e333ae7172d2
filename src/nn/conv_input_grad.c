/* SPDX-License-Identifier: Apache-2.0
 *
 * The input's gradient of a convolution with more than one tap: with stride 1 by input pixels, from gathered gradients of the outputs that
 * read them; with a stride, where most of what would be gathered is zero, by output pixels, tap by tap, whose products are added to the
 * inputs that they came from.
 */
#include "nn/conv_job.h"

#include <string.h>

/* --- by input pixels ------------------------------------------------------------------------------------------------------- */

/* Rows of a block: [in pixels, taps*Cout]. */
static int64_t grad_block_rows(const od_conv_job *c)
{
    return od_conv_block_rows((int64_t)c->node->conv.kernel_h * c->node->conv.kernel_w * c->out.c + c->in.c, 1);
}

/* dx[p] = Σ over taps that reach p of dy * W^T. */
static void gather_grad_pixel(const od_conv_job *c, const od_grad_source *g, int64_t n, int64_t y, int64_t x, float *to)
{
    const od_conv_attrs *a = &c->node->conv;
    int64_t ch = c->out.c;
    for (int ky = 0; ky < a->kernel_h; ky++) {
        int64_t ty = y + a->pad_top - (int64_t)ky * a->dilation, oy = ty / a->stride;
        int row_ok = ty >= 0 && ty % a->stride == 0 && oy < c->out.h;
        for (int kx = 0; kx < a->kernel_w; kx++, to += ch) {
            int64_t tx = x + a->pad_left - (int64_t)kx * a->dilation, ox = tx / a->stride;
            if (!row_ok || tx < 0 || tx % a->stride || ox >= c->out.w)
                memset(to, 0, (size_t)ch * sizeof *to);
            else {
                const float *dz = od_grad_source_rows(g, (n * c->out.h + oy) * c->out.w + ox, 1, to);
                if (dz != to) memcpy(to, dz, (size_t)ch * sizeof *to);
            }
        }
    }
}

static void input_grad_block(const od_conv_job *c, const od_grad_source *g, const od_sink *sink, int64_t row, int64_t rows, float *scratch)
{
    int64_t k = (int64_t)c->node->conv.kernel_h * c->node->conv.kernel_w * c->out.c;
    for (int64_t i = 0; i < rows; i++) {
        int64_t p = row + i;
        gather_grad_pixel(c, g, p / (c->in.h * c->in.w), p / c->in.w % c->in.h, p % c->in.w, scratch + i * k);
    }
    size_t index = (size_t)(c->node - c->net->graph->nodes);
    c->net->k->gemm(rows, c->in.c, k, scratch, k, c->net->packed_t[index], sink->data + row * c->in.c, c->in.c, sink->accumulate, NULL);
}

/* This thread's share of the gathered input gradient. scratch: room for a block; sums: 2 * Cin floats, zero. */
static void gathered_input_grad(const od_conv_job *c, const od_grad_source *g, const od_sink *sink, int thread, float *scratch, float *sums)
{
    int64_t rows = od_shape_rows(c->in), block = grad_block_rows(c), begin, end;
    od_thread_range((rows + block - 1) / block, c->net->threads, thread, &begin, &end);
    for (int64_t b = begin; b < end; b++) {
        int64_t row = b * block, m = rows - row < block ? rows - row : block;
        input_grad_block(c, g, sink, row, m, scratch);
        od_sink_finish(sink, row, m, thread, sums);
    }
}

/* --- by output pixels ------------------------------------------------------------------------------------------------------- */

/* Output pixels of a product: whole rows of the image, at least one. */
static int64_t scatter_rows_a_block(const od_conv_job *c)
{
    int64_t rows = od_conv_block_rows(c->out.c + c->in.c, 0) / c->out.w;
    return rows < 1 ? 1 : rows > c->out.h ? c->out.h : rows;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Tap (ky, kx)'s products dx [rows * out.w, Cin] of output rows from oy on, to the input rows [y0, y1) of image n. */
static void add_tap(const od_conv_job *c, const od_sink *sink, int ky, int kx, int64_t n, int64_t oy, int64_t rows, int64_t y0, int64_t y1, const float *dx)
{
    const od_conv_attrs *a = &c->node->conv;
    int64_t ch = c->in.c, left = (int64_t)kx * a->dilation - a->pad_left;
    for (int64_t r = 0; r < rows; r++) {
        int64_t y = (oy + r) * a->stride - a->pad_top + (int64_t)ky * a->dilation;
        if (y < y0 || y >= y1) continue;
        float *to = sink->data + (n * c->in.h + y) * c->in.w * ch;
        for (int64_t ox = 0; ox < c->out.w; ox++) {
            int64_t x = ox * a->stride + left;
            if (x >= 0 && x < c->in.w) c->net->k->add(ch, dx + (r * c->out.w + ox) * ch, to + x * ch);
        }
    }
}

/* Everything that reaches input rows [y0, y1) of image n. scratch: a block of output gradients, a block of products. */
static void scatter_image(const od_conv_job *c, const od_grad_source *g, const od_sink *sink, int64_t n, int64_t y0, int64_t y1, float *scratch)
{
    const od_conv_attrs *a = &c->node->conv;
    const float *packed = c->net->packed_t[c->node - c->net->graph->nodes];
    int64_t block = scatter_rows_a_block(c), taps = (int64_t)a->kernel_h * a->kernel_w, reach = (int64_t)(a->kernel_h - 1) * a->dilation;
    int64_t above = clamp(y0 + a->pad_top - reach, 0, c->in.h + a->pad_top); /* where the first output's kernel begins, or before */
    int64_t from = clamp((above + a->stride - 1) / a->stride, 0, c->out.h), to = clamp((y1 - 1 + a->pad_top) / a->stride + 1, 0, c->out.h);
    for (int64_t oy = from; oy < to; oy += block) {
        int64_t rows = to - oy < block ? to - oy : block, m = rows * c->out.w;
        const float *d = od_grad_source_rows(g, (n * c->out.h + oy) * c->out.w, m, scratch), *segments[OD_CONV_TAPS_MAX] = {0};
        float *dx = scratch + block * c->out.w * c->out.c;
        for (int64_t t = 0; t < taps; t++) {
            segments[t] = d;
            c->net->k->gemm_segments(m, c->in.c, c->out.c, (int)taps, segments, c->out.c, packed, dx, c->in.c, NULL);
            segments[t] = NULL;
            add_tap(c, sink, (int)(t / a->kernel_w), (int)(t % a->kernel_w), n, oy, rows, y0, y1, dx);
        }
    }
}

/* A thread has rows of the images, which nobody else adds to. */
static void scattered_input_grad(const od_conv_job *c, const od_grad_source *g, const od_sink *sink, int thread, float *scratch, float *sums)
{
    int64_t begin, end, row_floats = c->in.w * c->in.c;
    od_thread_range(c->in.n * c->in.h, c->net->threads, thread, &begin, &end);
    if (!sink->accumulate) memset(sink->data + begin * row_floats, 0, (size_t)((end - begin) * row_floats) * sizeof(float));
    for (int64_t row = begin, next; row < end; row = next) {
        int64_t n = row / c->in.h;
        next = (n + 1) * c->in.h < end ? (n + 1) * c->in.h : end;
        scatter_image(c, g, sink, n, row - n * c->in.h, next - n * c->in.h, scratch);
        for (int64_t y = row; y < next; y++) od_sink_finish(sink, y * c->in.w, c->in.w, thread, sums);
    }
}

static int is_scattered(const od_conv_job *c)
{
    return c->node->conv.stride > 1 && (int64_t)c->node->conv.kernel_h * c->node->conv.kernel_w <= OD_CONV_TAPS_MAX;
}

size_t od_conv_input_grad_scratch(const od_conv_job *c)
{
    int64_t taps = (int64_t)c->node->conv.kernel_h * c->node->conv.kernel_w;
    return (size_t)(is_scattered(c) ? scatter_rows_a_block(c) * c->out.w * (c->out.c + c->in.c) : grad_block_rows(c) * (taps + 1) * c->out.c);
}

void od_conv_input_grad(const od_conv_job *c, const od_grad_source *g, const od_sink *sink, int thread, float *scratch, float *sums)
{
    if (is_scattered(c)) scattered_input_grad(c, g, sink, thread, scratch, sums);
    else gathered_input_grad(c, g, sink, thread, scratch, sums);
}
