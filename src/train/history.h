/* SPDX-License-Identifier: Apache-2.0
 *
 * eval/history.json of a model_dir: every evaluation of its checkpoints, by step, so that early stopping goes on exactly after
 * an interruption and a report knows the whole curve:
 *
 *     {"evaluations": [{"step": 250, "checkpoint": "ckpt-1", "images": 40,
 *                       "metrics": {"DetectionBoxes_Precision/mAP": .5, ...}, "losses": {"Loss/total_loss": .7, ...},
 *                       "interval": {"level": .95, "low": .41, "high": .58}, "detections": "detections-250.json"}]}
 *
 * `interval` is of mAP (objdet/bootstrap.h), `detections` is there when they were kept.
 */
#ifndef OD_TRAIN_HISTORY_H
#define OD_TRAIN_HISTORY_H

#include "train/evaluator.h"

typedef struct od_history od_history;

/* Of <model_dir>/eval/history.json; an empty one when there is none, or when it can't be read (then with a note). */
od_status od_history_open(od_history **out, const char *model_dir, od_error *err);
void od_history_free(od_history *h);

/* Forgets evaluations of later steps. -1: all. */
void od_history_cut(od_history *h, int64_t after_step);
int od_history_has(const od_history *h, int64_t step);
/* Puts an evaluation in (in the place of one of the same step) and saves. `detections` is a file name in eval/, or NULL. */
od_status od_history_put(od_history *h, int64_t step, const char *checkpoint, const od_evaluation *e, const char *detections, od_error *err);

/* How many evaluations came after the best by `metric` (a tag; losses are better when lower); *best its value (NaN: none). */
int64_t od_history_since_best(const od_history *h, const char *metric, double *best);
/* Whether evaluations have that metric; 1 when there are no evaluations yet. */
int od_history_has_metric(const od_history *h, const char *metric);

#endif
