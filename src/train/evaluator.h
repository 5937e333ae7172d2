/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over an evaluation set: detections, COCO metrics, mean losses, and the files that tell of them.
 */
#ifndef OD_TRAIN_EVALUATOR_H
#define OD_TRAIN_EVALUATOR_H

#include "data/corruption.h"
#include "events/event_writer.h"
#include "objdet/bootstrap.h"
#include "objdet/eval.h"
#include "objdet/train.h"
#include "train/run_setup.h"

typedef struct od_evaluator od_evaluator;

typedef struct od_evaluation {
    const double *stats; /* [OD_COCO_NUM_STATS], the evaluator's */
    od_losses losses;    /* means over the batches, including regularisation and total */
    int64_t images, broken_images;
    od_interval map;       /* of stats[OD_COCO_AP], 95 %; low and high NAN without output_dir or without boxes */
    double seconds;
} od_evaluation;

/* `setup` and `input` are borrowed for the evaluator's life. threads 0: OpenMP's number. */
od_status od_evaluator_create(od_evaluator **out, const od_run_setup *setup, const od_run_input *input, int threads, od_error *err);
void od_evaluator_free(od_evaluator *e);

typedef struct od_evaluator_run {
    int64_t step;
    double epoch; /* NaN: unknown */
    od_progress_fn progress;
    void *progress_user;
    const volatile sig_atomic_t *stop;
    od_events_writer *events; /* gets metrics, losses and pictures; NULL: none */
    const char *detections_name; /* a copy of detections.json under this name in output_dir; NULL: none */
    od_corruption corruption; /* done to every picture; boxes found are mapped back, and there are no losses */
    const char *output_dir;   /* gets metrics.json, detections.json, groundtruth.json; NULL: none */
} od_evaluator_run;

/* Evaluates the model's variables as they are now. OD_ERR_INTERRUPTED when stopped. */
od_status od_evaluator_evaluate(od_evaluator *e, const od_evaluator_run *run, od_evaluation *out, od_error *err);

/* The COCO evaluator behind the last evaluation, for tables and counts. */
od_coco_eval *od_evaluator_coco(const od_evaluator *e);
/* The same, and it is the caller's from now on. */
od_coco_eval *od_evaluator_take_coco(od_evaluator *e);

#endif
