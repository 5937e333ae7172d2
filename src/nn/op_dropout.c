/* SPDX-License-Identifier: Apache-2.0
 *
 * Dropout (Srivastava et al., JMLR 2014) as Keras has it: in training each value is zero with probability `rate` and otherwise
 * divided by 1 - rate. What is drawn depends only on the net's seed and step, the layer's name and the row, so that the backward
 * pass draws the same.
 */
#include "nn/rows_io.h"
#include "util/hashmap.h"

static od_status dropout_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    *out = g->values[node->in[0]].shape;
    if (node->rate >= 0 && node->rate < 1) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "the dropout rate is %g; expected at least 0 and below 1 (dropout_keep_probability above 0)", (double)node->rate);
}

/* y (+)= mask(row) * x, one row of c values. */
static void drop_row(const od_net *net, const od_node *node, int64_t row, int64_t c, const float *x, float *y, int accumulate)
{
    od_rng layer, step, rng;
    od_rng_init(&layer, net->seed, od_hash_fnv1a(node->label, strlen(node->label)));
    od_rng_init(&step, od_rng_next(&layer), net->step);
    od_rng_init(&rng, od_rng_next(&step), (uint64_t)row);
    float factor = 1 / (1 - node->rate);
    for (int64_t i = 0; i < c; i++) {
        float v = od_rng_uniform(&rng) < (double)node->rate ? 0 : x[i] * factor;
        y[i] = accumulate ? y[i] + v : v;
    }
}

static void drop_rows(const od_net *net, const od_node *node, const float *from, float *to, int accumulate)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t row = 0; row < od_shape_rows(s); row++) drop_row(net, node, row, s.c, from + row * s.c, to + row * s.c, accumulate);
}

static void dropout_forward(od_net *net, const od_node *node)
{
    drop_rows(net, node, net->value[node->in[0]], net->value[node->out], 0);
}

static void dropout_backward(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    if (!net->graph->values[v].needs_grad) return;
    drop_rows(net, node, net->grad[node->out], net->grad[v], net->grad_written[v]);
    net->grad_written[v] = 1;
}

const od_op od_op_dropout = {.name = "dropout", .shape = dropout_shape, .forward = dropout_forward, .backward = dropout_backward};
