/* SPDX-License-Identifier: Apache-2.0
 *
 * Feature maps of another size: bilinear with the corners on the corners (TensorFlow 1's resize_bilinear, align_corners), or each pixel
 * repeated. Threads share out images: there are many (regions of interest), and so each gradient is added up in one order.
 */
#include "nn/net.h"

#include <math.h>
#include <string.h>

/* Output i of one side: two inputs, and the second one's share. */
typedef struct tap {
    int64_t at[2];
    float share;
} tap;

static od_tensor_shape shape_of(const od_net *net, od_value v)
{
    return net->graph->values[v].shape;
}

static od_status resize_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    const od_resize_attrs *a = &node->resize;
    od_tensor_shape in = *out = g->values[node->in[0]].shape;
    out->h = a->height;
    out->w = a->width;
    if (a->height < 1 || a->width < 1 || a->height > 65536 || a->width > 65536)
        return od_error_set(err, OD_ERR_CONFIG, "resizing to %lld x %lld; expected 1 to 65536", (long long)a->width, (long long)a->height);
    if (a->repeat && (a->height % in.h || a->width % in.w))
        return od_error_set(err, OD_ERR_CONFIG, "repeating the pixels of %lld x %lld can't give %lld x %lld; expected multiples", (long long)in.w, (long long)in.h,
                            (long long)a->width, (long long)a->height);
    return OD_OK;
}

static tap tap_of(const od_node *node, int64_t in, int64_t out, int64_t i)
{
    if (node->resize.repeat) return (tap){{i / (out / in), i / (out / in)}, 0};
    float scale = out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    float at = (float)i * scale, below = floorf(at);
    int64_t first = (int64_t)below < in - 1 ? (int64_t)below : in - 1;
    return (tap){{first, first + 1 < in ? first + 1 : first}, at - below};
}

static void blend(int64_t n, const float *restrict a, const float *restrict b, const float *restrict c, const float *restrict d, float right, float down,
                  float *restrict to)
{
    for (int64_t i = 0; i < n; i++) {
        float top = a[i] + (b[i] - a[i]) * right, bottom = c[i] + (d[i] - c[i]) * right;
        to[i] = top + (bottom - top) * down;
    }
}

static void add_scaled(int64_t n, float w, const float *restrict x, float *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] += w * x[i];
}

static void resize_forward(od_net *net, const od_node *node)
{
    od_tensor_shape in = shape_of(net, node->in[0]), out = shape_of(net, node->out);
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t r = 0; r < out.n * out.h; r++) {
        tap y = tap_of(node, in.h, out.h, r % out.h);
        const float *image = net->value[node->in[0]] + r / out.h * in.h * in.w * in.c, *top = image + y.at[0] * in.w * in.c, *bottom = image + y.at[1] * in.w * in.c;
        float *to = net->value[node->out] + r * out.w * in.c;
        for (int64_t o = 0; o < out.w; o++, to += in.c) {
            tap x = tap_of(node, in.w, out.w, o);
            int64_t left = x.at[0] * in.c, right = x.at[1] * in.c;
            if (node->resize.repeat) memcpy(to, top + left, (size_t)in.c * sizeof *to);
            else blend(in.c, top + left, top + right, bottom + left, bottom + right, x.share, y.share, to);
        }
    }
}

static void image_backward(const od_node *node, od_tensor_shape in, od_tensor_shape out, const float *dy, float *dx)
{
    for (int64_t p = 0; p < out.h * out.w; p++, dy += in.c) {
        tap y = tap_of(node, in.h, out.h, p / out.w), x = tap_of(node, in.w, out.w, p % out.w);
        for (int k = 0; k < 4; k++) {
            float w = (k / 2 ? y.share : 1 - y.share) * (k % 2 ? x.share : 1 - x.share);
            if (w != 0) add_scaled(in.c, w, dy, dx + (y.at[k / 2] * in.w + x.at[k % 2]) * in.c);
        }
    }
}

static void resize_backward(od_net *net, const od_node *node)
{
    od_value v = node->in[0];
    od_tensor_shape in = shape_of(net, v), out = shape_of(net, node->out);
    int64_t each = in.h * in.w * in.c;
    if (!net->graph->values[v].needs_grad) return;
    int written = net->grad_written[v];
    net->grad_written[v] = 1;
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t i = 0; i < in.n; i++) {
        if (!written) memset(net->grad[v] + i * each, 0, (size_t)each * sizeof(float));
        image_backward(node, in, out, net->grad[node->out] + i * out.h * out.w * out.c, net->grad[v] + i * each);
    }
}

const od_op od_op_resize = {.name = "resize", .shape = resize_shape, .forward = resize_forward, .backward = resize_backward};
