/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of an optimiser's learning-rate schedule; also what training calls before it starts.
 */
#ifndef OD_CONFIG_CHECK_SCHEDULE_H
#define OD_CONFIG_CHECK_SCHEDULE_H

#include "config/check.h"

/* The schedule of the optimiser that is set; NULL when there is none. */
const ObjectDetection__Protos__LearningRate *od_config_learning_rate(const ObjectDetection__Protos__Optimizer *optimizer);

/* Errors for what the OD API refuses or can't compute, warnings for what makes little sense. `optimizer` may be NULL. */
void od_check_learning_rate(od_check *check, const ObjectDetection__Protos__Optimizer *optimizer);

#endif
