/* SPDX-License-Identifier: Apache-2.0
 *
 * ssd_resnet50/101/152_v1_fpn_keras (models/ssd_resnet_v1_fpn_keras_feature_extractor.py; Lin et al., RetinaNet, ICCV 2017):
 * ResNet's four stages (levels 2 to 5) through a feature pyramid, plus stride-2 levels up to max_level.
 */
#include "models/resnet_v1.h"
#include "models/ssd_feature_maps.h"

#define BACKBONE OD_SSD_EXTRACTOR "/classification_backbone"

static od_status build(const ObjectDetection__Protos__Ssd *config, int depth, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    const od_ssd_extractor_config *c = config->feature_extractor;
    od_hyperparams h;
    OD_TRY(od_ssd_read_hyperparams(config, &h, err));
    if (c->use_explicit_padding || c->use_depthwise)
        return od_error_set(err, OD_ERR_CONFIG, "%s takes neither use_explicit_padding nor use_depthwise: remove them", c->type);
    od_resnet_v1_options backbone = {.depth_multiplier = c->depth_multiplier,
                                     .min_depth = c->min_depth,
                                     .h = c->override_base_feature_extractor_hyperparams ? h : od_resnet_v1_hyperparams(1e-4f),
                                     .pool_padding = OD_PAD_SAME};
    od_resnet_v1_blocks(depth, backbone.blocks);
    backbone.h.frozen = config->freeze_batchnorm;
    images = od_graph_pad_to_multiple(g, images, c->pad_to_multiple, "pad_to_multiple");
    od_value taps[OD_RESNET_V1_STAGES];
    od_resnet_v1_build(g, images, &backbone, BACKBONE, taps);
    return od_ssd_pyramid_build(config, g, taps, 1, &h, maps, levels, err);
}

static od_status build50(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    return build(config, 50, g, images, maps, levels, err);
}

static od_status build101(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    return build(config, 101, g, images, maps, levels, err);
}

static od_status build152(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    return build(config, 152, g, images, maps, levels, err);
}

const od_ssd_features od_ssd_resnet50_v1_fpn = {.type = "ssd_resnet50_v1_fpn_keras", .backbone_path = BACKBONE, .build = build50};
const od_ssd_features od_ssd_resnet101_v1_fpn = {.type = "ssd_resnet101_v1_fpn_keras", .backbone_path = BACKBONE, .build = build101};
const od_ssd_features od_ssd_resnet152_v1_fpn = {.type = "ssd_resnet152_v1_fpn_keras", .backbone_path = BACKBONE, .build = build152};
