/* SPDX-License-Identifier: Apache-2.0 */
#include "models/efficientnet.h"

#include <math.h>
#include <stdio.h>

/* Width and depth coefficients of B0 to B7. */
static const struct { double width, depth; } versions[OD_EFFICIENTNET_VERSIONS] = {{1, 1},     {1, 1.1},   {1.1, 1.2}, {1.2, 1.4},
                                                                                   {1.4, 1.8}, {1.6, 2.2}, {1.8, 2.6}, {2, 3.1}};

enum { STACKS = 7, CLASSES = 1000 };
static const struct { int in, out, kernel, repeats, expansion, stride; } stacks[STACKS] = {
    {32, 16, 3, 1, 1, 1}, {16, 24, 3, 2, 6, 2}, {24, 40, 5, 2, 6, 2}, {40, 80, 3, 3, 6, 2}, {80, 112, 5, 3, 6, 1}, {112, 192, 5, 4, 6, 2}, {192, 320, 3, 1, 6, 1}};

/* Where the OD API taps each level, for every version (_EFFICIENTNET_LEVEL_ENDPOINTS); the level ends a few blocks later. */
static const struct { int stack, block; } taps[OD_EFFICIENTNET_LEVELS] = {{0, 0}, {1, 1}, {2, 1}, {4, 2}, {6, 0}};

typedef struct builder {
    od_graph *g;
    const od_efficientnet_options *o;
    od_hyperparams h;
    int layer;        /* of layer_with_weights-N */
    int behind;       /* the last level has been tapped */
    char name[32];    /* of the block, for labels */
} builder;

static int64_t round_filters(const builder *b, int filters)
{
    double wanted = filters * versions[b->o->version].width;
    int64_t n = (int64_t)(wanted + 4) / 8 * 8;
    if (n < 8) n = 8;
    return (double)n < .9 * wanted ? n + 8 : n;
}

static int round_repeats(const builder *b, int repeats)
{
    return (int)ceil(versions[b->o->version].depth * repeats);
}

static const char *path_of(const builder *b)
{
    return b->behind ? b->o->rest_path : b->o->path;
}

static od_value batch_norm(builder *b, od_value x, od_act act)
{
    return od_layer_batch_norm(b->g, x, &b->h, act, "%s/layer_with_weights-%d", path_of(b), b->layer++);
}

static od_value conv_bn(builder *b, od_value x, int64_t filters, int kernel, int stride, od_act act)
{
    od_layer l = {.kernel = kernel, .stride = stride, .padding = OD_PAD_SAME, .init = b->h.init, .decay = b->h.decay};
    x = od_layer_conv(b->g, x, filters, &l, "%s/layer_with_weights-%d", path_of(b), b->layer++);
    return batch_norm(b, x, act);
}

/* Keras passes kernel_regularizer, which a DepthwiseConv2D doesn't look at: no L2. */
static od_value depthwise_bn(builder *b, od_value x, int kernel, int stride)
{
    od_layer l = {.kernel = kernel, .stride = stride, .padding = OD_PAD_SAME, .init = b->h.init};
    x = od_layer_depthwise(b->g, x, &l, "%s/layer_with_weights-%d", path_of(b), b->layer++);
    return batch_norm(b, x, OD_ACT_SWISH);
}

static od_value squeeze_excite(builder *b, od_value x, int64_t in)
{
    int64_t reduced = in / 4 < 1 ? 1 : in / 4; /* of the block's input, not of the expanded tensor */
    od_layer l = {.kernel = 1, .init = b->h.init, .decay = b->h.decay, .bias = 1, .bias_decay = b->h.decay};
    char label[64];
    snprintf(label, sizeof label, "%s/se_excite", b->name);
    x = od_layer_squeeze_excite(b->g, x, reduced, &l, label, path_of(b), b->layer, b->layer + 1);
    b->layer += 2;
    return x;
}

/* Mobile inverted bottleneck with squeeze-excite. *projected: before the shortcut. */
static od_value mb_conv(builder *b, od_value x, int64_t out, int kernel, int expansion, int stride, float drop, od_value *projected)
{
    if (x == OD_NO_VALUE) return x;
    int64_t in = b->g->values[x].shape.c;
    od_value y = x;
    if (expansion != 1) y = conv_bn(b, y, in * expansion, 1, 1, OD_ACT_SWISH);
    y = depthwise_bn(b, y, kernel, stride);
    y = squeeze_excite(b, y, in);
    y = conv_bn(b, y, out, 1, 1, OD_ACT_NONE);
    *projected = y;
    if (stride != 1 || in != out) return y;
    char label[64];
    snprintf(label, sizeof label, "%s/drop", b->name);
    y = od_graph_drop_connect(b->g, y, drop, label);
    snprintf(label, sizeof label, "%s/add", b->name);
    return od_graph_add(b->g, y, x, label);
}

/* The classifier's head: never run, but there. */
static void top(builder *b, od_value x)
{
    int64_t width = round_filters(b, 1280), kernel[] = {width, CLASSES}, classes = CLASSES;
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1.f / 3, .fan = OD_FAN_OUT, .uniform = 1}, zeros = {.kind = OD_INIT_ZEROS};
    b->behind = 1;
    conv_bn(b, x, width, 1, 1, OD_ACT_SWISH);
    od_layer_variable(b->g, 2, kernel, b->h.decay, init, "%s/layer_with_weights-%d/kernel", path_of(b), b->layer);
    od_layer_variable(b->g, 1, &classes, b->h.decay, zeros, "%s/layer_with_weights-%d/bias", path_of(b), b->layer);
}

static od_hyperparams own_hyperparams(od_decay decay)
{
    return (od_hyperparams){.init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 2, .fan = OD_FAN_OUT},
                            .decay = decay,
                            .act = OD_ACT_SWISH,
                            .has_bn = 1,
                            .bn_scale = 1,
                            .bn_center = 1,
                            .bn_momentum = .99f,
                            .bn_epsilon = 1e-3f};
}

void od_efficientnet_build(od_graph *g, od_value images, const od_efficientnet_options *options, od_value level[OD_EFFICIENTNET_LEVELS])
{
    builder b = {.g = g, .o = options, .h = own_hyperparams(options->decay), .name = "stem"};
    int blocks = 0, total = 0;
    for (int s = 0; s < STACKS; s++) total += round_repeats(&b, stacks[s].repeats);
    od_value x = conv_bn(&b, images, round_filters(&b, 32), 3, 2, OD_ACT_SWISH);
    for (int s = 0; s < STACKS; s++)
        for (int i = 0; i < round_repeats(&b, stacks[s].repeats); i++, blocks++) {
            float drop = options->drop_connect_rate * (float)blocks / (float)total;
            od_value projected = OD_NO_VALUE;
            snprintf(b.name, sizeof b.name, "stack_%d/block_%d", s, i);
            x = mb_conv(&b, x, round_filters(&b, stacks[s].out), stacks[s].kernel, stacks[s].expansion, i ? 1 : stacks[s].stride, drop, &projected);
            for (int l = 0; l < OD_EFFICIENTNET_LEVELS; l++) {
                if (taps[l].stack != s || taps[l].block != i) continue;
                level[l] = i ? x : projected; /* "add" or "project_bn" */
                if (l + 1 == options->max_level) b.behind = 1;
            }
        }
    top(&b, x);
}
