/* SPDX-License-Identifier: Apache-2.0
 *
 * What configs say of keypoints: how many the model learns, how many the data has, in which order augmentations leave them, and what is measured of them.
 */
#ifndef OD_CONFIG_KEYPOINTS_H
#define OD_CONFIG_KEYPOINTS_H

#include "config/config.h"
#include "config/label_map.h"

/* Keypoints of a box that the model learns (keypoint_box_coder), and the data must have; 0: none. */
int od_config_keypoints(const ObjectDetection__Protos__TrainEvalPipelineConfig *proto);

/* keypoint_flip_permutation of a flip or keypoint_rot_permutation of a rotation: keypoint i becomes what was keypoint items[i]. */
typedef struct od_keypoint_order {
    const void *options; /* the step's message */
    const char *step, *field;
    const int32_t *items; /* [count] */
    size_t count;
    int needed; /* keypoints don't go without it (a rotation leaves them in their order) */
} od_keypoint_order;

od_keypoint_order od_keypoint_order_of_horizontal_flip(const ObjectDetection__Protos__RandomHorizontalFlip *o);
od_keypoint_order od_keypoint_order_of_vertical_flip(const ObjectDetection__Protos__RandomVerticalFlip *o);
od_keypoint_order od_keypoint_order_of_rotation90(const ObjectDetection__Protos__RandomRotation90 *o);

/* 1 when the step has such a field. */
int od_keypoint_order_of(const ObjectDetection__Protos__PreprocessingStep *step, od_keypoint_order *out);

/* 1, with what is wrong in `text`, when the order doesn't go with the training data's keypoints; in TensorFlow 2 it is an error, too. */
int od_keypoint_order_problem(const od_keypoint_order *order, const ObjectDetection__Protos__TrainEvalPipelineConfig *proto, char *text, size_t size);

/* eval_config's parameterized_metric. */
typedef enum od_keypoint_metric_state {
    OD_KEYPOINT_METRIC_FINE,
    OD_KEYPOINT_METRIC_NONE, /* its class isn't in the label map: it gives no figure, in TensorFlow 2 either */
    OD_KEYPOINT_METRIC_WRONG /* it can't be measured; TensorFlow 2 stops or divides by zero */
} od_keypoint_metric_state;

/* With what is wrong in `text`. labels NULL: they aren't looked at. `keypoints`: that the model finds of a box. */
od_keypoint_metric_state od_keypoint_metric_problem(const ObjectDetection__Protos__ParameterizedMetric *metric, const od_label_map *labels, int keypoints,
                                                    char *text, size_t size);
/* Its class's id; 0 when the label map doesn't have it. */
int32_t od_keypoint_metric_class(const ObjectDetection__Protos__CocoKeypointMetrics *metric, const od_label_map *labels);
/* A keypoint's deviation; .05 when none is given, 0 when only others' are. */
double od_keypoint_metric_sigma(const ObjectDetection__Protos__CocoKeypointMetrics *metric, const char *name);

#endif
