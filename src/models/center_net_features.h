/* SPDX-License-Identifier: Apache-2.0
 *
 * CenterNet's feature extractors by their config type: each turns an image into one feature map at stride 4, hourglass_104 into
 * one for each of its two stacks.
 */
#ifndef OD_MODELS_CENTER_NET_FEATURES_H
#define OD_MODELS_CENTER_NET_FEATURES_H

#include "config/config.h"
#include "nn/graph.h"

enum { OD_CENTER_NET_MAX_STACKS = 2, OD_CENTER_NET_STRIDE = 4 };

typedef ObjectDetection__Protos__CenterNetFeatureExtractor od_center_net_extractor;

typedef struct od_center_net_features {
    const char *type;
    const char *backbone_path; /* object path of the classification network; NULL: it has none */
    const char *backbone_shown; /* od_model_info */
    int depth;
    od_status (*build)(const od_center_net_extractor *config, int depth, od_graph *g, od_value images, od_value maps[OD_CENTER_NET_MAX_STACKS], int *count,
                       od_error *err);
} od_center_net_features;

/* OD_ERR_UNSUPPORTED lists the types that exist. */
od_status od_center_net_features_find(const od_config *config, const od_center_net_extractor *extractor, const od_center_net_features **out, od_error *err);

#endif
