/* SPDX-License-Identifier: Apache-2.0
 *
 * The figures that eval_config asks for besides COCO's twelve: the other metrics sets, and classes and groups of classes alone.
 */
#ifndef OD_TRAIN_EVAL_METRICS_H
#define OD_TRAIN_EVAL_METRICS_H

#include "config/config.h"
#include "config/label_map.h"
#include "data/batch.h"
#include "detection/detections.h"
#include "eval/metric_sets.h"
#include "objdet/eval.h"
#include "train/keypoint_metrics.h"

typedef struct od_eval_metrics {
    const ObjectDetection__Protos__EvalConfig *config; /* borrowed; NULL: none in the pipeline */
    const od_label_map *labels;                        /* borrowed; NULL: none */
    int num_classes;
    const od_metric_set **sets; /* wanted, besides COCO's */
    size_t num_sets;
    od_keypoint_metrics keypoints;
    od_detection_set set; /* filled when sets or keypoints need it */
    od_metric_list values;
    size_t num_asked; /* of the values: those that the config asks for; behind them each class's mAP */
} od_eval_metrics;

/* OD_ERR_UNSUPPORTED for a metrics set that isn't there. num_keypoints: that the model finds of a box. */
od_status od_eval_metrics_init(od_eval_metrics *m, const ObjectDetection__Protos__EvalConfig *config, const od_label_map *labels, int num_classes,
                               int num_keypoints, od_error *err);
void od_eval_metrics_deinit(od_eval_metrics *m);
/* Before another pass over the data. */
void od_eval_metrics_clear(od_eval_metrics *m);

/* 0: the image says nothing of this class (from 0), and eval_config wants such detections left out (skip_predictions_for_unlabeled_class). */
int od_eval_metrics_keeps(const od_eval_metrics *m, const od_batch_item *item, int32_t class_index);

/* One image with its first `objects` objects and its detections, a row of the batch. */
od_status od_eval_metrics_add_image(od_eval_metrics *m, const od_batch_item *item, int objects, const od_detections *d, int64_t row, od_error *err);

/* Fills `values`; `coco` has run. */
od_status od_eval_metrics_compute(od_eval_metrics *m, const od_coco_eval *coco, od_error *err);

/* A box relative to the image in its pixels, with the OD API's float32 arithmetic. */
void od_eval_scale_box(const float box[4], int width, int height, float out[4]);

#endif
