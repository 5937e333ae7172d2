/* SPDX-License-Identifier: Apache-2.0 */
#include "models/layers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 512 };

const od_init od_init_glorot_uniform = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1, .fan = OD_FAN_AVG, .uniform = 1};

/* Keras' initialisers by name, with their default arguments. */
static od_status read_keras_initializer(const char *name, od_init *out, od_error *err)
{
    static const struct {
        const char *name;
        od_init init;
    } known[] = {
        {"glorot_uniform", {.kind = OD_INIT_VARIANCE_SCALING, .a = 1, .fan = OD_FAN_AVG, .uniform = 1}},
        {"glorot_normal", {.kind = OD_INIT_VARIANCE_SCALING, .a = 1, .fan = OD_FAN_AVG}},
        {"he_uniform", {.kind = OD_INIT_VARIANCE_SCALING, .a = 2, .fan = OD_FAN_IN, .uniform = 1}},
        {"he_normal", {.kind = OD_INIT_VARIANCE_SCALING, .a = 2, .fan = OD_FAN_IN}},
        {"lecun_uniform", {.kind = OD_INIT_VARIANCE_SCALING, .a = 1, .fan = OD_FAN_IN, .uniform = 1}},
        {"lecun_normal", {.kind = OD_INIT_VARIANCE_SCALING, .a = 1, .fan = OD_FAN_IN}},
        {"variance_scaling", {.kind = OD_INIT_VARIANCE_SCALING, .a = 1, .fan = OD_FAN_IN}},
        {"random_normal", {.kind = OD_INIT_NORMAL, .b = .05f}},
        {"truncated_normal", {.kind = OD_INIT_TRUNCATED_NORMAL, .b = .05f}},
        {"random_uniform", {.kind = OD_INIT_UNIFORM, .a = -.05f, .b = .05f}},
        {"zeros", {.kind = OD_INIT_ZEROS}},
        {"ones", {.kind = OD_INIT_ONES}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, name)) {
            *out = known[i].init;
            return OD_OK;
        }
    return od_error_set(err, OD_ERR_CONFIG, "initializer { keras_initializer_by_name: \"%s\" }: expected glorot_uniform, glorot_normal, he_uniform, he_normal, "
                                            "lecun_uniform, lecun_normal, variance_scaling, random_normal, truncated_normal, random_uniform, zeros or ones", name);
}

static od_status read_initializer(const ObjectDetection__Protos__Initializer *p, od_init *out, od_error *err)
{
    /* Without an initializer the OD API raises; Keras' own default is the least surprising start. */
    *out = od_init_glorot_uniform;
    if (!p) return OD_OK;
    switch (p->initializer_oneof_case) {
    case OBJECT_DETECTION__PROTOS__INITIALIZER__INITIALIZER_ONEOF_TRUNCATED_NORMAL_INITIALIZER:
        *out = (od_init){.kind = OD_INIT_TRUNCATED_NORMAL, .a = p->truncated_normal_initializer->mean, .b = p->truncated_normal_initializer->stddev};
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__INITIALIZER__INITIALIZER_ONEOF_RANDOM_NORMAL_INITIALIZER:
        *out = (od_init){.kind = OD_INIT_NORMAL, .a = p->random_normal_initializer->mean, .b = p->random_normal_initializer->stddev};
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__INITIALIZER__INITIALIZER_ONEOF_VARIANCE_SCALING_INITIALIZER:
        *out = (od_init){.kind = OD_INIT_VARIANCE_SCALING,
                         .a = p->variance_scaling_initializer->factor,
                         .fan = (od_fan_mode)p->variance_scaling_initializer->mode,
                         .uniform = p->variance_scaling_initializer->uniform};
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__INITIALIZER__INITIALIZER_ONEOF_KERAS_INITIALIZER_BY_NAME:
        return read_keras_initializer(p->keras_initializer_by_name, out, err);
    default: return OD_OK;
    }
}

static void read_batch_norm(const ObjectDetection__Protos__BatchNorm *p, od_hyperparams *out)
{
    out->has_bn = 1;
    out->bn_scale = p->scale;
    out->bn_center = p->center;
    out->bn_momentum = p->decay;
    out->bn_epsilon = p->epsilon;
}

/* KerasLayerHyperparams doesn't read group_norm: such layers have no normaliser, but biases. */
static void read_normalizer(const ObjectDetection__Protos__Hyperparams *p, od_hyperparams *out)
{
    if (p->normalizer_oneof_case == OBJECT_DETECTION__PROTOS__HYPERPARAMS__NORMALIZER_ONEOF_BATCH_NORM) read_batch_norm(p->batch_norm, out);
    if (p->normalizer_oneof_case == OBJECT_DETECTION__PROTOS__HYPERPARAMS__NORMALIZER_ONEOF_SYNC_BATCH_NORM) {
        read_batch_norm(p->sync_batch_norm, out);
        out->bn_biased = 1;
    }
}

od_status od_hyperparams_read(const ObjectDetection__Protos__Hyperparams *proto, od_hyperparams *out, od_error *err)
{
    static const od_act acts[] = {OD_ACT_NONE, OD_ACT_RELU, OD_ACT_RELU6, OD_ACT_SWISH}; /* by the enum's numbers */
    *out = (od_hyperparams){.init = od_init_glorot_uniform, .act = OD_ACT_RELU};
    if (!proto) return OD_OK;
    out->act = acts[proto->activation];
    out->force_use_bias = proto->force_use_bias;
    OD_TRY(read_initializer(proto->initializer, &out->init, err));
    const ObjectDetection__Protos__Regularizer *r = proto->regularizer;
    if (r && r->regularizer_oneof_case == OBJECT_DETECTION__PROTOS__REGULARIZER__REGULARIZER_ONEOF_L2_REGULARIZER)
        out->decay = (od_decay){r->l2_regularizer->weight, 0};
    else if (r && r->regularizer_oneof_case == OBJECT_DETECTION__PROTOS__REGULARIZER__REGULARIZER_ONEOF_L1_REGULARIZER)
        out->decay = (od_decay){r->l1_regularizer->weight, 1};
    read_normalizer(proto, out);
    return OD_OK;
}

int od_hyperparams_use_bias(const od_hyperparams *h)
{
    return h->force_use_bias || !(h->has_bn && h->bn_center);
}

/* Adds <path>/<leaf>; OD_NO_VAR after an error, which is kept in the graph. */
static od_var add_variable(od_graph *g, const char *path, const char *leaf, int rank, const int64_t *shape, int trainable, od_decay decay, od_init init)
{
    char name[PATH_SIZE + 32];
    snprintf(name, sizeof name, "%s/%s", path, leaf);
    od_var v = OD_NO_VAR;
    if (g->error.status != OD_OK) return v;
    od_status status = od_variables_add(g->vars, name, rank, shape, trainable, decay, init, &v, &g->error);
    if (status != OD_OK) g->error.status = status;
    return v;
}

static od_var add_bias(od_graph *g, const char *path, int64_t filters, const od_layer *layer)
{
    if (!layer->bias) return OD_NO_VAR;
    od_init init = {.kind = layer->bias_init != 0 ? OD_INIT_CONSTANT : OD_INIT_ZEROS, .a = layer->bias_init};
    return add_variable(g, path, "bias", 1, &filters, 1, layer->bias_decay, init);
}

static od_conv_attrs attrs_of(const od_layer *l, int kernel, int stride)
{
    return (od_conv_attrs){.kernel_h = kernel, .kernel_w = kernel, .stride = stride, .dilation = 1, .padding = l->padding};
}

static int64_t channels(const od_graph *g, od_value x)
{
    return x == OD_NO_VALUE ? 1 : g->values[x].shape.c;
}

#define FORMAT_PATH(name) \
    char name[PATH_SIZE]; \
    va_list args; \
    va_start(args, path); \
    vsnprintf(name, sizeof name, path, args); \
    va_end(args)

od_value od_layer_conv(od_graph *g, od_value x, int64_t filters, const od_layer *layer, const char *path, ...)
{
    FORMAT_PATH(name);
    od_conv_attrs attrs = attrs_of(layer, layer->kernel, layer->stride);
    if (layer->kernel_w) attrs.kernel_w = layer->kernel_w;
    if (layer->dilation) attrs.dilation = layer->dilation;
    int64_t shape[] = {attrs.kernel_h, attrs.kernel_w, channels(g, x), filters};
    od_var kernel = add_variable(g, name, "kernel", 4, shape, 1, layer->decay, layer->init);
    od_var bias = add_bias(g, name, filters, layer);
    return od_graph_conv2d(g, x, kernel, bias, &attrs, name);
}

od_value od_layer_conv_transpose(od_graph *g, od_value x, int64_t filters, const od_layer *layer, const char *path, ...)
{
    FORMAT_PATH(name);
    int64_t shape[] = {layer->kernel, layer->kernel, filters, channels(g, x)};
    od_var kernel = add_variable(g, name, "kernel", 4, shape, 1, layer->decay, layer->init);
    od_var bias = add_bias(g, name, filters, layer);
    od_conv_attrs attrs = attrs_of(layer, layer->kernel, layer->stride);
    return od_graph_conv2d_transpose(g, x, kernel, bias, &attrs, name);
}

od_value od_layer_dense(od_graph *g, od_value x, int64_t units, const od_layer *layer, const char *path, ...)
{
    FORMAT_PATH(name);
    int64_t shape[] = {channels(g, x), units};
    od_var kernel = add_variable(g, name, "kernel", 2, shape, 1, layer->decay, layer->init);
    od_var bias = add_bias(g, name, units, layer);
    od_conv_attrs attrs = {.kernel_h = 1, .kernel_w = 1, .stride = 1, .dilation = 1, .padding = OD_PAD_SAME};
    return od_graph_conv2d(g, x, kernel, bias, &attrs, name);
}

od_value od_layer_depthwise(od_graph *g, od_value x, const od_layer *layer, const char *path, ...)
{
    FORMAT_PATH(name);
    int64_t shape[] = {layer->kernel, layer->kernel, channels(g, x), 1};
    od_var kernel = add_variable(g, name, "depthwise_kernel", 4, shape, 1, layer->decay, layer->init);
    od_var bias = add_bias(g, name, shape[2], layer);
    od_conv_attrs attrs = attrs_of(layer, layer->kernel, layer->stride);
    return od_graph_depthwise_conv2d(g, x, kernel, bias, &attrs, name);
}

od_value od_layer_separable(od_graph *g, od_value x, int64_t filters, const od_layer *layer, const char *path, ...)
{
    FORMAT_PATH(name);
    int64_t depthwise[] = {layer->kernel, layer->kernel, channels(g, x), 1}, pointwise[] = {1, 1, channels(g, x), filters};
    od_var first = add_variable(g, name, "depthwise_kernel", 4, depthwise, 1, layer->decay, layer->init);
    od_var second = add_variable(g, name, "pointwise_kernel", 4, pointwise, 1, layer->pointwise_decay, layer->pointwise_init);
    od_var bias = add_bias(g, name, filters, layer);
    od_conv_attrs attrs = attrs_of(layer, layer->kernel, layer->stride), point = attrs_of(layer, 1, 1);
    char label[PATH_SIZE + 16];
    snprintf(label, sizeof label, "%s/depthwise", name);
    x = od_graph_depthwise_conv2d(g, x, first, OD_NO_VAR, &attrs, label);
    snprintf(label, sizeof label, "%s/pointwise", name);
    return od_graph_conv2d(g, x, second, bias, &point, label);
}

od_value od_layer_squeeze_excite(od_graph *g, od_value x, int64_t reduced, const od_layer *layer, const char *label, const char *path, int first, int second)
{
    int64_t c = channels(g, x), down[] = {1, 1, c, reduced}, up[] = {1, 1, reduced, c};
    char reduce[PATH_SIZE], expand[PATH_SIZE];
    snprintf(reduce, sizeof reduce, "%s/layer_with_weights-%d", path, first);
    snprintf(expand, sizeof expand, "%s/layer_with_weights-%d", path, second);
    od_var w1 = add_variable(g, reduce, "kernel", 4, down, 1, layer->decay, layer->init), b1 = add_bias(g, reduce, reduced, layer);
    od_var w2 = add_variable(g, expand, "kernel", 4, up, 1, layer->decay, layer->init), b2 = add_bias(g, expand, c, layer);
    return od_graph_squeeze_excite(g, x, w1, b1, w2, b2, label);
}

od_var od_layer_variable(od_graph *g, int rank, const int64_t *shape, od_decay decay, od_init init, const char *path, ...)
{
    FORMAT_PATH(name);
    char *leaf = strrchr(name, '/');
    if (!leaf) return OD_NO_VAR;
    *leaf = 0;
    return add_variable(g, name, leaf + 1, rank, shape, 1, decay, init);
}

od_value od_layer_batch_norm(od_graph *g, od_value x, const od_hyperparams *h, od_act act, const char *path, ...)
{
    FORMAT_PATH(name);
    if (!h->has_bn) return od_graph_activation(g, x, act, name);
    int64_t c = channels(g, x);
    od_bn_attrs bn = {.gamma = OD_NO_VAR, .beta = OD_NO_VAR, .momentum = h->bn_momentum, .epsilon = h->bn_epsilon, .frozen = h->frozen, .biased = h->bn_biased, .act = act};
    od_init ones = {.kind = OD_INIT_ONES}, zeros = {.kind = OD_INIT_ZEROS};
    if (h->bn_scale) bn.gamma = add_variable(g, name, "gamma", 1, &c, 1, (od_decay){0}, ones);
    if (h->bn_center) bn.beta = add_variable(g, name, "beta", 1, &c, 1, (od_decay){0}, zeros);
    bn.mean = add_variable(g, name, "moving_mean", 1, &c, 0, (od_decay){0}, zeros);
    bn.variance = add_variable(g, name, "moving_variance", 1, &c, 0, (od_decay){0}, ones);
    return od_graph_batch_norm(g, x, &bn, name);
}

od_hyperparams od_mobilenet_hyperparams(void)
{
    return (od_hyperparams){.init = {.kind = OD_INIT_TRUNCATED_NORMAL, .b = .09f},
                            .decay = {4e-5f, 0},
                            .act = OD_ACT_RELU6,
                            .has_bn = 1,
                            .bn_scale = 1,
                            .bn_center = 1,
                            .bn_momentum = .9997f,
                            .bn_epsilon = 1e-3f};
}
