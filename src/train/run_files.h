/* SPDX-License-Identifier: Apache-2.0
 *
 * The small files of a model_dir beside checkpoints: pipeline.config, label_map.pbtxt, event folders.
 */
#ifndef OD_TRAIN_RUN_FILES_H
#define OD_TRAIN_RUN_FILES_H

#include "config/config.h"
#include "config/label_map.h"
#include "events/event_writer.h"

/* Copies of config and label map (may be NULL) for commands that get the model_dir alone. */
od_status od_run_files_write(const char *model_dir, const od_config *config, const od_label_map *labels, od_error *err);

/* A new event file in <model_dir>/<folder>[/<name>]. */
od_status od_run_events_open(const char *model_dir, const char *folder, const char *name, od_events_writer **out, od_error *err);

#endif
