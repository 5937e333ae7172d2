/* SPDX-License-Identifier: Apache-2.0
 *
 * faster_rcnn_resnet50/101/152_keras (models/faster_rcnn_resnet_keras_feature_extractor.py): ResNet up to conv4 makes the proposals' features
 * (stride 16), conv5 runs on each crop.
 */
#include "models/faster_rcnn_features.h"
#include "models/resnet_v1.h"

static od_status options_of(const od_faster_rcnn_extractor *c, int depth, od_resnet_v1_options *o, od_error *err)
{
    *o = (od_resnet_v1_options){.depth_multiplier = 1, .h = od_resnet_v1_hyperparams(0), .pool_padding = OD_PAD_SAME};
    od_resnet_v1_blocks(depth, o->blocks);
    o->h.frozen = !c->batch_norm_trainable;
    if (c->first_stage_features_stride == 16) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "first_stage_features_stride is %d; %s has 16 only", c->first_stage_features_stride, c->type);
}

static od_status proposal(const od_faster_rcnn_extractor *c, int depth, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    od_resnet_v1_options o;
    int layer = 0;
    OD_TRY(options_of(c, depth, &o, err));
    od_value x = od_resnet_v1_stem(g, images, &o, OD_FRCNN_PROPOSAL, &layer);
    for (int stage = 0; stage < OD_RESNET_V1_STAGES - 1; stage++) x = od_resnet_v1_stage(g, x, &o, stage, OD_FRCNN_PROPOSAL, &layer);
    maps[0] = x;
    *levels = 1;
    return od_graph_check(g, err);
}

static od_status classifier(const od_faster_rcnn_extractor *c, int depth, od_graph *g, od_value crops, od_value *out, od_error *err)
{
    od_resnet_v1_options o;
    int layer = 0;
    OD_TRY(options_of(c, depth, &o, err));
    *out = od_resnet_v1_stage(g, crops, &o, OD_RESNET_V1_STAGES - 1, OD_FRCNN_CLASSIFIER, &layer);
    return od_graph_check(g, err);
}

#define ROW(name, d) \
    const od_faster_rcnn_features name = {.type = "faster_rcnn_resnet" #d "_keras", \
                                          .depth = d, \
                                          .backbone_paths = {OD_FRCNN_PROPOSAL, OD_FRCNN_CLASSIFIER}, \
                                          .proposal = proposal, \
                                          .classifier = classifier}

ROW(od_faster_rcnn_resnet50, 50);
ROW(od_faster_rcnn_resnet101, 101);
ROW(od_faster_rcnn_resnet152, 152);
