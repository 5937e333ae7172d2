/* SPDX-License-Identifier: Apache-2.0
 *
 * A detector built from a pipeline.config: its variables, and instances of its network for a batch and image size.
 *
 *     od_model_create(&model, config, err);
 *     od_instance_create(&inst, model, OD_NET_TRAIN, batch, 320, 320, &options, err);
 *     od_instance_set_inputs(inst, true_shapes, truth);             what the forward pass may want to know besides pixels
 *     od_instance_forward(inst, images);                            [N,H,W,3], preprocessed
 *     od_instance_loss(inst, truth, &losses, err);                  losses, and gradients of the predictions
 *     od_instance_backward(inst);                                   gradients of the variables
 *
 * What differs between meta-architectures (SSD, CenterNet, Faster R-CNN) is one od_meta each; the rest of the product sees
 * only this header.
 */
#ifndef OD_MODELS_MODEL_H
#define OD_MODELS_MODEL_H

#include "config/config.h"
#include "detection/postprocess.h"
#include "detection/targets.h"
#include "nn/net.h"

typedef struct od_model od_model;
typedef struct od_instance od_instance;

enum { OD_MAX_LOSSES = 12 };

/* Losses by the OD API's tags, e.g. "Loss/localization_loss"; the regularisation and total losses come last. */
typedef struct od_losses {
    int count;
    struct {
        const char *tag; /* static */
        double value;
    } item[OD_MAX_LOSSES];
} od_losses;

/* The value under a tag, or NaN. */
double od_losses_get(const od_losses *losses, const char *tag);
/* tag: static. There is room for OD_MAX_LOSSES. */
void od_losses_add(od_losses *losses, const char *tag, double value);

/* What a model is. Paths are object paths of checkpoints, static. */
typedef struct od_model_info {
    const char *type; /* "ssd_mobilenet_v2_fpn_keras" */
    int num_classes;
    int one_class;    /* its boxes have no class: num_classes is 1, whatever the config's is, and every object is of it */
    const char *backbone_paths[2]; /* whose variables a classification checkpoint gives (under "feature_extractor" there); unused: NULL */
    int backbone_continues;        /* the second backbone path's layers are numbered on from the first's last one in the checkpoint */
    const char *features_paths[2]; /* whose variables a detection checkpoint gives */
    const char *backbone_shown;    /* the backbone where the first of backbone_paths isn't it: for a summary; NULL: it is */
} od_model_info;

/* Reads the config and creates all variables (values zero). OD_ERR_UNSUPPORTED or OD_ERR_CONFIG name what is wrong. The config is
 * borrowed and must outlive the model. with_training: gradients and optimiser slots, too. */
od_status od_model_create(od_model **out, const od_config *config, int with_training, od_error *err);
void od_model_free(od_model *model);
od_variables *od_model_variables(od_model *model);
int od_model_num_classes(const od_model *model);
/* "ssd_mobilenet_v2_fpn_keras" */
const char *od_model_type(const od_model *model);
const od_model_info *od_model_get_info(const od_model *model);

od_status od_instance_create(od_instance **out, od_model *model, od_net_mode mode, int64_t batch, int64_t height, int64_t width,
                             const od_net_options *options, od_error *err);
void od_instance_free(od_instance *inst);
od_net *od_instance_net(od_instance *inst);
const od_graph *od_instance_graph(const od_instance *inst);

/* Before every forward pass; borrowed until the backward pass is over. true_shapes[N]: height and width of each image's part that isn't
 * padding; NULL: all of it. truth[N] (training): two-stage detectors choose proposals by it while they run; may be NULL in inference. */
void od_instance_set_inputs(od_instance *inst, const int32_t (*true_shapes)[3], const od_groundtruth *truth);
/* images [N,H,W,3], borrowed until the backward pass is over. */
void od_instance_forward(od_instance *inst, const float *images);
/* truth[N]. Adds the regularisation loss and the total. In training mode also prepares the backward pass: sets the store's gradients to
 * the regularisation's and writes those of the predictions. */
od_status od_instance_loss(od_instance *inst, const od_groundtruth *truth, od_losses *losses, od_error *err);
/* Adds the losses' gradients to the store's, once after each od_instance_loss. */
void od_instance_backward(od_instance *inst);
/* true_shapes: height and width of each image's part that isn't padding. Boxes are relative to it. */
od_status od_instance_detect(od_instance *inst, const int32_t (*true_shapes)[3], od_detections *detections, od_error *err);

/* Raw predictions by the OD API's names ("box_encodings", "class_predictions_with_background", "anchors"), for tests and
 * export; NULL when there is none of that name. *shape has four dimensions. */
const float *od_instance_prediction(const od_instance *inst, const char *name, int64_t shape[4]);

#endif
