/* SPDX-License-Identifier: Apache-2.0
 *
 * A step that isn't a network's: a function of the model's own, such as the choice of proposals. Its output is a constant to the
 * backward pass.
 */
#include "nn/net.h"

static od_status host_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    (void)g;
    *out = node->host_shape;
    if (out->n >= 1 && out->h >= 1 && out->w >= 1 && out->c >= 1) return OD_OK;
    return od_error_set(err, OD_ERR_INTERNAL, "a host step's shape has a dimension below 1");
}

static void host_forward(od_net *net, const od_node *node)
{
    node->host(node->host_user, net, node, net->value[node->out]);
}

const od_op od_op_host = {.name = "host", .shape = host_shape, .forward = host_forward};
