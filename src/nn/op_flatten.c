/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixels behind one another as one vector (Keras' Flatten): the memory stays as it is.
 */
#include "nn/rows_io.h"

static od_status flatten_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    (void)err;
    od_tensor_shape in = g->values[node->in[0]].shape;
    *out = (od_tensor_shape){in.n, 1, 1, in.h * in.w * in.c};
    return OD_OK;
}

static int64_t floats(const od_net *net, const od_node *node)
{
    return od_shape_size(net->graph->values[node->out].shape);
}

static void flatten_forward(od_net *net, const od_node *node)
{
    memcpy(net->value[node->out], net->value[node->in[0]], (size_t)floats(net, node) * sizeof(float));
}

static void flatten_backward(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    if (!net->graph->values[v].needs_grad) return;
    if (net->grad_written[v])
        net->k->add(floats(net, node), net->grad[node->out], net->grad[v]);
    else
        memcpy(net->grad[v], net->grad[node->out], (size_t)floats(net, node) * sizeof(float));
    net->grad_written[v] = 1;
}

const od_op od_op_flatten = {.name = "flatten", .shape = flatten_shape, .forward = flatten_forward, .backward = flatten_backward};
