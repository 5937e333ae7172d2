/* SPDX-License-Identifier: Apache-2.0 */
#include "models/resnet_v1.h"

#include <stdio.h>
#include <string.h>

typedef struct builder {
    od_graph *g;
    const od_resnet_v1_options *o;
    const char *path;
    int stage;
} builder;

int od_resnet_v1_blocks(int depth, int blocks[OD_RESNET_V1_STAGES])
{
    static const struct { int depth, blocks[OD_RESNET_V1_STAGES]; } table[] = {{50, {3, 4, 6, 3}}, {101, {3, 4, 23, 3}}, {152, {3, 8, 36, 3}}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].depth != depth) continue;
        memcpy(blocks, table[i].blocks, sizeof table[i].blocks);
        return 1;
    }
    return 0;
}

od_hyperparams od_resnet_v1_hyperparams(float weight_decay)
{
    return (od_hyperparams){.init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1, .fan = OD_FAN_IN},
                            .decay = {2 * weight_decay, 0},
                            .act = OD_ACT_RELU,
                            .has_bn = 1,
                            .bn_scale = 1,
                            .bn_center = 1,
                            .bn_momentum = .997f,
                            .bn_epsilon = 1e-5f};
}

/* `index` is the layer's number among those with weights, which Keras counts in the order of depth in the network: a
 * shortcut's convolution comes beside the block's last one. */
static od_value conv(const builder *b, od_value x, int filters, int kernel, int stride, int index)
{
    int width = (int)((float)filters * b->o->depth_multiplier);
    od_layer l = {.kernel = kernel,
                  .stride = stride,
                  .padding = kernel > 1 && stride > 1 ? OD_PAD_EXPLICIT : OD_PAD_SAME,
                  .bias = b->o->conv_bias,
                  .init = b->o->h.init,
                  .decay = b->o->h.decay};
    return od_layer_conv(b->g, x, width < b->o->min_depth ? b->o->min_depth : width, &l, "%s/layer_with_weights-%d", b->path, index);
}

static od_value norm(const builder *b, od_value x, od_act act, int index)
{
    return od_layer_batch_norm(b->g, x, &b->o->h, act, "%s/layer_with_weights-%d", b->path, index);
}

/* Layers that a block adds, and the places of the shortcut's and the last layers in it. Without batch norm only convolutions count. */
static od_value bottleneck(const builder *b, od_value x, int filters, int stride, int projects, int block, int *layer)
{
    int n = *layer, bn = b->o->h.has_bn;
    od_value y = norm(b, conv(b, x, filters, 1, stride, n), b->o->h.act, n + 1);
    n += 1 + bn;
    y = norm(b, conv(b, y, filters, 3, 1, n), b->o->h.act, n + 1);
    n += 1 + bn;
    od_value shortcut = x;
    if (projects) shortcut = conv(b, x, 4 * filters, 1, stride, n++);
    y = conv(b, y, 4 * filters, 1, 1, n++);
    if (projects) shortcut = norm(b, shortcut, OD_ACT_NONE, n), n += bn;
    y = norm(b, y, OD_ACT_NONE, n);
    *layer = n + bn;
    char label[128];
    snprintf(label, sizeof label, "conv%d_block%d_add", b->stage + 2, block + 1);
    return od_graph_add_act(b->g, shortcut, y, b->o->h.act, label);
}

od_value od_resnet_v1_stem(od_graph *g, od_value images, const od_resnet_v1_options *options, const char *path, int *layer)
{
    builder b = {.g = g, .o = options, .path = path};
    od_value x = norm(&b, conv(&b, images, 64, 7, 2, *layer), options->h.act, *layer + 1);
    *layer += 1 + options->h.has_bn;
    od_conv_attrs pool = {.kernel_h = 3, .kernel_w = 3, .stride = 2, .dilation = 1, .padding = options->pool_padding};
    return od_graph_max_pool(g, x, &pool, "pool1");
}

od_value od_resnet_v1_stage(od_graph *g, od_value x, const od_resnet_v1_options *options, int stage, const char *path, int *layer)
{
    builder b = {.g = g, .o = options, .path = path, .stage = stage};
    for (int i = 0; i < options->blocks[stage]; i++) x = bottleneck(&b, x, 64 << stage, i || !stage ? 1 : 2, i == 0, i, layer);
    return x;
}

void od_resnet_v1_build(od_graph *g, od_value images, const od_resnet_v1_options *options, const char *path, od_value out[OD_RESNET_V1_STAGES])
{
    int layer = 0;
    od_value x = od_resnet_v1_stem(g, images, options, path, &layer);
    for (int s = 0; s < OD_RESNET_V1_STAGES; s++) out[s] = x = od_resnet_v1_stage(g, x, options, s, path, &layer);
}
