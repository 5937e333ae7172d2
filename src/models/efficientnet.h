/* SPDX-License-Identifier: Apache-2.0
 *
 * EfficientNet B0 to B7 (Tan & Le, ICML 2019) as the OD API takes it from the TensorFlow Model Garden:
 * official/legacy/image_classification/efficientnet/efficientnet_model.py.
 */
#ifndef OD_MODELS_EFFICIENTNET_H
#define OD_MODELS_EFFICIENTNET_H

#include "models/layers.h"

enum { OD_EFFICIENTNET_VERSIONS = 8, OD_EFFICIENTNET_LEVELS = 5 };

typedef struct od_efficientnet_options {
    int version;              /* 0 to 7 */
    od_decay decay;           /* the network's own is 1e-5 (weight_decay 5e-6 times the sum of squares) */
    float drop_connect_rate;  /* .2: of the last block; earlier ones in proportion */
    int max_level;            /* the coarsest of `level` that is used, 1 to 5: what lies behind it isn't run */
    const char *path, *rest_path; /* object paths of the layers up to max_level, and of the ones behind it */
} od_efficientnet_options;

/* level[i]: the feature map at stride 2^(i+1), i from 0. Batch norms (momentum .99) ignore freeze_batchnorm. The classifier's
 * layers and the blocks behind max_level are variables, too: the OD API regularises and saves them. */
void od_efficientnet_build(od_graph *g, od_value images, const od_efficientnet_options *options, od_value level[OD_EFFICIENTNET_LEVELS]);

#endif
