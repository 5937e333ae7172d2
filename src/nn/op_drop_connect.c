/* SPDX-License-Identifier: Apache-2.0
 *
 * Drop-connect (stochastic depth, Huang et al., ECCV 2016) as EfficientNet's Dropout with noise_shape [N,1,1,1]: an image's
 * residual branch is dropped with probability `rate`, or divided by 1 - rate. The draw depends only on the net's seed and
 * step, the layer's name and the image's place in the batch, so that the backward pass draws the same.
 */
#include "nn/op.h"
#include "nn/rows_io.h"
#include "util/hashmap.h"

#include <omp.h>

enum { ROW_BLOCK = 256 };

static od_status drop_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    *out = g->values[node->in[0]].shape;
    if (!(node->rate >= 0 && node->rate < 1))
        return od_error_set(err, OD_ERR_CONFIG, "the drop-connect rate is %g; expected at least 0 and below 1", (double)node->rate);
    return OD_OK;
}

static float factor_of(const od_net *net, const od_node *node, int64_t image)
{
    od_rng rng, layer;
    od_rng_init(&layer, net->seed, od_hash_fnv1a(node->label, strlen(node->label)));
    od_rng_init(&rng, od_rng_next(&layer), net->step);
    for (int64_t i = 0; i < image; i++) od_rng_next(&rng);
    return od_rng_uniform(&rng) < (double)node->rate ? 0 : 1 / (1 - node->rate);
}

static size_t drop_scratch(const od_net *net, const od_node *node)
{
    return (size_t)((ROW_BLOCK + 1) * net->graph->values[node->out].shape.c);
}

/* to (+)= factor * from, image by image in blocks of rows; from may be normalised on load. */
static void scale_images(od_net *net, const od_node *node, const od_source *from, float *to, int accumulate)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
    int64_t pixels = s.h * s.w, blocks = (pixels + ROW_BLOCK - 1) / ROW_BLOCK;
#pragma omp parallel num_threads(net->threads)
    {
        float *vector = od_net_scratch(net), *block = vector + s.c;
        int64_t begin, end;
        od_thread_range(s.n * blocks, net->threads, omp_get_thread_num(), &begin, &end);
        for (int64_t u = begin; u < end; u++) {
            int64_t first = u % blocks * ROW_BLOCK, m = pixels - first < ROW_BLOCK ? pixels - first : ROW_BLOCK, row = u / blocks * pixels + first;
            float factor = factor_of(net, node, u / blocks), *y = to + row * s.c;
            for (int64_t i = 0; i < s.c; i++) vector[i] = factor;
            const float *x = od_source_rows(from, row, m, block);
            if (accumulate)
                net->k->rows_affine_act_add(m, s.c, x, s.c, vector, NULL, OD_ACT_NONE, y, s.c, y, s.c);
            else
                net->k->rows_affine_act(m, s.c, x, s.c, vector, NULL, OD_ACT_NONE, y, s.c);
        }
    }
}

static void drop_forward(od_net *net, const od_node *node)
{
    od_source source = od_net_source(net, node->in[0]);
    scale_images(net, node, &source, net->value[node->out], 0);
}

static void drop_backward(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    od_source dy = {.k = net->k, .data = net->grad[node->out], .c = net->graph->values[node->out].shape.c};
    scale_images(net, node, &dy, net->grad[v], net->grad_written[v]);
    net->grad_written[v] = 1;
}

static double drop_flops(const od_graph *g, const od_node *node)
{
    return (double)od_shape_size(g->values[node->out].shape);
}

const od_op od_op_drop_connect = {
    .name = "drop_connect",
    .flags = OD_OP_AFFINE_IN,
    .shape = drop_shape,
    .scratch = drop_scratch,
    .forward = drop_forward,
    .backward = drop_backward,
    .flops = drop_flops,
};
