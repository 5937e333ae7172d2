/* SPDX-License-Identifier: Apache-2.0 */
#include "models/resnet_basic.h"

#include "models/resnet_v2.h"

#include <stdio.h>

typedef struct builder {
    od_graph *g;
    od_hyperparams h;
    const char *path;
    int layer; /* of layer_with_weights-N: by depth in the network, a shortcut's convolution after the block's last batch norm */
} builder;

static od_value conv(builder *b, od_value x, int64_t filters, int kernel, int stride, int bias)
{
    od_layer l = {.kernel = kernel, .stride = stride, .padding = kernel > 1 ? OD_PAD_EXPLICIT : OD_PAD_SAME, .bias = bias, .init = b->h.init};
    return od_layer_conv(b->g, x, filters, &l, "%s/layer_with_weights-%d", b->path, b->layer++);
}

static od_value norm(builder *b, od_value x)
{
    return od_layer_batch_norm(b->g, x, &b->h, b->h.act, "%s/layer_with_weights-%d", b->path, b->layer++);
}

static od_value pool(builder *b, od_value x, int kernel, od_padding padding, const char *label)
{
    od_conv_attrs a = {.kernel_h = kernel, .kernel_w = kernel, .stride = 2, .dilation = 1, .padding = padding};
    return od_graph_max_pool(b->g, x, &a, label);
}

/* The first block of a stage projects, the last one has the stride. */
static od_value block(builder *b, od_value x, int filters, int stride, int projects, const char *label)
{
    char name[64];
    od_value active = norm(b, x), shortcut = x;
    od_value y = norm(b, conv(b, active, filters, 3, 1, 0));
    y = norm(b, conv(b, y, filters, 3, stride, 0));
    snprintf(name, sizeof name, "%s_0", label);
    if (projects)
        shortcut = conv(b, active, filters, 1, 1, 1);
    else if (stride > 1)
        shortcut = pool(b, x, 1, OD_PAD_VALID, name);
    snprintf(name, sizeof name, "%s_out", label);
    return od_graph_add(b->g, shortcut, y, name);
}

void od_resnet_basic_build(od_graph *g, od_value images, int depth, const char *path, od_value out[OD_RESNET_BASIC_STAGES])
{
    static const int blocks18[] = {2, 2, 2, 2}, blocks34[] = {3, 4, 6, 3};
    const int *blocks = depth == 34 ? blocks34 : blocks18;
    builder b = {.g = g, .h = od_keras_hyperparams(1.001e-5f), .path = path};
    od_value x = pool(&b, conv(&b, images, 64, 7, 2, 1), 3, OD_PAD_EXPLICIT, "pool1");
    for (int stage = 0; stage < OD_RESNET_BASIC_STAGES; stage++) {
        for (int i = 0; i < blocks[stage]; i++) {
            char label[32];
            snprintf(label, sizeof label, "conv%d_block%d", stage + 2, i + 1);
            x = block(&b, x, 64 << stage, stage && i == blocks[stage] - 1 ? 2 : 1, i == 0, label);
        }
        out[stage] = x;
    }
    norm(&b, x);
}
