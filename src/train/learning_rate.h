/* SPDX-License-Identifier: Apache-2.0
 *
 * Learning-rate schedules: the rate at a step, from the config's LearningRate message (OD API:
 * utils/learning_schedules.py through builders/optimizer_builder.py; in float32 as there). The optimiser uses the rate
 * at the number of steps done before the update; the OD API logs the one after it.
 */
#ifndef OD_TRAIN_LEARNING_RATE_H
#define OD_TRAIN_LEARNING_RATE_H

#include "config/config.h"

/* The schedule of whichever optimiser is set; NULL when none is. */
const ObjectDetection__Protos__LearningRate *od_learning_rate_of(const ObjectDetection__Protos__Optimizer *optimizer);

/* OD_ERR_CONFIG for a schedule that is missing or that the OD API refuses (decay_steps 0, steps not increasing, ...).
 * Call once before od_learning_rate_at. */
od_status od_learning_rate_check(const od_config *config, const ObjectDetection__Protos__Optimizer *optimizer, od_error *err);

/* `step` counts from 0. */
float od_learning_rate_at(const ObjectDetection__Protos__LearningRate *schedule, int64_t step);

#endif
