/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's variables to and from TF2 checkpoints: saving and resuming with the optimiser's slots, and the three kinds of
 * fine-tuning.
 */
#ifndef OD_TRAIN_VARIABLES_IO_H
#define OD_TRAIN_VARIABLES_IO_H

#include "checkpoint/model_dir.h"
#include "config/config.h"
#include "models/model.h"
#include "train/optimizer.h"

/* Writes the next checkpoint of a model_dir and makes it the newest. */
od_status od_variables_save(od_model_dir *dir, od_model *model, int64_t step, const od_optimizer *optimizer, od_error *err);

/* Reads every variable of the model (OD_ERR_MISMATCH names the first that is missing or has another shape); with an
 * optimizer (NULL: none) also its slots, zero with a warning where the checkpoint has none. *step: -1 when it doesn't say. */
od_status od_variables_restore(const char *prefix, od_model *model, const od_optimizer *optimizer, int64_t *step, od_error *err);

/* As od_variables_restore, without an optimizer; with eval_config { use_moving_averages: true } the trainable variables get their moving
 * averages (OD_ERR_MISMATCH when the checkpoint has none). */
od_status od_variables_restore_evaluated(const char *prefix, const od_config *config, od_model *model, int64_t *step, od_error *err);

/* train_config's fine_tune_checkpoint into freshly initialised variables; nothing when there is none. *restored: how many. */
od_status od_variables_fine_tune(const od_config *config, od_model *model, size_t *restored, od_error *err);

#endif
