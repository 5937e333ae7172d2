/* SPDX-License-Identifier: Apache-2.0
 *
 * What evaluating checkpoints of a model_dir needs open: config, model, data, event file. Private to src/train.
 */
#ifndef OD_TRAIN_EVAL_SESSION_H
#define OD_TRAIN_EVAL_SESSION_H

#include "objdet/train.h"
#include "train/evaluator.h"

typedef struct od_eval_session {
    const od_eval_options *o;
    char *config_path, *output_dir; /* output_dir: <model_dir>/folder */
    char folder[80];                /* "eval"; for other data than the config's "on_" and its name, so that eval/ stays one data set's curve */
    od_run_setup setup;
    od_run_input input;
    od_evaluator *evaluator;
    od_events_writer *events; /* NULL with without_events */
    int without_events;
} od_eval_session;

/* `o` and without_events are set. Close also after an error. */
od_status od_eval_session_open(od_eval_session *s, od_error *err);
void od_eval_session_close(od_eval_session *s);

#endif
