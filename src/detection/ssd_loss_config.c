/* SPDX-License-Identifier: Apache-2.0
 *
 * From the Loss message to od_ssd_loss_config (OD API builders/losses_builder.py); what isn't supported is refused by name.
 */
#include "detection/ssd_loss_config.h"

typedef ObjectDetection__Protos__ClassificationLoss class_proto;
#define CLASS_LOSS(name) OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_##name

static void read_focal(od_ssd_loss_config *out, const class_proto *c)
{
    const ObjectDetection__Protos__SigmoidFocalClassificationLoss *f = c->weighted_sigmoid_focal;
    out->focal = (od_focal_params){f->gamma, f->alpha, f->has_alpha};
}

static void read_nothing(od_ssd_loss_config *out, const class_proto *c)
{
    (void)out;
    (void)c;
}

static void read_softmax(od_ssd_loss_config *out, const class_proto *c)
{
    out->logit_scale = c->weighted_softmax->logit_scale;
}

static void read_logits_softmax(od_ssd_loss_config *out, const class_proto *c)
{
    out->logit_scale = c->weighted_logits_softmax->logit_scale;
}

static void read_bootstrap(od_ssd_loss_config *out, const class_proto *c)
{
    out->bootstrap = (od_bootstrap_params){c->bootstrapped_sigmoid->alpha, c->bootstrapped_sigmoid->hard_bootstrap};
}

static void read_penalty(od_ssd_loss_config *out, const class_proto *c)
{
    out->penalty = (od_penalty_focal_params){c->penalty_reduced_logistic_focal_loss->alpha, c->penalty_reduced_logistic_focal_loss->beta};
}

static void read_dice(od_ssd_loss_config *out, const class_proto *c)
{
    out->dice = (od_dice_params){c->weighted_dice_classification_loss->squared_normalization, c->weighted_dice_classification_loss->is_prediction_probability};
}

static const struct {
    int which;
    od_class_loss_kind kind;
    void (*read)(od_ssd_loss_config *out, const class_proto *c);
} class_losses[] = {
    {CLASS_LOSS(WEIGHTED_SIGMOID_FOCAL), OD_CLASS_LOSS_FOCAL, read_focal},
    {CLASS_LOSS(WEIGHTED_SIGMOID), OD_CLASS_LOSS_SIGMOID, read_nothing},
    {CLASS_LOSS(WEIGHTED_SOFTMAX), OD_CLASS_LOSS_SOFTMAX, read_softmax},
    {CLASS_LOSS(WEIGHTED_LOGITS_SOFTMAX), OD_CLASS_LOSS_LOGITS_SOFTMAX, read_logits_softmax},
    {CLASS_LOSS(BOOTSTRAPPED_SIGMOID), OD_CLASS_LOSS_BOOTSTRAP, read_bootstrap},
    {CLASS_LOSS(PENALTY_REDUCED_LOGISTIC_FOCAL_LOSS), OD_CLASS_LOSS_PENALTY, read_penalty},
    {CLASS_LOSS(WEIGHTED_DICE_CLASSIFICATION_LOSS), OD_CLASS_LOSS_DICE, read_dice},
};

static od_status class_loss(od_ssd_loss_config *out, const class_proto *c, od_error *err)
{
    size_t i = 0, n = sizeof class_losses / sizeof *class_losses;
    while (c && i < n && class_losses[i].which != (int)c->classification_loss_case) i++;
    if (!c || i == n) return od_error_set(err, OD_ERR_CONFIG, "loss: classification_loss is empty; expected e.g. weighted_sigmoid_focal { }");
    out->logit_scale = 1;
    out->class_kind = class_losses[i].kind;
    class_losses[i].read(out, c);
    if (!(out->focal.gamma >= 0)) return od_error_set(err, OD_ERR_CONFIG, "weighted_sigmoid_focal: gamma %g; expected 0 or more", (double)out->focal.gamma);
    if (!(out->logit_scale > 0))
        return od_error_set(err, OD_ERR_CONFIG, "%s: logit_scale %g; expected a positive number",
                            out->class_kind == OD_CLASS_LOSS_SOFTMAX ? "weighted_softmax" : "weighted_logits_softmax", (double)out->logit_scale);
    return OD_OK;
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
    case OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_WEIGHTED_IOU: out->box_kind = OD_BOX_LOSS_IOU; return OD_OK;
    case OBJECT_DETECTION__PROTOS__LOCALIZATION_LOSS__LOCALIZATION_LOSS_WEIGHTED_GIOU: out->box_kind = OD_BOX_LOSS_GIOU; return OD_OK;
    default: return od_error_set(err, OD_ERR_CONFIG, "loss: localization_loss is empty; expected e.g. weighted_smooth_l1 { }");
    }
}

/* expected_loss_weights: losses_builder.py calls functions that utils/ops.py doesn't have. */
static od_status sampling(od_ssd_loss_config *out, const ObjectDetection__Protos__Loss *loss, od_error *err)
{
    if (loss->expected_loss_weights != OBJECT_DETECTION__PROTOS__LOSS__EXPECTED_LOSS_WEIGHTS__NONE)
        return od_error_set(err, OD_ERR_CONFIG, "loss: expected_loss_weights fails in TensorFlow 2 (its functions are missing there); remove it");
    if (!loss->random_example_sampler) return OD_OK;
    out->positive_fraction = loss->random_example_sampler->positive_sample_fraction;
    if (out->positive_fraction > 0 && out->positive_fraction <= 1) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "random_example_sampler: positive_sample_fraction %g; expected more than 0 and at most 1", (double)out->positive_fraction);
}

static od_status mining(od_ssd_loss_config *out, const ObjectDetection__Protos__HardExampleMiner *c, od_error *err)
{
    if (!c) return OD_OK;
    if (out->class_kind == OD_CLASS_LOSS_FOCAL)
        return od_error_set(err, OD_ERR_CONFIG, "loss: hard_example_miner must not be used with weighted_sigmoid_focal; remove one of them");
    if (out->class_kind == OD_CLASS_LOSS_DICE)
        return od_error_set(err, OD_ERR_CONFIG, "loss: hard_example_miner needs a loss of each anchor, which weighted_dice_classification_loss isn't; remove one of them");
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
    OD_TRY(sampling(out, loss, err));
    return mining(out, loss->hard_example_miner, err);
}
