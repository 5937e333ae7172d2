/* SPDX-License-Identifier: Apache-2.0 */
#include "config/keypoints.h"

#include <stdio.h>

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
