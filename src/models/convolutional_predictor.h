/* SPDX-License-Identifier: Apache-2.0
 *
 * The convolutional box predictor (predictors/convolutional_keras_box_predictor.py): each level has its own 1x1 convolutions and
 * heads. `od_predictor_options` is the weight-shared predictor's, with the anchors a location of each level.
 */
#ifndef OD_MODELS_CONVOLUTIONAL_PREDICTOR_H
#define OD_MODELS_CONVOLUTIONAL_PREDICTOR_H

#include "models/layers.h"

#include "box_predictor.pb-c.h"

typedef struct od_convolutional_predictor_options {
    int class_slots;                 /* num_classes, + 1 with a background class */
    const int *anchors_per_location; /* by level */
    int freeze_batchnorm;
    const char *path;                /* "model/_box_predictor" */
} od_convolutional_predictor_options;

/* features[levels] -> boxes[level] [N,h,w,A*4] and classes[level] [N,h,w,A*class_slots]. */
od_status od_convolutional_predictor_build(od_graph *g, const ObjectDetection__Protos__ConvolutionalBoxPredictor *config,
                                           const od_convolutional_predictor_options *options, const od_value *features, int levels,
                                           od_value *boxes, od_value *classes, od_error *err);

#endif
