/* SPDX-License-Identifier: Apache-2.0
 *
 * OD API builders/model_builder.py, _build_center_net_model.
 */
#include "detection/center_net_config.h"

#include "detection/postprocess.h"

typedef ObjectDetection__Protos__CenterNet center_net;
typedef ObjectDetection__Protos__CenterNet__ObjectCenterParams center_params;

static od_status refuse_tasks(const center_net *c, od_error *err)
{
    const struct { const char *name; int given; } tasks[] = {
        {"keypoint_estimation_task", c->n_keypoint_estimation_task > 0}, {"mask_estimation_task", c->mask_estimation_task != NULL},
        {"densepose_estimation_task", c->densepose_estimation_task != NULL}, {"track_estimation_task", c->track_estimation_task != NULL},
        {"temporal_offset_task", c->temporal_offset_task != NULL}, {"deepmac_mask_estimation", c->deepmac_mask_estimation != NULL}};
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (tasks[i].given)
            return od_error_set(err, OD_ERR_UNSUPPORTED, "center_net: %s is not supported; only object_detection_task is, remove it", tasks[i].name);
    if (!c->object_detection_task) return od_error_set(err, OD_ERR_UNSUPPORTED, "center_net: object_detection_task is missing; without it there are no boxes");
    return OD_OK;
}

static od_status center(od_center_net_config *out, const center_params *p, od_error *err)
{
    const ObjectDetection__Protos__ClassificationLoss *loss = p->classification_loss;
    if (!loss || loss->classification_loss_case != OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_PENALTY_REDUCED_LOGISTIC_FOCAL_LOSS)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "center_net: object_center_params.classification_loss must be penalty_reduced_logistic_focal_loss");
    out->focal = (od_penalty_focal_params){loss->penalty_reduced_logistic_focal_loss->alpha, loss->penalty_reduced_logistic_focal_loss->beta};
    if (!(out->focal.alpha >= 0 && out->focal.beta >= 0))
        return od_error_set(err, OD_ERR_CONFIG, "penalty_reduced_logistic_focal_loss: alpha %g, beta %g; expected 0 or more", (double)out->focal.alpha, (double)out->focal.beta);
    if (p->use_labeled_classes) return od_error_set(err, OD_ERR_UNSUPPORTED, "center_net: use_labeled_classes: true is not supported; remove it");
    if (p->n_keypoint_weights_for_center) return od_error_set(err, OD_ERR_UNSUPPORTED, "center_net: keypoint_weights_for_center is not supported; remove it");
    if (!(p->min_box_overlap_iou >= 0 && p->min_box_overlap_iou < 1))
        return od_error_set(err, OD_ERR_CONFIG, "center_net: min_box_overlap_iou %g; expected 0 up to below 1", (double)p->min_box_overlap_iou);
    if (p->max_box_predictions < 1 || p->max_box_predictions > 1000000)
        return od_error_set(err, OD_ERR_CONFIG, "center_net: max_box_predictions %d; expected 1 to 1000000", (int)p->max_box_predictions);
    out->min_overlap = p->min_box_overlap_iou;
    out->center_weight = p->object_center_loss_weight;
    out->max_boxes = p->max_box_predictions;
    out->peak_kernel = p->peak_max_pool_kernel_size > 1 ? p->peak_max_pool_kernel_size : 1;
    return OD_OK;
}

static od_status boxes(od_center_net_config *out, const ObjectDetection__Protos__CenterNet__ObjectDetection *t, od_error *err)
{
    const ObjectDetection__Protos__LocalizationLoss *loss = t->localization_loss;
    if (!loss || loss->localization_loss_case != OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_L1_LOCALIZATION_LOSS)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "center_net: object_detection_task.localization_loss must be l1_localization_loss");
    out->scale_weight = t->scale_loss_weight * t->task_loss_weight;
    out->offset_weight = t->offset_loss_weight * t->task_loss_weight;
    return OD_OK;
}

static od_status suppression(od_center_net_config *out, const ObjectDetection__Protos__PostProcessing *p, od_error *err)
{
    if (!p) return OD_OK;
    out->suppress = 1;
    OD_TRY(od_nms_params_init(&out->nms, p->batch_non_max_suppression, err));
    if (out->nms.change_frame)
        return od_error_set(err, OD_ERR_CONFIG, "center_net: post_processing needs change_coordinate_frame: false (the boxes are relative to the image already)");
    return OD_OK;
}

od_status od_center_net_config_init(od_center_net_config *out, const center_net *config, int stride, od_error *err)
{
    static const center_params defaults = OBJECT_DETECTION__PROTOS__CENTER_NET__OBJECT_CENTER_PARAMS__INIT;
    *out = (od_center_net_config){.num_classes = config->num_classes, .stride = stride};
    if (config->num_classes < 1) return od_error_set(err, OD_ERR_CONFIG, "center_net: num_classes %d; expected 1 or more", (int)config->num_classes);
    if (stride < 1) return od_error_set(err, OD_ERR_ARG, "center_net: stride %d", stride);
    OD_TRY(refuse_tasks(config, err));
    OD_TRY(center(out, config->object_center_params ? config->object_center_params : &defaults, err));
    OD_TRY(boxes(out, config->object_detection_task, err));
    return suppression(out, config->post_processing, err);
}
