/* SPDX-License-Identifier: Apache-2.0
 *
 * act(a + scale * b): the residual of Inception-ResNet (Szegedy et al., 2016; Keras' CustomScaleLayer).
 */
#include "nn/op.h"
#include "nn/rows_io.h"

#include <omp.h>

enum { ROW_BLOCK = 256 };

static od_status scaled_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    od_tensor_shape a = g->values[node->in[0]].shape, b = g->values[node->in[1]].shape;
    *out = a;
    if (a.n != b.n || a.h != b.h || a.w != b.w || a.c != b.c)
        return od_error_set(err, OD_ERR_CONFIG, "can't add [%lld,%lld,%lld,%lld] and [%lld,%lld,%lld,%lld]", (long long)a.n, (long long)a.h, (long long)a.w,
                            (long long)a.c, (long long)b.n, (long long)b.h, (long long)b.w, (long long)b.c);
    return OD_OK;
}

/* The factor as the kernels' vector of scales [C]. */
static size_t scaled_scratch(const od_net *net, const od_node *node)
{
    return (size_t)net->graph->values[node->out].shape.c;
}

static float *factors(const od_net *net, const od_node *node)
{
    float *scale = od_net_scratch(net);
    for (int64_t i = 0; i < net->graph->values[node->out].shape.c; i++) scale[i] = node->rate;
    return scale;
}

static void scaled_forward(od_net *net, const od_node *node)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
    const float *a = net->value[node->in[0]], *b = net->value[node->in[1]];
#pragma omp parallel num_threads(net->threads)
    {
        const float *scale = factors(net, node);
        int64_t begin, end;
        od_thread_range(od_shape_rows(s), net->threads, omp_get_thread_num(), &begin, &end);
        for (int64_t row = begin; row < end; row += ROW_BLOCK) {
            int64_t m = end - row < ROW_BLOCK ? end - row : ROW_BLOCK, at = row * s.c;
            float *y = net->value[node->out] + at;
            net->k->rows_affine_act_add(m, s.c, b + at, s.c, scale, NULL, OD_ACT_NONE, a + at, s.c, y, s.c);
            if (node->act != OD_ACT_NONE) net->k->rows_affine_act(m, s.c, y, s.c, NULL, NULL, node->act, y, s.c);
        }
    }
}

/* dx of one input, `rows` rows: scale * dy (scale NULL: dy), added where somebody has written before. */
static void hand_on(const od_net *net, int64_t rows, int64_t c, const float *dy, const float *scale, int accumulate, float *dx)
{
    if (accumulate && scale)
        net->k->rows_affine_act_add(rows, c, dy, c, scale, NULL, OD_ACT_NONE, dx, c, dx, c);
    else if (accumulate)
        net->k->add(rows * c, dy, dx);
    else if (scale)
        net->k->rows_affine_act(rows, c, dy, c, scale, NULL, OD_ACT_NONE, dx, c);
    else
        memcpy(dx, dy, (size_t)(rows * c) * sizeof *dx);
}

/* In place: dy becomes the sum's gradient first; ReLU and ReLU6 tell their derivative by their result. */
static void scaled_backward(od_net *net, const od_node *node)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
    int written[2];
    for (int i = 0; i < 2; i++) {
        written[i] = net->grad_written[node->in[i]];
        if (net->graph->values[node->in[i]].needs_grad) net->grad_written[node->in[i]] = 1;
    }
    if (node->in[0] == node->in[1]) written[1] = 1;
#pragma omp parallel num_threads(net->threads)
    {
        const float *scale = factors(net, node);
        int64_t begin, end;
        od_thread_range(od_shape_rows(s), net->threads, omp_get_thread_num(), &begin, &end);
        for (int64_t row = begin; row < end; row += ROW_BLOCK) {
            int64_t m = end - row < ROW_BLOCK ? end - row : ROW_BLOCK, at = row * s.c;
            float *dy = net->grad[node->out] + at;
            od_act_grad g = {.x = net->value[node->out] + at, .ldx = s.c, .act = node->act};
            if (node->act != OD_ACT_NONE) net->k->rows_act_grad(m, s.c, dy, s.c, &g, dy, s.c);
            for (int i = 0; i < 2; i++)
                if (net->graph->values[node->in[i]].needs_grad) hand_on(net, m, s.c, dy, i ? scale : NULL, written[i], net->grad[node->in[i]] + at);
        }
    }
}

static double scaled_flops(const od_graph *g, const od_node *node)
{
    return 2.0 * (double)od_shape_size(g->values[node->out].shape);
}

const od_op od_op_add_scaled = {
    .name = "add_scaled",
    .flags = OD_OP_BACKWARD_READS_OUT,
    .shape = scaled_shape,
    .scratch = scaled_scratch,
    .forward = scaled_forward,
    .backward = scaled_backward,
    .flops = scaled_flops,
};
