/* SPDX-License-Identifier: Apache-2.0 */
#include "models/mask_rcnn_predictor.h"

#include <math.h>
#include <stdio.h>

#define PREDICTOR "model/_mask_rcnn_box_predictor"
#define MASKS PREDICTOR "/_third_stage_heads/mask_predictions/_mask_predictor_layers"

typedef ObjectDetection__Protos__MaskRCNNBoxPredictor proto;

static od_status read_masks(od_mask_rcnn_predictor *p, od_error *err)
{
    const proto *c = p->config;
    if (!c->predict_instance_masks)
        return od_error_set(err, OD_ERR_CONFIG, "number_of_stages is 3, but mask_rcnn_box_predictor has no mask head; set predict_instance_masks: true, or number_of_stages: 2");
    if (!c->conv_hyperparams)
        return od_error_set(err, OD_ERR_CONFIG, "mask_rcnn_box_predictor: a mask head needs conv_hyperparams { ... }");
    if (c->mask_height < 1 || c->mask_width < 1 || c->mask_height > 1024 || c->mask_width > 1024)
        return od_error_set(err, OD_ERR_CONFIG, "mask_rcnn_box_predictor: mask_height %d, mask_width %d; expected 1 to 1024", c->mask_height, c->mask_width);
    if (c->mask_prediction_num_conv_layers < 0 || c->mask_prediction_num_conv_layers > 100 || c->mask_prediction_conv_depth < 0 || c->mask_prediction_conv_depth > 65536)
        return od_error_set(err, OD_ERR_CONFIG, "mask_rcnn_box_predictor: mask_prediction_num_conv_layers %d, mask_prediction_conv_depth %d; expected 1 to 100 layers, 0 (automatic) to 65536 channels",
                            c->mask_prediction_num_conv_layers, c->mask_prediction_conv_depth);
    p->masks_each = c->masks_are_class_agnostic ? 1 : p->num_classes;
    return od_hyperparams_read(c->conv_hyperparams, &p->conv, err);
}

od_status od_mask_rcnn_predictor_init(od_mask_rcnn_predictor *p, const ObjectDetection__Protos__BoxPredictor *config, int num_classes, int with_masks, od_error *err)
{
    if (!config || config->box_predictor_oneof_case != OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_MASK_RCNN_BOX_PREDICTOR)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "second_stage_box_predictor: only mask_rcnn_box_predictor { ... } is supported");
    const proto *c = config->mask_rcnn_box_predictor;
    *p = (od_mask_rcnn_predictor){.config = c, .num_classes = num_classes, .boxes_each = c->share_box_across_classes ? 1 : num_classes};
    if (c->box_code_size != 4) return od_error_set(err, OD_ERR_CONFIG, "mask_rcnn_box_predictor: box_code_size is %d; expected 4", c->box_code_size);
    if (c->use_dropout && !(c->dropout_keep_probability > 0 && c->dropout_keep_probability <= 1))
        return od_error_set(err, OD_ERR_CONFIG, "mask_rcnn_box_predictor: dropout_keep_probability is %g; expected above 0, up to 1", (double)c->dropout_keep_probability);
    OD_TRY(od_hyperparams_read(c->fc_hyperparams, &p->fc, err));
    return with_masks ? read_masks(p, err) : OD_OK;
}

/* Dropout, dense layer and batch norm, after Keras' Flatten (number 0). */
static od_value head(const od_mask_rcnn_predictor *p, od_graph *g, od_value mean, int64_t outputs, const char *path)
{
    const od_layer dense = {.bias = 1, .init = od_init_glorot_uniform};
    int number = 1;
    char label[200];
    od_value x = mean;
    if (p->config->use_dropout) {
        snprintf(label, sizeof label, "%s/%d", path, number++);
        x = od_graph_dropout(g, x, 1 - p->config->dropout_keep_probability, label);
    }
    x = od_layer_dense(g, x, outputs, &dense, "%s/%d", path, number);
    return od_layer_batch_norm(g, x, &p->fc, OD_ACT_NONE, "%s/%d", path, number + 1);
}

void od_mask_rcnn_predictor_build(const od_mask_rcnn_predictor *p, od_graph *g, od_value features, od_value *boxes, od_value *classes)
{
    *boxes = *classes = OD_NO_VALUE;
    if (features == OD_NO_VALUE) return;
    od_tensor_shape s = g->values[features].shape;
    od_conv_attrs whole = {.kernel_h = (int)s.h, .kernel_w = (int)s.w, .stride = 1, .dilation = 1, .padding = OD_PAD_VALID};
    od_value mean = s.h * s.w > 1 ? od_graph_avg_pool(g, features, &whole, PREDICTOR "/AvgPool") : features;
    *boxes = head(p, g, mean, 4 * p->boxes_each, PREDICTOR "/_box_prediction_head/_box_encoder_layers");
    *classes = head(p, g, mean, p->num_classes + 1, PREDICTOR "/_class_prediction_head/_class_predictor_layers");
}

/* A weighted geometric mean of the features' channels and the number of classes, to a whole power of two. */
static int64_t conv_depth(const od_mask_rcnn_predictor *p, int64_t channels)
{
    if (p->config->mask_prediction_conv_depth > 0) return p->config->mask_prediction_conv_depth;
    return (int64_t)exp2(rint((log2((double)channels) * 2 + log2((double)p->num_classes) * 3) / 5)); /* rint: halves to even, as Python */
}

static od_value mask_conv(const od_mask_rcnn_predictor *p, od_graph *g, od_value x, int64_t depth, int number)
{
    od_layer l = {.kernel = 3, .stride = 1, .padding = OD_PAD_SAME, .bias = od_hyperparams_use_bias(&p->conv), .init = p->conv.init, .decay = p->conv.decay};
    x = od_layer_conv(g, x, depth, &l, MASKS "/%d", number);
    return od_layer_batch_norm(g, x, &p->conv, p->conv.act, MASKS "/%d", number + 1);
}

/* Keras' layers are numbered: convolution, batch norm and activation are three, upsampling is one. */
od_value od_mask_rcnn_predictor_build_masks(const od_mask_rcnn_predictor *p, od_graph *g, od_value features)
{
    const proto *c = p->config;
    if (features == OD_NO_VALUE) return OD_NO_VALUE;
    od_tensor_shape s = g->values[features].shape;
    od_resize_attrs size = {c->mask_height, c->mask_width, c->convolve_then_upsample_masks};
    int64_t depth = conv_depth(p, s.c);
    int number = 0;
    od_value x = size.repeat ? features : od_graph_resize(g, features, &size, PREDICTOR "/MaskPredictor_resize");
    for (int i = 0; i + 1 < c->mask_prediction_num_conv_layers; i++, number += 3) x = mask_conv(p, g, x, depth, number);
    if (size.repeat) {
        size.height = c->mask_height / s.h * s.h; /* the OD API's masks are smaller where the size isn't a multiple */
        size.width = c->mask_width / s.w * s.w;
        x = od_graph_resize(g, x, &size, PREDICTOR "/MaskPredictor_upsample");
        x = mask_conv(p, g, x, depth, number + 1);
        number += 4;
    }
    od_layer last = {.kernel = 3, .stride = 1, .padding = OD_PAD_SAME, .bias = 1, .init = p->conv.init, .decay = p->conv.decay};
    return od_layer_conv(g, x, p->masks_each, &last, MASKS "/%d", number);
}
