/* SPDX-License-Identifier: Apache-2.0 */
#include "models/resnet_preact.h"

#include <stdio.h>

od_hyperparams od_keras_hyperparams(float epsilon)
{
    return (od_hyperparams){.init = od_init_glorot_uniform, .act = OD_ACT_RELU, .has_bn = 1, .bn_scale = 1, .bn_center = 1, .bn_momentum = .99f, .bn_epsilon = epsilon};
}

od_preact od_preact_begin(od_graph *g, const char *path)
{
    return (od_preact){.g = g, .h = od_keras_hyperparams(1.001e-5f), .path = path};
}

od_value od_preact_conv(od_preact *b, od_value x, int64_t filters, int kernel, int stride, int bias)
{
    od_layer l = {.kernel = kernel, .stride = stride, .padding = kernel > 1 ? OD_PAD_EXPLICIT : OD_PAD_SAME, .bias = bias, .init = b->h.init};
    return od_layer_conv(b->g, x, filters, &l, "%s/layer_with_weights-%d", b->path, b->layer++);
}

od_value od_preact_norm(od_preact *b, od_value x)
{
    return od_layer_batch_norm(b->g, x, &b->h, b->h.act, "%s/layer_with_weights-%d", b->path, b->layer++);
}

static od_value pool(od_preact *b, od_value x, int kernel, od_padding padding, const char *label)
{
    od_conv_attrs a = {.kernel_h = kernel, .kernel_w = kernel, .stride = 2, .dilation = 1, .padding = padding};
    return od_graph_max_pool(b->g, x, &a, label);
}

od_value od_preact_stem(od_preact *b, od_value images)
{
    return pool(b, od_preact_conv(b, images, 64, 7, 2, 1), 3, OD_PAD_EXPLICIT, "pool1");
}

od_value od_preact_shortcut(od_preact *b, od_value x, int stride, const char *label)
{
    char name[64];
    snprintf(name, sizeof name, "%s_0", label);
    return stride > 1 ? pool(b, x, 1, OD_PAD_VALID, name) : x;
}

od_value od_preact_add(od_preact *b, od_value shortcut, od_value y, const char *label)
{
    char name[64];
    snprintf(name, sizeof name, "%s_out", label);
    return od_graph_add(b->g, shortcut, y, name);
}
