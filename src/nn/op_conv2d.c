/* SPDX-License-Identifier: Apache-2.0
 *
 * 2-D convolution as matrix products over blocks of output pixels: a block of inputs [rows, taps*Cin] (the activation itself
 * for 1x1 convolutions, gathered for others; normalised on load) times the weights. The backward pass walks over blocks
 * once for both gradients where it can (1x1, stride 1). 3x3 convolutions go to conv_winograd.c where that costs less.
 */
#include "nn/chain.h"
#include "nn/conv_job.h"
#include "nn/conv_rows.h"
#include "nn/conv_winograd.h"
#include "nn/expand.h"
#include "nn/op.h"
#include "nn/outlet.h"
#include "nn/rows_io.h"

#include <omp.h>
#include <string.h>

void od_conv_geometry(int64_t in, int kernel, int stride, int dilation, od_padding padding, int64_t *out, int *pad_before)
{
    int64_t effective = (int64_t)(kernel - 1) * dilation + 1;
    *pad_before = 0;
    if (padding == OD_PAD_SAME) {
        *out = (in + stride - 1) / stride;
        int64_t total = (*out - 1) * stride + effective - in;
        *pad_before = total > 0 ? (int)(total / 2) : 0;
        return;
    }
    if (padding == OD_PAD_EXPLICIT) {
        *pad_before = (int)((effective - 1) / 2);
        in += effective - 1;
    }
    *out = in < effective ? 0 : (in - effective) / stride + 1;
}

static od_status conv_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    const od_variable *w = &g->vars->items[node->var[0]];
    od_tensor_shape in = g->values[node->in[0]].shape;
    od_conv_attrs *a = &node->conv;
    int dense = w->rank == 2 && a->kernel_h == 1 && a->kernel_w == 1;
    if ((!dense && (w->rank != 4 || w->shape[0] != a->kernel_h || w->shape[1] != a->kernel_w)) || w->shape[w->rank - 2] != in.c)
        return od_error_set(err, OD_ERR_MISMATCH, "the kernel's shape doesn't fit an input of %lld channels", (long long)in.c);
    if (a->dilation < 1) a->dilation = 1;
    od_conv_geometry(in.h, a->kernel_h, a->stride, a->dilation, a->padding, &out->h, &a->pad_top);
    od_conv_geometry(in.w, a->kernel_w, a->stride, a->dilation, a->padding, &out->w, &a->pad_left);
    out->n = in.n;
    out->c = w->shape[w->rank - 1];
    if (out->h < 1 || out->w < 1)
        return od_error_set(err, OD_ERR_CONFIG, "the image is too small: %lldx%lld is left here; use a larger image_resizer", (long long)in.h, (long long)in.w);
    return OD_OK;
}

/* At most `most` rows a block, so that each thread gets the same number of blocks and they are equally large. */
static int64_t balanced_rows(int64_t rows, int64_t most, int threads)
{
    int64_t rounds = (rows + most * threads - 1) / (most * threads), blocks = rounds * threads;
    int64_t block = (rows + blocks - 1) / blocks;
    return block < 8 ? 8 : block > 48 ? (block + 7) / 8 * 8 : block;
}

static od_conv_job conv_of(const od_net *net, const od_node *node)
{
    const od_conv_attrs *a = &node->conv;
    od_conv_job c = {.net = net, .node = node, .in = net->graph->values[node->in[0]].shape, .out = net->graph->values[node->out].shape};
    c.k = (int64_t)a->kernel_h * a->kernel_w * c.in.c;
    int single = a->kernel_h == 1 && a->kernel_w == 1 && !a->pad_top && !a->pad_left;
    c.pointwise = single && a->stride == 1;
    c.strided = single && a->stride > 1;
    c.block = balanced_rows(od_shape_rows(c.out), od_conv_block_rows(c.k + c.out.c, !c.pointwise), net->threads);
    return c;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A large weight gradient isn't summed by each thread over its rows, but by all over all rows, each for some of the inputs: then it needs no
 * copy a thread. Where inputs are gathered that is done again by each, which is less than the copies only where there are few rows. */
static int shares_inputs(const od_conv_job *c)
{
    enum { LARGE = 1 << 18 };
    return c->k * c->out.c >= LARGE && (c->pointwise || od_shape_rows(c->out) <= 2 * c->out.c);
}

/* Floats of a thread's own weight gradient, which the bias' follows. */
static int64_t own_weights(const od_conv_job *c)
{
    return shares_inputs(c) ? 0 : c->k * c->out.c;
}

/* For an outlet of the results, and of the input's gradients where a product makes these block by block. */
static int64_t outputs_scratch(const od_conv_job *c)
{
    return od_outlet_scratch(c->net, od_shape_rows(c->out) * c->out.c, c->block * c->out.c);
}

static int64_t gradients_scratch(const od_conv_job *c)
{
    return c->pointwise ? od_outlet_scratch(c->net, od_shape_rows(c->in) * c->in.c, c->block * c->in.c) : 0;
}

/* Layout: input block, gradient block, outlet, sums, then in training this thread's weight gradient. */
static size_t conv_scratch(const od_net *net, const od_node *node)
{
    if (od_expand_of(net, node)) return od_expand_scratch(net, node);
    if (od_conv_winograd_used(net, node)) return od_conv_winograd_scratch(net, node);
    od_conv_job c = conv_of(net, node);
    int64_t blocks = c.block * (c.k + c.out.c);
    if (net->mode == OD_NET_TRAIN && !c.pointwise) blocks = max64(blocks, c.block * c.k + (int64_t)od_conv_input_grad_scratch(&c));
    int64_t sums = 4 * max64(c.in.c, c.out.c) + 64;
    blocks += max64(outputs_scratch(&c), gradients_scratch(&c)) + 16;
    return (size_t)(blocks + sums + (net->mode == OD_NET_TRAIN ? own_weights(&c) + c.out.c : 0));
}

/* One output pixel's taps: [taps, Cin] at `to`; zero outside the image. */
static void gather_pixel(const od_conv_job *c, const od_source *s, int64_t n, int64_t oy, int64_t ox, float *to)
{
    const od_conv_attrs *a = &c->node->conv;
    int64_t x0 = ox * a->stride - a->pad_left, ch = c->in.c;
    for (int ky = 0; ky < a->kernel_h; ky++, to += a->kernel_w * ch) {
        int64_t y = oy * a->stride - a->pad_top + (int64_t)ky * a->dilation;
        if (y < 0 || y >= c->in.h) {
            memset(to, 0, (size_t)(a->kernel_w * ch) * sizeof *to);
            continue;
        }
        int64_t row = (n * c->in.h + y) * c->in.w;
        for (int kx = 0; kx < a->kernel_w;) {
            int64_t x = x0 + (int64_t)kx * a->dilation, run = 1;
            if (x < 0 || x >= c->in.w) {
                memset(to + kx * ch, 0, (size_t)ch * sizeof *to);
                kx++;
                continue;
            }
            while (a->dilation == 1 && kx + run < a->kernel_w && x + run < c->in.w) run++;
            const float *from = s->data + (row + x) * ch;
            if (s->scale)
                s->k->rows_affine_act(run, ch, from, ch, s->scale, s->shift, s->act, to + kx * ch, ch);
            else
                memcpy(to + kx * ch, from, (size_t)(run * ch) * sizeof *to);
            kx += (int)run;
        }
    }
}

/* Of a constant size the compiler copies in registers, without a call: the stems' rows of taps, 3 and 7 RGB pixels. */
static inline void copy_run(float *to, const float *from, int64_t run)
{
    if (run == 9)
        memcpy(to, from, 9 * sizeof *to);
    else if (run == 21)
        memcpy(to, from, 21 * sizeof *to);
    else
        memcpy(to, from, (size_t)run * sizeof *to);
}

/* `count` pixels of one output row from (oy, ox) on, to [count, taps, Cin]. */
static void gather_pixels(const od_conv_job *c, const od_source *s, int64_t n, int64_t oy, int64_t ox, int64_t count, float *to)
{
    const od_conv_attrs *a = &c->node->conv;
    int64_t ch = c->in.c, run = a->kernel_w * ch, top = oy * a->stride - a->pad_top;
    int inside = !s->scale && a->dilation == 1 && top >= 0 && top + a->kernel_h <= c->in.h;
    for (int64_t i = 0; i < count; i++, to += c->k) {
        int64_t left = (ox + i) * a->stride - a->pad_left;
        if (!inside || left < 0 || left + a->kernel_w > c->in.w) {
            gather_pixel(c, s, n, oy, ox + i, to);
            continue;
        }
        const float *from = s->data + ((n * c->in.h + top) * c->in.w + left) * ch;
        for (int ky = 0; ky < a->kernel_h; ky++) copy_run(to + ky * run, from + ky * c->in.w * ch, run);
    }
}

/* Inputs of output rows [row, row+rows) as a matrix [rows, k]. */
static const float *input_block(const od_conv_job *c, const od_source *s, int64_t row, int64_t rows, float *scratch)
{
    if (c->pointwise) return od_source_rows(s, row, rows, scratch);
    int64_t n = row / (c->out.h * c->out.w), y = row / c->out.w % c->out.h, x = row % c->out.w;
    for (int64_t i = 0, count; i < rows; i += count) {
        count = c->out.w - x < rows - i ? c->out.w - x : rows - i;
        gather_pixels(c, s, n, y, x, count, scratch + i * c->k);
        x = 0;
        if (++y == c->out.h) y = 0, n++;
    }
    return scratch;
}

/* Where the outlet's places begin. */
static float *outlet_places(const od_conv_job *c, float *scratch)
{
    return scratch + (c->block * (c->k + c->out.c) + 15) / 16 * 16;
}

static size_t conv_workspace(const od_net *net, const od_node *node, int backward)
{
    return od_conv_winograd_used(net, node) ? od_conv_winograd_workspace(net, node, backward) : 0;
}

const float *od_conv_rows(const od_net *net, const od_node *node, const od_source *s, int64_t row, int64_t rows, float *scratch)
{
    od_conv_job c = conv_of(net, node);
    return input_block(&c, s, row, rows, scratch);
}

/* The rows of the block after the one at `row`, for the products of this one to fetch; end: of the thread's. 0: none. */
static int64_t next_rows(const od_conv_job *c, int64_t row, int64_t end)
{
    int64_t rows = end - row - c->block;
    return rows < 0 ? 0 : rows < c->block ? rows : c->block;
}

/* What the next block of the backward pass reads, for the weight gradient's product (`both`: there is one) and the input gradient's to fetch.
 * The second one fetches the gradient, the output for its batch norm and the input; where it has few outputs a pixel, and so too little to
 * do for all that, the first one fetches the input. */
static void fetch_next(const od_conv_job *c, const od_source *s, const od_grad_source *g, int64_t row, int64_t end, int both, od_ahead ahead[2][OD_AHEADS])
{
    enum { FEW = 24 };
    int64_t next = row + c->block, rows = next_rows(c, row, end);
    od_ahead *a = ahead[1], input = od_source_ahead(s, next, rows);
    *a++ = (od_ahead){g->dz + next * g->c, rows * g->c};
    if (g->x) *a++ = (od_ahead){g->x + next * g->c, rows * g->c};
    *(both && c->out.c <= FEW ? ahead[0] : a) = input;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void conv_forward(od_net *net, const od_node *node)
{
    if (od_expand_of(net, node)) {
        od_expand_statistics(net, node);
        return;
    }
    if (od_conv_winograd_used(net, node)) {
        od_conv_winograd_forward(net, node);
        return;
    }
    od_conv_job c = conv_of(net, node);
    size_t index = (size_t)(node - net->graph->nodes);
    const od_fold *fold = &net->fold[index];
    od_source source = od_net_source(net, node->in[0]);
    od_stats stats = od_net_stats(net, node);
    const float *residual = fold->residual == OD_NO_VALUE ? NULL : net->value[fold->residual];
    const float *bias = node->var[1] == OD_NO_VAR ? NULL : od_variables_value(net->vars, node->var[1]);
    if (fold->bn >= 0) bias = net->folded_bias[index];
    float *y = net->value[fold->out];
    int64_t rows = od_shape_rows(c.out), blocks = (rows + c.block - 1) / c.block;
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        float *scratch = od_net_scratch(net), *sums = scratch + c.block * c.k;
        od_outlet outlet = od_outlet_open(net, rows * c.out.c, c.block * c.out.c, outlet_places(&c, scratch));
        int64_t begin, end;
        od_thread_range(blocks, net->threads, thread, &begin, &end);
        if (stats.partial) memset(sums, 0, (size_t)(2 * c.out.c) * sizeof *sums);
        for (int64_t b = begin; b < end; b++) {
            int64_t row = b * c.block, m = rows - row < c.block ? rows - row : c.block;
            od_gemm_post post = {.bias = bias, .act = fold->act, .ldr = c.out.c, .claims = net->mode == OD_NET_TRAIN && !outlet.places, .behind = outlet.behind};
            if (c.pointwise) post.ahead[0] = od_source_ahead(&source, row + c.block, next_rows(&c, row, min64(rows, end * c.block)));
            if (residual) post.residual = residual + row * c.out.c, post.act_after = fold->act_after;
            if (stats.partial) post.sum = sums, post.sumsq = sums + c.out.c;
            const float *x = input_block(&c, &source, row, m, scratch);
            net->k->gemm(m, c.out.c, c.k, x, c.k, net->packed[index], od_outlet_place(&outlet, y + row * c.out.c), c.out.c, 0, &post);
            od_outlet_done(&outlet, y + row * c.out.c, m * c.out.c);
            if (stats.partial) od_fold_sums(stats.partial + thread * 2 * c.out.c, sums, 2 * c.out.c);
        }
        od_outlet_close(&outlet);
    }
}

/* --- backward ------------------------------------------------------------------------------------------------ */

/* Where a thread adds its part of the weights' and the bias' gradients: the first one to the variables' own, the others to zeroed scratch at
 * `own` [size + bias_size]. bias NULL: there is none. */
typedef struct weight_sums {
    float *weights, *bias;
} weight_sums;

static weight_sums weight_sums_of(const od_net *net, const od_node *node, int thread, float *own, int64_t size, int64_t bias_size)
{
    int has_bias = node->var[1] != OD_NO_VAR;
    if (!thread) return (weight_sums){od_variables_grad(net->vars, node->var[0]), has_bias ? od_variables_grad(net->vars, node->var[1]) : NULL};
    memset(own, 0, (size_t)(size + bias_size) * sizeof *own);
    return (weight_sums){own, has_bias ? own + size : NULL};
}

/* Once all threads are done: adds their scratch, in order, to the variables' gradients; each thread a share. */
static void reduce_weight_grads(const od_net *net, const od_node *node, int thread, int64_t size, int64_t bias_size, size_t offset)
{
    int64_t begin, end;
    od_thread_range_floats(size, net->threads, thread, &begin, &end);
    for (int t = 1; t < net->threads; t++) {
        const float *part = net->scratch + net->scratch_stride * (size_t)t + offset;
        if (end > begin) net->k->add(end - begin, part + begin, od_variables_grad(net->vars, node->var[0]) + begin);
        if (!thread && node->var[1] != OD_NO_VAR) net->k->add(bias_size, part + size, od_variables_grad(net->vars, node->var[1]));
    }
}

static void add_columns(int64_t rows, int64_t c, const float *d, float *sum)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < c; i++) sum[i] += d[r * c + i];
}

/* Input pixel of output row `row` of a strided 1x1 convolution. */
static int64_t strided_pixel(const od_conv_job *c, int64_t row)
{
    int64_t n = row / (c->out.h * c->out.w), y = row / c->out.w % c->out.h, x = row % c->out.w;
    return (n * c->in.h + y * c->node->conv.stride) * c->in.w + x * c->node->conv.stride;
}

/* Gradients [rows, Cin] of output rows [row, row+rows) to their input pixels. */
static void scatter_rows(const od_conv_job *c, const od_sink *sink, int64_t row, int64_t rows, const float *dx)
{
    int64_t ch = c->in.c;
    for (int64_t i = 0; i < rows; i++) c->net->k->add(ch, dx + i * ch, sink->data + strided_pixel(c, row + i) * ch);
}

/* This thread's inputs' part of the weight gradient, over all rows. */
static void shared_weight_grad(const od_conv_job *c, const od_source *s, const od_grad_source *g, int thread, float *x_block, float *d_block, float *dw)
{
    int64_t rows = od_shape_rows(c->out), from, to;
    od_thread_range_floats(c->k, c->net->threads, thread, &from, &to);
    for (int64_t row = 0; row < rows && to > from; row += c->block) {
        int64_t m = rows - row < c->block ? rows - row : c->block;
        const float *d = od_grad_source_rows(g, row, m, d_block), *x = c->pointwise ? s->data + row * c->k + from : input_block(c, s, row, m, x_block) + from;
        int64_t ld = c->k;
        if (c->pointwise && s->scale) {
            c->net->k->rows_affine_act(m, to - from, x, c->k, s->scale + from, s->shift + from, s->act, x_block, to - from);
            x = x_block, ld = to - from;
        }
        c->net->k->gemm_tn(m, to - from, c->out.c, x, ld, d, c->out.c, dw + from * c->out.c, c->out.c, NULL);
    }
}

static void clear_rows(const od_conv_job *c, const od_sink *sink, int thread)
{
    int64_t begin, end;
    if (sink->accumulate) return;
    od_thread_range(od_shape_rows(c->in), c->net->threads, thread, &begin, &end);
    memset(sink->data + begin * c->in.c, 0, (size_t)((end - begin) * c->in.c) * sizeof(float));
}

static void finish_rows(const od_conv_job *c, const od_sink *sink, int thread, float *sums)
{
    int64_t begin, end;
    od_thread_range(od_shape_rows(c->in), c->net->threads, thread, &begin, &end);
    for (int64_t row = begin; row < end; row += 256) od_sink_finish(sink, row, end - row < 256 ? end - row : 256, thread, sums);
}

static void conv_backward(od_net *net, const od_node *node)
{
    if (od_expand_of(net, node)) {
        od_expand_finish_backward(net, node);
        return;
    }
    if (od_conv_winograd_used(net, node)) {
        od_conv_winograd_backward(net, node);
        return;
    }
    od_conv_job c = conv_of(net, node);
    size_t index = (size_t)(node - net->graph->nodes);
    od_source source = od_net_source(net, node->in[0]);
    od_grad_source grad = od_net_grad_source(net, node->out);
    int wants_input = net->graph->values[node->in[0]].needs_grad;
    od_sink sink = {0};
    if (wants_input) sink = od_net_sink(net, node->in[0]);
    int64_t rows = od_shape_rows(c.out), blocks = (rows + c.block - 1) / c.block;
    int64_t own = own_weights(&c);
    size_t weights_at = conv_scratch(net, node) - (size_t)(own + c.out.c), sums_at = weights_at - (size_t)(4 * max64(c.in.c, c.out.c) + 64);
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        float *x_block = od_net_scratch(net), *d_block = x_block + c.block * c.k, *sums = x_block + sums_at;
        od_outlet outlet = {0};
        if (wants_input && c.pointwise && !sink.accumulate) outlet = od_outlet_open(net, rows * c.in.c, c.block * c.in.c, outlet_places(&c, x_block));
        weight_sums dw = weight_sums_of(net, node, thread, x_block + weights_at, own, c.out.c);
        int64_t begin, end;
        od_thread_range(blocks, net->threads, thread, &begin, &end);
        memset(sums, 0, (size_t)(4 * max64(c.in.c, c.out.c)) * sizeof *sums);
        if (wants_input && c.strided) {
            clear_rows(&c, &sink, thread);
#pragma omp barrier
        }
        for (int64_t b = begin; b < end; b++) {
            int64_t row = b * c.block, m = rows - row < c.block ? rows - row : c.block;
            const float *d = od_grad_source_rows(&grad, row, m, d_block);
            od_ahead ahead[2][OD_AHEADS] = {{{0}}};
            if (c.pointwise) fetch_next(&c, &source, &grad, row, min64(rows, end * c.block), own > 0, ahead);
            if (own) net->k->gemm_tn(m, c.k, c.out.c, input_block(&c, &source, row, m, x_block), c.k, d, c.out.c, dw.weights, c.out.c, ahead[0]);
            if (dw.bias) add_columns(m, c.out.c, d, dw.bias);
            if (wants_input && c.strided) {
                net->k->gemm(m, c.in.c, c.out.c, d, c.out.c, net->packed_t[index], x_block, c.in.c, 0, NULL);
                scatter_rows(&c, &sink, row, m, x_block);
            }
            if (!wants_input || !c.pointwise) continue;
            od_gemm_post post = {.claims = !sink.accumulate && !outlet.places, .behind = outlet.behind};
            float *dx = od_outlet_place(&outlet, sink.data + row * c.in.c);
            memcpy(post.ahead, ahead[1], sizeof post.ahead);
            net->k->gemm(m, c.in.c, c.out.c, d, c.out.c, net->packed_t[index], dx, c.in.c, sink.accumulate, &post);
            od_sink_finish_at(&sink, row, m, dx, thread, sums);
            od_outlet_done(&outlet, sink.data + row * c.in.c, m * c.in.c);
        }
        od_outlet_close(&outlet);
        if (wants_input && c.strided) {
#pragma omp barrier
            finish_rows(&c, &sink, thread, sums);
        }
        if (!own) shared_weight_grad(&c, &source, &grad, thread, x_block, d_block, od_variables_grad(net->vars, node->var[0]));
        if (wants_input && !c.pointwise && !c.strided) od_conv_input_grad(&c, &grad, &sink, thread, d_block, sums);
#pragma omp barrier
        reduce_weight_grads(net, node, thread, own, c.out.c, weights_at);
    }
}

static double conv_flops(const od_graph *g, const od_node *node)
{
    const od_conv_attrs *a = &node->conv;
    return 2.0 * (double)od_shape_size(g->values[node->out].shape) * a->kernel_h * a->kernel_w * (double)g->values[node->in[0]].shape.c;
}

const od_op od_op_conv2d = {
    .name = "conv2d",
    .flags = OD_OP_AFFINE_IN | OD_OP_GRAD_SINK | OD_OP_VIRTUAL_GRAD | OD_OP_EMITS_STATS | OD_OP_BACKWARD_READS_IN | OD_OP_FOLDS,
    .shape = conv_shape,
    .scratch = conv_scratch,
    .workspace = conv_workspace,
    .forward = conv_forward,
    .backward = conv_backward,
    .flops = conv_flops,
    .rows_ok = od_conv2d_rows_ok,
    .forward_rows = od_conv2d_forward_rows,
    .rows_scratch = od_conv2d_rows_scratch,
};
