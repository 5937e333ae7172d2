/* SPDX-License-Identifier: Apache-2.0
 *
 * MobileNetV1 (Howard et al., 2017) as the OD API builds it: models/keras_models/mobilenet_v1.py.
 */
#ifndef OD_MODELS_MOBILENET_V1_H
#define OD_MODELS_MOBILENET_V1_H

#include "models/layers.h"

enum { OD_MOBILENET_V1_BLOCKS = 13 };

typedef struct od_mobilenet_v1_options {
    float depth_multiplier;
    int min_depth;
    int explicit_padding;           /* use_explicit_padding */
    int narrow_end;                 /* the last two blocks 512 and 256 wide instead of 1024 (FPNLite) */
    const od_hyperparams *override; /* NULL: MobileNet's own (batch norm .9997/.001, ReLU6, L2 4e-5) */
    int frozen;                     /* freeze_batchnorm */
} od_mobilenet_v1_options;

/* out[i]: block i + 1 (conv_pw_<i+1>_relu). Strides: block 1: 2, 3: 4, 5: 8, 11: 16, 13: 32. Layers are
 * <path>/layer_with_weights-N. */
void od_mobilenet_v1_build(od_graph *g, od_value images, const od_mobilenet_v1_options *options, const char *path,
                           od_value out[OD_MOBILENET_V1_BLOCKS]);

#endif
