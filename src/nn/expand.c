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
        net->k->gemm_tn(m, k, k, x, k, x, k, g, k);
        net->k->rows_stats(m, k, x, k, sums, sums + k);
        od_fold_sums(gram, g, k * k);
        od_fold_sums(gram + k * k, sums, k);
        memset(sums + k, 0, (size_t)k * sizeof *sums);
    }
}

/* gram_w = (G - s s^T / rows) W for columns [from, to), and the batch norm's sums: Σ z, and Σ z^2 from the variance. */
static void sums_of_columns(const od_net *net, const od_expand *e, const float *w, double rows, int64_t from, int64_t to)
{
    int64_t k = e->k, c = e->c;
    const double *g = e->gram, *s = g + k * k;
    double *partial = net->bn[e->bn].partial;
    for (int64_t j = from; j < to; j++) partial[j] = partial[c + j] = 0;
    for (int64_t i = 0; i < k; i++) {
        double *out = e->gram_w + i * c;
        for (int64_t j = from; j < to; j++) out[j] = 0;
        for (int64_t p = 0; p < k; p++) {
            double covariance = g[i * k + p] - s[i] * s[p] / rows;
            for (int64_t j = from; j < to; j++) out[j] += covariance * (double)w[p * c + j];
        }
        for (int64_t j = from; j < to; j++) {
            partial[j] += (double)w[i * c + j] * s[i];
            partial[c + j] += (double)w[i * c + j] * out[j];
        }
    }
    for (int64_t j = from; j < to; j++) partial[c + j] = (partial[c + j] > 0 ? partial[c + j] : 0) + partial[j] * partial[j] / rows;
}

void od_expand_statistics(od_net *net, const od_node *conv)
{
    od_expand *e = od_expand_of(net, conv);
    od_bn_state *bn = &net->bn[e->bn];
    if (!bn->stats_by_producer) return; /* frozen: nothing to measure */
    od_source source = od_net_source(net, conv->in[0]);
    const float *w = od_variables_value(net->vars, conv->var[0]);
    int64_t size = e->k * e->k + e->k;
    double rows = (double)od_shape_rows(net->graph->values[conv->out].shape);
    memset(bn->partial, 0, (size_t)(net->threads * 2 * e->c) * sizeof *bn->partial);
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        int64_t from, to;
        gram_of_thread(net, conv, e, &source, thread);
#pragma omp barrier
#pragma omp single
        for (int t = 1; t < net->threads; t++)
            for (int64_t i = 0; i < size; i++) e->gram[i] += e->gram[t * size + i];
        od_thread_range(e->c, net->threads, thread, &from, &to);
        sums_of_columns(net, e, w, rows, from, to);
    }
}

/* --- what is left of the backward pass -------------------------------------------------------------------------------------- */

static void weight_gradient(const od_net *net, const od_node *conv, const od_expand *e)
{
    const od_bn_state *bn = &net->bn[e->bn];
    const double *s = e->gram + e->k * e->k;
    float *g = od_variables_grad(net->vars, conv->var[0]);
    for (int64_t i = 0; i < e->k; i++)
        for (int64_t j = 0; j < e->c; j++) {
            int64_t at = i * e->c + j;
            double x = (double)bn->ga[j] * e->product[at];
            if (bn->stats_by_producer) x += bn->gb[j] * e->gram_w[at] + ((double)bn->gb[j] * bn->mean[j] + bn->gc[j]) * s[i];
            g[at] += (float)x;
        }
}

/* W gb W^T [K, K], packed, and W gc [K]. Returns where the vector lies; the packed matrix comes behind it. */
static float *mix_weights(const od_net *net, const od_node *conv, const od_expand *e)
{
    const od_bn_state *bn = &net->bn[e->bn];
    const float *w = od_variables_value(net->vars, conv->var[0]);
    int64_t k = e->k, c = e->c;
    float *vector = e->mixing + k * k, *packed = od_expand_packed_mixing(e);
    for (int64_t i = 0; i < k; i++) {
        double sum = 0;
        for (int64_t j = 0; j < c; j++) sum += (double)w[i * c + j] * bn->gc[j];
        vector[i] = (float)sum;
        for (int64_t p = 0; p <= i; p++) {
            double mixed = 0;
            for (int64_t j = 0; j < c; j++) mixed += (double)w[i * c + j] * bn->gb[j] * w[p * c + j];
            e->mixing[i * k + p] = e->mixing[p * k + i] = (float)mixed;
        }
    }
    net->k->gemm_pack_b(k, k, e->mixing, k, 0, packed);
    return vector;
}

void od_expand_finish_backward(od_net *net, const od_node *conv)
{
    const od_expand *e = od_expand_of(net, conv);
    int corrected = net->bn[e->bn].stats_by_producer;
    weight_gradient(net, conv, e);
    if (!net->graph->values[conv->in[0]].needs_grad) return;
    od_source source = od_net_source(net, conv->in[0]);
    od_sink sink = od_net_sink(net, conv->in[0]);
    const float *constant = corrected ? mix_weights(net, conv, e) : NULL, *packed = od_expand_packed_mixing(e);
    int64_t k = e->k, rows = od_shape_rows(net->graph->values[conv->out].shape);
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        float *block = od_net_scratch(net), *sums = block + EXPAND_BLOCK * k;
        int64_t begin, end;
        memset(sums, 0, (size_t)(2 * k) * sizeof *sums);
        od_thread_range((rows + EXPAND_BLOCK - 1) / EXPAND_BLOCK, net->threads, thread, &begin, &end);
        for (int64_t b = begin; b < end; b++) {
            int64_t row = b * EXPAND_BLOCK, m = rows - row < EXPAND_BLOCK ? rows - row : EXPAND_BLOCK;
            od_gemm_post post = {.bias = constant};
            if (corrected) net->k->gemm(m, k, k, od_conv_rows(net, conv, &source, row, m, block), k, packed, sink.data + row * k, k, 1, &post);
            od_sink_finish(&sink, row, m, thread, sums);
        }
    }
}
