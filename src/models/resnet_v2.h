/* SPDX-License-Identifier: Apache-2.0
 *
 * ResNet V2 (He et al., Identity mappings in deep residual networks, ECCV 2016) as keras.applications builds it: batch norm and
 * activation come before the convolutions, a stage's stride is in its last block.
 */
#ifndef OD_MODELS_RESNET_V2_H
#define OD_MODELS_RESNET_V2_H

#include "models/layers.h"

/* depth: 50 or 101. Returns the last addition ("conv5_block3_out", stride 32, 2048 channels); the batch norm behind it is built,
 * too, and read by nobody. Layers are <path>/layer_with_weights-N. */
od_value od_resnet_v2_build(od_graph *g, od_value images, int depth, const char *path);

#endif
