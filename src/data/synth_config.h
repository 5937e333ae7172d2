/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipeline.config of a synthetic data set: a detector small enough to be trained from scratch in minutes on two cores.
 */
#ifndef OD_DATA_SYNTH_CONFIG_H
#define OD_DATA_SYNTH_CONFIG_H

#include "util/error.h"

/* Writes dir/pipeline.config, which names dir/train.record and dir/<eval_split>.record. */
od_status od_synth_config_save(const char *dir, const char *eval_split, od_error *err);

#endif
