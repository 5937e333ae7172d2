/* SPDX-License-Identifier: Apache-2.0 */
#include "train/bench_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void od_bench_profile_clear(od_instance *inst)
{
    od_net *net = od_instance_net(inst);
    memset(net->forward_seconds, 0, net->graph->node_count * sizeof *net->forward_seconds);
    memset(net->backward_seconds, 0, net->graph->node_count * sizeof *net->backward_seconds);
}

/* Passes of a forward pass's size that the backward pass makes: gradients of the weights and of the input. */
static int backward_passes(const od_graph *g, const od_node *node)
{
    if (!g->values[node->out].needs_grad) return 0;
    int weights = node->var[0] != OD_NO_VAR && g->vars->items[node->var[0]].trainable;
    return weights + (node->in_count > 0 && g->values[node->in[0]].needs_grad);
}

static double node_gflops(const od_graph *g, const od_node *node, int training)
{
    double forward = node->op->flops ? node->op->flops(g, node) * 1e-9 : 0;
    return forward * (1 + (training ? backward_passes(g, node) : 0));
}

static od_bench_op *find_op(od_bench_result *r, const char *name)
{
    for (int i = 0; i < r->op_count; i++)
        if (!strcmp(r->ops[i].name, name)) return &r->ops[i];
    if (r->op_count == OD_BENCH_MAX_OPS) return NULL;
    od_bench_op *op = &r->ops[r->op_count++];
    *op = (od_bench_op){0};
    snprintf(op->name, sizeof op->name, "%s", name);
    return op;
}

static double seconds_of(const od_bench_op *op)
{
    return op->forward_seconds + op->backward_seconds;
}

static int by_time(const void *a, const void *b)
{
    double x = seconds_of(a), y = seconds_of(b);
    return (x < y) - (x > y);
}

/* Into the ten slowest, if it is one of them; earlier nodes first among equals. */
static void offer_node(od_bench_result *r, const od_bench_op *node)
{
    int at = r->slowest_count;
    while (at > 0 && seconds_of(&r->slowest[at - 1]) < seconds_of(node)) at--;
    if (at == OD_BENCH_SLOWEST) return;
    if (r->slowest_count < OD_BENCH_SLOWEST) r->slowest_count++;
    memmove(&r->slowest[at + 1], &r->slowest[at], (size_t)(r->slowest_count - 1 - at) * sizeof *r->slowest);
    r->slowest[at] = *node;
}

static void add_node(od_bench_result *r, const od_bench_op *node)
{
    od_bench_op *op = find_op(r, node->kind);
    offer_node(r, node);
    if (!op) return;
    op->nodes++;
    op->forward_seconds += node->forward_seconds;
    op->backward_seconds += node->backward_seconds;
    op->gflops += node->gflops;
}

void od_bench_profile_collect(od_instance *inst, int training, int ops, int64_t steps, od_bench_result *r)
{
    const od_graph *g = od_instance_graph(inst);
    const od_net *net = od_instance_net(inst);
    for (size_t i = 0; i < g->node_count; i++) {
        if (net->skip[i]) continue; /* folded into another: not computed */
        od_bench_op node = {.nodes = 1, .gflops = node_gflops(g, &g->nodes[i], training)};
        r->gflops += node.gflops;
        if (!ops) continue;
        snprintf(node.name, sizeof node.name, "%s", g->nodes[i].label ? g->nodes[i].label : "");
        snprintf(node.kind, sizeof node.kind, "%s", g->nodes[i].op->name);
        node.forward_seconds = net->forward_seconds[i] / (double)steps;
        node.backward_seconds = net->backward_seconds[i] / (double)steps;
        add_node(r, &node);
    }
    qsort(r->ops, (size_t)r->op_count, sizeof *r->ops, by_time);
}
