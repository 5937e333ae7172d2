/* SPDX-License-Identifier: Apache-2.0
 *
 * The weight-shared convolutional box predictor (predictors/convolutional_keras_box_predictor.py): one tower of convolutions
 * for all levels with batch norms of their own at each level, then the box and class heads.
 */
#ifndef OD_MODELS_WEIGHT_SHARED_PREDICTOR_H
#define OD_MODELS_WEIGHT_SHARED_PREDICTOR_H

#include "models/layers.h"

#include "box_predictor.pb-c.h"

typedef struct od_predictor_options {
    int class_slots;           /* num_classes, + 1 with a background class */
    int anchors_per_location;
    int freeze_batchnorm;
    const char *path;          /* "model/_box_predictor" */
} od_predictor_options;

/* features[levels] -> boxes[level] [N,h,w,A*4] and classes[level] [N,h,w,A*class_slots]. */
od_status od_weight_shared_predictor_build(od_graph *g, const ObjectDetection__Protos__WeightSharedConvolutionalBoxPredictor *config,
                                           const od_predictor_options *options, const od_value *features, int levels, od_value *boxes,
                                           od_value *classes, od_error *err);

#endif
