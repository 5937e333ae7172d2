/* SPDX-License-Identifier: Apache-2.0
 *
 * Inception-ResNet-v2 (Szegedy et al., AAAI 2017) as Keras builds it, with the OD API's changes for two-stage detectors
 * (models/keras_models/inception_resnet_v2.py, models/faster_rcnn_inception_resnet_v2_keras_feature_extractor.py): SAME
 * padding throughout, batch norm without scale.
 */
#ifndef OD_MODELS_INCEPTION_RESNET_V2_H
#define OD_MODELS_INCEPTION_RESNET_V2_H

#include "models/layers.h"

typedef struct od_inception_resnet_v2_options {
    float weight_decay;   /* L2 of kernels and biases as Keras' l2(weight_decay / 2), i.e. weight_decay / 2 * sum of squares */
    int output_stride;    /* of the proposals' features: 16, or 8 (dilated 1x7 and 7x1 convolutions) */
    int train_batch_norm; /* 0: batch norms keep their moving statistics in training */
} od_inception_resnet_v2_options;

/* Images [N,H,W,3] in [-1,1] to the features of the 20 blocks "block17": [N, ceil(H/16), ceil(W/16), 1088]. */
od_value od_inception_resnet_v2_build_proposal(od_graph *g, od_value images, const od_inception_resnet_v2_options *options, const char *path);
/* Crops of these features [M,h,w,1088] to [M, ceil(h/2), ceil(w/2), 1536]. At output stride 8 the reference's branches come out
 * in different sizes (it takes the stride of one branch only away), which is an error here as it is there. */
od_value od_inception_resnet_v2_build_box_classifier(od_graph *g, od_value crops, const od_inception_resnet_v2_options *options, const char *path);

#endif
