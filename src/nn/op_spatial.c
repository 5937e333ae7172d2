/* SPDX-License-Identifier: Apache-2.0
 *
 * Ops that only move pixels: nearest upsampling by two, padding, max pooling.
 */
#include "nn/op.h"
#include "nn/rows_io.h"

#include <float.h>
#include <omp.h>

static od_tensor_shape shape_of(const od_net *net, od_value v)
{
    return net->graph->values[v].shape;
}

/* Prepares in[0]'s gradient for accumulation: zero unless somebody has written to it. */
static float *cleared_grad(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    if (!net->grad_written[v]) memset(net->grad[v], 0, (size_t)od_shape_size(shape_of(net, v)) * sizeof(float));
    net->grad_written[v] = 1;
    return net->grad[v];
}

/* --- nearest x2, cut to a size (ops.nearest_neighbor_upsampling) ------------------------------------------------------ */

static od_status upsample_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    od_tensor_shape in = g->values[node->in[0]].shape;
    *out = (od_tensor_shape){in.n, node->conv.kernel_h, node->conv.kernel_w, in.c};
    if (out->h > 2 * in.h || out->w > 2 * in.w || out->h < 1 || out->w < 1)
        return od_error_set(err, OD_ERR_CONFIG, "can't upsample %lldx%lld to %lldx%lld; use an image size that is a multiple of the coarsest stride",
                            (long long)in.h, (long long)in.w, (long long)out->h, (long long)out->w);
    return OD_OK;
}

static void upsample_forward(od_net *net, const od_node *node)
{
    od_tensor_shape in = shape_of(net, node->in[0]), out = shape_of(net, node->out);
    const float *x = net->value[node->in[0]];
    float *y = net->value[node->out];
    size_t pixel = (size_t)in.c * sizeof *x;
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t r = 0; r < out.n * out.h; r++) {
        const float *from = x + (r / out.h * in.h + r % out.h / 2) * in.w * in.c;
        for (int64_t i = 0; i < out.w; i++) memcpy(y + (r * out.w + i) * in.c, from + i / 2 * in.c, pixel);
    }
}

static void upsample_backward(od_net *net, const od_node *node)
{
    od_tensor_shape in = shape_of(net, node->in[0]), out = shape_of(net, node->out);
    const float *dy = net->grad[node->out];
    float *dx = cleared_grad(net, node);
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t r = 0; r < in.n * in.h; r++)
        for (int64_t oy = r % in.h * 2; oy < r % in.h * 2 + 2 && oy < out.h; oy++)
            for (int64_t ox = 0; ox < out.w; ox++)
                net->k->add(in.c, dy + ((r / in.h * out.h + oy) * out.w + ox) * in.c, dx + (r * in.w + ox / 2) * in.c);
}

const od_op od_op_upsample2x = {
    .name = "upsample2x",
    .shape = upsample_shape,
    .forward = upsample_forward,
    .backward = upsample_backward,
};

/* --- zero padding, bottom and right (ops.pad_to_multiple) ---------------------------------------------------------------- */

static od_status pad_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    (void)err;
    int64_t m = node->conv.stride;
    *out = g->values[node->in[0]].shape;
    out->h = (out->h + m - 1) / m * m;
    out->w = (out->w + m - 1) / m * m;
    return OD_OK;
}

static void pad_forward(od_net *net, const od_node *node)
{
    od_tensor_shape in = shape_of(net, node->in[0]), out = shape_of(net, node->out);
    const float *x = net->value[node->in[0]];
    float *y = net->value[node->out];
    memset(y, 0, (size_t)od_shape_size(out) * sizeof *y);
    for (int64_t r = 0; r < in.n * in.h; r++)
        memcpy(y + (r / in.h * out.h + r % in.h) * out.w * in.c, x + r * in.w * in.c, (size_t)(in.w * in.c) * sizeof *x);
}

static void pad_backward(od_net *net, const od_node *node)
{
    od_tensor_shape in = shape_of(net, node->in[0]), out = shape_of(net, node->out);
    if (!net->graph->values[node->in[0]].needs_grad) return;
    float *dx = cleared_grad(net, node);
    for (int64_t r = 0; r < in.n * in.h; r++)
        net->k->add(in.w * in.c, net->grad[node->out] + (r / in.h * out.h + r % in.h) * out.w * in.c, dx + r * in.w * in.c);
}

const od_op od_op_pad_to_multiple = {.name = "pad_to_multiple", .shape = pad_shape, .forward = pad_forward, .backward = pad_backward};

/* --- max pooling ------------------------------------------------------------------------------------------------------------- */

static od_status pool_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    od_conv_attrs *a = &node->conv;
    od_tensor_shape in = g->values[node->in[0]].shape;
    *out = in;
    if (a->dilation < 1) a->dilation = 1;
    od_conv_geometry(in.h, a->kernel_h, a->stride, a->dilation, a->padding, &out->h, &a->pad_top);
    od_conv_geometry(in.w, a->kernel_w, a->stride, a->dilation, a->padding, &out->w, &a->pad_left);
    if (out->h < 1 || out->w < 1) return od_error_set(err, OD_ERR_CONFIG, "the image is too small for pooling here; use a larger image_resizer");
    return OD_OK;
}

/* The input pixel [C] under tap k of output (oy, ox); NULL outside the image. */
static const float *pool_tap(const od_conv_attrs *a, od_tensor_shape in, const float *image, int64_t oy, int64_t ox, int k, int64_t *iy, int64_t *ix)
{
    *iy = oy * a->stride - a->pad_top + k / a->kernel_w;
    *ix = ox * a->stride - a->pad_left + k % a->kernel_w;
    return *iy >= 0 && *iy < in.h && *ix >= 0 && *ix < in.w ? image + (*iy * in.w + *ix) * in.c : NULL;
}

static void larger(int64_t n, const float *restrict x, float *restrict y)
{
    for (int64_t c = 0; c < n; c++) y[c] = ((x[c] > y[c]) | (x[c] != x[c])) ? x[c] : y[c];
}

/* Explicit padding pools over real zeros; SAME over the pixels that exist. */
static void pool_pixel(const od_node *node, od_tensor_shape in, const float *image, int64_t oy, int64_t ox, float *y)
{
    const od_conv_attrs *a = &node->conv;
    int64_t iy, ix;
    for (int64_t c = 0; c < in.c; c++) y[c] = -FLT_MAX;
    for (int k = 0; k < a->kernel_h * a->kernel_w; k++) {
        const float *x = pool_tap(a, in, image, oy, ox, k, &iy, &ix);
        if (!x && a->padding != OD_PAD_EXPLICIT) continue;
        if (!x)
            for (int64_t c = 0; c < in.c; c++) y[c] = 0 > y[c] ? 0 : y[c];
        else
            larger(in.c, x, y);
    }
}

static size_t pool_scratch(const od_net *net, const od_node *node)
{
    return (size_t)shape_of(net, node->out).c;
}

static void pool_forward(od_net *net, const od_node *node)
{
    od_tensor_shape in = shape_of(net, node->in[0]), out = shape_of(net, node->out);
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t r = 0; r < out.n * out.h; r++)
        for (int64_t x = 0; x < out.w; x++)
            pool_pixel(node, in, net->value[node->in[0]] + r / out.h * in.h * in.w * in.c, r % out.h, x,
                       net->value[node->out] + (r * out.w + x) * in.c);
}

/* Where x is the maximum y, the gradient moves from `rest` to dx. */
static void take_gradient(int64_t n, const float *restrict x, const float *restrict y, float *restrict rest, float *restrict dx)
{
    for (int64_t c = 0; c < n; c++) {
        float g = x[c] == y[c] ? rest[c] : 0;
        dx[c] += g;
        rest[c] = x[c] == y[c] ? 0 : rest[c];
    }
}

static void skip_gradient(int64_t n, const float *restrict x, const float *restrict y, float *restrict rest)
{
    for (int64_t c = 0; c < n; c++) rest[c] = x[c] == y[c] ? 0 : rest[c];
}

/* Each output's gradient goes to the first input (row by row) that equals the maximum, if that is in rows [first, last): the
 * calling thread's. rest [C]: the gradient that hasn't found its input yet. */
static void unpool_pixel(const od_node *node, od_tensor_shape in, const float *image, const float *y, const float *dy, int64_t oy, int64_t ox,
                         int64_t first, int64_t last, float *dimage, float *rest)
{
    const od_conv_attrs *a = &node->conv;
    int64_t iy, ix;
    memcpy(rest, dy, (size_t)in.c * sizeof *rest);
    for (int k = 0; k < a->kernel_h * a->kernel_w; k++) {
        const float *x = pool_tap(a, in, image, oy, ox, k, &iy, &ix);
        if (!x || iy >= last) continue;
        if (iy >= first) take_gradient(in.c, x, y, rest, dimage + (x - image));
        else skip_gradient(in.c, x, y, rest);
    }
}

/* Threads share out the input's rows; an output row whose window lies across two shares is done for both. */
static void pool_backward(od_net *net, const od_node *node)
{
    od_tensor_shape in = shape_of(net, node->in[0]), out = shape_of(net, node->out);
    const od_conv_attrs *a = &node->conv;
    float *dx = cleared_grad(net, node);
#pragma omp parallel num_threads(net->threads)
    {
        int64_t begin, end;
        od_thread_range(in.n * in.h, net->threads, omp_get_thread_num(), &begin, &end);
        for (int64_t r = begin; r < end;) {
            int64_t n = r / in.h, first = r % in.h, last = (n + 1) * in.h < end ? in.h : end - n * in.h, image = n * in.h * in.w * in.c;
            for (int64_t p = 0; p < out.h * out.w; p++) {
                int64_t top = p / out.w * a->stride - a->pad_top, at = (n * out.h * out.w + p) * in.c;
                if (top + a->kernel_h <= first || top >= last) continue;
                unpool_pixel(node, in, net->value[node->in[0]] + image, net->value[node->out] + at, net->grad[node->out] + at, p / out.w, p % out.w,
                             first, last, dx + image, od_net_scratch(net));
            }
            r = n * in.h + last;
        }
    }
}

const od_op od_op_max_pool = {
    .name = "max_pool",
    .flags = OD_OP_BACKWARD_READS_IN | OD_OP_BACKWARD_READS_OUT,
    .shape = pool_shape,
    .scratch = pool_scratch,
    .forward = pool_forward,
    .backward = pool_backward,
};
