/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/conv_transpose.h"

#include "nn/op.h"

static int64_t channels(const od_net *net, od_value v)
{
    return net->graph->values[v].shape.c;
}

od_phase od_conv_transpose_phase(int kernel, int stride, int pad, int phase)
{
    od_phase p = {0};
    for (int k = 0; k < kernel; k++) {
        int t = phase + pad - k; /* the input pixel times the stride */
        if (t % stride) continue;
        p.tap[p.count] = k;
        p.offset[p.count++] = t / stride;
    }
    return p;
}

static size_t phase_size(const od_net *net, const od_node *node, int py, int px)
{
    const od_conv_attrs *a = &node->conv;
    int64_t taps = (int64_t)od_conv_transpose_phase(a->kernel_h, a->stride, a->pad_top, py).count * od_conv_transpose_phase(a->kernel_w, a->stride, a->pad_left, px).count;
    return (net->k->gemm_packed_size(taps * channels(net, node->in[0]), channels(net, node->out)) + 15) & ~(size_t)15;
}

size_t od_conv_transpose_phase_at(const od_net *net, const od_node *node, int py, int px)
{
    size_t at = 0;
    for (int p = 0; p < py * node->conv.stride + px; p++) at += phase_size(net, node, p / node->conv.stride, p % node->conv.stride);
    return at;
}

size_t od_conv_transpose_packed_size(const od_net *net, const od_node *node)
{
    size_t staging = (size_t)(node->conv.kernel_h * node->conv.kernel_w * channels(net, node->in[0]) * channels(net, node->out));
    return od_conv_transpose_phase_at(net, node, node->conv.stride, 0) + staging;
}

/* One phase's kernel as [taps*in, out], scaled. */
static void collect_phase(const od_conv_attrs *a, const od_phase *y, const od_phase *x, int64_t in, int64_t out, const float *w, const float *scale, float *to)
{
    for (int i = 0; i < y->count; i++)
        for (int j = 0; j < x->count; j++, to += in * out) {
            const float *from = w + (int64_t)(y->tap[i] * a->kernel_w + x->tap[j]) * out * in;
            for (int64_t o = 0; o < out; o++)
                for (int64_t c = 0; c < in; c++) to[c * out + o] = from[o * in + c] * (scale ? scale[o] : 1);
        }
}

void od_conv_transpose_pack(const od_net *net, const od_node *node, const float *w, const float *column_scale, float *packed, float *packed_t)
{
    const od_conv_attrs *a = &node->conv;
    int64_t in = channels(net, node->in[0]), out = channels(net, node->out), taps = (int64_t)a->kernel_h * a->kernel_w;
    float *staging = packed + od_conv_transpose_phase_at(net, node, a->stride, 0);
    for (int p = 0; p < a->stride * a->stride; p++) {
        od_phase y = od_conv_transpose_phase(a->kernel_h, a->stride, a->pad_top, p / a->stride);
        od_phase x = od_conv_transpose_phase(a->kernel_w, a->stride, a->pad_left, p % a->stride);
        collect_phase(a, &y, &x, in, out, w, column_scale, staging);
        net->k->gemm_pack_b(y.count * x.count * in, out, staging, out, 0, packed + od_conv_transpose_phase_at(net, node, p / a->stride, p % a->stride));
    }
    if (packed_t) net->k->gemm_pack_b(taps * out, in, w, in, 0, packed_t);
}
