/* SPDX-License-Identifier: Apache-2.0
 *
 * The checkpoints of a model_dir, as the OD API lays them out: ckpt-N.index, ckpt-N.data-*, and the file `checkpoint` that
 * names the newest and all that are kept. Reading (evaluation, prediction, fine-tuning):
 *
 *     od_model_dir *dir;
 *     OD_TRY(od_model_dir_open(&dir, "D", err));           // D, or D/checkpoint of an unpacked zoo model
 *     const char *prefix = od_model_dir_newest(dir);       // "D/ckpt-3" for od_checkpoint_open; NULL: none
 *
 * Training:
 *
 *     OD_TRY(od_model_dir_open_for_training(&dir, "D", 7, err));
 *     ... od_checkpoint_writer_create(&w, od_model_dir_next(dir), err), _add..., "save_counter" = od_model_dir_next_number(dir) ...
 *     OD_TRY(od_model_dir_commit(dir, err));               // now it is the newest; old ones go
 *     OD_TRY(od_model_dir_offer_best(dir, "DetectionBoxes_Precision/mAP", map, step, &is_best, err));
 *
 * At every moment the folder is usable: a checkpoint is complete before `checkpoint` names it, and old ones are deleted only
 * after `checkpoint` no longer does. What a killed process left (temporaries, data without an index) is removed by the next
 * training. A checkpoint that is named but incomplete or damaged is skipped with a note. Paths in `checkpoint` may be relative
 * or absolute; a file of that name in the folder itself goes first, so that a moved or copied folder works.
 */
#ifndef OD_CHECKPOINT_MODEL_DIR_H
#define OD_CHECKPOINT_MODEL_DIR_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_model_dir od_model_dir;

/* Reads only. A folder without checkpoints is fine (count 0); OD_ERR_NOT_FOUND when there is no folder. */
od_status od_model_dir_open(od_model_dir **out, const char *dir, od_error *err);
/* Makes the folder when needed and removes what killed trainings left. max_to_keep <= 0 keeps all. OD_ERR_IO when it cannot be
 * written. One training per folder at a time. */
od_status od_model_dir_open_for_training(od_model_dir **out, const char *dir, int max_to_keep, od_error *err);
/* Reads the folder again (another process may be training in it); on failure the old list stays. */
od_status od_model_dir_refresh(od_model_dir *d, od_error *err);
void od_model_dir_close(od_model_dir *d);

/* The newest complete checkpoint's prefix, or NULL. Strings live until the next refresh, commit or close. */
const char *od_model_dir_newest(const od_model_dir *d);
/* All complete ones, oldest first. */
size_t od_model_dir_count(const od_model_dir *d);
const char *od_model_dir_at(const od_model_dir *d, size_t i);
/* N of a prefix ending in -N, else -1. */
int64_t od_model_dir_number(const char *prefix);

/* Where the next checkpoint goes, and its N (the OD API's save_counter). Only after open_for_training. */
const char *od_model_dir_next(const od_model_dir *d);
int64_t od_model_dir_next_number(const od_model_dir *d);
/* The checkpoint at od_model_dir_next has been written: names it in `checkpoint`, then deletes what is beyond max_to_keep and
 * not the best. A failing deletion is only noted. */
od_status od_model_dir_commit(od_model_dir *d, od_error *err);

/* Records the newest checkpoint as the best (best.json) when `value` is finite and above the best so far (of the same metric);
 * *is_best tells. The best one is never deleted. */
od_status od_model_dir_offer_best(od_model_dir *d, const char *metric, double value, int64_t step, int *is_best, od_error *err);
/* The best checkpoint's prefix, or NULL; *value (may be NULL) is its metric. */
const char *od_model_dir_best(const od_model_dir *d, double *value);

#endif
