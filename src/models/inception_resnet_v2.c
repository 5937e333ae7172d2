/* SPDX-License-Identifier: Apache-2.0 */
#include "models/inception_resnet_v2.h"

#include <stdio.h>

enum { MAX_BRANCHES = 4, MAX_STEPS = 3 };

/* A convolution with batch norm and ReLU: filters, kernel height and width, stride. */
typedef struct step {
    int filters, kernel_h, kernel_w, stride;
} step;

typedef enum pooling { POOL_NONE, POOL_AVERAGE, POOL_MAX } pooling;

/* A chain of convolutions, behind a pooling or without. A step of 0 filters ends it. */
typedef struct branch {
    pooling pool;
    step steps[MAX_STEPS];
} branch;

/* Branches side by side. */
typedef struct module {
    int count;
    branch branches[MAX_BRANCHES];
} module;

static const module mixed_5b = {4,
                                {{.steps = {{96, 1, 1, 1}}},
                                 {.steps = {{48, 1, 1, 1}, {64, 5, 5, 1}}},
                                 {.steps = {{64, 1, 1, 1}, {96, 3, 3, 1}, {96, 3, 3, 1}}},
                                 {POOL_AVERAGE, {{64, 1, 1, 1}}}}};
static const module mixed_6a = {3,
                                {{.steps = {{384, 3, 3, 2}}},
                                 {.steps = {{256, 1, 1, 1}, {256, 3, 3, 1}, {384, 3, 3, 2}}},
                                 {.pool = POOL_MAX}}};
static const module mixed_7a = {4,
                                {{.steps = {{256, 1, 1, 1}, {384, 3, 3, 2}}},
                                 {.steps = {{256, 1, 1, 1}, {288, 3, 3, 2}}},
                                 {.steps = {{256, 1, 1, 1}, {288, 3, 3, 1}, {320, 3, 3, 2}}},
                                 {.pool = POOL_MAX}}};
static const module block35 = {3,
                               {{.steps = {{32, 1, 1, 1}}},
                                {.steps = {{32, 1, 1, 1}, {32, 3, 3, 1}}},
                                {.steps = {{32, 1, 1, 1}, {48, 3, 3, 1}, {64, 3, 3, 1}}}}};
static const module block17 = {2, {{.steps = {{192, 1, 1, 1}}}, {.steps = {{128, 1, 1, 1}, {160, 1, 7, 1}, {192, 7, 1, 1}}}}};
static const module block8 = {2, {{.steps = {{192, 1, 1, 1}}}, {.steps = {{192, 1, 1, 1}, {224, 1, 3, 1}, {256, 3, 1, 1}}}}};

typedef struct builder {
    od_graph *g;
    const od_inception_resnet_v2_options *o;
    const char *path;
    int layer; /* N of the next <path>/layer_with_weights-N */
} builder;

/* The reference picks the layers that it changes for stride 8 by their numbers of filters. */
static step adapted(const builder *b, step s, int *dilation)
{
    int atrous = b->o->output_stride == 8;
    *dilation = atrous && s.kernel_h * s.kernel_w == 7 ? 2 : 1;
    if (atrous && s.filters == 384) s.stride = 1;
    return s;
}

static od_value conv(const builder *b, od_value x, step s, int bias, int index)
{
    int dilation;
    s = adapted(b, s, &dilation);
    od_layer l = {.kernel = s.kernel_h,
                  .kernel_w = s.kernel_w,
                  .stride = s.stride,
                  .dilation = dilation,
                  .padding = OD_PAD_SAME,
                  .bias = bias,
                  .bias_decay = {b->o->weight_decay, 0},
                  .init = od_init_glorot_uniform,
                  .decay = {b->o->weight_decay, 0}};
    return od_layer_conv(b->g, x, s.filters, &l, "%s/layer_with_weights-%d", b->path, index);
}

/* Convolution `index` and its batch norm `norm`. */
static od_value conv_bn(const builder *b, od_value x, step s, int index, int norm)
{
    od_hyperparams h = {.has_bn = 1, .bn_center = 1, .bn_momentum = .9997f, .bn_epsilon = 1e-3f, .frozen = !b->o->train_batch_norm};
    return od_layer_batch_norm(b->g, conv(b, x, s, 0, index), &h, OD_ACT_RELU, "%s/layer_with_weights-%d", b->path, norm);
}

static od_value next_conv_bn(builder *b, od_value x, int filters, int kernel, int stride)
{
    od_value y = conv_bn(b, x, (step){filters, kernel, kernel, stride}, b->layer, b->layer + 1);
    b->layer += 2;
    return y;
}

static od_value max_pool(const builder *b, od_value x, int stride, const char *label)
{
    od_conv_attrs a = {.kernel_h = 3, .kernel_w = 3, .stride = stride, .dilation = 1, .padding = OD_PAD_SAME};
    return od_graph_max_pool(b->g, x, &a, label);
}

static od_value pooled(const builder *b, od_value x, pooling pool, const char *label)
{
    od_conv_attrs a = {.kernel_h = 3, .kernel_w = 3, .stride = 1, .dilation = 1, .padding = OD_PAD_SAME};
    if (pool == POOL_MAX) return max_pool(b, x, b->o->output_stride == 8 ? 1 : 2, label);
    return pool == POOL_AVERAGE ? od_graph_avg_pool(b->g, x, &a, label) : x;
}

static int length(const branch *b)
{
    int n = 0;
    while (n < MAX_STEPS && b->steps[n].filters) n++;
    return n;
}

/* Keras numbers layers by their distance from the output: the convolutions that lie equally far from the end of their
 * branches come one after another, then their batch norms. */
static void number_layers(builder *b, const module *m, int conv_index[MAX_BRANCHES][MAX_STEPS], int norm_index[MAX_BRANCHES][MAX_STEPS])
{
    for (int left = MAX_STEPS; left > 0; left--) {
        for (int i = 0; i < m->count; i++)
            if (length(&m->branches[i]) >= left) conv_index[i][length(&m->branches[i]) - left] = b->layer++;
        for (int i = 0; i < m->count; i++)
            if (length(&m->branches[i]) >= left) norm_index[i][length(&m->branches[i]) - left] = b->layer++;
    }
}

static od_value build_module(builder *b, od_value x, const module *m, const char *label)
{
    int conv_index[MAX_BRANCHES][MAX_STEPS], norm_index[MAX_BRANCHES][MAX_STEPS];
    od_value out[MAX_BRANCHES];
    number_layers(b, m, conv_index, norm_index);
    for (int i = 0; i < m->count; i++) {
        out[i] = pooled(b, x, m->branches[i].pool, label);
        for (int s = 0; s < length(&m->branches[i]); s++) out[i] = conv_bn(b, out[i], m->branches[i].steps[s], conv_index[i][s], norm_index[i][s]);
    }
    return od_graph_concat_channels(b->g, out, m->count, label);
}

/* act(x + scale * conv(module(x))) */
static od_value residual(builder *b, od_value x, const module *m, float scale, od_act act, const char *name, int index)
{
    char label[32];
    snprintf(label, sizeof label, "%s_%d", name, index);
    if (x == OD_NO_VALUE) return x;
    od_value mixed = build_module(b, x, m, label);
    od_value up = conv(b, mixed, (step){(int)b->g->values[x].shape.c, 1, 1, 1}, 1, b->layer++);
    return od_graph_add_scaled(b->g, x, up, scale, act, label);
}

od_value od_inception_resnet_v2_build_proposal(od_graph *g, od_value images, const od_inception_resnet_v2_options *options, const char *path)
{
    builder b = {.g = g, .o = options, .path = path};
    od_value x = next_conv_bn(&b, images, 32, 3, 2);
    x = next_conv_bn(&b, x, 32, 3, 1);
    x = next_conv_bn(&b, x, 64, 3, 1);
    x = max_pool(&b, x, 2, "pool1");
    x = next_conv_bn(&b, x, 80, 1, 1);
    x = next_conv_bn(&b, x, 192, 3, 1);
    x = max_pool(&b, x, 2, "pool2");
    x = build_module(&b, x, &mixed_5b, "mixed_5b");
    for (int i = 1; i <= 10; i++) x = residual(&b, x, &block35, .17f, OD_ACT_RELU, "block35", i);
    x = build_module(&b, x, &mixed_6a, "mixed_6a");
    for (int i = 1; i <= 20; i++) x = residual(&b, x, &block17, .1f, OD_ACT_RELU, "block17", i);
    return x;
}

od_value od_inception_resnet_v2_build_box_classifier(od_graph *g, od_value crops, const od_inception_resnet_v2_options *options, const char *path)
{
    builder b = {.g = g, .o = options, .path = path};
    od_value x = build_module(&b, crops, &mixed_7a, "mixed_7a");
    for (int i = 1; i <= 9; i++) x = residual(&b, x, &block8, .2f, OD_ACT_RELU, "block8", i);
    x = residual(&b, x, &block8, 1, OD_ACT_NONE, "block8", 10);
    return next_conv_bn(&b, x, 1536, 1, 1);
}
