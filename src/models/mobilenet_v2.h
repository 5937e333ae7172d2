/* SPDX-License-Identifier: Apache-2.0
 *
 * MobileNetV2 (Sandler et al., CVPR 2018) as the OD API builds it: models/keras_models/mobilenet_v2.py.
 */
#ifndef OD_MODELS_MOBILENET_V2_H
#define OD_MODELS_MOBILENET_V2_H

#include "models/layers.h"

typedef struct od_mobilenet_v2_options {
    float depth_multiplier;
    int min_depth;
    int explicit_padding;           /* use_explicit_padding */
    const od_hyperparams *override; /* NULL: MobileNet's own (batch norm .9997/.001, ReLU6, L2 4e-5) */
    int frozen;                     /* freeze_batchnorm */
} od_mobilenet_v2_options;

/* The outputs of the inverted residual blocks ([0..16]: after addition where there is one) and, at [17], of the last
 * 1x1 convolution with its activation; expanded[1..16]: a block's expanding convolution with its activation. `path` is the backbone's checkpoint path; layers are <path>/layer_with_weights-N. */
typedef struct od_mobilenet_v2_outputs {
    od_value block[18], expanded[17];
} od_mobilenet_v2_outputs;

od_mobilenet_v2_outputs od_mobilenet_v2_build(od_graph *g, od_value images, const od_mobilenet_v2_options *options, const char *path);

#endif
