/* SPDX-License-Identifier: Apache-2.0
 *
 * The keypoint metrics that eval_config's parameterized_metric asks for, with the label map's names and places of keypoints.
 */
#ifndef OD_TRAIN_KEYPOINT_METRICS_H
#define OD_TRAIN_KEYPOINT_METRICS_H

#include "config/config.h"
#include "config/label_map.h"
#include "data/example.h"
#include "detection/detections.h"
#include "eval/metric_sets.h"

typedef struct od_keypoint_metrics {
    od_keypoint_metric *items; /* ids and sigmas owned */
    size_t count;
} od_keypoint_metrics;

/* `keypoints`: that the model finds of a box. A metric of a class that the label map doesn't have is left out, as in the OD API; what can't be measured is
 * OD_ERR_CONFIG. */
od_status od_keypoint_metrics_init(od_keypoint_metrics *k, const ObjectDetection__Protos__EvalConfig *config, const od_label_map *labels, int keypoints,
                                   od_error *err);
void od_keypoint_metrics_deinit(od_keypoint_metrics *k);

/* In pixels of a width x height image; nothing happens without keypoints. */
od_status od_keypoint_metrics_take_truth(const od_object *o, int width, int height, od_set_truth *out, od_error *err);
od_status od_keypoint_metrics_take_detection(const od_detections *d, int64_t at, int width, int height, od_set_detection *out, od_error *err);

#endif
