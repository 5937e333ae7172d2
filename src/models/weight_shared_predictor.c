/* SPDX-License-Identifier: Apache-2.0 */
#include "models/weight_shared_predictor.h"

#include "models/set_order.h"

#include <stdio.h>

typedef ObjectDetection__Protos__WeightSharedConvolutionalBoxPredictor predictor_config;

#define CLASS_LAYERS "_prediction_heads/class_predictions_with_background/_class_predictor_layers"

typedef struct builder {
    od_graph *g;
    const predictor_config *c;
    const od_predictor_options *o;
    od_hyperparams h;
} builder;

static od_value convolution(builder *b, od_value x, int64_t filters, const od_layer *l, const char *path)
{
    if (b->c->use_depthwise) return od_layer_separable(b->g, x, filters, l, "%s", path);
    return od_layer_conv(b->g, x, filters, l, "%s", path);
}

/* Of convolutions before a batch norm: none, whether or not it has a centre, unlike od_hyperparams_use_bias. */
static int has_bias(const builder *b)
{
    return b->h.force_use_bias || !b->h.has_bn;
}

/* The tower of one head at one level: convolutions `scope`, batch norms <group>/<level>/{1,4,7,...}: the lists hold
 * (convolution, batch norm, activation) triples. */
static od_value tower(builder *b, od_value x, const char *scope, const char *group, int level)
{
    od_layer l = {.kernel = b->c->kernel_size,
                  .stride = 1,
                  .padding = OD_PAD_SAME,
                  .bias = has_bias(b),
                  .init = b->h.init,
                  .decay = b->h.decay,
                  .pointwise_init = od_init_glorot_uniform};
    if (b->c->apply_conv_hyperparams_pointwise) l.pointwise_init = b->h.init, l.pointwise_decay = b->h.decay;
    char path[256];
    for (int i = 0; i < b->c->num_layers_before_predictor; i++) {
        snprintf(path, sizeof path, "%s/_head_scope_conv_layers/%s/%d", b->o->path, scope, i);
        x = convolution(b, x, b->c->depth, &l, path);
        x = od_layer_batch_norm(b->g, x, &b->h, b->h.act, "%s/_base_tower_layers_for_heads/%s/%d/%d", b->o->path, group, level, 3 * i + 1);
    }
    return x;
}

static od_value head(builder *b, od_value x, int64_t filters, float bias_init, const char *leaf)
{
    int config_rules = !b->c->use_depthwise || b->c->apply_conv_hyperparams_to_heads;
    od_layer l = {.kernel = b->c->kernel_size, .stride = 1, .padding = OD_PAD_SAME, .bias = 1, .bias_init = bias_init};
    l.init = l.pointwise_init = config_rules ? b->h.init : od_init_glorot_uniform;
    l.decay = l.pointwise_decay = config_rules ? b->h.decay : (od_decay){0};
    char path[256];
    snprintf(path, sizeof path, "%s/%s", b->o->path, leaf);
    return convolution(b, x, filters, &l, path);
}

static int64_t width(const builder *b, od_value x)
{
    return b->g->values[x].shape.c;
}

/* The most frequent width of the levels; 0 when all have the same. */
static int64_t common_width(const builder *b, const od_value *features, int levels)
{
    int64_t widths[OD_SET_ORDER_MAX];
    int different = 0, best = 0, best_count = 0;
    for (int i = 0; i < levels; i++) {
        widths[i] = width(b, features[i]);
        different |= widths[i] != widths[0];
    }
    if (!different) return 0;
    int64_t order[OD_SET_ORDER_MAX];
    int count = od_set_order(widths, levels, order); /* of two equally frequent ones Python's max() takes the first in the set's order */
    for (int k = 0; k < count; k++) {
        int times = 0;
        for (int i = 0; i < levels; i++) times += widths[i] == order[k];
        if (times > best_count) best = k, best_count = times;
    }
    return order[best];
}

/* Levels of different widths get a 1x1 convolution each to the most frequent width (_insert_additional_projection_layer). */
static od_value project(builder *b, od_value x, int64_t to, int level)
{
    od_layer l = {.kernel = 1, .stride = 1, .padding = OD_PAD_SAME, .bias = has_bias(b), .init = b->h.init, .decay = b->h.decay};
    x = od_layer_conv(b->g, x, to, &l, "%s/_additional_projection_layers/%d/0", b->o->path, level);
    return b->h.has_bn ? od_layer_batch_norm(b->g, x, &b->h, OD_ACT_NONE, "%s/_additional_projection_layers/%d/1", b->o->path, level) : x;
}

static od_status check_settings(const predictor_config *c, od_error *err)
{
    if (c->box_code_size < 1 || c->box_code_size > 1000) return od_error_set(err, OD_ERR_CONFIG, "box_code_size is %d; expected 4", c->box_code_size);
    if (c->use_depthwise && c->kernel_size == 1)
        return od_error_set(err, OD_ERR_CONFIG, "weight_shared_convolutional_box_predictor: use_depthwise needs a kernel_size above 1");
    if (c->kernel_size < 1 || c->num_layers_before_predictor < 0 || (c->depth < 1 && c->num_layers_before_predictor))
        return od_error_set(err, OD_ERR_CONFIG, "weight_shared_convolutional_box_predictor: kernel_size %d, depth %d, num_layers_before_predictor %d; expected positive numbers",
                            c->kernel_size, c->depth, c->num_layers_before_predictor);
    return OD_OK;
}

od_status od_weight_shared_predictor_build(od_graph *g, const predictor_config *config, const od_predictor_options *options, const od_value *features,
                                           int levels, od_value *boxes, od_value *classes, od_error *err)
{
    builder b = {.g = g, .c = config, .o = options};
    OD_TRY(check_settings(config, err));
    OD_TRY(od_hyperparams_read(config->conv_hyperparams, &b.h, err));
    b.h.frozen = options->freeze_batchnorm;
    /* box_predictor_builder.py looks for batch_norm only: with sync_batch_norm the towers have none. */
    b.h.has_bn = config->conv_hyperparams && config->conv_hyperparams->normalizer_oneof_case == OBJECT_DETECTION__PROTOS__HYPERPARAMS__NORMALIZER_ONEOF_BATCH_NORM;
    OD_TRY(od_graph_check(g, err));
    int64_t common = common_width(&b, features, levels);
    for (int i = 0; i < levels; i++) {
        int shared = config->share_prediction_tower;
        od_value x = common ? project(&b, features[i], common, i) : features[i];
        od_value box_tower = tower(&b, x, shared ? "PredictionTower" : "BoxPredictionTower", "box_encodings", i);
        od_value class_tower = shared ? box_tower : tower(&b, x, "ClassPredictionTower", "class_predictions_with_background", i);
        boxes[i] = head(&b, box_tower, config->box_code_size * (int64_t)options->anchors_per_location, 0, "_box_prediction_head/_box_encoder_layers/0");
        if (config->box_encodings_clip_range)
            boxes[i] = od_graph_clip(g, boxes[i], config->box_encodings_clip_range->min, config->box_encodings_clip_range->max, "box_encodings_clip");
        if (config->use_dropout) {
            char label[64];
            snprintf(label, sizeof label, "class_dropout/%d", i);
            class_tower = od_graph_dropout(g, class_tower, 1 - config->dropout_keep_probability, label);
        }
        classes[i] = head(&b, class_tower, (int64_t)options->class_slots * options->anchors_per_location, config->class_prediction_bias_init,
                          config->use_dropout ? CLASS_LAYERS "/1" : CLASS_LAYERS "/0"); /* the list's first layer is the dropout */
    }
    return od_graph_check(g, err);
}
