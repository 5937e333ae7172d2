/* SPDX-License-Identifier: Apache-2.0
 *
 * From the Loss message to od_ssd_loss_config (OD API builders/losses_builder.py); what isn't supported is refused by name.
 */
#include "detection/ssd_loss_config.h"

static od_status class_loss(od_ssd_loss_config *out, const ObjectDetection__Protos__ClassificationLoss *c, od_error *err)
{
    const char *name = NULL;
    out->logit_scale = 1;
    switch (c ? (int)c->classification_loss_case : 0) {
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_SIGMOID_FOCAL: {
        const ObjectDetection__Protos__SigmoidFocalClassificationLoss *f = c->weighted_sigmoid_focal;
        out->class_kind = OD_CLASS_LOSS_FOCAL;
        out->focal = (od_focal_params){f->gamma, f->alpha, f->has_alpha};
        if (!(f->gamma >= 0)) return od_error_set(err, OD_ERR_CONFIG, "weighted_sigmoid_focal: gamma %g; expected 0 or more", (double)f->gamma);
        return OD_OK;
    }
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_SIGMOID:
        out->class_kind = OD_CLASS_LOSS_SIGMOID;
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_SOFTMAX:
        out->class_kind = OD_CLASS_LOSS_SOFTMAX;
        out->logit_scale = c->weighted_softmax->logit_scale;
        if (!(out->logit_scale > 0)) return od_error_set(err, OD_ERR_CONFIG, "weighted_softmax: logit_scale %g; expected a positive number", (double)out->logit_scale);
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_LOGITS_SOFTMAX: name = "weighted_logits_softmax"; break;
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_BOOTSTRAPPED_SIGMOID: name = "bootstrapped_sigmoid"; break;
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_PENALTY_REDUCED_LOGISTIC_FOCAL_LOSS: name = "penalty_reduced_logistic_focal_loss"; break;
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_DICE_CLASSIFICATION_LOSS: name = "weighted_dice_classification_loss"; break;
    default: return od_error_set(err, OD_ERR_CONFIG, "loss: classification_loss is empty; expected e.g. weighted_sigmoid_focal { }");
    }
    return od_error_set(err, OD_ERR_UNSUPPORTED, "loss: classification_loss %s is not supported for SSD; use weighted_sigmoid_focal, weighted_sigmoid or weighted_softmax", name);
}

static od_status box_loss(od_ssd_loss_config *out, const ObjectDetection__Protos__LocalizationLoss *c, od_error *err)
{
    switch (c ? (int)c->localization_loss_case : 0) {
    case OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_WEIGHTED_SMOOTH_L1:
        out->box_kind = OD_BOX_LOSS_HUBER;
        out->delta = c->weighted_smooth_l1->delta;
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_WEIGHTED_L2: out->box_kind = OD_BOX_LOSS_L2; return OD_OK;
    case OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_L1_LOCALIZATION_LOSS: out->box_kind = OD_BOX_LOSS_L1; return OD_OK;
    case OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_WEIGHTED_IOU:
    case OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_WEIGHTED_GIOU:
        return od_error_set(err, OD_ERR_UNSUPPORTED, "loss: localization_loss weighted_iou and weighted_giou are not supported for SSD (they would compare codes, not boxes); use weighted_smooth_l1");
    default: return od_error_set(err, OD_ERR_CONFIG, "loss: localization_loss is empty; expected e.g. weighted_smooth_l1 { }");
    }
}

static od_status refuse_options(const ObjectDetection__Protos__Loss *loss, od_error *err)
{
    const char *name = NULL;
    if (loss->random_example_sampler) name = "random_example_sampler";
    if (loss->expected_loss_weights != OBJECT_DETECTION__PROTOS__LOSS__EXPECTED_LOSS_WEIGHTS__NONE) name = "expected_loss_weights";
    return name ? od_error_set(err, OD_ERR_UNSUPPORTED, "loss: %s is not supported; remove it", name) : OD_OK;
}

static od_status mining(od_ssd_loss_config *out, const ObjectDetection__Protos__HardExampleMiner *c, od_error *err)
{
    if (!c) return OD_OK;
    if (out->class_kind == OD_CLASS_LOSS_FOCAL)
        return od_error_set(err, OD_ERR_CONFIG, "loss: hard_example_miner must not be used with weighted_sigmoid_focal; remove one of them");
    out->mine = 1;
    return od_hard_example_miner_init(&out->miner, c, out->class_weight, out->box_weight, err);
}

od_status od_ssd_loss_config_init(od_ssd_loss_config *out, const ObjectDetection__Protos__Ssd *ssd, od_error *err)
{
    const ObjectDetection__Protos__Loss *loss = ssd->loss;
    if (!loss) return od_error_set(err, OD_ERR_CONFIG, "ssd: loss is missing; expected loss { localization_loss { ... } classification_loss { ... } }");
    *out = (od_ssd_loss_config){.class_weight = loss->classification_weight, .box_weight = loss->localization_weight,
                                .normalize_by_matches = ssd->normalize_loss_by_num_matches, .normalize_by_code_size = ssd->normalize_loc_loss_by_codesize};
    OD_TRY(class_loss(out, loss->classification_loss, err));
    OD_TRY(box_loss(out, loss->localization_loss, err));
    OD_TRY(refuse_options(loss, err));
    return mining(out, loss->hard_example_miner, err);
}
