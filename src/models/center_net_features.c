/* SPDX-License-Identifier: Apache-2.0
 *
 * models/center_net_{resnet,resnet_v1_fpn,mobilenet_v2,mobilenet_v2_fpn,hourglass}_feature_extractor.py.
 */
#include "models/center_net_features.h"

#include "models/hourglass.h"
#include "models/mobilenet_v2.h"
#include "models/resnet_basic.h"
#include "models/resnet_preact.h"
#include "models/resnet_v1.h"
#include "models/resnet_v2.h"
#include "util/strbuf.h"

#include <string.h>

#define EXTRACTOR "model/_feature_extractor"
#define BASE EXTRACTOR "/_base_model"
#define NETWORK EXTRACTOR "/_network"
#define WHOLE EXTRACTOR "/_feature_extractor_model" /* its layer_with_weights-0 is the backbone */

/* Convolution with batch norm and ReLU, layers <path>/layer_with_weights-N and N+1. */
static od_value conv_norm(od_graph *g, od_value x, int64_t filters, int kernel, int separable, const char *path, int layer)
{
    od_hyperparams h = od_keras_hyperparams(1e-3f);
    od_layer l = {.kernel = kernel, .stride = 1, .padding = OD_PAD_SAME, .bias = 1, .init = h.init, .pointwise_init = h.init};
    x = separable ? od_layer_separable(g, x, filters, &l, "%s/layer_with_weights-%d", path, layer)
                  : od_layer_conv(g, x, filters, &l, "%s/layer_with_weights-%d", path, layer);
    return od_layer_batch_norm(g, x, &h, h.act, "%s/layer_with_weights-%d", path, layer + 1);
}

/* Three times: convolution, transposed convolution by 2: from stride 32 to 4. */
static od_value upsample_by_convolutions(od_graph *g, od_value x, int kernel, const char *path)
{
    static const int filters[] = {256, 128, 64};
    od_hyperparams h = od_keras_hyperparams(1e-3f);
    od_layer l = {.kernel = 3, .stride = 2, .padding = OD_PAD_SAME, .bias = 1, .init = h.init};
    for (int i = 0, layer = 1; i < 3; i++, layer += 4) {
        x = conv_norm(g, x, filters[i], kernel, 0, path, layer);
        x = od_layer_conv_transpose(g, x, filters[i], &l, "%s/layer_with_weights-%d", path, layer + 2);
        x = od_layer_batch_norm(g, x, &h, h.act, "%s/layer_with_weights-%d", path, layer + 3);
    }
    return x;
}

/* From the coarsest of taps[4] (strides 4 to 32): x2, plus the lateral convolution's, 3x3 convolution. */
static od_value upsample_by_pyramid(od_graph *g, const od_value *taps, const int filters[3], int top_filters, int separable, int bilinear)
{
    od_layer l = {.kernel = 1, .stride = 1, .padding = OD_PAD_SAME, .bias = 1, .init = od_init_glorot_uniform};
    od_value x = od_layer_conv(g, taps[3], top_filters, &l, WHOLE "/layer_with_weights-1");
    for (int i = 0, layer = 2; i < 3; i++, layer += 3) {
        od_value side = od_layer_conv(g, taps[2 - i], filters[i], &l, WHOLE "/layer_with_weights-%d", layer);
        if (x == OD_NO_VALUE) return x;
        od_tensor_shape s = g->values[x].shape;
        x = bilinear ? od_graph_upsample2x_bilinear(g, x, "up_sampling2d") : od_graph_upsample2x(g, x, 2 * s.h, 2 * s.w, "up_sampling2d");
        x = od_graph_add(g, x, side, "top_down");
        x = conv_norm(g, x, filters[i < 2 ? i + 1 : 2], 3, separable, WHOLE, layer + 1);
    }
    return x;
}

static od_status resnet_v2(const od_center_net_extractor *config, int depth, od_graph *g, od_value images, od_value *maps, int *count, od_error *err)
{
    (void)config, (void)err;
    *count = 1;
    maps[0] = upsample_by_convolutions(g, od_resnet_v2_build(g, images, depth, BASE), 3, WHOLE);
    return OD_OK;
}

static const int resnet_pyramid[] = {256, 128, 64};

static od_status resnet_basic_fpn(const od_center_net_extractor *config, int depth, od_graph *g, od_value images, od_value *maps, int *count, od_error *err)
{
    (void)config, (void)err;
    od_value taps[OD_RESNET_BASIC_STAGES];
    od_resnet_basic_build(g, images, depth, BASE, taps);
    *count = 1;
    maps[0] = upsample_by_pyramid(g, taps, resnet_pyramid, 256, 0, 0);
    return OD_OK;
}

static od_status resnet_v1_fpn(const od_center_net_extractor *config, int depth, od_graph *g, od_value images, od_value *maps, int *count, od_error *err)
{
    (void)config, (void)err;
    od_resnet_v1_options o = {.depth_multiplier = 1, .h = od_keras_hyperparams(1.001e-5f), .conv_bias = 1, .pool_padding = OD_PAD_EXPLICIT};
    od_value taps[OD_RESNET_V1_STAGES];
    od_resnet_v1_blocks(depth, o.blocks);
    od_resnet_v1_build(g, images, &o, BASE, taps);
    *count = 1;
    maps[0] = upsample_by_pyramid(g, taps, resnet_pyramid, 256, 0, 0);
    return OD_OK;
}

/* CenterNet has no regularisation, so MobileNet's own L2 is off. */
static od_status build_mobilenet(const od_center_net_extractor *config, od_graph *g, od_value images, const char *path, od_mobilenet_v2_outputs *out, od_error *err)
{
    od_hyperparams h = od_keras_hyperparams(1e-3f);
    h.init = (od_init){.kind = OD_INIT_TRUNCATED_NORMAL, .b = .09f};
    h.act = OD_ACT_RELU6;
    h.bn_momentum = .9997f;
    od_mobilenet_v2_options o = {.depth_multiplier = config->depth_multiplier, .override = &h};
    if (!(config->depth_multiplier > 0)) return od_error_set(err, OD_ERR_CONFIG, "depth_multiplier is %g; expected a positive number", (double)config->depth_multiplier);
    *out = od_mobilenet_v2_build(g, images, &o, path);
    return OD_OK;
}

static od_status mobilenet_v2(const od_center_net_extractor *config, int depth, od_graph *g, od_value images, od_value *maps, int *count, od_error *err)
{
    (void)depth;
    od_mobilenet_v2_outputs out;
    OD_TRY(build_mobilenet(config, g, images, NETWORK "/layer_with_weights-0", &out, err));
    *count = 1;
    maps[0] = upsample_by_convolutions(g, out.block[17], 1, NETWORK);
    return OD_OK;
}

static od_status mobilenet_v2_fpn(const od_center_net_extractor *config, int depth, od_graph *g, od_value images, od_value *maps, int *count, od_error *err)
{
    (void)depth;
    static const int filters[] = {64, 32, 24};
    od_mobilenet_v2_outputs out;
    int bilinear = !strcmp(config->upsampling_interpolation, "bilinear");
    if (!bilinear && strcmp(config->upsampling_interpolation, "nearest"))
        return od_error_set(err, OD_ERR_CONFIG, "upsampling_interpolation: \"%s\"; expected \"nearest\" or \"bilinear\"", config->upsampling_interpolation);
    OD_TRY(build_mobilenet(config, g, images, BASE, &out, err));
    od_value taps[4] = {out.block[2], out.block[5], out.block[9], out.block[17]};
    /* model_builder.py looks at the type's ending only when the field is given, too. */
    int separable = config->has_use_separable_conv && (config->use_separable_conv || !strcmp(config->type, "mobilenet_v2_fpn_sep_conv"));
    *count = 1;
    maps[0] = upsample_by_pyramid(g, taps, filters, 64, separable, bilinear);
    return OD_OK;
}

static od_status hourglass(const od_center_net_extractor *config, int depth, od_graph *g, od_value images, od_value *maps, int *count, od_error *err)
{
    (void)config, (void)err;
    *count = od_hourglass_build(g, images, depth, NETWORK, maps);
    return OD_OK;
}

static const od_center_net_features table[] = {
    {"resnet_v2_50", BASE, NULL, 50, resnet_v2},
    {"resnet_v2_101", BASE, NULL, 101, resnet_v2},
    {"resnet_v1_18_fpn", BASE, NULL, 18, resnet_basic_fpn},
    {"resnet_v1_34_fpn", BASE, NULL, 34, resnet_basic_fpn},
    {"resnet_v1_50_fpn", BASE, NULL, 50, resnet_v1_fpn},
    {"resnet_v1_101_fpn", BASE, NULL, 101, resnet_v1_fpn},
    {"hourglass_10", NULL, NETWORK, 10, hourglass},
    {"hourglass_20", NULL, NETWORK, 20, hourglass},
    {"hourglass_32", NULL, NETWORK, 32, hourglass},
    {"hourglass_52", NULL, NETWORK, 52, hourglass},
    {"hourglass_104", NULL, NETWORK, 104, hourglass},
    {"mobilenet_v2", NETWORK, NETWORK "/layer_with_weights-0", 0, mobilenet_v2},
    {"mobilenet_v2_fpn", BASE, NULL, 0, mobilenet_v2_fpn},
    {"mobilenet_v2_fpn_sep_conv", BASE, NULL, 0, mobilenet_v2_fpn},
};

od_status od_center_net_features_find(const od_config *config, const od_center_net_extractor *extractor, const od_center_net_features **out, od_error *err)
{
    od_strbuf known = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!strcmp(table[i].type, extractor->type)) {
            *out = &table[i];
            od_strbuf_deinit(&known);
            return OD_OK;
        }
        od_strbuf_printf(&known, "%s%s", i ? ", " : "", table[i].type);
    }
    od_status status = od_config_error(config, extractor, "type", err, OD_ERR_UNSUPPORTED, "feature extractor \"%s\" is not supported; supported: %s",
                                       extractor->type, known.data ? known.data : "");
    od_strbuf_deinit(&known);
    return status;
}
