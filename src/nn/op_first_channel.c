/* SPDX-License-Identifier: Apache-2.0
 *
 * The first channel of each pixel alone: a grey picture whose channels are all the same, for a network that takes one.
 */
#include "nn/rows_io.h"

static od_status first_channel_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    (void)err;
    *out = g->values[node->in[0]].shape;
    out->c = 1;
    return OD_OK;
}

static void first_channel_forward(od_net *net, const od_node *node)
{
    int64_t pixels = od_shape_size(net->graph->values[node->out].shape), c = net->graph->values[node->in[0]].shape.c;
    const float *in = net->value[node->in[0]];
    float *out = net->value[node->out];
    for (int64_t i = 0; i < pixels; i++) out[i] = in[i * c];
}

static void first_channel_backward(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    if (!net->graph->values[v].needs_grad) return;
    int64_t pixels = od_shape_size(net->graph->values[node->out].shape), c = net->graph->values[v].shape.c;
    const float *from = net->grad[node->out];
    float *to = net->grad[v];
    if (!net->grad_written[v]) memset(to, 0, (size_t)(pixels * c) * sizeof *to);
    for (int64_t i = 0; i < pixels; i++) to[i * c] += from[i];
    net->grad_written[v] = 1;
}

const od_op od_op_first_channel = {.name = "first_channel", .shape = first_channel_shape, .forward = first_channel_forward, .backward = first_channel_backward};
