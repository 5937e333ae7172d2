/* SPDX-License-Identifier: Apache-2.0
 *
 * SSD feature extractors by their config type: each turns an image into feature maps, fine to coarse.
 */
#ifndef OD_MODELS_SSD_FEATURES_H
#define OD_MODELS_SSD_FEATURES_H

#include "config/config.h"
#include "nn/graph.h"

enum { OD_SSD_MAX_LEVELS = 12 };

typedef struct od_ssd_features {
    const char *type;          /* feature_extractor { type } */
    const char *backbone_path; /* object path of the classification network */
    od_status (*build)(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err);
    const char *backbone_alias; /* another path that the same network's variables are saved under, or NULL */
} od_ssd_features;

/* OD_ERR_UNSUPPORTED lists the types that exist. */
od_status od_ssd_features_find(const od_config *config, const ObjectDetection__Protos__SsdFeatureExtractor *extractor, const od_ssd_features **out,
                               od_error *err);

extern const od_ssd_features od_ssd_mobilenet_v1, od_ssd_mobilenet_v2, od_ssd_mobilenet_v1_fpn, od_ssd_mobilenet_v2_fpn, od_ssd_resnet50_v1_fpn,
    od_ssd_resnet101_v1_fpn, od_ssd_resnet152_v1_fpn;
extern const od_ssd_features od_ssd_efficientnet_bifpn[8]; /* b0 to b7 */

#endif
