/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/conv_weights.h"

#include "nn/chain.h"
#include "nn/conv_transpose.h"
#include "nn/conv_winograd.h"
#include "nn/expand.h"
#include "nn/rows_io.h"
#include "util/alloc.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

enum {
    FOLD_ROWS = 16,        /* scaled at a time */
    LATE_FLOATS = 1 << 18, /* kernels from this size on are packed late */
};

static int64_t channels(const od_net *net, od_value v)
{
    return net->graph->values[v].shape.c;
}

static int64_t taps(const od_node *node)
{
    return (int64_t)node->conv.kernel_h * node->conv.kernel_w;
}

/* Of a dense convolution: what there is to pack. */
static int64_t kernel_floats(const od_net *net, const od_node *node)
{
    if (node->op != &od_op_conv2d && node->op != &od_op_conv2d_transpose) return 0;
    return taps(node) * channels(net, node->in[0]) * channels(net, node->out);
}

static int needs_input_grad(const od_net *net, const od_node *node)
{
    return net->mode == OD_NET_TRAIN && net->graph->values[node->in[0]].needs_grad;
}

/* Nodes with this in common read the same packed weights. An expansion's are scaled; in inference each has its own batch norm in them
 * (Winograd's scale comes afterwards). */
static int can_share(const od_net *net, const od_node *node)
{
    return node->op == &od_op_conv2d && !od_expand_of(net, node) && (net->mode == OD_NET_TRAIN || od_conv_winograd_used(net, node));
}

static int find_owner(const od_net *net, int index)
{
    const od_node *node = &net->graph->nodes[index];
    for (int i = 0; i < index && can_share(net, node); i++) {
        const od_node *other = &net->graph->nodes[i];
        if (other->op != node->op || other->var[0] != node->var[0] || !can_share(net, other)) continue;
        if (od_conv_winograd_used(net, other) == od_conv_winograd_used(net, node)) return i;
    }
    return index;
}

void od_conv_weight_sizes(const od_net *net, const od_node *node, size_t *forward, size_t *backward, size_t *bias)
{
    *forward = *backward = *bias = 0;
    int64_t in = channels(net, node->in[0]), out = channels(net, node->out);
    size_t index = (size_t)(node - net->graph->nodes);
    const od_packing *packing = &net->packing[index];
    int folded = net->fold[index].bn >= 0, winograd = od_conv_winograd_used(net, node);
    if (node->op == &od_op_depthwise && folded) *forward = (size_t)(taps(node) * in);
    if (node->op == &od_op_conv2d_transpose) *forward = od_conv_transpose_packed_size(net, node);
    if (node->op == &od_op_conv2d) *forward = winograd ? od_conv_winograd_packed_size(net, in, out) : net->k->gemm_packed_size(taps(node) * in, out);
    if (packing->first_backward >= 0) *backward = winograd ? od_conv_winograd_packed_size(net, out, in) : net->k->gemm_packed_size(taps(node) * out, in);
    if (folded && *forward) *bias = (size_t)out;
    if (packing->owner != (int)index) *forward = 0;
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

void od_matrix_transpose(int64_t in, int64_t out, const float *w, int64_t ldw, float *t)
{
    enum { B = 16 };
    for (int64_t i0 = 0; i0 < in; i0 += B)
        for (int64_t o0 = 0; o0 < out; o0 += B)
            for (int64_t i = i0; i < in && i < i0 + B; i++)
                for (int64_t o = o0; o < out && o < o0 + B; o++) t[o * in + i] = w[i * ldw + o];
}

/* --- packing, some rows of the matrix at a time ---------------------------------------------------------------------------- */

size_t od_conv_weights_scratch(const od_net *net, const od_node *node)
{
    if (od_conv_winograd_used(net, node)) return od_conv_winograd_pack_scratch(net, node);
    return node->op == &od_op_conv2d && net->fold[node - net->graph->nodes].bn >= 0 ? (size_t)(FOLD_ROWS * channels(net, node->out)) : 0;
}

/* Rows [first, first + count) of [taps*Cin, Cout], given in `w`; in as many parts as threads share the columns among them. */
static void pack_forward(const od_net *net, size_t index, int64_t first, int64_t count, const float *w)
{
    const od_node *node = &net->graph->nodes[index];
    int64_t k = taps(node) * channels(net, node->in[0]), out = channels(net, node->out);
    int parts = net->schedule ? net->schedule->parts[index] : 1;
    float *to = net->packed[index];
    for (int p = 0; p < parts; p++) {
        int64_t begin = 0, end = out;
        if (parts > 1) od_part_columns(out, p, parts, &begin, &end);
        if (begin == end) continue;
        net->k->gemm_pack_rows(k, end - begin, first, count, w + begin, out, 0, to);
        to += net->k->gemm_packed_size(k, end - begin);
    }
}

/* All rows, scaled; scratch: FOLD_ROWS rows. */
static void pack_folded(od_net *net, size_t index, float *scratch)
{
    const od_node *node = &net->graph->nodes[index];
    int64_t k = taps(node) * channels(net, node->in[0]), out = channels(net, node->out);
    const float *w = od_variables_value(net->vars, node->var[0]), *scale = fold_bias(net, index);
    for (int64_t row = 0; row < k; row += FOLD_ROWS) {
        int64_t rows = k - row < FOLD_ROWS ? k - row : FOLD_ROWS;
        scale_columns(rows, out, w + row * out, scale, scratch);
        pack_forward(net, index, row, rows, scratch);
    }
}

/* Rows [first, first + count) of [taps*Cout, Cin], whose tap's rows are the columns of the kernel's. */
static void pack_backward(const od_net *net, size_t index, int64_t first, int64_t count)
{
    const od_node *node = &net->graph->nodes[index];
    int64_t in = channels(net, node->in[0]), out = channels(net, node->out), end = first + count;
    const float *w = od_variables_value(net->vars, node->var[0]);
    for (int64_t row = first, rows; row < end; row += rows) {
        int64_t tap = row / out, column = row % out;
        rows = out - column < end - row ? out - column : end - row;
        net->k->gemm_pack_rows(taps(node) * out, in, row, rows, w + tap * in * out + column, out, 1, net->packed_t[index]);
    }
}

/* Rows of the packed matrices: of Winograd's one place's. */
static int64_t rows_to_pack(const od_net *net, size_t index, int backward)
{
    const od_node *node = &net->graph->nodes[index];
    int64_t rows = channels(net, backward ? node->out : node->in[0]);
    return od_conv_winograd_used(net, node) ? rows : taps(node) * rows;
}

/* A convolution without a folded batch norm. */
static void pack_rows(od_net *net, size_t index, int backward, int64_t first, int64_t count, float *scratch)
{
    const od_node *node = &net->graph->nodes[index];
    if (od_conv_winograd_used(net, node))
        od_conv_winograd_pack_rows(net, index, backward, first, count, scratch);
    else if (backward)
        pack_backward(net, index, first, count);
    else
        pack_forward(net, index, first, count, od_variables_value(net->vars, node->var[0]) + first * channels(net, node->out));
}

static void pack_node(od_net *net, size_t index, float *scratch)
{
    const od_node *node = &net->graph->nodes[index];
    int folded = net->fold[index].bn >= 0, winograd = od_conv_winograd_used(net, node);
    if (node->op == &od_op_depthwise) {
        if (folded) scale_columns(taps(node), channels(net, node->out), od_variables_value(net->vars, node->var[0]), fold_bias(net, index), net->packed[index]);
        return;
    }
    if (node->op == &od_op_conv2d_transpose) {
        od_conv_transpose_pack(net, node, od_variables_value(net->vars, node->var[0]), folded ? fold_bias(net, index) : NULL, net->packed[index],
                               net->packed_t[index]);
        return;
    }
    if (folded && !winograd) {
        pack_folded(net, index, scratch);
        return;
    }
    if (folded) fold_bias(net, index); /* the scale is applied to the outputs */
    if (net->packing[index].owner != (int)index || net->packing[index].late) return;
    pack_rows(net, index, 0, 0, rows_to_pack(net, index, 0), scratch);
    if (net->packed_t[index]) pack_rows(net, index, 1, 0, rows_to_pack(net, index, 1), scratch);
}

void od_conv_weights_pack(od_net *net)
{
    int64_t n = (int64_t)net->graph->node_count;
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->threads)
    for (int64_t rank = 0; rank < n; rank++) {
        int i = net->pack_order[rank];
        const od_op *op = net->graph->nodes[i].op;
        if (od_expand_of(net, &net->graph->nodes[i])) continue; /* packed with the batch norm's scale, once that is known */
        if (op == &od_op_conv2d || op == &od_op_depthwise || op == &od_op_conv2d_transpose) pack_node(net, (size_t)i, od_net_scratch(net));
    }
}

void od_conv_weights_pack_late(od_net *net, size_t index, int backward)
{
    int owner = net->packing[index].owner, first = backward ? net->packing[owner].first_backward : owner;
    if (!net->packing[owner].late || first != (int)index) return;
    int64_t rows = rows_to_pack(net, index, backward);
#pragma omp parallel num_threads(net->threads)
    {
        int64_t begin, end;
        od_thread_range_floats(rows, net->threads, omp_get_thread_num(), &begin, &end);
        if (end > begin) pack_rows(net, index, backward, begin, end - begin, od_net_scratch(net));
    }
}

/* --- decisions ---------------------------------------------------------------------------------------------------------------- */

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

/* Nodes with most to pack first, so that threads that take one after another end together. */
static od_status decide_order(od_net *net, od_error *err)
{
    size_t n = net->graph->node_count;
    pack_cost *costs = od_calloc(n, sizeof *costs);
    if (!costs) return od_error_nomem(err, "the order of packing");
    for (size_t i = 0; i < n; i++) costs[i] = (pack_cost){kernel_floats(net, &net->graph->nodes[i]), (int)i};
    qsort(costs, n, sizeof *costs, costlier_first);
    for (size_t i = 0; i < n; i++) net->pack_order[i] = costs[i].node;
    od_free(costs);
    return OD_OK;
}

od_status od_conv_weights_decide(od_net *net, od_error *err)
{
    int n = (int)net->graph->node_count;
    for (int i = 0; i < n; i++) {
        const od_node *node = &net->graph->nodes[i];
        od_packing *p = &net->packing[i], *owner = &net->packing[find_owner(net, i)];
        p->owner = (int)(owner - net->packing);
        p->first_backward = -1;
        if (!kernel_floats(net, node)) continue;
        if (p == owner) p->late = net->mode == OD_NET_TRAIN && can_share(net, node) && kernel_floats(net, node) >= LATE_FLOATS;
        if (needs_input_grad(net, node)) owner->first_backward = i; /* the last such node is the first in the backward pass */
    }
    return decide_order(net, err);
}
