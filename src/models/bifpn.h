/* SPDX-License-Identifier: Apache-2.0
 *
 * Bidirectional feature pyramid (Tan et al., EfficientDet, CVPR 2020): KerasBiFpnFeatureMaps of
 * models/bidirectional_feature_pyramid_generators.py.
 */
#ifndef OD_MODELS_BIFPN_H
#define OD_MODELS_BIFPN_H

#include "models/layers.h"

enum { OD_BIFPN_MAX_LEVEL = 12 };

typedef struct od_bifpn_options {
    int min_level, max_level;  /* 1 <= min_level < max_level <= OD_BIFPN_MAX_LEVEL */
    int input_max_level;       /* below max_level: the coarser levels are pooled from it */
    int iterations;
    int64_t filters;
    od_sum_weights combine;
    const od_hyperparams *h;
    const char *path;          /* ".../_bifpn_stage" */
} od_bifpn_options;

/* inputs[input_max_level - min_level + 1] -> out[max_level - min_level + 1], fine to coarse. */
void od_bifpn_build(od_graph *g, const od_value *inputs, const od_bifpn_options *options, od_value *out);
/* "fast_attention", "sum", "weighted_sum" or "attention". */
od_status od_bifpn_combine_method(const char *name, od_sum_weights *out, od_error *err);

#endif
