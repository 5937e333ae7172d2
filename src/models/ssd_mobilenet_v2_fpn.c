/* SPDX-License-Identifier: Apache-2.0
 *
 * ssd_mobilenet_v2_fpn_keras (models/ssd_mobilenet_v2_fpn_keras_feature_extractor.py): MobileNetV2's blocks 2, 5, 12 and its
 * last convolution (levels 2 to 5) through a feature pyramid, plus stride-2 levels up to max_level. Grey images (convert_to_grayscale)
 * have one channel for it, as in the OD API.
 */
#include "config/resizer.h"
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
    if (od_resizer_is_grey(config->image_resizer)) images = od_graph_first_channel(g, images, "grey");
    images = od_graph_pad_to_multiple(g, images, c->pad_to_multiple, "pad_to_multiple");
    od_mobilenet_v2_outputs out = od_mobilenet_v2_build(g, images, &backbone, BACKBONE);
    od_value taps[4] = {out.block[2], out.block[5], out.block[12], out.block[17]}; /* levels 2 to 5 */
    return od_ssd_pyramid_build(config, g, taps, 0, &h, maps, levels, err);
}

const od_ssd_features od_ssd_mobilenet_v2_fpn = {.type = "ssd_mobilenet_v2_fpn_keras", .backbone_path = BACKBONE, .build = build};
