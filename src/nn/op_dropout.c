/* SPDX-License-Identifier: Apache-2.0
 *
 * Dropout (Srivastava et al., JMLR 2014) as Keras' layer in training: each value is dropped with probability `rate`, or divided by
 * 1 - rate. The draw depends only on the net's seed and step, the layer's name and the row, so that the backward pass draws the same.
 */
#include "nn/op.h"
#include "nn/rows_io.h"
#include "util/hashmap.h"

#include <omp.h>

enum { ROW_BLOCK = 256 };

static od_status dropout_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    *out = g->values[node->in[0]].shape;
    if (!(node->rate >= 0 && node->rate < 1))
        return od_error_set(err, OD_ERR_CONFIG, "the dropout rate is %g; expected at least 0 and below 1", (double)node->rate);
    return OD_OK;
}

static size_t dropout_scratch(const od_net *net, const od_node *node)
{
    return (size_t)(ROW_BLOCK * net->graph->values[node->out].shape.c);
}

/* y[c] (+)= x[c] / (1 - rate), or 0, of one row of the value. */
static void drop_row(const od_node *node, od_rng layer, int64_t row, int64_t c, const float *x, int accumulate, float *y)
{
    od_rng rng;
    od_rng_init(&rng, layer.state, (uint64_t)row);
    float factor = 1 / (1 - node->rate);
    for (int64_t i = 0; i < c; i++) {
        float value = od_rng_uniform(&rng) < (double)node->rate ? 0 : x[i] * factor;
        y[i] = accumulate ? y[i] + value : value;
    }
}

static void drop_all(od_net *net, const od_node *node, const od_source *from, float *to, int accumulate)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
    int64_t rows = od_shape_rows(s);
    od_rng layer, step;
    od_rng_init(&layer, net->seed, od_hash_fnv1a(node->label, strlen(node->label)));
    od_rng_init(&step, od_rng_next(&layer), net->step);
#pragma omp parallel num_threads(net->threads)
    {
        int64_t begin, end;
        od_thread_range((rows + ROW_BLOCK - 1) / ROW_BLOCK, net->threads, omp_get_thread_num(), &begin, &end);
        for (int64_t b = begin; b < end; b++) {
            int64_t first = b * ROW_BLOCK, m = rows - first < ROW_BLOCK ? rows - first : ROW_BLOCK;
            const float *x = od_source_rows(from, first, m, od_net_scratch(net));
            for (int64_t i = 0; i < m; i++) drop_row(node, step, first + i, s.c, x + i * s.c, accumulate, to + (first + i) * s.c);
        }
    }
}

static void dropout_forward(od_net *net, const od_node *node)
{
    od_source source = od_net_source(net, node->in[0]);
    drop_all(net, node, &source, net->value[node->out], 0);
}

static void dropout_backward(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    od_source dy = {.k = net->k, .data = net->grad[node->out], .c = net->graph->values[node->out].shape.c};
    drop_all(net, node, &dy, net->grad[v], net->grad_written[v]);
    net->grad_written[v] = 1;
}

static double dropout_flops(const od_graph *g, const od_node *node)
{
    return (double)od_shape_size(g->values[node->out].shape);
}

const od_op od_op_dropout = {
    .name = "dropout",
    .flags = OD_OP_AFFINE_IN,
    .shape = dropout_shape,
    .scratch = dropout_scratch,
    .forward = dropout_forward,
    .backward = dropout_backward,
    .flops = dropout_flops,
};
