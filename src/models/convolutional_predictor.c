/* SPDX-License-Identifier: Apache-2.0 */
#include "models/convolutional_predictor.h"

#include <stdio.h>

typedef ObjectDetection__Protos__ConvolutionalBoxPredictor predictor_config;

typedef struct builder {
    od_graph *g;
    const predictor_config *c;
    const od_convolutional_predictor_options *o;
    od_hyperparams h;
} builder;

static int64_t channels(const builder *b, od_value x)
{
    return x == OD_NO_VALUE ? 1 : b->g->values[x].shape.c;
}

/* The 1x1 convolutions before both heads, as wide as the level within [min_depth, max_depth]; max_depth 0: none. */
static od_value shared_layers(const builder *b, od_value x, int level)
{
    int64_t depth = channels(b, x);
    if (depth > b->c->max_depth) depth = b->c->max_depth;
    if (depth < b->c->min_depth) depth = b->c->min_depth;
    if (depth <= 0) return x;
    od_layer l = {.kernel = 1, .stride = 1, .padding = OD_PAD_SAME, .bias = od_hyperparams_use_bias(&b->h), .init = b->h.init, .decay = b->h.decay};
    for (int i = 0; i < b->c->num_layers_before_predictor; i++) {
        x = od_layer_conv(b->g, x, depth, &l, "%s/_shared_nets/%d/%d", b->o->path, level, 3 * i);
        x = od_layer_batch_norm(b->g, x, &b->h, b->h.act, "%s/_shared_nets/%d/%d", b->o->path, level, 3 * i + 1);
    }
    return x;
}

/* <path>/<first>...: a convolution, or a depthwise one (Keras: glorot_uniform and no L2) with batch norm and a 1x1 one, which the
 * OD API gives no bias_init. */
static od_value head(const builder *b, od_value x, int64_t filters, float bias_init, const char *path, int first)
{
    od_layer l = {.kernel = b->c->kernel_size, .stride = 1, .padding = OD_PAD_SAME, .bias = 1, .bias_init = bias_init, .init = b->h.init, .decay = b->h.decay};
    if (!b->c->use_depthwise) return od_layer_conv(b->g, x, filters, &l, "%s/%d", path, first);
    od_layer depthwise = {.kernel = b->c->kernel_size, .stride = 1, .padding = OD_PAD_SAME, .bias = od_hyperparams_use_bias(&b->h), .init = od_init_glorot_uniform};
    x = od_layer_depthwise(b->g, x, &depthwise, "%s/%d", path, first);
    x = od_layer_batch_norm(b->g, x, &b->h, b->h.act, "%s/%d", path, first + 1);
    l.kernel = 1;
    l.bias_init = 0;
    return od_layer_conv(b->g, x, filters, &l, "%s/%d", path, first + 3);
}

static od_status check_settings(const predictor_config *c, od_error *err)
{
    if (c->box_code_size < 1 || c->box_code_size > 1000) return od_error_set(err, OD_ERR_CONFIG, "box_code_size is %d; expected 4", c->box_code_size);
    if (c->use_depthwise && c->kernel_size == 1)
        return od_error_set(err, OD_ERR_CONFIG, "convolutional_box_predictor: use_depthwise needs a kernel_size above 1");
    if (c->min_depth > c->max_depth)
        return od_error_set(err, OD_ERR_CONFIG, "convolutional_box_predictor: min_depth %d is more than max_depth %d", c->min_depth, c->max_depth);
    if (c->kernel_size < 1 || c->num_layers_before_predictor < 0)
        return od_error_set(err, OD_ERR_CONFIG, "convolutional_box_predictor: kernel_size %d, num_layers_before_predictor %d; expected positive numbers",
                            c->kernel_size, c->num_layers_before_predictor);
    return OD_OK;
}

od_status od_convolutional_predictor_build(od_graph *g, const predictor_config *config, const od_convolutional_predictor_options *options,
                                           const od_value *features, int levels, od_value *boxes, od_value *classes, od_error *err)
{
    builder b = {.g = g, .c = config, .o = options};
    OD_TRY(check_settings(config, err));
    OD_TRY(od_hyperparams_read(config->conv_hyperparams, &b.h, err));
    b.h.frozen = options->freeze_batchnorm;
    for (int i = 0; i < levels; i++) {
        char path[256];
        int64_t anchors = options->anchors_per_location[i];
        od_value x = shared_layers(&b, features[i], i);
        snprintf(path, sizeof path, "%s/_prediction_heads/box_encodings/%d/_box_encoder_layers", options->path, i);
        boxes[i] = head(&b, x, config->box_code_size * anchors, 0, path, 0);
        if (config->box_encodings_clip_range)
            boxes[i] = od_graph_clip(g, boxes[i], config->box_encodings_clip_range->min, config->box_encodings_clip_range->max, "box_encodings_clip");
        snprintf(path, sizeof path, "%s/_prediction_heads/class_predictions_with_background/%d/_class_predictor_layers", options->path, i);
        if (config->use_dropout) x = od_graph_dropout(g, x, 1 - config->dropout_keep_probability, path);
        classes[i] = head(&b, x, options->class_slots * anchors, config->class_prediction_bias_init, path, config->use_dropout ? 1 : 0);
    }
    return od_graph_check(g, err);
}
