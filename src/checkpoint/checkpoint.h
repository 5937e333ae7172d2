/* SPDX-License-Identifier: Apache-2.0
 *
 * TF2 object-based checkpoints, by object path. Reading:
 *
 *     od_checkpoint *ckpt;
 *     od_checkpoint_tensor t;
 *     OD_TRY(od_checkpoint_open(&ckpt, "model_dir/ckpt-3", err));
 *     OD_TRY_GOTO(od_checkpoint_find(ckpt, "model/_box_predictor/_box_prediction_head/_box_encoder_layers/0/bias", &t, err));
 *     ... t.dtype, t.rank, t.shape, t.data ...                         // t.data lives as long as ckpt
 *     OD_TRY_GOTO(od_checkpoint_find_slot(ckpt, path, "momentum", &t, err));
 *     od_checkpoint_close(ckpt);
 *
 * What the OD API's train_loop saves, and what objdet must therefore write for it to resume: model/... (all variables),
 * step (int64, the next step), save_counter (int64, N of ckpt-N), optimizer/iter (int64, steps done), optimizer/decay (float,
 * 0), optimizer/momentum (float), and for each trained variable its slot "momentum" of "optimizer". There is no
 * optimizer/learning_rate, because the rate comes from a schedule.
 *
 * Paths: object_graph.h. Kernels are HWIO, depthwise ones HWC1.
 */
#ifndef OD_CHECKPOINT_CHECKPOINT_H
#define OD_CHECKPOINT_CHECKPOINT_H

#include "tensor/dtype.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_checkpoint od_checkpoint;

typedef struct od_checkpoint_tensor {
    od_dtype dtype;
    int rank;
    int64_t shape[OD_DTYPE_MAX_RANK];
    const void *data; /* row-major, aligned for dtype, the checkpoint's */
    size_t bytes;
    const char *key; /* under which it is stored; for messages */
} od_checkpoint_tensor;

/* `prefix` as in model_dir/ckpt-3 (without .index). OD_ERR_UNSUPPORTED for TF1 checkpoints (with what to use), OD_ERR_NOT_FOUND,
 * OD_ERR_FORMAT for a damaged or incomplete one. The handle is for one thread at a time. */
od_status od_checkpoint_open(od_checkpoint **out, const char *prefix, od_error *err);
void od_checkpoint_close(od_checkpoint *ckpt);
const char *od_checkpoint_prefix(const od_checkpoint *ckpt);

/* The variable at an object path, its checksum verified. OD_ERR_NOT_FOUND tells how far the path exists and what is there
 * instead. */
od_status od_checkpoint_find(od_checkpoint *ckpt, const char *path, od_checkpoint_tensor *tensor, od_error *err);
/* An optimiser's slot of the variable at `path`, e.g. "momentum". */
od_status od_checkpoint_find_slot(od_checkpoint *ckpt, const char *path, const char *slot, od_checkpoint_tensor *tensor, od_error *err);
/* Whether any object (variable or not) stands at the path: "feature_extractor", "model/_feature_extractor", ... */
int od_checkpoint_has(const od_checkpoint *ckpt, const char *path);
/* The training step ("step", else "global_step", else "optimizer/iter"); OD_ERR_NOT_FOUND when there is none. */
od_status od_checkpoint_step(od_checkpoint *ckpt, int64_t *step, od_error *err);

/* All variables that can be reached from the root (slots are not), breadth first, each once with its first path. */
size_t od_checkpoint_count(const od_checkpoint *ckpt);
/* NULL when i >= count. */
const char *od_checkpoint_path(const od_checkpoint *ckpt, size_t i);
/* The i-th variable; as od_checkpoint_find. */
od_status od_checkpoint_at(od_checkpoint *ckpt, size_t i, od_checkpoint_tensor *tensor, od_error *err);

/* Writing: data goes to disk as it is added. The checkpoint appears with _finish, whole or not at all. */
typedef struct od_checkpoint_writer od_checkpoint_writer;
od_status od_checkpoint_writer_create(od_checkpoint_writer **out, const char *prefix, od_error *err);
/* shape may be NULL for rank 0. OD_ERR_ARG for a path written twice or with an empty part. */
od_status od_checkpoint_writer_add(od_checkpoint_writer *w, const char *path, od_dtype dtype, int rank, const int64_t *shape, const void *data,
                                   od_error *err);
/* `optimizer` is the optimiser's path ("optimizer"). The variable at `path` must have been added before. */
od_status od_checkpoint_writer_add_slot(od_checkpoint_writer *w, const char *path, const char *optimizer, const char *slot, od_dtype dtype, int rank,
                                        const int64_t *shape, const void *data, od_error *err);
od_status od_checkpoint_writer_add_i64(od_checkpoint_writer *w, const char *path, int64_t value, od_error *err);
od_status od_checkpoint_writer_add_f32(od_checkpoint_writer *w, const char *path, float value, od_error *err);
/* Frees the writer, whatever happens. */
od_status od_checkpoint_writer_finish(od_checkpoint_writer *w, od_error *err);
/* Removes what was written and frees; NULL is fine. */
void od_checkpoint_writer_abort(od_checkpoint_writer *w);

#endif
