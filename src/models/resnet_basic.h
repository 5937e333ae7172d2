/* SPDX-License-Identifier: Apache-2.0
 *
 * ResNet-18 and -34 (He et al., CVPR 2016) as the OD API builds them (models/keras_models/resnet_v1.py: stack_basic, block_basic): blocks of two
 * 3x3 convolutions, batch norm and activation before them as in ResNet V2; a stage's stride is in its last block.
 */
#ifndef OD_MODELS_RESNET_BASIC_H
#define OD_MODELS_RESNET_BASIC_H

#include "models/layers.h"

enum { OD_RESNET_BASIC_STAGES = 4 };

/* depth: 18 or 34. out[4]: the stages' additions, at strides 4, 8, 16, 32, with 64, 128, 256, 512 channels; the batch norm behind the last
 * is built, too, and read by nobody. Layers are <path>/layer_with_weights-N. */
void od_resnet_basic_build(od_graph *g, od_value images, int depth, const char *path, od_value out[OD_RESNET_BASIC_STAGES]);

#endif
