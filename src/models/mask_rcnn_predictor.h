/* SPDX-License-Identifier: Apache-2.0
 *
 * The second and third stage's heads (predictors/mask_rcnn_keras_box_predictor.py): boxes and classes from the mean over a region's
 * features, masks from the features themselves.
 */
#ifndef OD_MODELS_MASK_RCNN_PREDICTOR_H
#define OD_MODELS_MASK_RCNN_PREDICTOR_H

#include "models/layers.h"

#include "box_predictor.pb-c.h"

typedef struct od_mask_rcnn_predictor {
    const ObjectDetection__Protos__MaskRCNNBoxPredictor *config;
    int num_classes;
    int boxes_each;      /* 1 when classes share a box, else num_classes */
    int masks_each;      /* 1 when classes share a mask, else num_classes; 0 without a mask head */
    od_hyperparams fc;   /* only its batch norm counts: the OD API's dense layers take nothing else of fc_hyperparams */
    od_hyperparams conv; /* of the mask head */
} od_mask_rcnn_predictor;

/* OD_ERR_CONFIG, OD_ERR_UNSUPPORTED; the config is borrowed. with_masks: the network has a third stage. */
od_status od_mask_rcnn_predictor_init(od_mask_rcnn_predictor *p, const ObjectDetection__Protos__BoxPredictor *config, int num_classes, int with_masks, od_error *err);

/* features [M,h,w,C] -> *boxes [M,1,1,boxes_each*4], *classes [M,1,1,1+num_classes]. */
void od_mask_rcnn_predictor_build(const od_mask_rcnn_predictor *p, od_graph *g, od_value features, od_value *boxes, od_value *classes);

/* features [M,h,w,C] -> masks' logits [M,mask_h,mask_w,masks_each] (predictors/heads/keras_mask_head.py, MaskRCNNMaskHead). */
od_value od_mask_rcnn_predictor_build_masks(const od_mask_rcnn_predictor *p, od_graph *g, od_value features);

#endif
