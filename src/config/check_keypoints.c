/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of what must go together where keypoints are learnt. Each is an error in the OD API, too, but for merged boxes, whose keypoints get into
 * disorder there.
 */
#include "config/check.h"
#include "config/keypoints.h"

#include <stdio.h>

static void check_reader(od_check *check, const ObjectDetection__Protos__InputReader *reader, int keypoints)
{
    char expected[64], fix[48];
    if (!reader) return;
    snprintf(expected, sizeof expected, "%d, as keypoint_box_coder has", keypoints);
    snprintf(fix, sizeof fix, "num_keypoints: %d", keypoints);
    if ((int)reader->num_keypoints != keypoints)
        od_check_add(check, OD_CONFIG_ERROR, reader, "num_keypoints", expected, fix, "the model learns %d keypoints of a box, and %u are read", keypoints, reader->num_keypoints);
    if (reader->input_type == OBJECT_DETECTION__PROTOS__INPUT_TYPE__TF_SEQUENCE_EXAMPLE)
        od_check_add(check, OD_CONFIG_ERROR, reader, "input_type", "TF_EXAMPLE", NULL, "no keypoints are read of sequences");
}

static void check_loss(od_check *check, const ObjectDetection__Protos__Loss *loss)
{
    const ObjectDetection__Protos__LocalizationLoss *l = loss ? loss->localization_loss : NULL;
    int kind = l ? (int)l->localization_loss_case : 0;
    int iou = kind == OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_WEIGHTED_IOU, giou = kind == OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_WEIGHTED_GIOU;
    if (iou || giou)
        od_check_add(check, OD_CONFIG_ERROR, l, iou ? "weighted_iou" : "weighted_giou", "weighted_smooth_l1, weighted_l2 or l1_localization_loss", "use weighted_smooth_l1 { }",
                     "knows boxes only, and keypoint_box_coder's codes have keypoints");
}

static void check_orders(od_check *check, const ObjectDetection__Protos__TrainEvalPipelineConfig *proto)
{
    const ObjectDetection__Protos__TrainConfig *train = proto->train_config;
    od_keypoint_order order;
    char text[256];
    for (size_t i = 0; train && i < train->n_data_augmentation_options; i++) {
        if (!od_keypoint_order_of(train->data_augmentation_options[i], &order) || !od_keypoint_order_problem(&order, proto, text, sizeof text)) continue;
        od_check_add(check, OD_CONFIG_ERROR, order.options, order.field, "the keypoints' order after it, e.g. [0, 2, 1] where left and right change places", NULL, "%s", text);
    }
}

static void check_metrics(od_check *check, const ObjectDetection__Protos__EvalConfig *eval, int keypoints)
{
    char text[300];
    for (size_t i = 0; eval && i < eval->n_parameterized_metric; i++) {
        od_keypoint_metric_state state = od_keypoint_metric_problem(eval->parameterized_metric[i], check->label_map, keypoints, text, sizeof text);
        if (state == OD_KEYPOINT_METRIC_FINE) continue;
        od_check_add(check, state == OD_KEYPOINT_METRIC_WRONG ? OD_CONFIG_ERROR : OD_CONFIG_WARNING, eval->parameterized_metric[i], "coco_keypoint_metrics", NULL, NULL, "%s", text);
    }
}

void od_check_keypoints(od_check *check)
{
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(check->config);
    const ObjectDetection__Protos__TrainConfig *train = proto->train_config;
    int keypoints = od_config_keypoints(proto);
    check_orders(check, proto);
    check_metrics(check, proto->eval_config, keypoints);
    if (keypoints < 1) return;
    check_reader(check, proto->train_input_reader, keypoints);
    for (size_t i = 0; i < proto->n_eval_input_reader; i++) check_reader(check, proto->eval_input_reader[i], keypoints);
    check_loss(check, proto->model->ssd->loss);
    if (train && train->merge_multiple_label_boxes)
        od_check_add(check, OD_CONFIG_ERROR, train, "merge_multiple_label_boxes", "false", "remove it", "doesn't merge keypoints, which the model learns");
}
