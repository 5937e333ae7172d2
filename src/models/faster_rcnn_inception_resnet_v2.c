/* SPDX-License-Identifier: Apache-2.0
 *
 * faster_rcnn_inception_resnet_v2_keras (models/faster_rcnn_inception_resnet_v2_keras_feature_extractor.py).
 */
#include "models/faster_rcnn_features.h"
#include "models/inception_resnet_v2.h"

static od_status options_of(const od_faster_rcnn_extractor *c, od_inception_resnet_v2_options *o, od_error *err)
{
    *o = (od_inception_resnet_v2_options){.output_stride = c->first_stage_features_stride, .train_batch_norm = c->batch_norm_trainable};
    if (o->output_stride == 16 || o->output_stride == 8) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "first_stage_features_stride is %d; %s has 8 and 16", o->output_stride, c->type);
}

static od_status proposal(const od_faster_rcnn_extractor *c, int depth, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err)
{
    (void)depth;
    od_inception_resnet_v2_options o;
    OD_TRY(options_of(c, &o, err));
    maps[0] = od_inception_resnet_v2_build_proposal(g, images, &o, OD_FRCNN_PROPOSAL);
    *levels = 1;
    return od_graph_check(g, err);
}

static od_status classifier(const od_faster_rcnn_extractor *c, int depth, od_graph *g, od_value crops, od_value *out, od_error *err)
{
    (void)depth;
    od_inception_resnet_v2_options o;
    OD_TRY(options_of(c, &o, err));
    *out = od_inception_resnet_v2_build_box_classifier(g, crops, &o, OD_FRCNN_CLASSIFIER);
    return od_graph_check(g, err);
}

const od_faster_rcnn_features od_faster_rcnn_inception_resnet_v2 = {.type = "faster_rcnn_inception_resnet_v2_keras",
                                                                    .backbone_paths = {OD_FRCNN_PROPOSAL, OD_FRCNN_CLASSIFIER},
                                                                    .proposal = proposal,
                                                                    .classifier = classifier};
