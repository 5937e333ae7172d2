/* SPDX-License-Identifier: Apache-2.0
 *
 * Values clipped to a range; the gradient is that of TensorFlow's clip_by_value, which passes at both ends.
 */
#include "nn/op.h"
#include "nn/net.h"

static od_status clip_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    *out = g->values[node->in[0]].shape;
    if (!(node->low <= node->high))
        return od_error_set(err, OD_ERR_CONFIG, "the range to clip to is %g to %g; expected the smaller one first", (double)node->low, (double)node->high);
    return OD_OK;
}

static void clip_forward(od_net *net, const od_node *node)
{
    const float *x = net->value[node->in[0]];
    float *y = net->value[node->out];
    int64_t n = od_shape_size(net->graph->values[node->out].shape);
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t i = 0; i < n; i++) y[i] = x[i] < node->low ? node->low : x[i] > node->high ? node->high : x[i];
}

static void clip_backward(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    const float *x = net->value[v], *dy = net->grad[node->out];
    float *dx = net->grad[v];
    int accumulate = net->grad_written[v];
    int64_t n = od_shape_size(net->graph->values[node->out].shape);
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t i = 0; i < n; i++) {
        float d = x[i] < node->low || x[i] > node->high ? 0.0f : dy[i];
        dx[i] = accumulate ? dx[i] + d : d;
    }
    net->grad_written[v] = 1;
}

static double clip_flops(const od_graph *g, const od_node *node)
{
    return (double)od_shape_size(g->values[node->out].shape);
}

const od_op od_op_clip = {
    .name = "clip",
    .flags = OD_OP_BACKWARD_READS_IN,
    .shape = clip_shape,
    .forward = clip_forward,
    .backward = clip_backward,
    .flops = clip_flops,
};
