/* SPDX-License-Identifier: Apache-2.0
 *
 * Bilinear upsampling by two with half-pixel centres (tf.image.resize, which is Keras' UpSampling2D): along each dimension output 2i is
 * 3/4 of input i and 1/4 of its left neighbour, output 2i+1 the same with its right one; at the edges the input itself.
 */
#include "nn/op.h"
#include "nn/rows_io.h"

static od_tensor_shape shape_of(const od_net *net, od_value v)
{
    return net->graph->values[v].shape;
}

static od_status bilinear_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    (void)err;
    *out = g->values[node->in[0]].shape;
    out->h *= 2;
    out->w *= 2;
    return OD_OK;
}

/* The input that has 1/4 in output o of 2 * n: a neighbour of o / 2, which has 3/4. */
static int64_t neighbour(int64_t o, int64_t n)
{
    int64_t i = o / 2 + (o & 1 ? 1 : -1);
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static void bilinear_forward(od_net *net, const od_node *node)
{
    od_tensor_shape in = shape_of(net, node->in[0]), out = shape_of(net, node->out);
    const float *x = net->value[node->in[0]];
    float *y = net->value[node->out];
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t r = 0; r < out.n * out.h; r++) {
        const float *image = x + r / out.h * in.h * in.w * in.c;
        const float *near = image + r % out.h / 2 * in.w * in.c, *far = image + neighbour(r % out.h, in.h) * in.w * in.c;
        for (int64_t o = 0; o < out.w; o++) {
            int64_t a = o / 2 * in.c, b = neighbour(o, in.w) * in.c;
            float *to = y + (r * out.w + o) * in.c;
            for (int64_t c = 0; c < in.c; c++) to[c] = .75f * (.75f * near[a + c] + .25f * near[b + c]) + .25f * (.75f * far[a + c] + .25f * far[b + c]);
        }
    }
}

/* weight times the gradient of one output row, gathered to an input row. */
static void gather_row(od_tensor_shape in, const float *dy, float weight, float *dx)
{
    for (int64_t o = 0; o < 2 * in.w; o++) {
        float *near = dx + o / 2 * in.c, *far = dx + neighbour(o, in.w) * in.c;
        for (int64_t c = 0; c < in.c; c++) near[c] += .75f * weight * dy[o * in.c + c];
        for (int64_t c = 0; c < in.c; c++) far[c] += .25f * weight * dy[o * in.c + c];
    }
}

/* Input row i appears in output rows 2i - 1 to 2i + 2. */
static void bilinear_backward(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    od_tensor_shape in = shape_of(net, v), out = shape_of(net, node->out);
    const float *dy = net->grad[node->out];
    if (!net->graph->values[v].needs_grad) return;
    int written = net->grad_written[v];
    net->grad_written[v] = 1;
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t r = 0; r < in.n * in.h; r++) {
        float *dx = net->grad[v] + r * in.w * in.c;
        int64_t i = r % in.h;
        if (!written) memset(dx, 0, (size_t)(in.w * in.c) * sizeof *dx);
        for (int64_t o = 2 * i - 1; o <= 2 * i + 2; o++) {
            if (o < 0 || o >= out.h) continue;
            float weight = (o / 2 == i ? .75f : 0) + (neighbour(o, in.h) == i ? .25f : 0);
            gather_row(in, dy + (r / in.h * out.h + o) * out.w * out.c, weight, dx);
        }
    }
}

const od_op od_op_upsample2x_bilinear = {
    .name = "upsample2x_bilinear",
    .shape = bilinear_shape,
    .forward = bilinear_forward,
    .backward = bilinear_backward,
};
