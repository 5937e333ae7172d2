/* SPDX-License-Identifier: Apache-2.0
 *
 * ssd_efficientnet-b0_bifpn_keras to -b7 (EfficientDet D0 to D7; models/ssd_efficientnet_bifpn_feature_extractor.py):
 * EfficientNet's levels up to 5 through a bidirectional feature pyramid that adds the coarser ones.
 */
#include "models/bifpn.h"
#include "models/efficientnet.h"
#include "models/ssd_features.h"

#include <stdio.h>
#include <string.h>

#define EXTRACTOR "model/_feature_extractor"
#define BACKBONE EXTRACTOR "/classification_backbone"
#define TAPPED EXTRACTOR "/_efficientnet" /* the same network up to the coarsest level in use: its layers are saved under this path */

/* What the OD API's classes take without bifpn { }. */
static const struct { int iterations, filters; const char *combine; } defaults[OD_EFFICIENTNET_VERSIONS] = {
    {3, 64, "fast_attention"},  {4, 88, "fast_attention"},  {5, 112, "fast_attention"}, {6, 160, "fast_attention"},
    {7, 224, "fast_attention"}, {7, 288, "fast_attention"}, {8, 384, "sum"},            {8, 384, "sum"}};

typedef ObjectDetection__Protos__SsdFeatureExtractor extractor_config;

static od_status check_settings(const extractor_config *c, od_error *err)
{
    if (c->feature_pyramid_oneof_case == OBJECT_DETECTION__PROTOS__SSD_FEATURE_EXTRACTOR__FEATURE_PYRAMID_ONEOF_FPN)
        return od_error_set(err, OD_ERR_CONFIG, "%s takes bifpn { ... }, not fpn", c->type);
    if (c->depth_multiplier != 1)
        return od_error_set(err, OD_ERR_CONFIG, "%s: depth_multiplier is %g; expected 1 (the version sets the width)", c->type, (double)c->depth_multiplier);
    if (c->use_explicit_padding || c->use_depthwise)
        return od_error_set(err, OD_ERR_CONFIG, "%s takes neither use_explicit_padding nor use_depthwise: remove them", c->type);
    return OD_OK;
}

static od_status read_bifpn(const extractor_config *c, int version, od_bifpn_options *o, od_error *err)
{
    const ObjectDetection__Protos__BidirectionalFeaturePyramidNetworks *p =
        c->feature_pyramid_oneof_case == OBJECT_DETECTION__PROTOS__SSD_FEATURE_EXTRACTOR__FEATURE_PYRAMID_ONEOF_BIFPN ? c->bifpn : NULL;
    int filters = p ? p->num_filters : defaults[version].filters;
    o->min_level = p ? p->min_level : 3;
    o->max_level = p ? p->max_level : 7;
    o->iterations = p ? p->num_iterations : defaults[version].iterations;
    o->filters = filters < c->min_depth ? c->min_depth : filters;
    o->input_max_level = OD_EFFICIENTNET_LEVELS;
    if (o->min_level < 1 || o->min_level > 5 || o->max_level < 6 || o->max_level > OD_BIFPN_MAX_LEVEL)
        return od_error_set(err, OD_ERR_CONFIG, "bifpn { min_level: %d max_level: %d }: expected 1 <= min_level <= 5 and 6 <= max_level <= %d", o->min_level,
                            o->max_level, OD_BIFPN_MAX_LEVEL);
    if (o->iterations < 1 || o->iterations > 100 || o->filters < 1)
        return od_error_set(err, OD_ERR_CONFIG, "bifpn { num_iterations: %d num_filters: %lld }: expected at least 1 of each", o->iterations, (long long)o->filters);
    return od_bifpn_combine_method(p ? p->combine_method : defaults[version].combine, &o->combine, err);
}

/* The OD API hands on the regulariser's weight alone: an L1 of it becomes Keras' l2(weight), which is weight * sum of squares. */
static od_decay backbone_decay(const od_hyperparams *h)
{
    return h->decay.l1 ? (od_decay){2 * h->decay.weight, 0} : h->decay;
}

static od_status build(const ObjectDetection__Protos__Ssd *config, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    const extractor_config *c = config->feature_extractor;
    int version = 0;
    sscanf(c->type, "ssd_efficientnet-b%d_bifpn_keras", &version);
    od_bifpn_options bifpn = {.path = EXTRACTOR "/_bifpn_stage"};
    od_hyperparams h;
    OD_TRY(check_settings(c, err));
    OD_TRY(read_bifpn(c, version, &bifpn, err));
    OD_TRY(od_hyperparams_read(c->conv_hyperparams, &h, err));
    h.frozen = config->freeze_batchnorm;
    bifpn.h = &h;
    od_efficientnet_options backbone = {.version = version,
                                        .decay = c->override_base_feature_extractor_hyperparams ? backbone_decay(&h) : (od_decay){1e-5f, 0},
                                        .drop_connect_rate = .2f,
                                        .max_level = OD_EFFICIENTNET_LEVELS,
                                        .path = TAPPED,
                                        .rest_path = BACKBONE};
    images = od_graph_pad_to_multiple(g, images, c->pad_to_multiple, "pad_to_multiple");
    OD_TRY(od_graph_check(g, err));
    od_tensor_shape s = g->values[images].shape;
    if (s.h < 129 || s.w < 129)
        return od_error_set(err, OD_ERR_CONFIG, "%s needs images of at least 129x129, not %lldx%lld; use a larger image_resizer", c->type, (long long)s.h, (long long)s.w);
    od_value level[OD_EFFICIENTNET_LEVELS] = {0};
    od_efficientnet_build(g, images, &backbone, level);
    *levels = bifpn.max_level - bifpn.min_level + 1;
    OD_TRY(od_graph_check(g, err));
    od_bifpn_build(g, level + bifpn.min_level - 1, &bifpn, maps);
    return OD_OK;
}

#define ROW(version) {"ssd_efficientnet-b" #version "_bifpn_keras", BACKBONE, build, TAPPED}
const od_ssd_features od_ssd_efficientnet_bifpn[8] = {ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7)};
