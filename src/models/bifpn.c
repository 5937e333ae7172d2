/* SPDX-License-Identifier: Apache-2.0 */
#include "models/bifpn.h"

#include <stdio.h>
#include <string.h>

enum { LEVELS = OD_BIFPN_MAX_LEVEL + 1 };

/* A feature map and its level; one that comes from the backbone gets a 1x1 convolution of its own at every use. */
typedef struct map {
    od_value value;
    int level, raw;
} map;

typedef struct builder {
    od_graph *g;
    const od_bifpn_options *o;
    int node; /* number of the next one: its place in the checkpoint's lists */
} builder;

/* One input of a node, brought to the node's width and level: node_input_blocks/<node>/<input>/1/<layer>. */
static od_value resample(const builder *b, map from, int level, int input)
{
    od_value x = from.value;
    char path[256];
    snprintf(path, sizeof path, "%s/node_input_blocks/%d/%d/1", b->o->path, b->node, input);
    if (from.raw) {
        od_layer l = {.kernel = 1, .stride = 1, .padding = OD_PAD_SAME, .bias = od_hyperparams_use_bias(b->o->h), .init = b->o->h->init, .decay = b->o->h->decay};
        x = od_layer_conv(b->g, x, b->o->filters, &l, "%s/0", path);
        x = od_layer_batch_norm(b->g, x, b->o->h, OD_ACT_NONE, "%s/1", path);
    }
    if (from.level == level || x == OD_NO_VALUE) return x;
    od_tensor_shape s = b->g->values[x].shape;
    if (from.level > level) return od_graph_upsample2x(b->g, x, 2 * s.h, 2 * s.w, path);
    od_conv_attrs pool = {.kernel_h = 3, .kernel_w = 3, .stride = 2, .dilation = 1, .padding = OD_PAD_SAME};
    return od_graph_max_pool(b->g, x, &pool, path);
}

/* A combining node: weighted sum -> activation -> separable convolution -> batch norm. */
static map combine(builder *b, const map *from, int count, int level)
{
    const od_bifpn_options *o = b->o;
    od_value in[3];
    char path[256];
    for (int i = 0; i < count; i++) in[i] = resample(b, from[i], level, i);
    od_var weights = OD_NO_VAR;
    if (o->combine != OD_SUM_PLAIN)
        weights = od_layer_variable(b->g, 2, (int64_t[]){count, 1}, (od_decay){0}, (od_init){.kind = OD_INIT_ONES}, "%s/node_combine_op/%d/bifpn_combine_weights", o->path, b->node);
    snprintf(path, sizeof path, "%s/node_combine_op/%d", o->path, b->node);
    od_value x = od_graph_weighted_sum(b->g, in, count, o->combine, weights, o->h->act, path);
    od_layer l = {.kernel = 3,
                  .stride = 1,
                  .padding = OD_PAD_SAME,
                  .bias = od_hyperparams_use_bias(o->h),
                  .init = o->h->init,
                  .decay = o->h->decay,
                  .pointwise_init = o->h->init,
                  .pointwise_decay = o->h->decay};
    x = od_layer_separable(b->g, x, o->filters, &l, "%s/node_post_combine_block/%d/1", o->path, b->node);
    x = od_layer_batch_norm(b->g, x, o->h, OD_ACT_NONE, "%s/node_post_combine_block/%d/2", o->path, b->node);
    b->node++;
    return (map){x, level, 0};
}

/* One pass down and up; up[level]: the bottom-up maps, which the pass replaces; finest: of the pass before. */
static void iterate(builder *b, map *up, map *finest)
{
    int low = b->o->min_level, high = b->o->max_level;
    map down[LEVELS], last = up[high];
    for (int level = high - 1; level >= low; level--) {
        map from[2] = {level == low ? *finest : up[level], last};
        last = down[level] = combine(b, from, 2, level);
    }
    *finest = down[low];
    for (int level = low + 1; level <= high; level++) {
        map from[3] = {up[level]};
        int count = 1;
        if (level < high) from[count++] = down[level];
        from[count++] = last;
        last = up[level] = combine(b, from, count, level);
    }
}

void od_bifpn_build(od_graph *g, const od_value *inputs, const od_bifpn_options *options, od_value *out)
{
    builder b = {g, options, 0};
    map up[LEVELS] = {{0}};
    for (int level = options->min_level; level <= options->input_max_level; level++)
        up[level] = (map){inputs[level - options->min_level], level, 1};
    for (int level = options->input_max_level + 1; level <= options->max_level; level++, b.node++)
        up[level] = (map){resample(&b, up[level - 1], level, 0), level, 0};
    map finest = up[options->min_level];
    for (int i = 0; i < options->iterations; i++) iterate(&b, up, &finest);
    out[0] = finest.value;
    for (int level = options->min_level + 1; level <= options->max_level; level++) out[level - options->min_level] = up[level].value;
}

od_status od_bifpn_combine_method(const char *name, od_sum_weights *out, od_error *err)
{
    static const struct { const char *name; od_sum_weights kind; } table[] = {
        {"fast_attention", OD_SUM_FAST_ATTENTION}, {"sum", OD_SUM_PLAIN}, {"weighted_sum", OD_SUM_WEIGHTED}, {"attention", OD_SUM_ATTENTION}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].name, name)) {
            *out = table[i].kind;
            return OD_OK;
        }
    return od_error_set(err, OD_ERR_CONFIG, "bifpn { combine_method: \"%s\" }; expected \"fast_attention\", \"sum\", \"weighted_sum\" or \"attention\"", name);
}
