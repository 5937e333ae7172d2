/* SPDX-License-Identifier: Apache-2.0
 *
 * ResNet V1 (He et al., CVPR 2016) as Keras builds it, with the OD API's changes: models/keras_models/resnet_v1.py over
 * keras.applications.resnet. Bottleneck blocks; a stage's stride is in its first 1x1 convolution and in the shortcut's.
 */
#ifndef OD_MODELS_RESNET_V1_H
#define OD_MODELS_RESNET_V1_H

#include "models/layers.h"

enum { OD_RESNET_V1_STAGES = 4 };

typedef struct od_resnet_v1_options {
    int blocks[OD_RESNET_V1_STAGES]; /* see od_resnet_v1_blocks */
    float depth_multiplier;
    int min_depth;
    od_hyperparams h;        /* of every convolution and batch norm; `frozen` as everywhere */
    int conv_bias;           /* Keras' own networks have it, the OD API's override takes it away */
    od_padding pool_padding; /* of the stem's 3x3 max pooling: OD_PAD_SAME in the OD API's override, OD_PAD_EXPLICIT in Keras */
} od_resnet_v1_options;

/* The blocks of ResNet-50, -101 or -152; 0 for another depth. */
int od_resnet_v1_blocks(int depth, int blocks[OD_RESNET_V1_STAGES]);
/* What the OD API's override uses without conv_hyperparams: batch norm .997/1e-5 with scale, ReLU, variance scaling,
 * L2 as Keras' l2(weight_decay), i.e. weight_decay * sum of squares. */
od_hyperparams od_resnet_v1_hyperparams(float weight_decay);

/* 7x7/2 convolution, batch norm, activation, 3x3/2 max pooling. *layer: N of the next <path>/layer_with_weights-N, from 0. */
od_value od_resnet_v1_stem(od_graph *g, od_value images, const od_resnet_v1_options *options, const char *path, int *layer);
/* Stage 0 to 3 (conv2 to conv5; strides 1, 2, 2, 2). Faster R-CNN builds the last one as a network of its own. */
od_value od_resnet_v1_stage(od_graph *g, od_value x, const od_resnet_v1_options *options, int stage, const char *path, int *layer);
/* The whole network; out[4]: the stages' outputs, at strides 4, 8, 16, 32. */
void od_resnet_v1_build(od_graph *g, od_value images, const od_resnet_v1_options *options, const char *path, od_value out[OD_RESNET_V1_STAGES]);

#endif
