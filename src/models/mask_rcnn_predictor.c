/* SPDX-License-Identifier: Apache-2.0 */
#include "models/mask_rcnn_predictor.h"

#include <stdio.h>

#define PREDICTOR "model/_mask_rcnn_box_predictor"

od_status od_mask_rcnn_predictor_init(od_mask_rcnn_predictor *p, const ObjectDetection__Protos__BoxPredictor *config, int num_classes, od_error *err)
{
    if (!config || config->box_predictor_oneof_case != OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_MASK_RCNN_BOX_PREDICTOR)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "second_stage_box_predictor: only mask_rcnn_box_predictor { ... } is supported");
    const ObjectDetection__Protos__MaskRCNNBoxPredictor *c = config->mask_rcnn_box_predictor;
    *p = (od_mask_rcnn_predictor){.config = c, .num_classes = num_classes, .boxes_each = c->share_box_across_classes ? 1 : num_classes};
    if (c->box_code_size != 4) return od_error_set(err, OD_ERR_CONFIG, "mask_rcnn_box_predictor: box_code_size is %d; expected 4", c->box_code_size);
    if (c->use_dropout && !(c->dropout_keep_probability > 0 && c->dropout_keep_probability <= 1))
        return od_error_set(err, OD_ERR_CONFIG, "mask_rcnn_box_predictor: dropout_keep_probability is %g; expected above 0, up to 1", (double)c->dropout_keep_probability);
    return od_hyperparams_read(c->fc_hyperparams, &p->fc, err);
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
