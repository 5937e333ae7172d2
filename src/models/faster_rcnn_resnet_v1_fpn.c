/* SPDX-License-Identifier: Apache-2.0
 *
 * faster_rcnn_resnet50/101/152_fpn_keras (models/faster_rcnn_resnet_v1_fpn_keras_feature_extractor.py; Lin et al., CVPR 2017): ResNet's stages
 * through a feature pyramid, proposals and crops from every level, two dense layers on each crop.
 */
#include "models/faster_rcnn_features.h"
#include "models/fpn.h"
#include "models/resnet_v1.h"

#define BACKBONE OD_FRCNN_PROPOSAL "/classification_backbone"

enum { COARSEST_STAGE = 5, PAD_TO_MULTIPLE = 32, UNITS = 1024 };

typedef struct pyramid {
    int min_level, max_level;
    int64_t depth;
} pyramid;

static od_status read_hyperparams(const od_faster_rcnn_extractor *c, od_hyperparams *h, od_error *err)
{
    if (!c->conv_hyperparams) return od_error_set(err, OD_ERR_CONFIG, "%s needs feature_extractor { conv_hyperparams { ... } }", c->type);
    OD_TRY(od_hyperparams_read(c->conv_hyperparams, h, err));
    h->frozen = !c->batch_norm_trainable;
    return OD_OK;
}

static od_status read_pyramid(const od_faster_rcnn_extractor *c, pyramid *p, od_error *err)
{
    *p = (pyramid){2, 6, 256};
    if (c->fpn) *p = (pyramid){c->fpn->min_level, c->fpn->max_level, c->fpn->additional_layer_depth};
    if (p->min_level >= 2 && p->min_level <= COARSEST_STAGE && p->max_level >= p->min_level && p->max_level <= 10 && p->depth >= 1) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "fpn: min_level %d, max_level %d, additional_layer_depth %lld; expected 2 <= min_level <= 5 and min_level <= max_level <= 10",
                        p->min_level, p->max_level, (long long)p->depth);
}

static od_status proposal(const od_faster_rcnn_extractor *c, int depth, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    od_hyperparams h;
    pyramid p;
    OD_TRY(read_hyperparams(c, &h, err));
    OD_TRY(read_pyramid(c, &p, err));
    od_resnet_v1_options backbone = {.depth_multiplier = 1,
                                     .h = c->override_base_feature_extractor_hyperparams ? h : od_resnet_v1_hyperparams(1e-4f),
                                     .pool_padding = OD_PAD_SAME};
    od_resnet_v1_blocks(depth, backbone.blocks);
    backbone.h.frozen = h.frozen;
    images = od_graph_pad_to_multiple(g, images, PAD_TO_MULTIPLE, "pad_to_multiple");
    od_value taps[OD_RESNET_V1_STAGES];
    od_resnet_v1_build(g, images, &backbone, BACKBONE, taps);
    OD_TRY(od_graph_check(g, err));
    int last = p.max_level < COARSEST_STAGE ? p.max_level : COARSEST_STAGE, count = last - p.min_level + 1;
    od_fpn_options o = {.depth = p.depth,
                        .h = &h,
                        .pyramid_path = OD_FRCNN_PROPOSAL "/fpn_features_generator",
                        .coarse_path = OD_FRCNN_PROPOSAL "/coarse_feature_layers"};
    od_fpn_build(g, taps + p.min_level - 2, count, p.max_level - last, &o, maps);
    *levels = p.max_level - p.min_level + 1;
    return od_graph_check(g, err);
}

static od_status classifier(const od_faster_rcnn_extractor *c, int depth, od_graph *g, od_value crops, od_value *out, od_error *err)
{
    (void)depth;
    od_hyperparams h;
    od_layer dense = {.bias = 1, .init = od_init_glorot_uniform};
    OD_TRY(read_hyperparams(c, &h, err));
    h.bn_biased = 1; /* Keras' batch norm of a matrix; that of images (fused) averages unbiased variances */
    od_value x = od_graph_flatten(g, crops, OD_FRCNN_CLASSIFIER "/flatten");
    x = od_layer_dense(g, x, UNITS, &dense, OD_FRCNN_CLASSIFIER "/layer_with_weights-0");
    x = od_graph_activation(g, x, OD_ACT_RELU, OD_FRCNN_CLASSIFIER "/layer_with_weights-0");
    x = od_layer_batch_norm(g, x, &h, OD_ACT_NONE, OD_FRCNN_CLASSIFIER "/layer_with_weights-1");
    x = od_layer_dense(g, x, UNITS, &dense, OD_FRCNN_CLASSIFIER "/layer_with_weights-%d", h.has_bn ? 2 : 1);
    *out = od_graph_activation(g, x, OD_ACT_RELU, OD_FRCNN_CLASSIFIER "/relu");
    return od_graph_check(g, err);
}

#define ROW(name, d) \
    const od_faster_rcnn_features name = { \
        .type = "faster_rcnn_resnet" #d "_fpn_keras", .depth = d, .backbone_paths = {BACKBONE}, .proposal = proposal, .classifier = classifier}

ROW(od_faster_rcnn_resnet50_fpn, 50);
ROW(od_faster_rcnn_resnet101_fpn, 101);
ROW(od_faster_rcnn_resnet152_fpn, 152);
