/* SPDX-License-Identifier: Apache-2.0 */
#include "models/fpn.h"

#include <stdio.h>

/* 3x3 (separable) convolution, batch norm, activation: create_conv_block. `path` holds the layers 0, 1, 2, after a
 * padding layer when the padding is explicit. */
static od_value conv_block(od_graph *g, od_value x, const od_fpn_options *o, int stride, const char *path, int index)
{
    od_layer l = {.kernel = 3,
                  .stride = stride,
                  .padding = o->explicit_padding ? OD_PAD_EXPLICIT : OD_PAD_SAME,
                  .bias = od_hyperparams_use_bias(o->h),
                  .init = o->h->init,
                  .decay = o->h->decay,
                  .pointwise_init = od_init_glorot_uniform};
    int first = o->explicit_padding ? 1 : 0;
    x = o->use_depthwise ? od_layer_separable(g, x, o->depth, &l, "%s/%d/%d", path, index, first)
                         : od_layer_conv(g, x, o->depth, &l, "%s/%d/%d", path, index, first);
    return od_layer_batch_norm(g, x, o->h, o->h->act, "%s/%d/%d", path, index, first + 1);
}

static od_value lateral(od_graph *g, od_value x, const od_fpn_options *o, const char *group, int index)
{
    od_layer l = {.kernel = 1, .stride = 1, .padding = OD_PAD_SAME, .bias = 1, .init = o->h->init, .decay = o->h->decay};
    if (index < 0) return od_layer_conv(g, x, o->depth, &l, "%s/%s/0", o->pyramid_path, group);
    return od_layer_conv(g, x, o->depth, &l, "%s/%s/%d/0", o->pyramid_path, group, index);
}

void od_fpn_build(od_graph *g, const od_value *inputs, int count, int extra, const od_fpn_options *o, od_value *out)
{
    char smooth[256];
    snprintf(smooth, sizeof smooth, "%s/conv_layers", o->pyramid_path);
    out[count - 1] = lateral(g, inputs[count - 1], o, "top_layers", -1);
    for (int level = count - 2, index = 0; level >= 0; level--, index++) {
        od_value side = lateral(g, inputs[level], o, "residual_blocks", index);
        if (side == OD_NO_VALUE || out[level + 1] == OD_NO_VALUE) return;
        od_tensor_shape s = g->values[side].shape, top = g->values[out[level + 1]].shape;
        /* Only explicit padding cuts the upsampled map to the lateral one's size; otherwise the sizes must agree. */
        int64_t h = o->explicit_padding ? s.h : 2 * top.h, w = o->explicit_padding ? s.w : 2 * top.w;
        od_value up = od_graph_upsample2x(g, out[level + 1], h, w, "top_down/nearest_neighbor_upsampling");
        out[level] = conv_block(g, od_graph_add(g, up, side, "top_down/add"), o, 1, smooth, index);
    }
    for (int i = 0; i < extra; i++) out[count + i] = conv_block(g, out[count + i - 1], o, 2, o->coarse_path, i);
}
