/* SPDX-License-Identifier: Apache-2.0
 *
 * Feature pyramid (Lin et al., CVPR 2017): KerasFpnTopDownFeatureMaps of models/feature_map_generators.py, and the coarser
 * levels that the SSD feature extractors add below it.
 */
#ifndef OD_MODELS_FPN_H
#define OD_MODELS_FPN_H

#include "models/layers.h"

enum { OD_FPN_MAX_LEVELS = 12 };

typedef struct od_fpn_options {
    int64_t depth;
    int use_depthwise, explicit_padding;
    const od_hyperparams *h;
    const char *pyramid_path; /* ".../_fpn_features_generator" */
    const char *coarse_path;  /* ".../_coarse_feature_layers" */
} od_fpn_options;

/* inputs[count]: fine to coarse; out[count + extra]: the pyramid's levels and `extra` stride-2 levels after the coarsest. */
void od_fpn_build(od_graph *g, const od_value *inputs, int count, int extra, const od_fpn_options *options, od_value *out);

#endif
