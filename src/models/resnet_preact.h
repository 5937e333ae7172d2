/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ResNets with batch norm before their convolutions share (He et al., ECCV 2016): layers numbered layer_with_weights-N as Keras
 * does, and the shortcut of a block.
 */
#ifndef OD_MODELS_RESNET_PREACT_H
#define OD_MODELS_RESNET_PREACT_H

#include "models/layers.h"

typedef struct od_preact {
    od_graph *g;
    od_hyperparams h;
    const char *path;
    int layer; /* N: by depth in the network */
} od_preact;

/* What Keras' layers have when nothing is said: glorot_uniform, ReLU, batch norm .99 with this epsilon (1e-3 by default). */
od_hyperparams od_keras_hyperparams(float epsilon);

od_preact od_preact_begin(od_graph *g, const char *path);
od_value od_preact_conv(od_preact *b, od_value x, int64_t filters, int kernel, int stride, int bias);
/* With its activation. */
od_value od_preact_norm(od_preact *b, od_value x);
/* 7x7 convolution and max pooling: stride 4. */
od_value od_preact_stem(od_preact *b, od_value images);
/* Around a block that keeps the channels: x itself or, with a stride, every other pixel of it. label: of the block. */
od_value od_preact_shortcut(od_preact *b, od_value x, int stride, const char *label);
/* The addition that ends a block. */
od_value od_preact_add(od_preact *b, od_value shortcut, od_value y, const char *label);

#endif
