/* SPDX-License-Identifier: Apache-2.0
 *
 * The faster_rcnn message (builders/model_builder.py, _build_faster_rcnn_model).
 */
#include "models/faster_rcnn.h"

#include <math.h>

typedef ObjectDetection__Protos__FasterRcnn proto;

static od_status check_parts(const od_faster_rcnn *m, od_error *err)
{
    const proto *c = m->c;
    if (c->num_classes < 1) return od_config_error(m->config, c, "num_classes", err, OD_ERR_CONFIG, "num_classes is %d; expected at least 1", c->num_classes);
    if (!c->feature_extractor || !c->feature_extractor->type)
        return od_config_error(m->config, c, "feature_extractor", err, OD_ERR_CONFIG, "the faster_rcnn model has no feature_extractor { type: ... }");
    if (!c->first_stage_anchor_generator || !c->first_stage_box_predictor_conv_hyperparams)
        return od_config_error(m->config, c, NULL, err, OD_ERR_CONFIG,
                               "the faster_rcnn model needs first_stage_anchor_generator { ... } and first_stage_box_predictor_conv_hyperparams { ... }");
    return OD_OK;
}

static od_status check_numbers(const od_faster_rcnn *m, od_error *err)
{
    const proto *c = m->c;
    const struct { const char *field; int32_t value, least, most; } fields[] = {
        {"number_of_stages", c->number_of_stages, 1, 3},
        {"first_stage_atrous_rate", c->first_stage_atrous_rate, 1, 64},
        {"first_stage_box_predictor_kernel_size", c->first_stage_box_predictor_kernel_size, 1, 64},
        {"first_stage_box_predictor_depth", c->first_stage_box_predictor_depth, 1, 65536},
        {"first_stage_minibatch_size", c->first_stage_minibatch_size, 1, INT32_MAX},
        {"first_stage_max_proposals", c->first_stage_max_proposals, 1, 100000},
        {"second_stage_batch_size", c->second_stage_batch_size, 1, 100000},
        {"initial_crop_size", c->initial_crop_size, 1, OD_ROI_MAX_CROP},
        {"maxpool_kernel_size", c->maxpool_kernel_size, 1, OD_ROI_MAX_CROP},
        {"maxpool_stride", c->maxpool_stride, 1, OD_ROI_MAX_CROP}};
    size_t count = m->first_only ? 6 : sizeof fields / sizeof *fields; /* the rest is the second stage's */
    for (size_t i = 0; i < count; i++)
        if (fields[i].value < fields[i].least || fields[i].value > fields[i].most)
            return od_config_error(m->config, c, fields[i].field, err, OD_ERR_CONFIG,
                                   "%s is %d; expected %d to %d", fields[i].field, fields[i].value, fields[i].least, fields[i].most);
    if (!(c->first_stage_nms_iou_threshold >= 0 && c->first_stage_nms_iou_threshold <= 1))
        return od_config_error(m->config, c, "first_stage_nms_iou_threshold", err, OD_ERR_CONFIG, "first_stage_nms_iou_threshold is %g; expected 0 to 1",
                               (double)c->first_stage_nms_iou_threshold);
    return OD_OK;
}

static od_status check_options(const od_faster_rcnn *m, od_error *err)
{
    const proto *c = m->c;
    const struct { const char *field; int on; } refused[] = {{"context_config", c->context_config != NULL},
                                                             {"inplace_batchnorm_update", c->inplace_batchnorm_update}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i].on)
            return od_config_error(m->config, c, refused[i].field, err, OD_ERR_UNSUPPORTED, "%s is not supported; remove it", refused[i].field);
    return OD_OK;
}

/* With fixed shapes (as the OD API trains on TPUs) the first stage's partitioned suppression drops boxes at the threshold, too. */
static void read_proposals(od_faster_rcnn *m, int training)
{
    const proto *c = m->c;
    int fixed = c->use_static_shapes && (training || c->use_static_shapes_for_eval), at_threshold = fixed && c->use_partitioned_nms_in_first_stage && !c->use_combined_nms_in_first_stage;
    m->proposals[training] = (od_nms_params){.score_threshold = c->first_stage_nms_score_threshold,
                                             .iou_threshold = at_threshold ? nextafterf(c->first_stage_nms_iou_threshold, -1) : c->first_stage_nms_iou_threshold,
                                             .max_per_class = c->first_stage_max_proposals,
                                             .max_total = c->first_stage_max_proposals,
                                             .combined = c->use_combined_nms_in_first_stage};
}

static od_status read_losses(od_faster_rcnn *m, od_error *err)
{
    const proto *c = m->c;
    int fixed = c->use_static_shapes && c->use_static_balanced_label_sampler;
    m->rpn_loss = (od_rpn_loss_params){.coder = od_box_coder_default(),
                                       .minibatch = c->first_stage_minibatch_size,
                                       .localization_weight = c->first_stage_localization_loss_weight,
                                       .objectness_weight = c->first_stage_objectness_loss_weight};
    OD_TRY(od_minibatch_sampler_init(&m->rpn_loss.sampler, c->first_stage_positive_balance_fraction, fixed, "first_stage_positive_balance_fraction", err));
    if (m->first_only) return OD_OK;
    OD_TRY(od_minibatch_sampler_init(&m->sampler, c->second_stage_balance_fraction, fixed, "second_stage_balance_fraction", err));
    m->classifier_loss = (od_box_classifier_loss_params){.coder = od_box_coder_default(),
                                                         .num_classes = c->num_classes,
                                                         .boxes_each = m->predictor.boxes_each,
                                                         .localization_weight = c->second_stage_localization_loss_weight,
                                                         .classification_weight = c->second_stage_classification_loss_weight,
                                                         .mine = c->hard_example_miner != NULL};
    OD_TRY(od_box_classifier_loss_read(&m->classifier_loss, c->second_stage_classification_loss, err));
    if (!c->hard_example_miner) return OD_OK;
    OD_TRY(od_hard_example_miner_init(&m->classifier_loss.miner, c->hard_example_miner, c->second_stage_classification_loss_weight,
                                      c->second_stage_localization_loss_weight, err));
    m->classifier_loss.miner.max_negatives_per_positive = 0; /* the OD API's second stage hands the miner no matches to count by */
    return OD_OK;
}

od_status od_faster_rcnn_read(od_faster_rcnn *m, const od_config *config, od_error *err)
{
    *m = (od_faster_rcnn){.config = config, .c = od_config_proto(config)->model->faster_rcnn};
    m->first_only = m->c->number_of_stages == 1;
    OD_TRY(check_parts(m, err));
    OD_TRY(check_numbers(m, err));
    OD_TRY(check_options(m, err));
    OD_TRY(od_faster_rcnn_features_find(config, m->c->feature_extractor, &m->features, err));
    OD_TRY(od_hyperparams_read(m->c->first_stage_box_predictor_conv_hyperparams, &m->rpn, err));
    for (int training = 0; training < 2; training++) read_proposals(m, training);
    if (m->first_only) return read_losses(m, err);
    OD_TRY(od_mask_rcnn_predictor_init(&m->predictor, m->c->second_stage_box_predictor, m->c->num_classes, m->c->number_of_stages == 3, err));
    OD_TRY(od_box_classifier_postprocess_init(&m->postprocess, m->c, err));
    return read_losses(m, err);
}
