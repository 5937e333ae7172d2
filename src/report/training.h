/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model_dir tells of its training: curves from event files, checkpoints, the best of them, overfitting.
 */
#ifndef OD_REPORT_TRAINING_H
#define OD_REPORT_TRAINING_H

#include "report/curve.h"
#include "util/error.h"

enum { OD_TRAINING_MAX_PARTS = 8 };

typedef struct od_training {
    int present;
    char *train_run, *eval_run;     /* folders of the event files used; NULL: none */
    int other_eval_runs;            /* further evaluation folders, not shown */
    od_curve train_loss, eval_loss; /* total */
    od_curve train_parts[OD_TRAINING_MAX_PARTS], eval_parts[OD_TRAINING_MAX_PARTS]; /* by tag, in the same order */
    size_t num_parts;
    od_curve map, map50, recall;    /* evaluation: mAP (or Pascal's), mAP@.50, AR@100 */
    od_curve map_low, map_high;     /* ends of mAP's 95 % interval, where the training wrote them */
    int map_is_pascal;              /* `map` is PASCAL's mAP at IoU .5 */
    od_curve stats[12];             /* evaluation: COCO's numbers in pycocotools' order, as far as written */
    od_curve learning_rate, steps_per_second;
    double seconds;                 /* between the first and the last training event; NAN */
    int64_t batch_size;             /* 0: unknown */
    int64_t train_images;           /* 0: unknown */
    double steps_per_epoch;         /* NAN: unknown */
    od_overfit overfit;
    char *best_checkpoint, *best_metric; /* best.json; NULL: none */
    double best_value, best_step;        /* NAN: unknown */
    int64_t checkpoints;                 /* kept now; -1: unknown */
    int64_t resumed;                     /* event files of the training run beyond the first */
    int64_t early_stop_step;
} od_training;

/* OD_ERR_NOT_FOUND without a model_dir; one without event files is fine (`present` stays 0). */
od_status od_training_read(od_training *t, const char *model_dir, od_error *err);
/* After train_images or batch_size have become known. */
void od_training_set_epochs(od_training *t);
void od_training_deinit(od_training *t);

#endif
