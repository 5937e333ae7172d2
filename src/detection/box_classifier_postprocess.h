/* SPDX-License-Identifier: Apache-2.0
 *
 * From the second stage's predictions to detections (OD API faster_rcnn_meta_arch.py, _postprocess_box_classifier).
 */
#ifndef OD_DETECTION_BOX_CLASSIFIER_POSTPROCESS_H
#define OD_DETECTION_BOX_CLASSIFIER_POSTPROCESS_H

#include "detection/detections.h"
#include "detection/multiclass_nms.h"
#include "detection/score_converter.h"

#include "faster_rcnn.pb-c.h"

typedef struct od_box_classifier_postprocess {
    od_nms_params nms;
    od_score_converter converter;
    od_box_coder coder;
    int num_classes, boxes_each;
} od_box_classifier_postprocess;

/* From second_stage_post_processing, share_box_across_classes and num_classes. OD_ERR_CONFIG, OD_ERR_UNSUPPORTED. */
od_status od_box_classifier_postprocess_init(od_box_classifier_postprocess *post, const ObjectDetection__Protos__FasterRcnn *config, od_error *err);

/* Image `image` of the detections (already reset): the first `count` proposals [count, 4] in pixels, codes [count, boxes_each, 4], logits
 * [count, 1 + num_classes]; window: the true image in pixels. Boxes come out relative to the window. OD_ERR_NOMEM. */
od_status od_box_classifier_postprocess_image(const od_box_classifier_postprocess *post, int64_t count, const float *proposals, const float *codes,
                                              const float *logits, const float window[4], int64_t image, od_detections *out, od_error *err);

#endif
