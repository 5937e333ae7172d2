/* SPDX-License-Identifier: Apache-2.0
 *
 * The fusion's decision, its statistics and what is left of its backward pass (expand.h).
 */
#include "nn/expand.h"

#include "nn/conv_winograd.h"

#include <omp.h>
#include <string.h>

enum { EXPAND_BLOCK = 240 };

static int64_t inputs_a_pixel(const od_net *net, const od_node *conv)
{
    return (int64_t)conv->conv.kernel_h * conv->conv.kernel_w * net->graph->values[conv->in[0]].shape.c;
}

static int is_pointwise(const od_node *conv)
{
    const od_conv_attrs *a = &conv->conv;
    return a->kernel_h == 1 && a->kernel_w == 1 && a->stride == 1 && !a->pad_top && !a->pad_left;
}

/* The depthwise node that alone reads v, or -1. */
static int depthwise_after(const od_graph *g, od_value v)
{
    int found = -1;
    for (size_t i = 0; i < g->node_count; i++)
        for (int j = 0; j < g->nodes[i].in_count; j++)
            if (g->nodes[i].in[j] == v) {
                if (found >= 0 || g->nodes[i].op != &od_op_depthwise) return -1;
                found = (int)i;
            }
    return found;
}

void od_expand_fuse(od_net *net)
{
    const od_graph *g = net->graph;
    for (size_t i = 0; i < g->node_count; i++) {
        const od_node *conv = &g->nodes[i];
        od_expand *e = &net->expand[i];
        if (conv->op != &od_op_conv2d || conv->var[1] != OD_NO_VAR || !g->values[conv->out].needs_grad) continue;
        if (!is_pointwise(conv) && (g->values[conv->in[0]].needs_grad || od_conv_winograd_used(net, conv))) continue;
        int bn = net->bn_after[conv->out];
        if (bn < 0 || !net->bn[bn].virtual_out || !net->bn[bn].sums_by_consumer || !net->bn[bn].virtual_grad) continue;
        if (!g->nodes[bn].bn.frozen && !net->bn[bn].stats_by_producer) continue;
        int depthwise = depthwise_after(g, g->nodes[bn].out);
        int64_t k = inputs_a_pixel(net, conv), c = g->values[conv->out].shape.c;
        if (depthwise < 0 || k > OD_EXPAND_K_MAX || k > c) continue;
        *e = (od_expand){.depthwise = depthwise, .bn = bn, .k = k, .c = c};
    }
}

od_expand *od_expand_of(const od_net *net, const od_node *conv)
{
    od_expand *e = &net->expand[conv - net->graph->nodes];
    return e->depthwise < 0 ? NULL : e;
}

const od_expand *od_expand_before(const od_net *net, const od_node *depthwise)
{
    const od_graph *g = net->graph;
    int bn = g->values[depthwise->in[0]].producer;
    if (bn < 0 || g->nodes[bn].op != &od_op_batch_norm) return NULL;
    int conv = g->values[g->nodes[bn].in[0]].producer;
    return conv < 0 || net->expand[conv].depthwise != depthwise - g->nodes ? NULL : &net->expand[conv];
}

void od_expand_sizes(const od_net *net, const od_node *conv, size_t *product, size_t *mixing, size_t *gram, size_t *gram_w)
{
    const od_expand *e = od_expand_of(net, conv);
    *product = *mixing = *gram = *gram_w = 0;
    if (!e) return;
    *product = *gram_w = (size_t)(e->k * e->c);
    *mixing = (size_t)((e->k * e->k + e->k + 15) / 16 * 16) + net->k->gemm_packed_size(e->k, e->k);
    *gram = (size_t)net->threads * (size_t)(e->k * e->k + e->k);
}

/* Layout: a block of inputs, sums, the Gram matrix of a block. */
size_t od_expand_scratch(const od_net *net, const od_node *conv)
{
    int64_t k = net->expand[conv - net->graph->nodes].k;
    return (size_t)(EXPAND_BLOCK * k + 2 * k + k * k);
}

/* --- statistics ------------------------------------------------------------------------------------------------------------ */

od_ahead od_expand_ahead(const od_net *net, const od_node *conv, const od_source *source, int64_t row, int64_t rows)
{
    int64_t left = od_shape_rows(net->graph->values[conv->out].shape) - row;
    if (left <= 0 || net->expand[conv - net->graph->nodes].k != source->c) return (od_ahead){0};
    return od_source_ahead(source, row, rows < left ? rows : left);
}

static void gram_of_thread(const od_net *net, const od_node *conv, const od_expand *e, const od_source *source, int thread)
{
    int64_t k = e->k, rows = od_shape_rows(net->graph->values[conv->out].shape), begin, end;
    float *block = od_net_scratch(net), *sums = block + EXPAND_BLOCK * k, *g = sums + 2 * k;
    double *gram = e->gram + thread * (k * k + k);
    memset(gram, 0, (size_t)(k * k + k) * sizeof *gram);
    memset(sums, 0, (size_t)(2 * k + k * k) * sizeof *sums);
    od_thread_range((rows + EXPAND_BLOCK - 1) / EXPAND_BLOCK, net->threads, thread, &begin, &end);
    for (int64_t b = begin; b < end; b++) {
        int64_t row = b * EXPAND_BLOCK, m = rows - row < EXPAND_BLOCK ? rows - row : EXPAND_BLOCK;
        const float *x = od_conv_rows(net, conv, source, row, m, block);
        od_ahead ahead[OD_AHEADS] = {od_expand_ahead(net, conv, source, row + m, b + 1 < end ? EXPAND_BLOCK : 0)};
        net->k->gemm_tn(m, k, k, x, k, x, k, g, k, ahead);
        net->k->rows_stats(m, k, x, k, sums, sums + k);
        od_fold_sums(gram, g, k * k);
        od_fold_sums(gram + k * k, sums, k);
        memset(sums + k, 0, (size_t)k * sizeof *sums);
    }
}

/* The threads' sums, added up in the first one's place, and G - s s^T / rows instead of G. */
static void total_gram(const od_net *net, const od_expand *e, double rows)
{
    int64_t k = e->k, size = k * k + k;
    double *g = e->gram, *s = g + k * k;
    for (int t = 1; t < net->threads; t++)
        for (int64_t i = 0; i < size; i++) g[i] += g[t * size + i];
    for (int64_t i = 0; i < k; i++)
        for (int64_t p = 0; p < k; p++) g[i * k + p] -= s[i] * s[p] / rows;
}

/* gram_w = (G - s s^T / rows) W for columns [from, to), and the batch norm's sums: Σ z, and Σ z^2 from the variance. */
static void sums_of_columns(const od_net *net, const od_expand *e, const float *w, double rows, int64_t from, int64_t to)
{
    int64_t k = e->k, c = e->c;
    const double *s = e->gram + k * k;
    double *sum = net->bn[e->bn].partial, *squares = sum + c;
    if (from == to) return;
    net->k->matmul_double(k, to - from, k, e->gram, k, w + from, c, e->gram_w + from, c);
    for (int64_t j = from; j < to; j++) sum[j] = squares[j] = 0;
    for (int64_t i = 0; i < k; i++) {
        const double *out = e->gram_w + i * c;
        const float *row = w + i * c;
        for (int64_t j = from; j < to; j++) {
            sum[j] += (double)row[j] * s[i];
            squares[j] += (double)row[j] * out[j];
        }
    }
    for (int64_t j = from; j < to; j++) squares[j] = (squares[j] > 0 ? squares[j] : 0) + sum[j] * sum[j] / rows;
}

void od_expand_statistics(od_net *net, const od_node *conv)
{
    od_expand *e = od_expand_of(net, conv);
    od_bn_state *bn = &net->bn[e->bn];
    if (!bn->stats_by_producer) return; /* frozen: nothing to measure */
    od_source source = od_net_source(net, conv->in[0]);
    const float *w = od_variables_value(net->vars, conv->var[0]);
    double rows = (double)od_shape_rows(net->graph->values[conv->out].shape);
    memset(bn->partial, 0, (size_t)(net->threads * 2 * e->c) * sizeof *bn->partial);
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        int64_t from, to;
        gram_of_thread(net, conv, e, &source, thread);
#pragma omp barrier
#pragma omp single
        total_gram(net, e, rows);
        od_thread_range_floats(e->c, net->threads, thread, &from, &to);
        sums_of_columns(net, e, w, rows, from, to);
    }
}

/* --- what is left of the backward pass -------------------------------------------------------------------------------------- */

/* dW of rows [from, to). */
static void weight_gradient(const od_net *net, const od_node *conv, const od_expand *e, int64_t from, int64_t to)
{
    const od_bn_state *bn = &net->bn[e->bn];
    const double *s = e->gram + e->k * e->k;
    float *grad = od_variables_grad(net->vars, conv->var[0]);
    for (int64_t i = from; i < to; i++) {
        const float *p = e->product + i * e->c;
        const double *gw = e->gram_w + i * e->c;
        float *g = grad + i * e->c;
        if (bn->stats_by_producer)
            for (int64_t j = 0; j < e->c; j++)
                g[j] += (float)((double)bn->ga[j] * p[j] + bn->gb[j] * gw[j] + ((double)bn->gb[j] * bn->mean[j] + bn->gc[j]) * s[i]);
        else
            for (int64_t j = 0; j < e->c; j++) g[j] += bn->ga[j] * p[j];
    }
}

/* Rows [from, to) of W gb W^T [K, K] and of W gc [K]. The packed (W scale)^T of the depthwise convolution's backward serves as the right
 * factor: P, which isn't needed any more in these rows, takes W gb / scale. */
static void mix_weights(const od_net *net, const od_node *conv, const od_expand *e, int64_t from, int64_t to)
{
    const od_bn_state *bn = &net->bn[e->bn];
    const float *w = od_variables_value(net->vars, conv->var[0]);
    int64_t k = e->k, c = e->c;
    float *vector = e->mixing + k * k;
    for (int64_t i = from; i < to; i++) {
        double sum = 0;
        for (int64_t j = 0; j < c; j++) {
            sum += (double)w[i * c + j] * bn->gc[j];
            e->product[i * c + j] = bn->scale[j] != 0 ? w[i * c + j] * (bn->gb[j] / bn->scale[j]) : 0;
        }
        vector[i] = (float)sum;
    }
    if (to > from) net->k->gemm(to - from, k, c, e->product + from * c, c, net->packed_t[conv - net->graph->nodes], e->mixing + from * k, k, 0, NULL);
}

/* This thread's share of dx += x (W gb W^T) + W gc, and the input's own batch norm and activation. */
static void finish_input_gradient(const od_net *net, const od_node *conv, const od_expand *e, const od_source *source, const od_sink *sink, int thread)
{
    int64_t k = e->k, rows = od_shape_rows(net->graph->values[conv->out].shape), begin, end;
    float *block = od_net_scratch(net), *sums = block + EXPAND_BLOCK * k;
    memset(sums, 0, (size_t)(2 * k) * sizeof *sums);
    od_thread_range((rows + EXPAND_BLOCK - 1) / EXPAND_BLOCK, net->threads, thread, &begin, &end);
    for (int64_t b = begin; b < end; b++) {
        int64_t row = b * EXPAND_BLOCK, m = rows - row < EXPAND_BLOCK ? rows - row : EXPAND_BLOCK;
        od_gemm_post post = {.bias = e->mixing + k * k, .ahead = {od_expand_ahead(net, conv, source, row + m, b + 1 < end ? EXPAND_BLOCK : 0)}};
        if (post.ahead[0].floats) post.ahead[1] = (od_ahead){sink->data + (row + m) * k, post.ahead[0].floats};
        if (net->bn[e->bn].stats_by_producer)
            net->k->gemm(m, k, k, od_conv_rows(net, conv, source, row, m, block), k, od_expand_packed_mixing(e), sink->data + row * k, k, 1, &post);
        od_sink_finish(sink, row, m, thread, sums);
    }
}

void od_expand_finish_backward(od_net *net, const od_node *conv)
{
    const od_expand *e = od_expand_of(net, conv);
    int wants_input = net->graph->values[conv->in[0]].needs_grad, corrected = wants_input && net->bn[e->bn].stats_by_producer;
    od_source source = od_net_source(net, conv->in[0]);
    od_sink sink = {0};
    if (wants_input) sink = od_net_sink(net, conv->in[0]);
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        int64_t from, to;
        od_thread_range(e->k, net->threads, thread, &from, &to);
        weight_gradient(net, conv, e, from, to);
        if (corrected) {
            mix_weights(net, conv, e, from, to);
#pragma omp barrier
#pragma omp single
            net->k->gemm_pack_b(e->k, e->k, e->mixing, e->k, 0, od_expand_packed_mixing(e));
        }
        if (wants_input) finish_input_gradient(net, conv, e, &source, &sink, thread);
    }
}
