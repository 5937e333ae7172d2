/* SPDX-License-Identifier: Apache-2.0
 *
 * What a meta-architecture gives to model.c. `self` is its own settings; `state` what an instance holds besides the network.
 */
#ifndef OD_MODELS_META_H
#define OD_MODELS_META_H

#include "models/model.h"

typedef struct od_meta {
    const char *name;
    int no_regularization_loss; /* neither computed nor told */
    /* Reads the config's model message. */
    od_status (*create)(const od_config *config, void **self, od_error *err);
    void (*free)(void *self);
    void (*info)(const void *self, od_model_info *info);
    /* Builds the network on `images` and, when state isn't NULL, what losses and detection need for this size. */
    od_status (*build)(const void *self, od_graph *g, od_value images, void **state, od_error *err);
    void (*free_state)(void *state);
    /* od_instance_set_inputs; NULL: the forward pass needs nothing but pixels. */
    void (*set_inputs)(void *state, const int32_t (*true_shapes)[3], const od_groundtruth *truth);
    /* The losses without regularisation; with `gradients` also writes those of the outputs into the net. */
    od_status (*loss)(void *state, od_net *net, const od_groundtruth *truth, int gradients, od_losses *losses, od_error *err);
    od_status (*detect)(void *state, od_net *net, const int32_t (*true_shapes)[3], od_detections *detections, od_error *err);
    const float *(*prediction)(const void *state, const od_net *net, const char *name, int64_t shape[4]);
} od_meta;

extern const od_meta od_meta_ssd, od_meta_center_net, od_meta_faster_rcnn;

#endif
