/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a model_dir by name: finding, deleting, and cleaning up after killed processes. For model_dir.c.
 */
#ifndef OD_CHECKPOINT_MODEL_DIR_FILES_H
#define OD_CHECKPOINT_MODEL_DIR_FILES_H

#include "util/error.h"

#include <stddef.h>

/* The names (without .index) of all NAME-N.index in the folder, by N, then by name. */
od_status od_model_dir_scan(const char *folder, char ***names, size_t *count, od_error *err);
void od_model_dir_scan_free(char **names, size_t count);

/* Deletes a checkpoint: the index first, so that a half-deleted one has none. Failures are noted. */
void od_model_dir_delete(const char *prefix);

/* Removes temporaries of processes that are gone (NAME.tmp-PID of ckpt-*, checkpoint, best.json) and ckpt-N.data-* without
 * ckpt-N.index, with a note each. */
void od_model_dir_clean(const char *folder);

#endif
