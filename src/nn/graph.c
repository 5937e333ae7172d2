/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/graph.h"

#include "nn/op.h"
#include "util/alloc.h"

#include <string.h>

void od_graph_init(od_graph *g, od_variables *vars)
{
    *g = (od_graph){.vars = vars};
}

void od_graph_deinit(od_graph *g)
{
    for (size_t i = 0; i < g->node_count; i++) {
        od_free(g->nodes[i].in);
        od_free((char *)g->nodes[i].label);
    }
    od_free(g->nodes);
    od_free(g->values);
    *g = (od_graph){0};
}

od_status od_graph_check(const od_graph *g, od_error *err)
{
    if (g->error.status != OD_OK && err) *err = g->error;
    return g->error.status;
}

void od_graph_mark_output(od_graph *g, od_value v)
{
    if (v != OD_NO_VALUE) g->values[v].is_output = 1;
}

/* Whether each node's output reaches an output. */
static void find_needed(const od_graph *g, unsigned char *needed)
{
    for (size_t i = g->node_count; i-- > 0;) {
        if (g->values[g->nodes[i].out].is_output) needed[i] = 1;
        for (int j = 0; needed[i] && j < g->nodes[i].in_count; j++) {
            int producer = g->values[g->nodes[i].in[j]].producer;
            if (producer >= 0) needed[producer] = 1;
        }
    }
}

void od_graph_prune(od_graph *g)
{
    if (g->error.status != OD_OK || !g->node_count) return;
    unsigned char *needed = od_calloc(g->node_count, 1);
    if (!needed) {
        od_error_nomem(&g->error, "the graph");
        return;
    }
    find_needed(g, needed);
    size_t kept = 0;
    for (size_t i = 0; i < g->node_count; i++) {
        g->values[g->nodes[i].out].producer = needed[i] ? (int)kept : -1;
        if (needed[i]) {
            g->nodes[kept++] = g->nodes[i];
        } else {
            od_free(g->nodes[i].in);
            od_free((char *)g->nodes[i].label);
        }
    }
    g->node_count = kept;
    od_free(needed);
}

static od_value add_value(od_graph *g, od_tensor_shape shape, int producer)
{
    if (od_grow(&g->values, &g->value_capacity, g->value_count + 1, sizeof *g->values)) {
        od_error_nomem(&g->error, "the graph");
        return OD_NO_VALUE;
    }
    g->values[g->value_count] = (od_value_info){.shape = shape, .producer = producer};
    return (od_value)g->value_count++;
}

od_value od_graph_input(od_graph *g, int64_t n, int64_t h, int64_t w, int64_t c)
{
    if (g->error.status != OD_OK) return OD_NO_VALUE;
    if (n < 1 || h < 1 || w < 1 || c < 1 || h > 65536 || w > 65536 || n > 65536) {
        od_error_set(&g->error, OD_ERR_ARG, "input of %lld images of %lldx%lld with %lld channels; expected sizes from 1 to 65536", (long long)n,
                     (long long)h, (long long)w, (long long)c);
        return OD_NO_VALUE;
    }
    return add_value(g, (od_tensor_shape){n, h, w, c}, -1);
}

static int is_trainable(const od_graph *g, od_var v)
{
    return v != OD_NO_VAR && g->vars->items[v].trainable;
}

static int reaches_variable(const od_graph *g, const od_node *node)
{
    if (node->op == &od_op_host) return 0;
    for (int i = 0; i < node->in_count; i++)
        if (g->values[node->in[i]].needs_grad) return 1;
    if (node->op == &od_op_batch_norm) return is_trainable(g, node->bn.gamma) || is_trainable(g, node->bn.beta);
    for (size_t i = 0; i < sizeof node->var / sizeof *node->var; i++)
        if (is_trainable(g, node->var[i])) return 1;
    return 0;
}

/* Appends `draft` with its own copies of inputs and label; runs the shape rule. */
static od_value add_node(od_graph *g, od_node draft, const od_value *in, int in_count, const char *label)
{
    if (g->error.status != OD_OK) return OD_NO_VALUE;
    for (int i = 0; i < in_count; i++)
        if (in[i] < 0 || (size_t)in[i] >= g->value_count) {
            od_error_set(&g->error, OD_ERR_INTERNAL, "%s: input %d does not exist", label, i);
            return OD_NO_VALUE;
        }
    if (od_grow(&g->nodes, &g->node_capacity, g->node_count + 1, sizeof *g->nodes)) {
        od_error_nomem(&g->error, "the graph");
        return OD_NO_VALUE;
    }
    draft.in_count = in_count;
    draft.in = od_malloc((size_t)in_count, sizeof *in);
    draft.label = od_strdup(label);
    od_tensor_shape shape;
    od_status status = !draft.in || !draft.label ? od_error_nomem(&g->error, "the graph") : OD_OK;
    if (status == OD_OK) {
        memcpy(draft.in, in, (size_t)in_count * sizeof *in);
        status = draft.op->shape(g, &draft, &shape, &g->error);
        if (status != OD_OK && g->error.status == OD_OK) g->error.status = status;
        if (status != OD_OK) od_error_prefix(&g->error, "%s", label);
    }
    draft.out = status == OD_OK ? add_value(g, shape, (int)g->node_count) : OD_NO_VALUE;
    if (draft.out == OD_NO_VALUE) {
        od_free(draft.in);
        od_free((char *)draft.label);
        return OD_NO_VALUE;
    }
    g->values[draft.out].needs_grad = reaches_variable(g, &draft);
    g->nodes[g->node_count++] = draft;
    return draft.out;
}

static const od_node blank = {.var = {OD_NO_VAR, OD_NO_VAR, OD_NO_VAR, OD_NO_VAR}};

od_value od_graph_conv2d(od_graph *g, od_value x, od_var kernel, od_var bias, const od_conv_attrs *attrs, const char *label)
{
    od_node n = blank;
    n.op = &od_op_conv2d;
    n.var[0] = kernel;
    n.var[1] = bias;
    n.conv = *attrs;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_conv2d_transpose(od_graph *g, od_value x, od_var kernel, od_var bias, const od_conv_attrs *attrs, const char *label)
{
    od_node n = blank;
    n.op = &od_op_conv2d_transpose;
    n.var[0] = kernel;
    n.var[1] = bias;
    n.conv = *attrs;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_depthwise_conv2d(od_graph *g, od_value x, od_var kernel, od_var bias, const od_conv_attrs *attrs, const char *label)
{
    od_node n = blank;
    n.op = &od_op_depthwise;
    n.var[0] = kernel;
    n.var[1] = bias;
    n.conv = *attrs;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_batch_norm(od_graph *g, od_value x, const od_bn_attrs *attrs, const char *label)
{
    od_node n = blank;
    n.op = &od_op_batch_norm;
    n.bn = *attrs;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_activation(od_graph *g, od_value x, od_act act, const char *label)
{
    od_node n = blank;
    if (act == OD_ACT_NONE) return x;
    n.op = &od_op_activation;
    n.act = act;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_add(od_graph *g, od_value a, od_value b, const char *label)
{
    od_node n = blank;
    n.op = &od_op_add;
    return add_node(g, n, (od_value[]){a, b}, 2, label);
}

od_value od_graph_weighted_sum(od_graph *g, const od_value *in, int count, od_sum_weights kind, od_var weights, od_act act, const char *label)
{
    od_node n = blank;
    n.op = &od_op_weighted_sum;
    n.weights = kind;
    n.var[0] = kind == OD_SUM_PLAIN ? OD_NO_VAR : weights;
    n.act = act;
    return add_node(g, n, in, count, label);
}

od_value od_graph_squeeze_excite(od_graph *g, od_value x, od_var reduce, od_var reduce_bias, od_var expand, od_var expand_bias, const char *label)
{
    od_node n = blank;
    n.op = &od_op_squeeze_excite;
    n.var[0] = reduce;
    n.var[1] = reduce_bias;
    n.var[2] = expand;
    n.var[3] = expand_bias;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_drop_connect(od_graph *g, od_value x, float rate, const char *label)
{
    od_node n = blank;
    if (!g->training || g->no_drop || rate <= 0) return x;
    n.op = &od_op_drop_connect;
    n.rate = rate;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_dropout(od_graph *g, od_value x, float rate, const char *label)
{
    od_node n = blank;
    if (!g->training || g->no_drop || rate <= 0) return x;
    n.op = &od_op_dropout;
    n.rate = rate;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_clip(od_graph *g, od_value x, float low, float high, const char *label)
{
    od_node n = blank;
    n.op = &od_op_clip;
    n.low = low;
    n.high = high;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_flatten(od_graph *g, od_value x, const char *label)
{
    od_node n = blank;
    n.op = &od_op_flatten;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_first_channel(od_graph *g, od_value x, const char *label)
{
    od_node n = blank;
    n.op = &od_op_first_channel;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_roi_crop(od_graph *g, od_value boxes, const od_value *levels, int count, const od_roi_attrs *attrs, const char *label)
{
    od_node n = blank;
    od_value in[1 + OD_ROI_MAX_LEVELS] = {boxes};
    if (count < 1 || count > OD_ROI_MAX_LEVELS) {
        od_error_set(&g->error, OD_ERR_INTERNAL, "%s: %d levels; expected 1 to %d", label, count, OD_ROI_MAX_LEVELS);
        return OD_NO_VALUE;
    }
    memcpy(in + 1, levels, (size_t)count * sizeof *in);
    n.op = &od_op_roi_crop;
    n.roi = *attrs;
    return add_node(g, n, in, count + 1, label);
}

od_value od_graph_host(od_graph *g, const od_value *in, int count, od_tensor_shape shape, od_host_fn fn, void *user, const char *label)
{
    od_node n = blank;
    n.op = &od_op_host;
    n.host = fn;
    n.host_user = user;
    n.host_shape = shape;
    return add_node(g, n, in, count, label);
}

od_value od_graph_add_act(od_graph *g, od_value a, od_value b, od_act act, const char *label)
{
    /* The fused op's gradient needs nothing but its output, which tells the derivative of these activations only. */
    if (act != OD_ACT_RELU && act != OD_ACT_RELU6) return od_graph_activation(g, od_graph_add(g, a, b, label), act, label);
    od_node n = blank;
    n.op = &od_op_add_act;
    n.act = act;
    return add_node(g, n, (od_value[]){a, b}, 2, label);
}

od_value od_graph_add_scaled(od_graph *g, od_value a, od_value b, float scale, od_act act, const char *label)
{
    od_node n = blank;
    int fused = act == OD_ACT_NONE || act == OD_ACT_RELU || act == OD_ACT_RELU6; /* see od_graph_add_act */
    n.op = &od_op_add_scaled;
    n.rate = scale;
    n.act = fused ? act : OD_ACT_NONE;
    od_value y = add_node(g, n, (od_value[]){a, b}, 2, label);
    return fused ? y : od_graph_activation(g, y, act, label);
}

od_value od_graph_upsample2x(od_graph *g, od_value x, int64_t h, int64_t w, const char *label)
{
    od_node n = blank;
    n.op = &od_op_upsample2x;
    n.conv.kernel_h = (int)h;
    n.conv.kernel_w = (int)w;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_upsample2x_bilinear(od_graph *g, od_value x, const char *label)
{
    od_node n = blank;
    n.op = &od_op_upsample2x_bilinear;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_resize(od_graph *g, od_value x, const od_resize_attrs *attrs, const char *label)
{
    od_node n = blank;
    n.op = &od_op_resize;
    n.resize = *attrs;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_pad_to_multiple(od_graph *g, od_value x, int64_t multiple, const char *label)
{
    od_node n = blank;
    if (multiple <= 1) return x;
    n.op = &od_op_pad_to_multiple;
    n.conv.stride = (int)multiple;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_max_pool(od_graph *g, od_value x, const od_conv_attrs *attrs, const char *label)
{
    od_node n = blank;
    n.op = &od_op_max_pool;
    n.conv = *attrs;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_avg_pool(od_graph *g, od_value x, const od_conv_attrs *attrs, const char *label)
{
    od_node n = blank;
    n.op = &od_op_avg_pool;
    n.conv = *attrs;
    return add_node(g, n, &x, 1, label);
}

od_value od_graph_concat_channels(od_graph *g, const od_value *in, int count, const char *label)
{
    od_node n = blank;
    n.op = &od_op_concat_channels;
    return add_node(g, n, in, count, label);
}

od_value od_graph_concat_predictions(od_graph *g, const od_value *levels, int count, int64_t code, const char *label)
{
    od_node n = blank;
    n.op = &od_op_concat_predictions;
    n.conv.kernel_h = (int)code;
    return add_node(g, n, levels, count, label);
}
