/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/rows_io.h"

/* The batch-norm state behind a virtual value, or NULL. */
static const od_bn_state *virtual_bn(const od_net *net, od_value v, const od_node **node)
{
    int p = net->graph->values[v].producer;
    if (p < 0 || net->graph->nodes[p].op != &od_op_batch_norm || !net->bn[p].virtual_out) return NULL;
    *node = &net->graph->nodes[p];
    return &net->bn[p];
}

int od_net_value_is_virtual(const od_net *net, od_value v)
{
    const od_node *node;
    return virtual_bn(net, v, &node) != NULL;
}

od_source od_net_source(const od_net *net, od_value v)
{
    const od_node *node;
    const od_bn_state *bn = virtual_bn(net, v, &node);
    int64_t c = net->graph->values[v].shape.c;
    if (!bn) return (od_source){.k = net->k, .data = net->value[v], .c = c};
    return (od_source){net->k, net->value[node->in[0]], c, bn->scale, bn->shift, node->bn.act};
}

od_grad_source od_net_grad_source(const od_net *net, od_value v)
{
    int64_t c = net->graph->values[v].shape.c;
    const od_bn_state *bn = net->bn_after[v] < 0 ? NULL : &net->bn[net->bn_after[v]];
    if (!bn || !bn->virtual_grad) return (od_grad_source){.k = net->k, .dz = net->grad[v], .c = c};
    return (od_grad_source){net->k, net->grad[v], c, net->value[v], bn->ga, bn->gb, bn->gc};
}

static void clear_partial(const od_net *net, double *partial, int64_t c)
{
    memset(partial, 0, (size_t)(net->threads * 2 * c) * sizeof *partial);
}

od_sink od_net_sink(od_net *net, od_value v)
{
    const od_value_info *info = &net->graph->values[v];
    od_sink s = {.k = net->k, .data = net->grad[v], .c = info->shape.c, .accumulate = net->grad_written[v]};
    net->grad_written[v] = 1;
    int p = info->producer;
    if (p < 0 || net->graph->nodes[p].op != &od_op_batch_norm || !net->bn[p].sums_by_consumer) return s;
    const od_bn_state *bn = &net->bn[p];
    s.x = net->value[net->graph->nodes[p].in[0]];
    s.scale = bn->scale;
    s.shift = bn->shift;
    s.mean = bn->mean;
    s.act = net->graph->nodes[p].bn.act;
    s.partial = bn->partial;
    clear_partial(net, bn->partial, s.c);
    return s;
}

od_stats od_net_stats(od_net *net, const od_node *node)
{
    od_stats s = {.c = net->graph->values[node->out].shape.c};
    if (net->mode != OD_NET_TRAIN) return s;
    int after = net->bn_after[node->out];
    if (after >= 0 && net->bn[after].stats_by_producer) s.partial = net->bn[after].partial;
    if (s.partial) clear_partial(net, s.partial, s.c);
    return s;
}
