/* SPDX-License-Identifier: Apache-2.0 */
#include "models/hourglass.h"

#include <stdio.h>

enum { STAGES = 6, PATH = 400 };

typedef struct network {
    int depth, stacks, stages; /* stages: of an hourglass */
    int input, channels[STAGES], blocks[STAGES];
} network;

static const network networks[] = {{10, 1, 1, 32, {64, 64}, {1, 1}},
                                   {20, 1, 2, 48, {96, 96, 144}, {1, 2, 2}},
                                   {32, 1, 3, 48, {96, 96, 144, 144}, {2, 2, 2, 2}},
                                   {52, 1, 5, 64, {128, 128, 192, 192, 192, 256}, {2, 2, 2, 2, 2, 4}},
                                   {104, 2, 5, 128, {256, 256, 384, 384, 384, 512}, {2, 2, 2, 2, 2, 4}}};

/* Keras' SyncBatchNormalization: the moving variance gets the biased one, unlike BatchNormalization's. */
static const od_hyperparams h = {.act = OD_ACT_RELU, .has_bn = 1, .bn_scale = 1, .bn_center = 1, .bn_momentum = .1f, .bn_epsilon = 1e-5f, .bn_biased = 1};

/* <path>/conv, <path>/norm */
static od_value conv_norm(od_graph *g, od_value x, int filters, int kernel, int stride, od_act act, const char *path)
{
    od_layer l = {.kernel = kernel, .stride = stride, .padding = OD_PAD_EXPLICIT, .init = od_init_glorot_uniform};
    x = od_layer_conv(g, x, filters, &l, "%s/conv", path);
    return od_layer_batch_norm(g, x, &h, act, "%s/norm", path);
}

static od_value residual(od_graph *g, od_value x, int filters, int stride, int skip_conv, const char *path)
{
    char name[PATH + 32];
    snprintf(name, sizeof name, "%s/conv_block", path);
    od_value y = conv_norm(g, x, filters, 3, stride, OD_ACT_RELU, name);
    y = conv_norm(g, y, filters, 3, 1, OD_ACT_NONE, path);
    snprintf(name, sizeof name, "%s/skip", path);
    if (skip_conv) x = conv_norm(g, x, filters, 1, stride, OD_ACT_NONE, name);
    return od_graph_add_act(g, y, x, OD_ACT_RELU, path);
}

/* <path>/0, <path>/1, ...: _make_repeated_residual_blocks. */
static od_value repeated(od_graph *g, od_value x, int between, int filters, int count, int stride, int skip_first, const char *path)
{
    for (int i = 0; i < count; i++) {
        char name[PATH + 16];
        snprintf(name, sizeof name, "%s/%d", path, i);
        int last = i == count - 1, s = i ? 1 : stride;
        int skip = s > 1 || (!last && !i && skip_first) || (last && i && between != filters);
        x = residual(g, x, last ? filters : between, s, skip, name);
    }
    return x;
}

/* EncoderDecoderBlock: at full resolution beside everything at half of it. */
static od_value encode_decode(od_graph *g, od_value x, int stages, const int *channels, const int *blocks, const char *path)
{
    char name[PATH];
    snprintf(name, sizeof name, "%s/encoder_block1", path);
    od_value beside = repeated(g, x, channels[0], channels[0], blocks[0], 1, 0, name);
    snprintf(name, sizeof name, "%s/encoder_block2", path);
    od_value y = repeated(g, x, channels[1], channels[1], blocks[0], 2, channels[0] != channels[1], name);
    snprintf(name, sizeof name, stages > 1 ? "%s/inner_block/0" : "%s/inner_block", path);
    y = stages > 1 ? encode_decode(g, y, stages - 1, channels + 1, blocks + 1, name) : repeated(g, y, channels[1], channels[1], blocks[1], 1, 0, name);
    snprintf(name, sizeof name, "%s/decoder_block", path);
    y = repeated(g, y, channels[1], channels[0], blocks[0], 1, 0, name);
    if (y == OD_NO_VALUE) return y;
    od_tensor_shape s = g->values[y].shape;
    return od_graph_add(g, beside, od_graph_upsample2x(g, y, 2 * s.h, 2 * s.w, path), path);
}

static od_value between_stacks(od_graph *g, od_value x, od_value out, int filters, int index, const char *path)
{
    char name[PATH];
    snprintf(name, sizeof name, "%s/intermediate_conv1/%d", path, index);
    od_value a = conv_norm(g, x, filters, 1, 1, OD_ACT_NONE, name);
    snprintf(name, sizeof name, "%s/intermediate_conv2/%d", path, index);
    od_value b = conv_norm(g, out, filters, 1, 1, OD_ACT_NONE, name);
    x = od_graph_add_act(g, a, b, OD_ACT_RELU, "intermediate_relu");
    snprintf(name, sizeof name, "%s/intermediate_residual/%d", path, index);
    return residual(g, x, filters, 1, 0, name);
}

int od_hourglass_build(od_graph *g, od_value images, int depth, const char *path, od_value out[OD_HOURGLASS_MAX_STACKS])
{
    const network *n = NULL;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        if (networks[i].depth == depth) n = &networks[i];
    if (!n) return 0;
    char name[PATH];
    snprintf(name, sizeof name, "%s/downsample_input/conv_block", path);
    od_value x = conv_norm(g, images, n->input, 7, 2, OD_ACT_RELU, name);
    snprintf(name, sizeof name, "%s/downsample_input/residual_block", path);
    x = residual(g, x, n->channels[0], 2, 1, name);
    for (int i = 0; i < n->stacks; i++) {
        snprintf(name, sizeof name, "%s/hourglass_network/%d", path, i);
        od_value y = encode_decode(g, x, n->stages, n->channels, n->blocks, name);
        snprintf(name, sizeof name, "%s/output_conv/%d", path, i);
        out[i] = conv_norm(g, y, n->channels[0], 3, 1, OD_ACT_RELU, name);
        if (i + 1 < n->stacks) x = between_stacks(g, x, out[i], n->channels[0], i, path);
    }
    return n->stacks;
}
