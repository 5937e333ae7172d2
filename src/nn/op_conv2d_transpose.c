/* SPDX-License-Identifier: Apache-2.0
 *
 * Transposed 2-D convolution (Keras' Conv2DTranspose, padding "same"): the gradient of a strided convolution. Forward by
 * phases (conv_transpose.h), a row of input pixels at a time; backward as the strided convolution that it is the gradient of.
 */
#include "nn/conv_transpose.h"
#include "nn/op.h"
#include "nn/rows_io.h"

#include <omp.h>

enum { MAX_KERNEL = 16 };

static od_status transpose_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    const od_variable *w = &g->vars->items[node->var[0]];
    od_tensor_shape in = g->values[node->in[0]].shape;
    od_conv_attrs *a = &node->conv;
    if (w->rank != 4 || w->shape[0] != a->kernel_h || w->shape[1] != a->kernel_w || w->shape[3] != in.c)
        return od_error_set(err, OD_ERR_MISMATCH, "the kernel's shape doesn't fit an input of %lld channels", (long long)in.c);
    if (a->padding != OD_PAD_SAME || a->dilation > 1 || a->kernel_h > MAX_KERNEL || a->kernel_w > MAX_KERNEL || a->stride < 1 || a->kernel_h < a->stride ||
        a->kernel_w < a->stride)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "transposed convolutions have padding SAME, no dilation and kernels from the stride up to %dx%d", MAX_KERNEL, MAX_KERNEL);
    a->dilation = 1;
    *out = (od_tensor_shape){in.n, in.h * a->stride, in.w * a->stride, w->shape[2]};
    int64_t back;
    od_conv_geometry(out->h, a->kernel_h, a->stride, 1, OD_PAD_SAME, &back, &a->pad_top);
    od_conv_geometry(out->w, a->kernel_w, a->stride, 1, OD_PAD_SAME, &back, &a->pad_left);
    return OD_OK;
}

typedef struct job {
    od_net *net;
    const od_node *node;
    const od_conv_attrs *a;
    od_tensor_shape in, out;
    int first, rows;   /* input rows that output rows of one input row need: from `first` on, relative to it */
    int64_t taps, patch; /* taps*Cout: an input pixel's patch of the output's gradient */
    int64_t block;     /* input pixels of a block in the backward pass */
} job;

static job job_of(od_net *net, const od_node *node)
{
    job j = {.net = net, .node = node, .a = &node->conv, .in = net->graph->values[node->in[0]].shape, .out = net->graph->values[node->out].shape};
    int last = (j.a->stride - 1 + j.a->pad_top) / j.a->stride;
    j.first = -((j.a->kernel_h - 1 - j.a->pad_top) / j.a->stride);
    if (j.first > 0) j.first = 0;
    j.rows = last - j.first + 1;
    j.taps = (int64_t)j.a->kernel_h * j.a->kernel_w;
    j.patch = j.taps * j.out.c;
    j.block = 65536 / (j.patch + j.in.c);
    j.block = j.block < 16 ? 16 : j.block > 240 ? 240 : j.block / 8 * 8;
    return j;
}

/* Layout, forward: the rows, one gathered row of pixels, sums. Backward: a block of patches, a block of inputs, sums, the
 * weights' gradient, the bias'. */
static size_t forward_floats(const job *j)
{
    return (size_t)(j->rows * j->in.w * j->in.c + j->in.w * j->taps * j->in.c + 2 * j->out.c);
}

static size_t transpose_scratch(const od_net *net, const od_node *node)
{
    job j = job_of((od_net *)net, node); /* only read */
    size_t forward = forward_floats(&j);
    size_t backward = (size_t)(j.block * (j.patch + j.in.c) + 2 * j.in.c + j.patch * j.in.c + j.out.c);
    return net->mode == OD_NET_TRAIN && backward > forward ? backward : forward;
}

/* --- forward ---------------------------------------------------------------------------------------------------------- */

/* The input rows around row r of image n, normalised; zero outside the image. */
static void load_rows(const job *j, const od_source *s, int64_t n, int64_t r, float *room, const float **rows)
{
    int64_t floats = j->in.w * j->in.c;
    for (int i = 0; i < j->rows; i++) {
        int64_t y = r + j->first + i;
        float *to = room + i * floats;
        rows[i] = to;
        if (y < 0 || y >= j->in.h)
            memset(to, 0, (size_t)floats * sizeof *to);
        else
            rows[i] = od_source_rows(s, (n * j->in.h + y) * j->in.w, j->in.w, to);
    }
}

/* The taps of one phase for a row of pixels: [w, taps*Cin]. */
static void gather_phase(const job *j, const float *const *rows, const od_phase *y, const od_phase *x, float *to)
{
    int64_t c = j->in.c, w = j->in.w, width = (int64_t)y->count * x->count * c;
    for (int a = 0; a < y->count; a++)
        for (int b = 0; b < x->count; b++) {
            const float *row = rows[y->offset[a] - j->first];
            float *at = to + (a * x->count + b) * c;
            for (int64_t p = 0; p < w; p++, at += width) {
                int64_t from = p + x->offset[b];
                if (from < 0 || from >= w)
                    memset(at, 0, (size_t)c * sizeof *at);
                else
                    memcpy(at, row + from * c, (size_t)c * sizeof *at);
            }
        }
}

/* The output pixels of phase (py, px) that belong to row r of image n. */
static void run_phase(const job *j, const float *const *rows, int64_t n, int64_t r, int py, int px, float *gathered, const od_gemm_post *post, float *out)
{
    od_phase y = od_conv_transpose_phase(j->a->kernel_h, j->a->stride, j->a->pad_top, py);
    od_phase x = od_conv_transpose_phase(j->a->kernel_w, j->a->stride, j->a->pad_left, px);
    int64_t k = (int64_t)y.count * x.count * j->in.c, s = j->a->stride;
    float *to = out + ((n * j->out.h + r * s + py) * j->out.w + px) * j->out.c;
    const float *packed = j->net->packed[j->node - j->net->graph->nodes] + od_conv_transpose_phase_at(j->net, j->node, py, px);
    gather_phase(j, rows, &y, &x, gathered);
    enum { CHUNK = 240 };
    for (int64_t p = 0; p < j->in.w; p += CHUNK) {
        int64_t m = j->in.w - p < CHUNK ? j->in.w - p : CHUNK;
        j->net->k->gemm(m, j->out.c, k, gathered + p * k, k, packed, to + p * s * j->out.c, s * j->out.c, 0, post);
    }
}

static void transpose_forward(od_net *net, const od_node *node)
{
    job j = job_of(net, node);
    size_t index = (size_t)(node - net->graph->nodes);
    const od_fold *fold = &net->fold[index];
    od_source source = od_net_source(net, node->in[0]);
    od_stats stats = od_net_stats(net, node);
    const float *bias = node->var[1] == OD_NO_VAR ? NULL : od_variables_value(net->vars, node->var[1]);
    if (fold->bn >= 0) bias = net->folded_bias[index];
    float *out = net->value[fold->out];
    int64_t c = j.out.c;
    int s = j.a->stride;
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        const float *rows[2 * MAX_KERNEL];
        float *room = od_net_scratch(net), *gathered = room + j.rows * j.in.w * j.in.c, *sums = gathered + j.in.w * j.taps * j.in.c;
        od_gemm_post post = {.bias = bias, .act = fold->act};
        if (stats.partial) post.sum = sums, post.sumsq = sums + c;
        memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
        int64_t begin, end;
        od_thread_range(j.in.n * j.in.h, net->threads, thread, &begin, &end);
        for (int64_t u = begin; u < end; u++) {
            load_rows(&j, &source, u / j.in.h, u % j.in.h, room, rows);
            for (int p = 0; p < s * s; p++) {
                run_phase(&j, rows, u / j.in.h, u % j.in.h, p / s, p % s, gathered, &post, out);
                if (stats.partial) od_fold_sums(stats.partial + thread * 2 * c, sums, 2 * c);
            }
        }
    }
}

/* --- backward --------------------------------------------------------------------------------------------------------- */

/* The output's gradient around input pixel (y, x) of image n: [taps, Cout]; zero outside. */
static void gather_patch(const job *j, const od_grad_source *g, int64_t n, int64_t y, int64_t x, float *to)
{
    int64_t c = j->out.c, kw = j->a->kernel_w, x0 = x * j->a->stride - j->a->pad_left;
    int64_t from = x0 < 0 ? -x0 : 0, until = x0 + kw > j->out.w ? j->out.w - x0 : kw;
    for (int ky = 0; ky < j->a->kernel_h; ky++, to += kw * c) {
        int64_t oy = y * j->a->stride - j->a->pad_top + ky;
        if (oy < 0 || oy >= j->out.h || from >= until) {
            memset(to, 0, (size_t)(kw * c) * sizeof *to);
            continue;
        }
        memset(to, 0, (size_t)(from * c) * sizeof *to);
        memset(to + until * c, 0, (size_t)((kw - until) * c) * sizeof *to);
        const float *d = od_grad_source_rows(g, (n * j->out.h + oy) * j->out.w + x0 + from, until - from, to + from * c);
        if (d != to + from * c) memcpy(to + from * c, d, (size_t)((until - from) * c) * sizeof *to);
    }
}

static void add_columns(int64_t rows, int64_t c, const float *d, float *sum)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < c; i++) sum[i] += d[r * c + i];
}

/* This thread's part of the bias' gradient. room: a block of rows. */
static void bias_gradient(const job *j, const od_grad_source *g, int thread, float *room, int64_t rows, float *sum)
{
    int64_t total = od_shape_rows(j->out), begin, end;
    od_thread_range((total + rows - 1) / rows, j->net->threads, thread, &begin, &end);
    for (int64_t b = begin; b < end; b++) {
        int64_t row = b * rows, m = total - row < rows ? total - row : rows;
        add_columns(m, j->out.c, od_grad_source_rows(g, row, m, room), sum);
    }
}

static void transpose_backward(od_net *net, const od_node *node)
{
    job j = job_of(net, node);
    size_t index = (size_t)(node - net->graph->nodes);
    od_source source = od_net_source(net, node->in[0]);
    od_grad_source grad = od_net_grad_source(net, node->out);
    int wants_input = net->graph->values[node->in[0]].needs_grad, has_bias = node->var[1] != OD_NO_VAR;
    od_sink sink = {0};
    if (wants_input) sink = od_net_sink(net, node->in[0]);
    int64_t rows = od_shape_rows(j.in), blocks = (rows + j.block - 1) / j.block, size = j.patch * j.in.c;
    size_t sums_at = (size_t)(j.block * (j.patch + j.in.c)), weights_at = sums_at + (size_t)(2 * j.in.c);
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        float *patches = od_net_scratch(net), *inputs = patches + j.block * j.patch, *sums = patches + sums_at, *dw = patches + weights_at;
        memset(sums, 0, (size_t)(2 * j.in.c + size + j.out.c) * sizeof *sums);
        int64_t begin, end;
        od_thread_range(blocks, net->threads, thread, &begin, &end);
        for (int64_t b = begin; b < end; b++) {
            int64_t row = b * j.block, m = rows - row < j.block ? rows - row : j.block;
            for (int64_t i = 0; i < m; i++) {
                int64_t p = row + i;
                gather_patch(&j, &grad, p / (j.in.h * j.in.w), p / j.in.w % j.in.h, p % j.in.w, patches + i * j.patch);
            }
            net->k->gemm_tn(m, j.patch, j.in.c, patches, j.patch, od_source_rows(&source, row, m, inputs), j.in.c, dw, j.in.c, NULL);
            if (!wants_input) continue;
            net->k->gemm(m, j.in.c, j.patch, patches, j.patch, net->packed_t[index], sink.data + row * j.in.c, j.in.c, sink.accumulate, NULL);
            od_sink_finish(&sink, row, m, thread, sums);
        }
        if (has_bias) bias_gradient(&j, &grad, thread, patches, j.block, dw + size);
    }
    for (int t = 0; t < net->threads; t++) {
        const float *part = net->scratch + net->scratch_stride * (size_t)t + weights_at;
        net->k->add(size, part, od_variables_grad(net->vars, node->var[0]));
        if (has_bias) net->k->add(j.out.c, part + size, od_variables_grad(net->vars, node->var[1]));
    }
}

static double transpose_flops(const od_graph *g, const od_node *node)
{
    const od_conv_attrs *a = &node->conv;
    return 2.0 * (double)od_shape_size(g->values[node->in[0]].shape) * a->kernel_h * a->kernel_w * (double)g->values[node->out].shape.c;
}

const od_op od_op_conv2d_transpose = {
    .name = "conv2d_transpose",
    .flags = OD_OP_AFFINE_IN | OD_OP_GRAD_SINK | OD_OP_VIRTUAL_GRAD | OD_OP_EMITS_STATS | OD_OP_BACKWARD_READS_IN | OD_OP_FOLDS,
    .shape = transpose_shape,
    .scratch = transpose_scratch,
    .forward = transpose_forward,
    .backward = transpose_backward,
    .flops = transpose_flops,
};
