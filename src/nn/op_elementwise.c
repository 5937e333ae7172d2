/* SPDX-License-Identifier: Apache-2.0
 *
 * Activation and addition.
 */
#include "nn/op.h"
#include "nn/rows_io.h"

#include <omp.h>

enum { ROW_BLOCK = 256 };

static od_status same_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    *out = g->values[node->in[0]].shape;
    for (int i = 1; i < node->in_count; i++) {
        od_tensor_shape s = g->values[node->in[i]].shape;
        if (s.n != out->n || s.h != out->h || s.w != out->w || s.c != out->c)
            return od_error_set(err, OD_ERR_CONFIG,
                                "can't add [%lld,%lld,%lld,%lld] and [%lld,%lld,%lld,%lld]; an image size that is a multiple of the coarsest stride avoids this",
                                (long long)out->n, (long long)out->h, (long long)out->w, (long long)out->c, (long long)s.n, (long long)s.h,
                                (long long)s.w, (long long)s.c);
    }
    return OD_OK;
}

/* Runs `block` over the output's rows on all threads. */
typedef void (*block_fn)(const od_net *, const od_node *, int64_t row, int64_t rows, float *scratch);
static void over_rows(const od_net *net, const od_node *node, block_fn block)
{
    int64_t rows = od_shape_rows(net->graph->values[node->out].shape);
#pragma omp parallel num_threads(net->threads)
    {
        int64_t begin, end;
        od_thread_range((rows + ROW_BLOCK - 1) / ROW_BLOCK, net->threads, omp_get_thread_num(), &begin, &end);
        for (int64_t b = begin; b < end; b++) {
            int64_t row = b * ROW_BLOCK, m = rows - row < ROW_BLOCK ? rows - row : ROW_BLOCK;
            block(net, node, row, m, od_net_scratch(net));
        }
    }
}

static int64_t channels(const od_net *net, const od_node *node)
{
    return net->graph->values[node->out].shape.c;
}

static double one_flop(const od_graph *g, const od_node *node)
{
    return (double)od_shape_size(g->values[node->out].shape);
}

/* --- activation --------------------------------------------------------------------------------------------------- */

static void act_forward_block(const od_net *net, const od_node *node, int64_t row, int64_t rows, float *scratch)
{
    (void)scratch;
    int64_t c = channels(net, node);
    net->k->rows_affine_act(rows, c, net->value[node->in[0]] + row * c, c, NULL, NULL, node->act, net->value[node->out] + row * c, c);
}

static void act_forward(od_net *net, const od_node *node)
{
    over_rows(net, node, act_forward_block);
}

static void act_backward_block(const od_net *net, const od_node *node, int64_t row, int64_t rows, float *scratch)
{
    int64_t c = channels(net, node);
    float *dx = net->grad[node->in[0]] + row * c;
    int accumulate = net->grad_written[node->in[0]];
    od_act_grad g = {.x = net->value[node->in[0]] + row * c, .ldx = c, .act = node->act};
    net->k->rows_act_grad(rows, c, net->grad[node->out] + row * c, c, &g, accumulate ? scratch : dx, c);
    if (accumulate) net->k->add(rows * c, scratch, dx);
}

static void act_backward(od_net *net, const od_node *node)
{
    over_rows(net, node, act_backward_block);
    net->grad_written[node->in[0]] = 1;
}

static size_t block_scratch(const od_net *net, const od_node *node)
{
    return (size_t)(ROW_BLOCK * channels(net, node));
}

const od_op od_op_activation = {
    .name = "activation",
    .flags = OD_OP_BACKWARD_READS_IN,
    .shape = same_shape,
    .scratch = block_scratch,
    .forward = act_forward,
    .backward = act_backward,
    .flops = one_flop,
};

/* --- addition ------------------------------------------------------------------------------------------------------- */

static void add_forward_block(const od_net *net, const od_node *node, int64_t row, int64_t rows, float *scratch)
{
    od_source a = od_net_source(net, node->in[0]), b = od_net_source(net, node->in[1]);
    int64_t c = channels(net, node);
    if (!a.scale) { /* the one that may be normalised on load goes first */
        od_source swap = a;
        a = b;
        b = swap;
    }
    const float *y = od_source_rows(&b, row, rows, scratch);
    net->k->rows_affine_act_add(rows, c, a.data + row * c, c, a.scale, a.shift, a.scale ? a.act : OD_ACT_NONE, y, c, net->value[node->out] + row * c, c);
    if (node->act != OD_ACT_NONE)
        net->k->rows_affine_act(rows, c, net->value[node->out] + row * c, c, NULL, NULL, node->act, net->value[node->out] + row * c, c);
}

static void add_forward(od_net *net, const od_node *node)
{
    over_rows(net, node, add_forward_block);
}

static void hand_on(const od_net *net, const od_node *node, int input, int64_t row, int64_t rows)
{
    od_value v = node->in[input];
    int64_t c = channels(net, node);
    const float *dy = net->grad[node->out] + row * c;
    float *dx = net->grad[v] + row * c;
    if (net->grad_written[v] & 1)
        net->k->add(rows * c, dy, dx);
    else
        memcpy(dx, dy, (size_t)(rows * c) * sizeof *dx);
}

static void add_backward_block0(const od_net *net, const od_node *node, int64_t row, int64_t rows, float *scratch)
{
    (void)scratch;
    hand_on(net, node, 0, row, rows);
}

static void add_backward_block1(const od_net *net, const od_node *node, int64_t row, int64_t rows, float *scratch)
{
    (void)scratch;
    hand_on(net, node, 1, row, rows);
}

/* In place: dy becomes the sum's gradient. ReLU and ReLU6 tell their derivative by their result. */
static void add_act_grad_block(const od_net *net, const od_node *node, int64_t row, int64_t rows, float *scratch)
{
    (void)scratch;
    int64_t c = channels(net, node);
    float *dy = net->grad[node->out] + row * c;
    od_act_grad g = {.x = net->value[node->out] + row * c, .ldx = c, .act = node->act};
    net->k->rows_act_grad(rows, c, dy, c, &g, dy, c);
}

static void add_backward(od_net *net, const od_node *node)
{
    if (node->act != OD_ACT_NONE) over_rows(net, node, add_act_grad_block);
    for (int i = 0; i < 2; i++) {
        od_value v = node->in[i];
        if (!net->graph->values[v].needs_grad) continue;
        if (!(net->alias_grad[node - net->graph->nodes] >> i & 1)) over_rows(net, node, i ? add_backward_block1 : add_backward_block0);
        net->grad_written[v] = 1;
    }
}

const od_op od_op_add = {
    .name = "add",
    .flags = OD_OP_AFFINE_IN,
    .shape = same_shape,
    .scratch = block_scratch,
    .forward = add_forward,
    .backward = add_backward,
    .flops = one_flop,
};

const od_op od_op_add_act = {
    .name = "add_act",
    .flags = OD_OP_AFFINE_IN | OD_OP_BACKWARD_READS_OUT,
    .shape = same_shape,
    .scratch = block_scratch,
    .forward = add_forward,
    .backward = add_backward,
    .flops = one_flop,
};
