/* SPDX-License-Identifier: Apache-2.0 */
#include "config/keypoints.h"

#include <stdio.h>
#include <string.h>

#define STEP(name) OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_##name

int od_config_keypoints(const ObjectDetection__Protos__TrainEvalPipelineConfig *proto)
{
    const ObjectDetection__Protos__DetectionModel *model = proto->model;
    int is_ssd = model && model->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD;
    const ObjectDetection__Protos__BoxCoder *coder = is_ssd ? model->ssd->box_coder : NULL;
    if (!coder || coder->box_coder_oneof_case != OBJECT_DETECTION__PROTOS__BOX_CODER__BOX_CODER_ONEOF_KEYPOINT_BOX_CODER) return 0;
    return coder->keypoint_box_coder->num_keypoints;
}

od_keypoint_order od_keypoint_order_of_horizontal_flip(const ObjectDetection__Protos__RandomHorizontalFlip *o)
{
    return (od_keypoint_order){o, "random_horizontal_flip", "keypoint_flip_permutation", o->keypoint_flip_permutation, o->n_keypoint_flip_permutation, 1};
}

od_keypoint_order od_keypoint_order_of_vertical_flip(const ObjectDetection__Protos__RandomVerticalFlip *o)
{
    return (od_keypoint_order){o, "random_vertical_flip", "keypoint_flip_permutation", o->keypoint_flip_permutation, o->n_keypoint_flip_permutation, 1};
}

od_keypoint_order od_keypoint_order_of_rotation90(const ObjectDetection__Protos__RandomRotation90 *o)
{
    return (od_keypoint_order){o, "random_rotation90", "keypoint_rot_permutation", o->keypoint_rot_permutation, o->n_keypoint_rot_permutation, 0};
}

int od_keypoint_order_of(const ObjectDetection__Protos__PreprocessingStep *step, od_keypoint_order *out)
{
    switch (step->preprocessing_step_case) {
    case STEP(HORIZONTAL_FLIP): *out = od_keypoint_order_of_horizontal_flip(step->random_horizontal_flip); return 1;
    case STEP(VERTICAL_FLIP): *out = od_keypoint_order_of_vertical_flip(step->random_vertical_flip); return 1;
    case STEP(ROTATION90): *out = od_keypoint_order_of_rotation90(step->random_rotation90); return 1;
    default: return 0;
    }
}

int od_keypoint_order_problem(const od_keypoint_order *order, const ObjectDetection__Protos__TrainEvalPipelineConfig *proto, char *text, size_t size)
{
    size_t keypoints = proto->train_input_reader ? proto->train_input_reader->num_keypoints : 0;
    if (!keypoints || (!order->count && !order->needed)) return 0;
    if (order->count != keypoints) {
        snprintf(text, size, "%zu numbers for the %zu keypoints of train_input_reader; expected one for each: which keypoint of the picture before comes to its place", order->count,
                 keypoints);
        return 1;
    }
    for (size_t i = 0; i < keypoints; i++) {
        if (order->items[i] >= 0 && (size_t)order->items[i] < keypoints) continue;
        snprintf(text, size, "holds %d; expected 0 to %zu", (int)order->items[i], keypoints - 1);
        return 1;
    }
    return 0;
}

/* --- metrics ---------------------------------------------------------------------------------------------------------------- */

int32_t od_keypoint_metric_class(const ObjectDetection__Protos__CocoKeypointMetrics *metric, const od_label_map *labels)
{
    for (int i = 0; metric->class_label && i < od_label_map_count(labels); i++) {
        int32_t id = od_label_map_id(labels, i);
        if (!strcmp(od_label_map_name(labels, id), metric->class_label)) return id;
    }
    return 0;
}

double od_keypoint_metric_sigma(const ObjectDetection__Protos__CocoKeypointMetrics *metric, const char *name)
{
    double sigma = metric->n_keypoint_label_to_sigmas ? 0 : 0.05;
    for (size_t i = 0; i < metric->n_keypoint_label_to_sigmas; i++) /* of equal keys the last counts, as in a map */
        if (metric->keypoint_label_to_sigmas[i]->key && !strcmp(metric->keypoint_label_to_sigmas[i]->key, name)) sigma = (double)metric->keypoint_label_to_sigmas[i]->value;
    return sigma;
}

od_keypoint_metric_state od_keypoint_metric_problem(const ObjectDetection__Protos__ParameterizedMetric *metric, const od_label_map *labels, int keypoints,
                                                    char *text, size_t size)
{
    const ObjectDetection__Protos__CocoKeypointMetrics *m = metric->coco_keypoint_metrics;
    int named;
    if (metric->parameterized_metric_case != OBJECT_DETECTION__PROTOS__PARAMETERIZED_METRIC__PARAMETERIZED_METRIC_COCO_KEYPOINT_METRICS)
        return snprintf(text, size, "holds nothing; expected coco_keypoint_metrics { class_label: '...' }"), OD_KEYPOINT_METRIC_WRONG;
    if (!labels) return OD_KEYPOINT_METRIC_FINE;
    int32_t id = od_keypoint_metric_class(m, labels);
    if (!id)
        return snprintf(text, size, "class_label '%.60s' is no class of the label map: there will be no figure", m->class_label ? m->class_label : ""), OD_KEYPOINT_METRIC_NONE;
    const od_label_keypoint *points = od_label_map_keypoints(labels, id, &named);
    if (!named)
        return snprintf(text, size, "the label map names no keypoints of '%.60s'; expected keypoints { id: 0 label: '...' } for each in its item", m->class_label), OD_KEYPOINT_METRIC_WRONG;
    if (keypoints < 1)
        return snprintf(text, size, "the model finds no keypoints; expected a box_coder { keypoint_box_coder { num_keypoints: N } }"), OD_KEYPOINT_METRIC_WRONG;
    for (int i = 0; i < named; i++) {
        if (points[i].id < 0 || points[i].id >= keypoints)
            return snprintf(text, size, "the label map's keypoint '%.60s' has id %d; expected 0 to %d, its place among those of the model", points[i].name, (int)points[i].id, keypoints - 1), OD_KEYPOINT_METRIC_WRONG;
        if (!(od_keypoint_metric_sigma(m, points[i].name) > 0))
            return snprintf(text, size, "keypoint_label_to_sigmas has no deviation above 0 of '%.60s'; expected one for each keypoint of the class, or none (then .05 of all)", points[i].name), OD_KEYPOINT_METRIC_WRONG;
    }
    return OD_KEYPOINT_METRIC_FINE;
}
