/* SPDX-License-Identifier: Apache-2.0 */
#include "models/ssd_feature_maps.h"

#include "models/fpn.h"

od_status od_ssd_read_hyperparams(const ObjectDetection__Protos__Ssd *config, od_hyperparams *h, od_error *err)
{
    const od_ssd_extractor_config *c = config->feature_extractor;
    if (!(c->depth_multiplier > 0) || c->min_depth < 0)
        return od_error_set(err, OD_ERR_CONFIG, "depth_multiplier %g and min_depth %d: expected positive numbers", (double)c->depth_multiplier, c->min_depth);
    OD_TRY(od_hyperparams_read(c->conv_hyperparams, h, err));
    h->frozen = config->freeze_batchnorm;
    return OD_OK;
}

int64_t od_ssd_depth(const od_ssd_extractor_config *c, int depth)
{
    int64_t d = (int64_t)((double)depth * (double)c->depth_multiplier);
    return d < c->min_depth ? c->min_depth : d;
}

static od_status check_pyramid(const od_ssd_extractor_config *c, od_error *err)
{
    const ObjectDetection__Protos__FeaturePyramidNetworks *fpn = c->fpn;
    if (c->feature_pyramid_oneof_case == OBJECT_DETECTION__PROTOS__SSD_FEATURE_EXTRACTOR__FEATURE_PYRAMID_ONEOF_BIFPN)
        return od_error_set(err, OD_ERR_CONFIG, "%s takes fpn { ... }, not bifpn", c->type);
    if (fpn && (fpn->min_level < 2 || fpn->min_level > 5 || fpn->max_level < fpn->min_level || fpn->max_level > 13))
        return od_error_set(err, OD_ERR_CONFIG, "fpn { min_level: %d max_level: %d }: expected 2 <= min_level <= 5 and min_level <= max_level <= 13",
                            fpn->min_level, fpn->max_level);
    return OD_OK;
}

od_status od_ssd_pyramid_build(const ObjectDetection__Protos__Ssd *config, od_graph *g, const od_value taps[4], int ignore_config, const od_hyperparams *h,
                               od_value *maps, int *levels, od_error *err)
{
    const od_ssd_extractor_config *c = config->feature_extractor;
    if (!ignore_config) OD_TRY(check_pyramid(c, err));
    const ObjectDetection__Protos__FeaturePyramidNetworks *said = ignore_config ? NULL : c->fpn;
    int min_level = said ? said->min_level : 3, max_level = said ? said->max_level : 7, base_max = max_level < 5 ? max_level : 5;
    int count = base_max - min_level + 1;
    od_fpn_options fpn = {.depth = od_ssd_depth(c, said ? said->additional_layer_depth : 256),
                          .use_depthwise = c->use_depthwise,
                          .explicit_padding = c->use_explicit_padding,
                          .h = h,
                          .pyramid_path = OD_SSD_EXTRACTOR "/_fpn_features_generator",
                          .coarse_path = OD_SSD_EXTRACTOR "/_coarse_feature_layers"};
    OD_TRY(od_graph_check(g, err));
    od_fpn_build(g, taps + 4 - count, count, max_level - base_max, &fpn, maps);
    *levels = max_level - min_level + 1;
    return OD_OK;
}

/* The layers of one further map; `at` counts their places in the list <path>/convolutions/<index>, where activations and
 * padding have one, too. */
typedef struct builder {
    od_graph *g;
    const od_ssd_extractor_config *c;
    const od_hyperparams *h;
    const char *path;
    int index, at;
} builder;

static od_value norm(builder *b, od_value x)
{
    x = od_layer_batch_norm(b->g, x, b->h, b->h->act, "%s/convolutions/%d/%d", b->path, b->index, b->at);
    b->at += 2;
    return x;
}

static od_value conv(builder *b, od_value x, int64_t filters, int kernel, int stride)
{
    int explicit_padding = kernel > 1 && b->c->use_explicit_padding;
    od_layer l = {.kernel = kernel,
                  .stride = stride,
                  .padding = explicit_padding ? OD_PAD_EXPLICIT : OD_PAD_SAME,
                  .bias = od_hyperparams_use_bias(b->h),
                  .init = b->h->init,
                  .decay = b->h->decay};
    b->at += explicit_padding;
    x = od_layer_conv(b->g, x, filters, &l, "%s/convolutions/%d/%d", b->path, b->index, b->at++);
    return norm(b, x);
}

/* Keras' DepthwiseConv2D ignores kernel_initializer and kernel_regularizer: glorot_uniform, no L2. */
static od_value depthwise(builder *b, od_value x)
{
    od_layer l = {.kernel = 3,
                  .stride = 2,
                  .padding = b->c->use_explicit_padding ? OD_PAD_EXPLICIT : OD_PAD_SAME,
                  .bias = od_hyperparams_use_bias(b->h),
                  .init = od_init_glorot_uniform};
    b->at += b->c->use_explicit_padding;
    x = od_layer_depthwise(b->g, x, &l, "%s/convolutions/%d/%d", b->path, b->index, b->at++);
    return norm(b, x);
}

od_status od_ssd_multi_resolution_build(const od_ssd_extractor_config *c, od_graph *g, const od_value taps[2], const od_hyperparams *h,
                                        const char *path, od_value *maps, int *levels, od_error *err)
{
    static const int depths[] = {-1, -1, 512, 256, 256, 128};
    if (c->num_layers < 1 || c->num_layers > 6)
        return od_error_set(err, OD_ERR_CONFIG, "feature_extractor { num_layers: %d }: expected 1 to 6", c->num_layers);
    if (c->feature_pyramid_oneof_case) return od_error_set(err, OD_ERR_CONFIG, "%s has no feature pyramid: remove fpn { } and bifpn { }", c->type);
    for (int i = 0; i < c->num_layers; i++) {
        if (i < 2) {
            maps[i] = taps[i];
            continue;
        }
        builder b = {.g = g, .c = c, .h = h, .path = path, .index = i};
        od_value x = conv(&b, maps[i - 1], od_ssd_depth(c, depths[i] / 2), 1, 1);
        if (c->use_depthwise) x = conv(&b, depthwise(&b, x), od_ssd_depth(c, depths[i]), 1, 1);
        else x = conv(&b, x, od_ssd_depth(c, depths[i]), 3, 2);
        maps[i] = x;
    }
    *levels = c->num_layers;
    return od_graph_check(g, err);
}
