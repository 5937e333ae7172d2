/* SPDX-License-Identifier: Apache-2.0
 *
 * The `checkpoint` file of a model_dir: a CheckpointState message in protobuf's text format
 * (tensorflow/python/training/checkpoint_state.proto), of strings and numbers only:
 *
 *     model_checkpoint_path: "ckpt-3"
 *     all_model_checkpoint_paths: "ckpt-2"
 *     all_model_checkpoint_paths: "ckpt-3"
 *     all_model_checkpoint_timestamps: 1700000000.5
 */
#ifndef OD_CHECKPOINT_CHECKPOINT_STATE_H
#define OD_CHECKPOINT_CHECKPOINT_STATE_H

#include "util/error.h"
#include "util/strbuf.h"

#include <stddef.h>

typedef struct od_checkpoint_state {
    char *newest; /* model_checkpoint_path, as written: relative to the file's folder, or absolute */
    char **paths; /* all_model_checkpoint_paths, oldest first */
    size_t path_count, path_capacity;
    double *times; /* all_model_checkpoint_timestamps, seconds since 1970; may be fewer than paths */
    size_t time_count, time_capacity;
    double last_preserved; /* 0: not given */
} od_checkpoint_state;

/* Unknown fields are skipped when they are plain. OD_ERR_FORMAT with "name:line:". */
od_status od_checkpoint_state_parse(od_checkpoint_state *out, const char *name, const char *text, size_t size, od_error *err);
/* Appends the text; out->failed tells of missing memory. */
void od_checkpoint_state_format(const od_checkpoint_state *state, od_strbuf *out);
/* Copies are made; 0, or -1 when out of memory. */
int od_checkpoint_state_add(od_checkpoint_state *state, const char *path, double time);
int od_checkpoint_state_set_newest(od_checkpoint_state *state, const char *path);
void od_checkpoint_state_deinit(od_checkpoint_state *state);

#endif
