/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/net.h"

#include "nn/chain.h"
#include "nn/conv_weights.h"
#include "nn/expand.h"
#include "nn/outlet.h"
#include "nn/rows_io.h"
#include "util/alloc.h"
#include "util/denormals.h"

#include <omp.h>
#include <string.h>
#include <time.h>

void od_net_free(od_net *net)
{
    if (!net) return;
    od_free(net->value);
    od_free(net->grad);
    od_free(net->grad_written);
    od_free(net->alias_grad);
    od_free(net->bn);
    od_free(net->bn_after);
    od_free(net->fold);
    od_free(net->skip);
    od_schedule_free(net->schedule);
    od_free(net->expand);
    od_free(net->packed);
    od_free(net->packed_t);
    od_free(net->folded_bias);
    od_free(net->packing);
    od_free(net->pack_order);
    od_free(net->workspaces);
    od_free(net->node_state);
    od_free(net->partials);
    od_free(net->forward_seconds);
    od_free(net->backward_seconds);
    od_aligned_free(net->arena);
    od_aligned_free(net->state);
    od_aligned_free(net->scratch);
    od_free(net);
}

static od_status allocate_tables(od_net *net, od_error *err)
{
    size_t v = net->graph->value_count, n = net->graph->node_count;
    net->value = od_calloc(v, sizeof *net->value);
    net->grad = od_calloc(v, sizeof *net->grad);
    net->grad_written = od_calloc(v, 1);
    net->alias_grad = od_calloc(n, 1);
    net->bn = od_calloc(n, sizeof *net->bn);
    net->bn_after = od_calloc(v, sizeof *net->bn_after);
    net->fold = od_calloc(n, sizeof *net->fold);
    net->skip = od_calloc(n, 1);
    net->expand = od_calloc(n, sizeof *net->expand);
    net->packed = od_calloc(n, sizeof *net->packed);
    net->packed_t = od_calloc(n, sizeof *net->packed_t);
    net->folded_bias = od_calloc(n, sizeof *net->folded_bias);
    net->node_state = od_calloc(n, sizeof *net->node_state);
    net->packing = od_calloc(n, sizeof *net->packing);
    net->pack_order = od_calloc(n, sizeof *net->pack_order);
    net->workspaces = od_calloc(2 * n, sizeof *net->workspaces);
    net->forward_seconds = od_calloc(n, sizeof(double));
    net->backward_seconds = od_calloc(n, sizeof(double));
    int ok = net->value && net->grad && net->grad_written && net->alias_grad && net->bn && net->bn_after && net->fold && net->skip && net->expand &&
             net->packed && net->packed_t && net->folded_bias && net->node_state && net->packing && net->pack_order && net->workspaces && net->forward_seconds &&
             net->backward_seconds;
    return ok ? OD_OK : od_error_nomem(err, "the network");
}

static size_t round16(size_t floats)
{
    return (floats + 15) & ~(size_t)15;
}

/* Floats of long-lived state, and pointers into it when `at` is not NULL. */
static size_t lay_out_state(od_net *net, float *at, double *partial, size_t *partial_count)
{
    size_t used = 0, doubles = 0;
    for (size_t i = 0; i < net->graph->node_count; i++) {
        const od_node *node = &net->graph->nodes[i];
        size_t c = round16((size_t)net->graph->values[node->out].shape.c);
        if (node->op == &od_op_batch_norm) {
            float **slots[] = {&net->bn[i].scale, &net->bn[i].shift, &net->bn[i].mean, &net->bn[i].ga, &net->bn[i].gb, &net->bn[i].gc};
            for (int s = 0; s < 6; s++, used += c)
                if (at) *slots[s] = at + used;
            if (at) net->bn[i].partial = partial + doubles;
            doubles += 2 * (size_t)net->threads * (size_t)net->graph->values[node->out].shape.c;
        }
        size_t product, mixing, gram, gram_w;
        od_expand_sizes(net, node, &product, &mixing, &gram, &gram_w);
        if (at && product) {
            net->expand[i].product = at + used;
            net->expand[i].mixing = at + used + round16(product);
            net->expand[i].gram = partial + doubles;
            net->expand[i].gram_w = partial + doubles + gram;
        }
        used += round16(product) + round16(mixing);
        doubles += gram + gram_w;
        size_t forward, backward, bias;
        od_conv_weight_sizes(net, node, &forward, &backward, &bias);
        if (net->packing[i].late) forward = backward = 0; /* in the arena */
        if (at && forward) net->packed[i] = at + used;
        if (at && backward) net->packed_t[i] = at + used + round16(forward);
        if (at && bias) net->folded_bias[i] = at + used + round16(forward) + round16(backward);
        used += round16(forward) + round16(backward) + round16(bias);
        if (!node->op->state) continue;
        if (at) net->node_state[i] = at + used;
        used += round16(node->op->state(net, node));
    }
    *partial_count = doubles;
    return used;
}

static od_status allocate_state(od_net *net, od_error *err)
{
    size_t doubles, floats = lay_out_state(net, NULL, NULL, &doubles);
    net->state = od_aligned_malloc(floats, sizeof(float));
    net->partials = od_calloc(doubles, sizeof(double));
    if (!net->state || !net->partials) return od_error_nomem(err, "packed weights and batch-norm state");
    memset(net->state, 0, floats * sizeof(float));
    lay_out_state(net, net->state, net->partials, &doubles);
    for (size_t i = 0; i < net->graph->node_count; i++) {
        net->packed[i] = net->packed[net->packing[i].owner];
        net->packed_t[i] = net->packed_t[net->packing[i].owner];
    }
    net->state_bytes = floats * sizeof(float) + doubles * sizeof(double);
    for (size_t i = 0; i < net->graph->node_count; i++) {
        const od_node *node = &net->graph->nodes[i];
        size_t need = node->op->scratch ? node->op->scratch(net, node) : 0, packing = od_conv_weights_scratch(net, node);
        if (need > net->scratch_stride) net->scratch_stride = need;
        if (packing > net->scratch_stride) net->scratch_stride = packing;
    }
    if (net->schedule && net->schedule->scratch > net->scratch_stride) net->scratch_stride = net->schedule->scratch;
    net->scratch_stride = round16(net->scratch_stride) + 64; /* threads don't share a cache line */
    net->scratch = od_aligned_malloc(net->scratch_stride * (size_t)net->threads, sizeof(float));
    return net->scratch ? OD_OK : od_error_nomem(err, "scratch memory");
}

od_status od_net_create(od_net **out, const od_graph *graph, od_net_mode mode, const od_net_options *options, od_error *err)
{
    OD_TRY(od_graph_check(graph, err));
    od_net *net = od_calloc(1, sizeof *net);
    if (!net) return od_error_nomem(err, "the network");
    net->graph = graph;
    net->vars = graph->vars;
    net->mode = mode;
    net->k = options && options->kernels ? options->kernels : od_kernels_get();
    net->threads = options && options->threads > 0 ? options->threads : omp_get_max_threads();
    net->fuse = !(options && options->no_fusion);
    net->profile = options && options->profile;
    net->past_caches = options && options->past_caches > 0 ? options->past_caches : OD_OUTLET_FLOATS;
    net->packed_version = -1;
    net->bn_momentum_limit = 1;
    od_status status = allocate_tables(net, err);
    if (status == OD_OK) {
        net->chains = mode == OD_NET_INFER && net->fuse && !(options && options->no_chains);
        od_net_fuse(net);
        if (net->chains) status = od_schedule_create(net, err);
    }
    if (status == OD_OK) status = od_conv_weights_decide(net, err);
    if (status == OD_OK) status = od_net_plan(net, err);
    if (status == OD_OK) status = allocate_state(net, err);
    if (status != OD_OK) {
        od_net_free(net);
        return status;
    }
    *out = net;
    return OD_OK;
}

float *od_net_scratch(const od_net *net)
{
    return net->scratch + net->scratch_stride * (size_t)omp_get_thread_num();
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Denormals count as zero on all the net's threads while it runs. The pool's other threads keep that mode: they are
 * OpenMP's own; the calling thread's is put back. */
static uint64_t flush_denormals(const od_net *net)
{
    uint64_t before = od_denormals_flush();
#pragma omp parallel num_threads(net->threads)
    od_denormals_flush();
    return before;
}

void od_net_run_forward(od_net *net, const od_node *node)
{
    size_t i = (size_t)(node - net->graph->nodes);
    net->workspace = net->workspaces[i];
    od_conv_weights_pack_late(net, i, 0);
    node->op->forward(net, node);
}

/* After the first whole pass, when every page has been touched. */
static void settle(od_net *net)
{
    if (!net->settled) od_aligned_settle(net->arena, net->arena_bytes);
    net->settled = 1;
}

void od_net_forward(od_net *net, const float *images)
{
    uint64_t mode = flush_denormals(net);
    const od_graph *g = net->graph;
    for (size_t v = 0; v < g->value_count; v++)
        if (g->values[v].producer < 0) net->value[v] = (float *)images; /* never written: inputs have no producer */
    if (net->packed_version != net->vars->version) od_conv_weights_pack(net);
    net->packed_version = net->vars->version;
    if (net->schedule) od_schedule_run(net);
    for (size_t i = 0; !net->schedule && i < g->node_count; i++) {
        if (net->skip[i]) continue;
        double t = net->profile ? now() : 0;
        od_net_run_forward(net, &g->nodes[i]);
        if (net->profile) net->forward_seconds[i] += now() - t;
    }
    if (net->mode == OD_NET_INFER) settle(net);
    od_denormals_restore(mode);
}

void od_net_backward(od_net *net)
{
    uint64_t mode = flush_denormals(net);
    const od_graph *g = net->graph;
    for (size_t v = 0; v < g->value_count; v++) net->grad_written[v] = g->values[v].is_output != 0;
    for (size_t i = g->node_count; i-- > 0;) {
        if (!g->values[g->nodes[i].out].needs_grad) continue;
        double t = net->profile ? now() : 0;
        net->workspace = net->workspaces[g->node_count + i];
        od_conv_weights_pack_late(net, i, 1);
        g->nodes[i].op->backward(net, &g->nodes[i]);
        if (net->profile) net->backward_seconds[i] += now() - t;
    }
    settle(net);
    od_denormals_restore(mode);
}

const float *od_net_value(const od_net *net, od_value v)
{
    return net->value[v];
}

float *od_net_grad(const od_net *net, od_value v)
{
    return net->grad[v];
}

size_t od_net_memory(const od_net *net)
{
    return net->arena_bytes + net->state_bytes + net->scratch_stride * (size_t)net->threads * sizeof(float);
}
