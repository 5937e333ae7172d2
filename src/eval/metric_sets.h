/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics sets that eval_config.metrics_set names besides COCO's: each computes figures under the OD API's tags from the same
 * detections. The OD API's evaluators are in utils/object_detection_evaluation.py and metrics/.
 */
#ifndef OD_EVAL_METRIC_SETS_H
#define OD_EVAL_METRIC_SETS_H

#include "eval/detection_set.h"
#include "eval/metric_list.h"

typedef struct od_metric_input {
    const od_detection_set *set;
    int num_classes;                /* up to the label map's largest id */
    const char *const *class_names; /* [num_classes]; NULL: an id that the label map doesn't have */
    /* Of eval_config, for precision_at_recall_detection_metrics. */
    double recall_low, recall_high;
    int skip_unlabeled;
    const char *class_frequency; /* [num_classes]: 'r', 'c', 'f', 0 unknown; NULL: none known. For lvis_mask_metrics */
} od_metric_input;

typedef struct od_metric_set {
    const char *name; /* as in metrics_set */
    int needs_masks;  /* of ground truth and detections */
    od_status (*compute)(const od_metric_input *in, od_metric_list *out, od_error *err); /* appends */
} od_metric_set;

extern const od_metric_set od_metric_set_pascal, od_metric_set_weighted_pascal, od_metric_set_precision_at_recall, od_metric_set_open_images,
    od_metric_set_oid_challenge, od_metric_set_pascal_masks, od_metric_set_weighted_pascal_masks, od_metric_set_oid_challenge_masks, od_metric_set_lvis;

/* What eval_config's parameterized_metric { coco_keypoint_metrics } asks for. */
typedef struct od_keypoint_metric {
    int32_t class_index;
    const char *class_name;
    int count;            /* of keypoints */
    const int32_t *ids;   /* [count]: their places among an object's keypoints */
    const double *sigmas; /* [count], as in eval/coco_keypoints.h */
} od_keypoint_metric;

/* Appends "Keypoints_Precision/mAP ByCategory/NAME" and nine more. */
od_status od_keypoint_metric_compute(const od_keypoint_metric *metric, const od_detection_set *set, od_metric_list *out, od_error *err);

/* NULL: none of that name. */
const od_metric_set *od_metric_set_find(const char *name);

#endif
