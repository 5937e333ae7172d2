/* SPDX-License-Identifier: Apache-2.0
 *
 * ssd_mobilenet_v2_fpn_keras (models/ssd_mobilenet_v2_fpn_keras_feature_extractor.py): MobileNetV2's blocks 2, 5, 12 and its
 * last convolution (levels 2 to 5) through a feature pyramid, plus stride-2 levels up to max_level.
 */
#include "models/fpn.h"
#include "models/mobilenet_v2.h"
#include "models/ssd_features.h"

#define EXTRACTOR "model/_feature_extractor"

static od_status check_settings(const ObjectDetection__Protos__SsdFeatureExtractor *c, od_error *err)
{
    const ObjectDetection__Protos__FeaturePyramidNetworks *fpn = c->fpn;
    if (c->feature_pyramid_oneof_case == OBJECT_DETECTION__PROTOS__SSD_FEATURE_EXTRACTOR__FEATURE_PYRAMID_ONEOF_BIFPN)
        return od_error_set(err, OD_ERR_CONFIG, "ssd_mobilenet_v2_fpn_keras takes fpn { ... }, not bifpn");
    if (fpn && (fpn->min_level < 2 || fpn->min_level > 5 || fpn->max_level < fpn->min_level || fpn->max_level > 13))
        return od_error_set(err, OD_ERR_CONFIG, "fpn { min_level: %d max_level: %d }: expected 2 <= min_level <= 5 and min_level <= max_level <= 13",
                            fpn->min_level, fpn->max_level);
    if (c->depth_multiplier <= 0 || c->min_depth < 0)
        return od_error_set(err, OD_ERR_CONFIG, "depth_multiplier %g and min_depth %d: expected positive numbers", (double)c->depth_multiplier, c->min_depth);
    return OD_OK;
}

static od_status build(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    const ObjectDetection__Protos__SsdFeatureExtractor *c = config->feature_extractor;
    OD_TRY(check_settings(c, err));
    od_hyperparams h;
    OD_TRY(od_hyperparams_read(c->conv_hyperparams, &h, err));
    h.frozen = config->freeze_batchnorm;
    od_mobilenet_v2_options backbone = {
        c->depth_multiplier, c->min_depth, c->use_explicit_padding, c->override_base_feature_extractor_hyperparams ? &h : NULL, config->freeze_batchnorm};
    images = od_graph_pad_to_multiple(g, images, c->pad_to_multiple, "pad_to_multiple");
    od_mobilenet_v2_outputs out = od_mobilenet_v2_build(g, images, &backbone, EXTRACTOR "/classification_backbone");
    od_value taps[4] = {out.block[2], out.block[5], out.block[12], out.block[17]}; /* levels 2 to 5 */
    int min_level = c->fpn ? c->fpn->min_level : 3, max_level = c->fpn ? c->fpn->max_level : 7, base_max = max_level < 5 ? max_level : 5;
    int64_t depth = (int64_t)((double)(c->fpn ? c->fpn->additional_layer_depth : 256) * (double)c->depth_multiplier);
    od_fpn_options fpn = {.depth = depth < c->min_depth ? c->min_depth : depth,
                          .use_depthwise = c->use_depthwise,
                          .explicit_padding = c->use_explicit_padding,
                          .h = &h,
                          .pyramid_path = EXTRACTOR "/_fpn_features_generator",
                          .coarse_path = EXTRACTOR "/_coarse_feature_layers"};
    *levels = max_level - min_level + 1;
    OD_TRY(od_graph_check(g, err));
    od_fpn_build(g, taps + min_level - 2, base_max - min_level + 1, max_level - base_max, &fpn, maps);
    return OD_OK;
}

const od_ssd_features od_ssd_mobilenet_v2_fpn = {.type = "ssd_mobilenet_v2_fpn_keras", .backbone_path = EXTRACTOR "/classification_backbone", .build = build};
