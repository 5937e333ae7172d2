/* SPDX-License-Identifier: Apache-2.0
 *
 * What the SSD feature extractors have in common: the feature pyramid over a backbone's levels 2 to 5, and the plain SSD's
 * stride-2 maps after a backbone (KerasMultiResolutionFeatureMaps of models/feature_map_generators.py).
 */
#ifndef OD_MODELS_SSD_FEATURE_MAPS_H
#define OD_MODELS_SSD_FEATURE_MAPS_H

#include "models/layers.h"
#include "models/ssd_features.h"

#define OD_SSD_EXTRACTOR "model/_feature_extractor"

typedef ObjectDetection__Protos__SsdFeatureExtractor od_ssd_extractor_config;

/* conv_hyperparams and freeze_batchnorm; refuses settings that no extractor takes. */
od_status od_ssd_read_hyperparams(const ObjectDetection__Protos__Ssd *config, od_hyperparams *h, od_error *err);
/* max(int(depth * depth_multiplier), min_depth) */
int64_t od_ssd_depth(const od_ssd_extractor_config *c, int depth);

/* A feature pyramid over taps[4] (levels 2 to 5), as the config's fpn { } says it. When its max_level is below 5 it takes the last taps, as the
 * OD API's MobileNets do. ignore_config: levels 3 to 7 with 256 channels whatever fpn { } says; the OD API's ResNets never pass it on
 * (ssd_resnet_v1_fpn_keras_feature_extractor.py, the classes at its end). Paths are under OD_SSD_EXTRACTOR. */
od_status od_ssd_pyramid_build(const ObjectDetection__Protos__Ssd *config, od_graph *g, const od_value taps[4], int ignore_config, const od_hyperparams *h,
                               od_value *maps, int *levels, od_error *err);

/* taps[2], then a 1x1 and a 3x3/2 convolution for each further map up to num_layers. `path`: ".../feature_map_generator". */
od_status od_ssd_multi_resolution_build(const od_ssd_extractor_config *c, od_graph *g, const od_value taps[2], const od_hyperparams *h,
                                        const char *path, od_value *maps, int *levels, od_error *err);

#endif
