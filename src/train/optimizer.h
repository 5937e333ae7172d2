/* SPDX-License-Identifier: Apache-2.0
 *
 * The optimiser of train_config (builders/optimizer_builder.py, the legacy Keras optimisers): momentum SGD, Adam or
 * RMSProp, with gradient clipping by global norm.
 */
#ifndef OD_TRAIN_OPTIMIZER_H
#define OD_TRAIN_OPTIMIZER_H

#include "config/config.h"
#include "nn/net.h"

typedef enum od_optimizer_kind { OD_OPTIMIZER_MOMENTUM, OD_OPTIMIZER_ADAM, OD_OPTIMIZER_RMS_PROP } od_optimizer_kind;

typedef struct od_optimizer {
    od_optimizer_kind kind;
    const ObjectDetection__Protos__LearningRate *schedule;
    float momentum;   /* momentum and RMSProp */
    float epsilon;    /* Adam and RMSProp */
    float rate_decay; /* RMSProp: the rate is divided by 1 + rate_decay * step. The config calls it decay, which
                         upstream goes to Keras' argument of that name instead of to rho, which stays .9 */
    float clip_norm;  /* 0: none */
    int averages;     /* keeps moving averages of the weights: the last slot, "average" */
    float average_decay;
    const od_kernels *kernels;
    int threads;
} od_optimizer;

/* A number that the optimiser's checkpoint holds beside the slots, as Keras names it. */
typedef struct od_optimizer_number {
    const char *name;
    float value;
} od_optimizer_number;

/* OD_ERR_CONFIG for no optimiser or a bad schedule. */
od_status od_optimizer_init(od_optimizer *o, const od_config *config, int threads, od_error *err);

/* Room for the optimiser's state in `vars`. */
od_status od_optimizer_allocate(const od_optimizer *o, od_variables *vars, od_error *err);

/* Names of the slots, NULL-terminated: {"momentum"}, {"m", "v"}, {"rms"} or {"rms", "momentum"}; with averages another slot follows. */
const char *const *od_optimizer_slots(const od_optimizer *o);
/* How many floats of state a weight has: the slots, the average's included. */
int od_optimizer_slot_count(const od_optimizer *o);
/* Fills `numbers` (room for 4), returns how many. */
int od_optimizer_numbers(const od_optimizer *o, od_optimizer_number *numbers);

/* The slot of the moving averages; -1: none. They start at zero (official/modeling/optimization/ema_optimizer.py). */
int od_optimizer_average_slot(const od_optimizer *o);

/* Updates values and slots from the gradients, with the learning rate of `step` (steps finished before this one).
 * Returns the gradients' global norm before clipping; nothing is updated when it is not finite. */
double od_optimizer_step(const od_optimizer *o, od_variables *vars, int64_t step);

#endif
