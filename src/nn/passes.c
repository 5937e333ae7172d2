/* SPDX-License-Identifier: Apache-2.0
 *
 * Fusion decisions. Training: batch norm gives its statistics to the op before, its normalisation to the ops after, and
 * both halves of its gradient to its neighbours, where they can take them. Inference: batch norm, activation and
 * residual addition go into the convolution before.
 */
#include "nn/chain.h"
#include "nn/expand.h"
#include "nn/net.h"

/* Nodes that read v: how many, and the last one. */
static int consumers(const od_graph *g, od_value v, int *last)
{
    int count = 0;
    for (size_t i = 0; i < g->node_count; i++)
        for (int j = 0; j < g->nodes[i].in_count; j++)
            if (g->nodes[i].in[j] == v) count++, *last = (int)i;
    return count;
}

static int all_consumers_have(const od_graph *g, od_value v, unsigned flag)
{
    for (size_t i = 0; i < g->node_count; i++)
        for (int j = 0; j < g->nodes[i].in_count; j++)
            if (g->nodes[i].in[j] == v && !(g->nodes[i].op->flags & flag)) return 0;
    return 1;
}

static void fuse_batch_norm(od_net *net, int index)
{
    const od_graph *g = net->graph;
    const od_node *node = &g->nodes[index];
    od_bn_state *bn = &net->bn[index];
    int producer = g->values[node->in[0]].producer, last = -1;
    unsigned before = producer >= 0 ? g->nodes[producer].op->flags : 0;
    if (net->bn_after[node->in[0]] == index) {
        bn->stats_by_producer = (before & OD_OP_EMITS_STATS) && !node->bn.frozen;
        bn->virtual_grad = (before & OD_OP_VIRTUAL_GRAD) != 0;
    }
    if (g->values[node->out].is_output) return;
    int count = consumers(g, node->out, &last);
    bn->virtual_out = count > 0 && all_consumers_have(g, node->out, OD_OP_AFFINE_IN);
    bn->sums_by_consumer = count == 1 && (g->nodes[last].op->flags & OD_OP_GRAD_SINK) != 0;
}

/* A residual addition's gradient is its output's: an input may use the same buffer when this node is the first to write
 * its gradient and nobody changes the buffer while another reads it. */
static void alias_addition(od_net *net, int index)
{
    const od_graph *g = net->graph;
    const od_node *node = &g->nodes[index];
    int first_writer = -1, bn_input = -1;
    for (int i = 0; i < 2; i++) {
        od_value v = node->in[i];
        consumers(g, v, &first_writer);
        if (first_writer != index || g->values[v].is_output || !g->values[v].needs_grad) continue;
        int p = g->values[v].producer;
        int read_only = p >= 0 && g->nodes[p].op == &od_op_batch_norm && g->nodes[p].bn.act == OD_ACT_NONE && net->bn[p].virtual_grad;
        if (read_only && bn_input < 0) bn_input = i;
    }
    if (bn_input < 0 || node->in[0] == node->in[1]) return;
    od_value other = node->in[1 - bn_input];
    int bn = g->values[node->in[bn_input]].producer, conv = g->values[g->nodes[bn].in[0]].producer;
    net->alias_grad[index] |= (unsigned char)(1 << bn_input);
    /* The other branch's gradient is changed by its producer's and its earlier consumers' backward: all must come after
     * `conv` has read the shared buffer, i.e. lie before it in the graph. */
    if (consumers(g, other, &first_writer) < 1 || first_writer != index || g->values[other].is_output) return;
    if (!g->values[other].needs_grad || g->values[other].producer >= conv) return;
    for (int i = conv + 1; i < index; i++)
        for (int j = 0; j < g->nodes[i].in_count; j++)
            if (g->nodes[i].in[j] == other) return;
    net->alias_grad[index] |= (unsigned char)(1 << (1 - bn_input));
}

static void fuse_training(od_net *net)
{
    for (size_t i = 0; i < net->graph->node_count; i++)
        if (net->graph->nodes[i].op == &od_op_batch_norm) fuse_batch_norm(net, (int)i);
    od_expand_fuse(net);
    for (size_t i = 0; i < net->graph->node_count; i++)
        if (od_op_is_addition(net->graph->nodes[i].op)) alias_addition(net, (int)i);
}

/* The single node after `v` when nothing else sees v, else NULL. */
static const od_node *sole_consumer(const od_graph *g, od_value v)
{
    int last = -1;
    if (g->values[v].is_output || consumers(g, v, &last) != 1) return NULL;
    return &g->nodes[last];
}

/* The upsampling that makes `v` for an addition alone, where node `index` can add the smaller value itself. */
static const od_node *doubled_residual(const od_net *net, int index, od_value v)
{
    const od_graph *g = net->graph;
    int producer = g->values[v].producer;
    if (!net->chains || producer < 0 || g->nodes[producer].op != &od_op_upsample2x || !sole_consumer(g, v)) return NULL;
    const od_node *up = &g->nodes[producer], *node = &g->nodes[index];
    if (g->values[up->in[0]].producer >= index || !od_conv2d_adds_doubled(net, node)) return NULL;
    return up;
}

static void fold_into(od_net *net, int index)
{
    const od_graph *g = net->graph;
    od_fold *f = &net->fold[index];
    const od_node *next = sole_consumer(g, f->out);
    if (next && next->op == &od_op_batch_norm) {
        f->bn = (int)(next - g->nodes);
        f->act = next->bn.act;
        f->out = next->out;
        net->skip[f->bn] = 1;
        next = sole_consumer(g, f->out);
    }
    if (next && next->op == &od_op_activation && f->act == OD_ACT_NONE) {
        f->act = next->act;
        f->out = next->out;
        net->skip[next - g->nodes] = 1;
        next = sole_consumer(g, f->out);
    }
    if (!next || !od_op_is_addition(next->op) || g->nodes[index].op != &od_op_conv2d) return;
    od_value other = next->in[next->in[0] == f->out];
    const od_node *up = doubled_residual(net, index, other);
    if (up) {
        net->skip[up - g->nodes] = 1;
        f->residual_doubled = 1;
        other = up->in[0];
    }
    if (other == f->out || g->values[other].producer >= index) return; /* not there yet when this node runs */
    f->residual = other;
    f->act_after = next->act;
    f->out = next->out;
    net->skip[next - g->nodes] = 1;
}

/* The live convolution that ends in `v`, for nobody but a concatenation; -1. */
static int sole_writer(const od_net *net, od_value v)
{
    const od_graph *g = net->graph;
    if (!sole_consumer(g, v)) return -1;
    for (size_t i = 0; i < g->node_count; i++)
        if (!net->skip[i] && net->fold[i].out == v)
            return g->nodes[i].op == &od_op_conv2d && od_conv2d_rows_ok(net, &g->nodes[i]) ? (int)i : -1;
    return -1;
}

/* Predictions of several levels are written side by side from the start. */
static void fold_concat(od_net *net, int index)
{
    const od_graph *g = net->graph;
    const od_node *node = &g->nodes[index];
    od_tensor_shape out = g->values[node->out].shape;
    for (int i = 0; i < node->in_count; i++)
        if (sole_writer(net, node->in[i]) < 0) return;
    for (int64_t i = 0, offset = 0; i < node->in_count; i++) {
        od_fold *f = &net->fold[sole_writer(net, node->in[i])];
        f->out = node->out;
        f->out_offset = offset;
        f->out_image = out.h * out.c;
        offset += od_shape_size(g->values[node->in[i]].shape) / out.n;
    }
    net->skip[index] = 1;
}

void od_net_fuse(od_net *net)
{
    const od_graph *g = net->graph;
    for (size_t v = 0; v < g->value_count; v++) {
        int last = -1;
        int single = consumers(g, (od_value)v, &last) == 1 && !g->values[v].is_output && g->nodes[last].op == &od_op_batch_norm;
        net->bn_after[v] = single ? last : -1;
    }
    for (size_t i = 0; i < g->node_count; i++)
        net->fold[i] = (od_fold){.bn = -1, .residual = OD_NO_VALUE, .out = g->nodes[i].out};
    for (size_t i = 0; i < g->node_count; i++) net->expand[i].depthwise = -1;
    if (!net->fuse) return;
    if (net->mode == OD_NET_TRAIN) {
        fuse_training(net);
        return;
    }
    for (size_t i = 0; i < g->node_count; i++)
        if (!net->skip[i] && (g->nodes[i].op->flags & OD_OP_FOLDS)) fold_into(net, (int)i);
    for (size_t i = 0; net->chains && i < g->node_count; i++)
        if (g->nodes[i].op == &od_op_concat_predictions) fold_concat(net, (int)i);
}
