/* SPDX-License-Identifier: Apache-2.0
 *
 * From raw predictions to detections: score conversion, decoding, multi-class non-max suppression, clipping to the true
 * image, padding removed from the coordinates (OD API ssd_meta_arch.py postprocess, core/post_processing.py).
 *
 *     od_postprocess *post;
 *     OD_TRY(od_postprocess_create_ssd(ssd, anchors->boxes, anchors->count, &post, err));
 *     od_detections found = {0};
 *     OD_TRY(od_postprocess_run(post, batch, box_encodings, class_logits, windows, &found, err));
 */
#ifndef OD_DETECTION_POSTPROCESS_H
#define OD_DETECTION_POSTPROCESS_H

#include "detection/detections.h"
#include "detection/multiclass_nms.h"
#include "detection/score_converter.h"

#include "ssd.pb-c.h"

typedef struct od_postprocess od_postprocess;

/* The suppression's settings from batch_non_max_suppression (NULL: its defaults), checked as the OD API does.
 * OD_ERR_CONFIG for what it refuses. */
od_status od_nms_params_init(od_nms_params *params, const ObjectDetection__Protos__BatchNonMaxSuppression *config, od_error *err);

/* num_classes foreground classes; has_background: column 0 of the predictions is background. `coder` decodes predictions
 * relative to anchors[count, 4] (copied). `config` may be NULL (all defaults). The caller frees *out with od_postprocess_free. */
od_status od_postprocess_create(const ObjectDetection__Protos__PostProcessing *config, int num_classes, int has_background,
                                const od_box_coder *coder, const float *anchors, int64_t count, od_postprocess **out, od_error *err);

od_status od_postprocess_create_ssd(const ObjectDetection__Protos__Ssd *ssd, const float *anchors, int64_t count, od_postprocess **out,
                                    od_error *err);

void od_postprocess_free(od_postprocess *post);

/* box_encodings [batch, count, code_size], class_logits [batch, count, columns]. windows: [batch, 4], the true image within
 * the padded one, normally 0, 0, true_height / height, true_width / width; NULL: the whole. Images in parallel. OD_ERR_NOMEM. */
od_status od_postprocess_run(const od_postprocess *post, int64_t batch, const float *box_encodings, const float *class_logits,
                             const float (*windows)[4], od_detections *detections, od_error *err);

/* All boxes [batch, count, 4] and scores [batch, count, columns] before suppression: raw_detection_boxes and
 * raw_detection_scores of an exported model. Either may be NULL. */
void od_postprocess_raw(const od_postprocess *post, int64_t batch, const float *box_encodings, const float *class_logits, float *boxes,
                        float *scores);

#endif
