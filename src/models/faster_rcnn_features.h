/* SPDX-License-Identifier: Apache-2.0
 *
 * Faster R-CNN's feature extractors (OD API models/faster_rcnn_*_keras_feature_extractor.py): one row each, two networks: from images to the
 * maps that proposals are made from and regions cropped from, and from crops to what boxes and classes are predicted from.
 */
#ifndef OD_MODELS_FASTER_RCNN_FEATURES_H
#define OD_MODELS_FASTER_RCNN_FEATURES_H

#include "config/config.h"
#include "models/layers.h"

#include "faster_rcnn.pb-c.h"

#define OD_FRCNN_PROPOSAL "model/_feature_extractor_for_proposal_features"
#define OD_FRCNN_CLASSIFIER "model/_feature_extractor_for_box_classifier_features"

enum { OD_FRCNN_MAX_LEVELS = 12 };

typedef ObjectDetection__Protos__FasterRcnnFeatureExtractor od_faster_rcnn_extractor;

typedef struct od_faster_rcnn_features {
    const char *type;
    int depth;                     /* ResNet's */
    const char *backbone_paths[2]; /* od_model_info */
    /* maps[*levels]: finest first. */
    od_status (*proposal)(const od_faster_rcnn_extractor *config, int depth, od_graph *g, od_value images, od_value *maps, int *levels, od_error *err);
    /* crops [M,S,S,C] -> [M,h,w,C'] */
    od_status (*classifier)(const od_faster_rcnn_extractor *config, int depth, od_graph *g, od_value crops, od_value *out, od_error *err);
} od_faster_rcnn_features;

/* The row of the config's type; OD_ERR_UNSUPPORTED lists the types there are. */
od_status od_faster_rcnn_features_find(const od_config *config, const od_faster_rcnn_extractor *extractor, const od_faster_rcnn_features **out, od_error *err);

extern const od_faster_rcnn_features od_faster_rcnn_resnet50, od_faster_rcnn_resnet101, od_faster_rcnn_resnet152, od_faster_rcnn_resnet50_fpn,
    od_faster_rcnn_resnet101_fpn, od_faster_rcnn_resnet152_fpn, od_faster_rcnn_inception_resnet_v2;

#endif
