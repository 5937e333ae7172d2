/* SPDX-License-Identifier: Apache-2.0
 *
 * The optimiser of train_config (builders/optimizer_builder.py): momentum SGD with gradient clipping by global norm.
 */
#ifndef OD_TRAIN_OPTIMIZER_H
#define OD_TRAIN_OPTIMIZER_H

#include "config/config.h"
#include "nn/net.h"

typedef struct od_optimizer {
    const ObjectDetection__Protos__LearningRate *schedule;
    float momentum;
    float clip_norm; /* 0: none */
    const od_kernels *kernels;
    int threads;
} od_optimizer;

/* OD_ERR_UNSUPPORTED for other optimisers and for moving averages, OD_ERR_CONFIG for a bad schedule. */
od_status od_optimizer_init(od_optimizer *o, const od_config *config, int threads, od_error *err);

/* Updates values and slots from the gradients, with the learning rate of `step` (steps finished before this one). Returns the
 * gradients' global norm before clipping; nothing is updated when it is not finite. */
double od_optimizer_step(const od_optimizer *o, od_variables *vars, int64_t step);

#endif
