/* SPDX-License-Identifier: Apache-2.0
 *
 * ssd_mobilenet_v2_keras (models/ssd_mobilenet_v2_keras_feature_extractor.py): the expanded tensor of MobileNetV2's block 13
 * (stride 16), its last convolution (stride 32), and stride-2 maps after it.
 */
#include "models/mobilenet_v2.h"
#include "models/ssd_feature_maps.h"

#define BACKBONE OD_SSD_EXTRACTOR "/classification_backbone"

static od_status build(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    const od_ssd_extractor_config *c = config->feature_extractor;
    od_hyperparams h;
    OD_TRY(od_ssd_read_hyperparams(config, &h, err));
    od_mobilenet_v2_options backbone = {
        c->depth_multiplier, c->min_depth, c->use_explicit_padding, c->override_base_feature_extractor_hyperparams ? &h : NULL, config->freeze_batchnorm};
    images = od_graph_pad_to_multiple(g, images, c->pad_to_multiple, "pad_to_multiple");
    od_mobilenet_v2_outputs out = od_mobilenet_v2_build(g, images, &backbone, BACKBONE);
    od_value taps[2] = {out.expanded[13], out.block[17]};
    return od_ssd_multi_resolution_build(c, g, taps, &h, OD_SSD_EXTRACTOR "/feature_map_generator", maps, levels, err);
}

const od_ssd_features od_ssd_mobilenet_v2 = {.type = "ssd_mobilenet_v2_keras", .backbone_path = BACKBONE, .build = build};
