/* SPDX-License-Identifier: Apache-2.0
 *
 * An SSD's loss settings, read from the config and checked.
 */
#ifndef OD_DETECTION_SSD_LOSS_CONFIG_H
#define OD_DETECTION_SSD_LOSS_CONFIG_H

#include "detection/hard_example_miner.h"
#include "detection/losses.h"
#include "util/error.h"

#include "ssd.pb-c.h"

typedef enum od_class_loss_kind {
    OD_CLASS_LOSS_FOCAL,
    OD_CLASS_LOSS_SIGMOID,
    OD_CLASS_LOSS_SOFTMAX,
    OD_CLASS_LOSS_LOGITS_SOFTMAX,
    OD_CLASS_LOSS_BOOTSTRAP,
    OD_CLASS_LOSS_PENALTY,
    OD_CLASS_LOSS_DICE /* over all anchors of an image */
} od_class_loss_kind;
typedef enum od_box_loss_kind { OD_BOX_LOSS_HUBER, OD_BOX_LOSS_L1, OD_BOX_LOSS_L2, OD_BOX_LOSS_IOU, OD_BOX_LOSS_GIOU } od_box_loss_kind;

typedef struct od_ssd_loss_config {
    od_class_loss_kind class_kind;
    od_focal_params focal;
    od_bootstrap_params bootstrap;
    od_penalty_focal_params penalty;
    od_dice_params dice;
    float logit_scale; /* softmax */
    od_box_loss_kind box_kind;
    float delta;       /* huber */
    float class_weight, box_weight;
    int normalize_by_matches, normalize_by_code_size;
    int mine;          /* use the miner */
    od_hard_example_miner miner;
    float positive_fraction; /* random_example_sampler's; 0: none */
} od_ssd_loss_config;

od_status od_ssd_loss_config_init(od_ssd_loss_config *out, const ObjectDetection__Protos__Ssd *ssd, od_error *err);

#endif
