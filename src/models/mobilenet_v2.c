/* SPDX-License-Identifier: Apache-2.0 */
#include "models/mobilenet_v2.h"

#include <stdio.h>

typedef struct builder {
    od_graph *g;
    const od_mobilenet_v2_options *o;
    od_hyperparams h;
    const char *path;
    int layer; /* of layer_with_weights-N */
} builder;

/* Rounds to a multiple of 8, not below 90 % (Keras' _make_divisible). */
static int64_t make_divisible(double v)
{
    int64_t n = (int64_t)(v + 4) / 8 * 8;
    if (n < 8) n = 8;
    return (double)n < .9 * v ? n + 8 : n;
}

static int64_t at_least_min_depth(const builder *b, int64_t filters)
{
    return filters < b->o->min_depth ? b->o->min_depth : filters;
}

static od_layer layer_of(const builder *b, int kernel, int stride)
{
    return (od_layer){.kernel = kernel,
                      .stride = stride,
                      .padding = b->o->explicit_padding && kernel > 1 ? OD_PAD_EXPLICIT : OD_PAD_SAME,
                      .init = b->h.init,
                      .decay = b->h.decay};
}

static od_value conv_bn(builder *b, od_value x, int64_t filters, int kernel, int stride, od_act act)
{
    od_layer l = layer_of(b, kernel, stride);
    x = od_layer_conv(b->g, x, filters, &l, "%s/layer_with_weights-%d", b->path, b->layer++);
    x = od_layer_batch_norm(b->g, x, &b->h, act, "%s/layer_with_weights-%d", b->path, b->layer);
    b->layer += b->h.has_bn;
    return x;
}

static od_value depthwise_bn(builder *b, od_value x, int stride)
{
    od_layer l = layer_of(b, 3, stride);
    x = od_layer_depthwise(b->g, x, &l, "%s/layer_with_weights-%d", b->path, b->layer++);
    x = od_layer_batch_norm(b->g, x, &b->h, b->h.act, "%s/layer_with_weights-%d", b->path, b->layer);
    b->layer += b->h.has_bn;
    return x;
}

/* expansion 1 leaves the expanding convolution out. */
static od_value inverted_residual(builder *b, od_value x, int expansion, int stride, int filters, int index, od_value *expanded)
{
    *expanded = x;
    if (x == OD_NO_VALUE) return x;
    int64_t in = b->g->values[x].shape.c, out = make_divisible((int)((double)filters * b->o->depth_multiplier));
    od_value y = x;
    if (index) *expanded = y = conv_bn(b, y, expansion * in, 1, 1, b->h.act);
    y = depthwise_bn(b, y, stride);
    y = conv_bn(b, y, at_least_min_depth(b, out), 1, 1, OD_ACT_NONE);
    /* Keras compares with the width before min_depth, so that a widened block has no shortcut. */
    if (in != out || stride != 1) return y;
    char label[64];
    snprintf(label, sizeof label, "block_%d_add", index);
    return od_graph_add(b->g, x, y, label);
}

od_mobilenet_v2_outputs od_mobilenet_v2_build(od_graph *g, od_value images, const od_mobilenet_v2_options *options, const char *path)
{
    static const struct { int expansion, filters, repeats, stride; } stages[] = {
        {1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    builder b = {.g = g, .o = options, .h = options->override ? *options->override : od_mobilenet_hyperparams(), .path = path};
    b.h.frozen = options->frozen;
    od_mobilenet_v2_outputs out;
    od_value x = conv_bn(&b, images, at_least_min_depth(&b, make_divisible(32 * (double)options->depth_multiplier)), 3, 2, b.h.act);
    int index = 0;
    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++)
        for (int r = 0; r < stages[s].repeats; r++, index++) {
            x = inverted_residual(&b, x, stages[s].expansion, r ? 1 : stages[s].stride, stages[s].filters, index, &out.expanded[index]);
            out.block[index] = x;
        }
    int64_t last = options->depth_multiplier < 1 ? make_divisible(1280 * (double)options->depth_multiplier) : 1280;
    out.block[17] = conv_bn(&b, x, at_least_min_depth(&b, last), 1, 1, b.h.act);
    return out;
}
