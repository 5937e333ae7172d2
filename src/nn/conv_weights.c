/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/conv_weights.h"

#include "nn/chain.h"
#include "nn/conv_transpose.h"
#include "nn/conv_winograd.h"
#include "nn/expand.h"
#include "util/alloc.h"

#include <math.h>
#include <stdlib.h>

static int64_t channels(const od_net *net, od_value v)
{
    return net->graph->values[v].shape.c;
}

static int64_t taps(const od_node *node)
{
    return (int64_t)node->conv.kernel_h * node->conv.kernel_w;
}

static int needs_input_grad(const od_net *net, const od_node *node)
{
    return net->mode == OD_NET_TRAIN && net->graph->values[node->in[0]].needs_grad;
}

/* A [taps*in, out] copy to scale or rearrange lives behind the packed weights of the same node. */
static size_t staging_size(const od_net *net, const od_node *node)
{
    int folded = net->fold[node - net->graph->nodes].bn >= 0;
    int rearranged = needs_input_grad(net, node) && taps(node) > 1;
    return folded || rearranged ? (size_t)(taps(node) * channels(net, node->in[0]) * channels(net, node->out)) : 0;
}

void od_conv_weight_sizes(const od_net *net, const od_node *node, size_t *forward, size_t *backward, size_t *bias)
{
    *forward = *backward = *bias = 0;
    int64_t in = channels(net, node->in[0]), out = channels(net, node->out);
    int folded = net->fold[node - net->graph->nodes].bn >= 0;
    if (node->op == &od_op_depthwise) {
        if (folded) *forward = (size_t)(taps(node) * in);
        if (folded) *bias = (size_t)out;
    }
    if (node->op == &od_op_conv2d_transpose) {
        *forward = od_conv_transpose_packed_size(net, node);
        if (needs_input_grad(net, node)) *backward = net->k->gemm_packed_size(taps(node) * out, in);
        if (folded) *bias = (size_t)out;
    }
    if (node->op != &od_op_conv2d) return;
    if (od_conv_winograd_used(net, node)) {
        od_conv_winograd_weight_sizes(net, node, forward, backward);
        if (folded) *bias = (size_t)out;
        return;
    }
    *forward = net->k->gemm_packed_size(taps(node) * in, out) + staging_size(net, node);
    if (needs_input_grad(net, node)) *backward = net->k->gemm_packed_size(taps(node) * out, in);
    if (folded) *bias = (size_t)out;
}

static const float *value_or_null(const od_net *net, od_var v)
{
    return v == OD_NO_VAR ? NULL : od_variables_value(net->vars, v);
}

/* scale[c] and the folded bias of a batch norm in inference; bias already holds the convolution's own (or 0). */
static void fold_batch_norm(const od_net *net, const od_bn_attrs *bn, int64_t c, float *bias, float *scale)
{
    const float *gamma = value_or_null(net, bn->gamma), *beta = value_or_null(net, bn->beta);
    const float *mean = od_variables_value(net->vars, bn->mean), *variance = od_variables_value(net->vars, bn->variance);
    for (int64_t i = 0; i < c; i++) {
        scale[i] = (float)((gamma ? gamma[i] : 1.0) / sqrt((double)variance[i] + bn->epsilon));
        bias[i] = (float)((double)scale[i] * ((double)bias[i] - mean[i]) + (beta ? beta[i] : 0.0));
    }
}

static void scale_columns(int64_t rows, int64_t c, const float *w, const float *scale, float *out)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < c; i++) out[r * c + i] = w[r * c + i] * scale[i];
}

/* Sets the node's folded bias; returns what its output channels are to be scaled by. The batch-norm state's vector serves as room. */
static const float *fold_bias(od_net *net, size_t index)
{
    const od_node *node = &net->graph->nodes[index];
    int bn = net->fold[index].bn;
    int64_t c = channels(net, node->out);
    const float *own = value_or_null(net, node->var[1]);
    float *bias = net->folded_bias[index];
    for (int64_t i = 0; i < c; i++) bias[i] = own ? own[i] : 0;
    fold_batch_norm(net, &net->graph->nodes[bn].bn, c, bias, net->bn[bn].scale);
    return net->bn[bn].scale;
}

/* Scales the kernel [rows, c] into `out`, too. */
static void fold_weights(od_net *net, size_t index, int64_t rows, float *out)
{
    const od_node *node = &net->graph->nodes[index];
    scale_columns(rows, channels(net, node->out), od_variables_value(net->vars, node->var[0]), fold_bias(net, index), out);
}

void od_matrix_transpose(int64_t in, int64_t out, const float *w, float *t)
{
    enum { B = 16 };
    for (int64_t i0 = 0; i0 < in; i0 += B)
        for (int64_t o0 = 0; o0 < out; o0 += B)
            for (int64_t i = i0; i < in && i < i0 + B; i++)
                for (int64_t o = o0; o < out && o < o0 + B; o++) t[o * in + i] = w[i * out + o];
}

/* In as many parts as threads share the columns among them. */
static void pack_forward(const od_net *net, size_t index, int64_t k, int64_t out, const float *w)
{
    int parts = net->schedule ? net->schedule->parts[index] : 1;
    float *to = net->packed[index];
    for (int p = 0; p < parts; p++) {
        int64_t begin = 0, end = out;
        if (parts > 1) od_part_columns(out, p, parts, &begin, &end);
        if (begin == end) continue;
        net->k->gemm_pack_b(k, end - begin, w + begin, out, 0, to);
        to += net->k->gemm_packed_size(k, end - begin);
    }
}

static void pack_node(od_net *net, size_t index)
{
    const od_node *node = &net->graph->nodes[index];
    int64_t in = channels(net, node->in[0]), out = channels(net, node->out), k = taps(node) * in;
    const float *w = od_variables_value(net->vars, node->var[0]);
    int folded = net->fold[index].bn >= 0;
    if (node->op == &od_op_depthwise) {
        if (folded) fold_weights(net, index, taps(node), net->packed[index]);
        return;
    }
    if (od_conv_winograd_used(net, node)) {
        if (folded) fold_bias(net, index); /* the scale is applied to the outputs */
        if (od_conv_winograd_owner(net, node) == index) od_conv_winograd_pack(net, index);
        return;
    }
    if (node->op == &od_op_conv2d_transpose) {
        od_conv_transpose_pack(net, node, w, folded ? fold_bias(net, index) : NULL, net->packed[index], net->packed_t[index]);
        return;
    }
    float *staging = net->packed[index] + net->k->gemm_packed_size(k, out);
    if (folded) fold_weights(net, index, k, staging);
    pack_forward(net, index, k, out, folded ? staging : w);
    if (!net->packed_t[index]) return;
    if (taps(node) == 1) {
        net->k->gemm_pack_b(out, in, w, out, 1, net->packed_t[index]);
        return;
    }
    for (int64_t t = 0; t < taps(node); t++) od_matrix_transpose(in, out, w + t * in * out, staging + t * in * out);
    net->k->gemm_pack_b(taps(node) * out, in, staging, in, 0, net->packed_t[index]);
}

typedef struct pack_cost {
    int64_t floats; /* of the kernel */
    int node;
} pack_cost;

static int costlier_first(const void *a, const void *b)
{
    const pack_cost *x = a, *y = b;
    if (x->floats != y->floats) return x->floats < y->floats ? 1 : -1;
    return x->node - y->node;
}

od_status od_conv_weights_order(od_net *net, od_error *err)
{
    size_t n = net->graph->node_count;
    pack_cost *costs = od_calloc(n, sizeof *costs);
    if (!costs) return od_error_nomem(err, "the order of packing");
    for (size_t i = 0; i < n; i++) {
        const od_node *node = &net->graph->nodes[i];
        int packed = node->op == &od_op_conv2d || node->op == &od_op_conv2d_transpose;
        costs[i] = (pack_cost){packed ? taps(node) * channels(net, node->in[0]) * channels(net, node->out) : 0, (int)i};
    }
    qsort(costs, n, sizeof *costs, costlier_first);
    for (size_t i = 0; i < n; i++) net->pack_order[i] = costs[i].node;
    od_free(costs);
    return OD_OK;
}

void od_conv_weights_pack(od_net *net)
{
    int64_t n = (int64_t)net->graph->node_count;
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->threads)
    for (int64_t rank = 0; rank < n; rank++) {
        int i = net->pack_order[rank];
        const od_op *op = net->graph->nodes[i].op;
        if (od_expand_of(net, &net->graph->nodes[i])) continue; /* packed with the batch norm's scale, once that is known */
        if (op == &od_op_conv2d || op == &od_op_depthwise || op == &od_op_conv2d_transpose) pack_node(net, (size_t)i);
    }
}
