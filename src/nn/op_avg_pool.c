/* SPDX-License-Identifier: Apache-2.0
 *
 * Average pooling as TensorFlow has it: the mean of the window's pixels that lie in the image.
 */
#include "nn/op.h"
#include "nn/rows_io.h"

#include <omp.h>

static od_tensor_shape shape_of(const od_net *net, od_value v)
{
    return net->graph->values[v].shape;
}

static od_status avg_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    od_conv_attrs *a = &node->conv;
    od_tensor_shape in = g->values[node->in[0]].shape;
    if (a->padding == OD_PAD_EXPLICIT) return od_error_set(err, OD_ERR_INTERNAL, "average pooling with explicit padding; expected SAME or VALID");
    *out = in;
    a->dilation = 1;
    od_conv_geometry(in.h, a->kernel_h, a->stride, 1, a->padding, &out->h, &a->pad_top);
    od_conv_geometry(in.w, a->kernel_w, a->stride, 1, a->padding, &out->w, &a->pad_left);
    if (out->h < 1 || out->w < 1) return od_error_set(err, OD_ERR_CONFIG, "the image is too small for pooling here; use a larger image_resizer");
    return OD_OK;
}

/* The window of output index `o` along a dimension of `size` pixels: [*begin, *end). */
static void window(int64_t o, int stride, int pad, int kernel, int64_t size, int64_t *begin, int64_t *end)
{
    int64_t first = o * stride - pad;
    *begin = first < 0 ? 0 : first;
    *end = first + kernel > size ? size : first + kernel;
}

static void mean_of_window(const od_net *net, const od_node *node, od_tensor_shape in, const float *image, int64_t oy, int64_t ox, float *y)
{
    const od_conv_attrs *a = &node->conv;
    int64_t y0, y1, x0, x1;
    window(oy, a->stride, a->pad_top, a->kernel_h, in.h, &y0, &y1);
    window(ox, a->stride, a->pad_left, a->kernel_w, in.w, &x0, &x1);
    memset(y, 0, (size_t)in.c * sizeof *y);
    for (int64_t iy = y0; iy < y1; iy++)
        for (int64_t ix = x0; ix < x1; ix++) net->k->add(in.c, image + (iy * in.w + ix) * in.c, y);
    float count = (float)((y1 - y0) * (x1 - x0));
    for (int64_t c = 0; c < in.c; c++) y[c] /= count;
}

static void avg_forward(od_net *net, const od_node *node)
{
    od_tensor_shape in = shape_of(net, node->in[0]), out = shape_of(net, node->out);
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t r = 0; r < out.n * out.h; r++)
        for (int64_t x = 0; x < out.w; x++)
            mean_of_window(net, node, in, net->value[node->in[0]] + r / out.h * in.h * in.w * in.c, r % out.h, x, net->value[node->out] + (r * out.w + x) * in.c);
}

/* The outputs whose window holds input index i: [*begin, *end). */
static void reached(int64_t i, int stride, int pad, int kernel, int64_t outputs, int64_t *begin, int64_t *end)
{
    int64_t low = i + pad - kernel + 1;
    *begin = low <= 0 ? 0 : (low + stride - 1) / stride;
    *end = (i + pad) / stride + 1;
    if (*end > outputs) *end = outputs;
}

/* dx of input row iy += Σ over windows that hold the pixel of dy / window size. dy: the image's. */
static void spread_row(const od_node *node, od_tensor_shape in, od_tensor_shape out, const float *dy, int64_t iy, float *dx)
{
    const od_conv_attrs *a = &node->conv;
    int64_t oy0, oy1, ox0, ox1, y0, y1, x0, x1;
    reached(iy, a->stride, a->pad_top, a->kernel_h, out.h, &oy0, &oy1);
    for (int64_t oy = oy0; oy < oy1; oy++) {
        window(oy, a->stride, a->pad_top, a->kernel_h, in.h, &y0, &y1);
        for (int64_t ix = 0; ix < in.w; ix++) {
            reached(ix, a->stride, a->pad_left, a->kernel_w, out.w, &ox0, &ox1);
            for (int64_t ox = ox0; ox < ox1; ox++) {
                window(ox, a->stride, a->pad_left, a->kernel_w, in.w, &x0, &x1);
                float share = 1 / (float)((y1 - y0) * (x1 - x0));
                const float *d = dy + (oy * out.w + ox) * out.c;
                for (int64_t c = 0; c < in.c; c++) dx[ix * in.c + c] += share * d[c];
            }
        }
    }
}

static void avg_backward(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    od_tensor_shape in = shape_of(net, v), out = shape_of(net, node->out);
    if (!net->graph->values[v].needs_grad) return;
    int accumulate = net->grad_written[v];
    net->grad_written[v] = 1;
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t r = 0; r < in.n * in.h; r++) {
        float *dx = net->grad[v] + r * in.w * in.c;
        if (!accumulate) memset(dx, 0, (size_t)(in.w * in.c) * sizeof *dx);
        spread_row(node, in, out, net->grad[node->out] + r / in.h * out.h * out.w * out.c, r % in.h, dx);
    }
}

static double avg_flops(const od_graph *g, const od_node *node)
{
    return (double)od_shape_size(g->values[node->out].shape) * node->conv.kernel_h * node->conv.kernel_w;
}

const od_op od_op_avg_pool = {
    .name = "avg_pool",
    .shape = avg_shape,
    .forward = avg_forward,
    .backward = avg_backward,
    .flops = avg_flops,
};
