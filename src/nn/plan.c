/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory plan: each stored value and gradient is an interval of time (forward node i at i, the losses at n, backward
 * node i at 2n - i), and so is what only some passes need: an op's workspace, weights that are packed late; buffers that are alive at
 * the same time get different places in one arena, largest first, each at the lowest offset that is free for its whole life.
 */
#include "nn/chain.h"
#include "nn/conv_weights.h"
#include "nn/expand.h"
#include "nn/net.h"
#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

typedef struct buffer {
    int64_t floats;
    int from, to;    /* times, inclusive; from > to: unused */
    int same_as;     /* index of the buffer whose place this one shares, or -1 */
    size_t offset;
} buffer;

typedef struct planner {
    const od_net *net;
    const od_graph *g;
    int n;            /* nodes */
    buffer *buffers;  /* values, then gradients, then a node's four by node */
} planner;

/* Of a node: what its passes share among threads, and its kernel packed for either. */
enum { WORKSPACE, WORKSPACE_BACKWARD, PACKED, PACKED_T, NODE_BUFFERS };

static int root_of(const planner *p, int b)
{
    while (p->buffers[b].same_as >= 0) b = p->buffers[b].same_as;
    return b;
}

static void touch(planner *p, int b, int time)
{
    buffer *x = &p->buffers[root_of(p, b)];
    if (time < x->from) x->from = time;
    if (time > x->to) x->to = time;
}

static void share(planner *p, int b, int with)
{
    int a = root_of(p, b), r = root_of(p, with);
    if (a != r) p->buffers[a].same_as = r;
}

/* The fused expansion that makes v, which isn't stored, or NULL. */
static const od_node *expansion(const planner *p, od_value v)
{
    int producer = p->g->values[v].producer;
    return producer < 0 || p->net->expand[producer].depthwise < 0 ? NULL : &p->g->nodes[producer];
}

/* The value whose storage is read when v is read. */
static int storage(const planner *p, od_value v)
{
    if (od_net_value_is_virtual(p->net, v)) v = p->g->nodes[p->g->values[v].producer].in[0];
    const od_node *conv = expansion(p, v);
    return conv ? storage(p, conv->in[0]) : v;
}

static int grad_buffer(const planner *p, od_value v)
{
    return (int)p->g->value_count + v;
}

static int node_buffer(const planner *p, int node, int which)
{
    return 2 * (int)p->g->value_count + NODE_BUFFERS * node + which;
}

static int forward_time(const planner *p, int node)
{
    return p->net->schedule ? p->net->schedule->time[node] : node;
}

static int backward_time(const planner *p, int node)
{
    return 2 * p->n - node;
}

static void touch_forward(planner *p, int i)
{
    const od_node *node = &p->g->nodes[i];
    if (p->net->skip[i]) return;
    const od_fold *f = &p->net->fold[i];
    const od_schedule *schedule = p->net->schedule;
    int time = forward_time(p, i);
    if (!od_net_value_is_virtual(p->net, f->out) && !expansion(p, f->out) && !(schedule && schedule->interior[f->out])) touch(p, f->out, time);
    if (f->residual != OD_NO_VALUE) touch(p, f->residual, time);
    for (int j = 0; j < node->in_count; j++)
        if (!(schedule && schedule->interior[node->in[j]])) touch(p, storage(p, node->in[j]), time);
}

static void share_gradients(planner *p)
{
    for (int i = 0; i < p->n; i++) {
        const od_node *node = &p->g->nodes[i];
        if (node->op == &od_op_batch_norm && p->net->bn_after[node->in[0]] == i) share(p, grad_buffer(p, node->in[0]), grad_buffer(p, node->out));
        for (int j = 0; j < 2; j++)
            if (p->net->alias_grad[i] >> j & 1) share(p, grad_buffer(p, node->in[j]), grad_buffer(p, node->out));
    }
}

/* An expansion's gradient isn't stored either: what comes of it goes into its input's at once. */
static void touch_grad(planner *p, od_value v, int time)
{
    int producer = p->g->values[v].producer;
    if (producer >= 0 && p->g->nodes[producer].op == &od_op_batch_norm && expansion(p, p->g->nodes[producer].in[0])) v = p->g->nodes[producer].in[0];
    const od_node *conv = expansion(p, v);
    if (conv) v = conv->in[0];
    if (p->g->values[v].needs_grad) touch(p, grad_buffer(p, v), time);
}

static void touch_backward(planner *p, int i)
{
    const od_node *node = &p->g->nodes[i];
    const od_value_info *out = &p->g->values[node->out];
    if (!out->needs_grad) return;
    int t = backward_time(p, i);
    touch_grad(p, node->out, t);
    for (int j = 0; j < node->in_count; j++) {
        touch_grad(p, node->in[j], t);
        int producer = p->g->values[node->in[j]].producer;
        int sums = producer >= 0 && p->net->bn[producer].sums_by_consumer;
        if (node->op->flags & OD_OP_BACKWARD_READS_IN) touch(p, storage(p, node->in[j]), t);
        if (sums) touch(p, storage(p, p->g->nodes[producer].in[0]), t);
    }
    int after = p->net->bn_after[node->out];
    int reads_out = (node->op->flags & OD_OP_BACKWARD_READS_OUT) || (after >= 0 && p->net->bn[after].virtual_grad);
    if (reads_out) touch(p, storage(p, node->out), t);
}

static void set_floats(planner *p, int b, size_t floats)
{
    p->buffers[b] = (buffer){.floats = ((int64_t)floats + 15) & ~(int64_t)15, .from = 1 << 30, .to = -1, .same_as = -1};
}

static void touch_node_buffers(planner *p, int i)
{
    const od_net *net = p->net;
    const od_node *node = &p->g->nodes[i];
    int backward = net->mode == OD_NET_TRAIN && p->g->values[node->out].needs_grad, owner = net->packing[i].owner;
    int late = net->packing[owner].late, to_inputs = backward && p->g->values[node->in[0]].needs_grad;
    if (net->skip[i]) return;
    if (p->buffers[node_buffer(p, i, WORKSPACE)].floats) touch(p, node_buffer(p, i, WORKSPACE), forward_time(p, i));
    if (backward && p->buffers[node_buffer(p, i, WORKSPACE_BACKWARD)].floats) touch(p, node_buffer(p, i, WORKSPACE_BACKWARD), backward_time(p, i));
    if (late) touch(p, node_buffer(p, owner, PACKED), forward_time(p, i));
    if (late && to_inputs) touch(p, node_buffer(p, owner, PACKED_T), backward_time(p, i));
}

/* Their sizes, then their lives: an owner's packed kernel is touched by all that read it. */
static void find_node_lifetimes(planner *p)
{
    const od_net *net = p->net;
    for (int i = 0; i < p->n; i++) {
        const od_node *node = &p->g->nodes[i];
        size_t forward, backward, bias;
        od_conv_weight_sizes(net, node, &forward, &backward, &bias);
        set_floats(p, node_buffer(p, i, PACKED), forward);
        set_floats(p, node_buffer(p, i, PACKED_T), backward);
        for (int b = 0; b < 2; b++) set_floats(p, node_buffer(p, i, WORKSPACE + b), node->op->workspace ? node->op->workspace(net, node, b) : 0);
    }
    for (int i = 0; i < p->n; i++) touch_node_buffers(p, i);
}

static int by_size(const void *a, const void *b)
{
    const buffer *x = *(const buffer *const *)a, *y = *(const buffer *const *)b;
    if (x->floats != y->floats) return x->floats < y->floats ? 1 : -1;
    return (x > y) - (x < y);
}

static int by_offset(const void *a, const void *b)
{
    const buffer *x = *(const buffer *const *)a, *y = *(const buffer *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Lowest offset where `b` overlaps none of the placed buffers alive with it. `near` is room for pointers. */
static void place(buffer *b, buffer *const *placed, size_t count, buffer **near)
{
    size_t m = 0;
    for (size_t i = 0; i < count; i++)
        if (placed[i]->from <= b->to && b->from <= placed[i]->to) near[m++] = placed[i];
    qsort(near, m, sizeof *near, by_offset);
    size_t at = 0;
    for (size_t i = 0; i < m; i++) {
        if (near[i]->offset >= at + (size_t)b->floats) break;
        size_t end = near[i]->offset + (size_t)near[i]->floats;
        if (end > at) at = end;
    }
    b->offset = at;
}

/* Places all roots; returns the arena's size in floats, or 0 with *failed set. */
static size_t place_all(planner *p, size_t count, int *failed)
{
    buffer **order = od_malloc(2 * count, sizeof *order);
    *failed = !order;
    if (!order) return 0;
    size_t used = 0, total = 0;
    for (size_t i = 0; i < count; i++)
        if (p->buffers[i].same_as < 0 && p->buffers[i].from <= p->buffers[i].to) order[used++] = &p->buffers[i];
    qsort(order, used, sizeof *order, by_size);
    for (size_t i = 0; i < used; i++) {
        place(order[i], order, i, order + count);
        size_t end = order[i]->offset + (size_t)order[i]->floats;
        if (end > total) total = end;
    }
    od_free(order);
    return total;
}

static void find_lifetimes(planner *p)
{
    const od_graph *g = p->g;
    int training = p->net->mode == OD_NET_TRAIN;
    for (size_t v = 0; v < 2 * g->value_count; v++) set_floats(p, (int)v, (size_t)od_shape_size(g->values[v % g->value_count].shape));
    if (training) share_gradients(p);
    for (int i = 0; i < p->n; i++) touch_forward(p, i);
    for (int i = p->n - 1; training && i >= 0; i--) touch_backward(p, i);
    for (size_t v = 0; v < g->value_count; v++)
        if (g->values[v].is_output) {
            touch(p, (int)v, p->n);
            if (training && g->values[v].needs_grad) touch(p, grad_buffer(p, (od_value)v), p->n);
        }
    find_node_lifetimes(p);
}

/* Where the net keeps a buffer's address. */
static float **slot_of(od_net *net, size_t b)
{
    size_t values = net->graph->value_count, n = net->graph->node_count;
    if (b < values) return &net->value[b];
    if (b < 2 * values) return &net->grad[b - values];
    size_t node = (b - 2 * values) / NODE_BUFFERS;
    switch ((b - 2 * values) % NODE_BUFFERS) {
    case WORKSPACE: return &net->workspaces[node];
    case WORKSPACE_BACKWARD: return &net->workspaces[n + node];
    case PACKED: return &net->packed[node];
    default: return &net->packed_t[node];
    }
}

od_status od_net_plan(od_net *net, od_error *err)
{
    planner p = {net, net->graph, (int)net->graph->node_count, NULL};
    size_t values = net->graph->value_count, count = 2 * values + NODE_BUFFERS * net->graph->node_count;
    p.buffers = od_malloc(count, sizeof *p.buffers);
    if (!p.buffers) return od_error_nomem(err, "the memory plan");
    find_lifetimes(&p);
    for (size_t v = 0; v < values; v++)
        if (net->graph->values[v].producer < 0) p.buffers[v].from = 1 << 30; /* inputs are the caller's */
    int failed;
    size_t floats = place_all(&p, count, &failed);
    if (!failed) net->arena = od_aligned_malloc(floats, sizeof(float));
    if (failed || !net->arena) {
        od_free(p.buffers);
        return od_error_set(err, OD_ERR_NOMEM, "out of memory: the activations need %.1f MB; use a smaller batch_size or image size",
                            (double)floats * 4e-6);
    }
    net->arena_bytes = floats * sizeof(float);
    for (size_t b = 0; b < count; b++) {
        const buffer *own = &p.buffers[b], *root = &p.buffers[root_of(&p, (int)b)];
        if (root->from > root->to || (own != root && b < values)) continue;
        *slot_of(net, b) = net->arena + root->offset;
    }
    od_free(p.buffers);
    return OD_OK;
}
