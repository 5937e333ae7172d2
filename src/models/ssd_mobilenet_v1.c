/* SPDX-License-Identifier: Apache-2.0
 *
 * ssd_mobilenet_v1_keras and ssd_mobilenet_v1_fpn_keras (models/ssd_mobilenet_v1_keras_feature_extractor.py and
 * ..._v1_fpn_...): MobileNetV1's blocks 11 and 13 (strides 16, 32) and stride-2 maps after them, or its blocks 3, 5, 11 and 13
 * (levels 2 to 5) through a feature pyramid.
 */
#include "models/mobilenet_v1.h"
#include "models/ssd_feature_maps.h"

#define BACKBONE OD_SSD_EXTRACTOR "/classification_backbone"

static void build_backbone(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, const od_hyperparams *h, int pyramid,
                           od_value out[OD_MOBILENET_V1_BLOCKS])
{
    const od_ssd_extractor_config *c = config->feature_extractor;
    od_mobilenet_v1_options backbone = {.depth_multiplier = c->depth_multiplier,
                                        .min_depth = c->min_depth,
                                        .explicit_padding = c->use_explicit_padding,
                                        .narrow_end = pyramid && c->use_depthwise,
                                        .override = c->override_base_feature_extractor_hyperparams ? h : NULL,
                                        .frozen = config->freeze_batchnorm};
    images = od_graph_pad_to_multiple(g, images, c->pad_to_multiple, "pad_to_multiple");
    od_mobilenet_v1_build(g, images, &backbone, BACKBONE, out);
}

static od_status build(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    od_hyperparams h;
    od_value out[OD_MOBILENET_V1_BLOCKS];
    OD_TRY(od_ssd_read_hyperparams(config, &h, err));
    build_backbone(config, g, images, &h, 0, out);
    return od_ssd_multi_resolution_build(config->feature_extractor, g, (od_value[]){out[10], out[12]}, &h, OD_SSD_EXTRACTOR "/_feature_map_generator",
                                         maps, levels, err);
}

static od_status build_fpn(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    od_hyperparams h;
    od_value out[OD_MOBILENET_V1_BLOCKS];
    OD_TRY(od_ssd_read_hyperparams(config, &h, err));
    build_backbone(config, g, images, &h, 1, out);
    return od_ssd_pyramid_build(config, g, (od_value[]){out[2], out[4], out[10], out[12]}, 0, &h, maps, levels, err);
}

const od_ssd_features od_ssd_mobilenet_v1 = {.type = "ssd_mobilenet_v1_keras", .backbone_path = BACKBONE, .build = build};
const od_ssd_features od_ssd_mobilenet_v1_fpn = {.type = "ssd_mobilenet_v1_fpn_keras", .backbone_path = BACKBONE, .build = build_fpn};
