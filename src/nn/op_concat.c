/* SPDX-License-Identifier: Apache-2.0
 *
 * Predictions of several levels [N,h_i,w_i,A*code] side by side as [N, anchors, 1, code].
 */
#include "nn/op.h"
#include "nn/rows_io.h"

static od_status concat_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    int64_t code = node->conv.kernel_h, anchors = 0;
    for (int i = 0; i < node->in_count; i++) {
        od_tensor_shape s = g->values[node->in[i]].shape;
        if (s.c % code) return od_error_set(err, OD_ERR_INTERNAL, "%lld channels are no multiple of %lld", (long long)s.c, (long long)code);
        anchors += s.h * s.w * (s.c / code);
    }
    *out = (od_tensor_shape){g->values[node->in[0]].shape.n, anchors, 1, code};
    return OD_OK;
}

/* Copies every level's part of every image, towards the output or back. */
static void copy_levels(od_net *net, const od_node *node, int backward)
{
    od_tensor_shape out = net->graph->values[node->out].shape;
    int64_t image = out.h * out.c, offset = 0;
    for (int i = 0; i < node->in_count; i++) {
        od_value v = node->in[i];
        int64_t part = od_shape_size(net->graph->values[v].shape) / out.n;
        for (int64_t n = 0; n < out.n; n++) {
            if (!backward)
                memcpy(net->value[node->out] + n * image + offset, net->value[v] + n * part, (size_t)part * sizeof(float));
            else if (net->grad_written[v])
                net->k->add(part, net->grad[node->out] + n * image + offset, net->grad[v] + n * part);
            else
                memcpy(net->grad[v] + n * part, net->grad[node->out] + n * image + offset, (size_t)part * sizeof(float));
        }
        if (backward) net->grad_written[v] = 1;
        offset += part;
    }
}

static void concat_forward(od_net *net, const od_node *node)
{
    copy_levels(net, node, 0);
}

static void concat_backward(od_net *net, const od_node *node)
{
    copy_levels(net, node, 1);
}

const od_op od_op_concat_predictions = {
    .name = "concat_predictions",
    .shape = concat_shape,
    .forward = concat_forward,
    .backward = concat_backward,
};
