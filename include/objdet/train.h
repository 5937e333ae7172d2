/* SPDX-License-Identifier: Apache-2.0
 *
 * Training a detector from a pipeline.config. The model_dir is laid out as the OD API's: ckpt-N, the file `checkpoint`, event
 * files in train/ and eval/; beside them pipeline.config and label_map.pbtxt, so that it can be evaluated and used alone.
 *
 *     od_train_options o = od_train_options_default();
 *     o.pipeline_config_path = "pipeline.config";
 *     o.model_dir = "runs/1";
 *     if (od_train_run(&o, &err) != OD_OK) fprintf(stderr, "%s\n", err.message);
 */
#ifndef OBJDET_TRAIN_H
#define OBJDET_TRAIN_H

#include "objdet/progress.h"
#include "objdet/status.h"

#include <signal.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_train_options {
    const char *pipeline_config_path;
    const char *model_dir;      /* created when missing; a training in it is continued */
    int64_t num_train_steps;    /* where training ends; -1: the config's num_steps */
    int64_t checkpoint_every_n; /* steps; the last step is always saved; 0: only the last */
    int64_t eval_every_n;       /* steps, and at the end; 0: never; -1: as checkpoint_every_n */
    int max_to_keep;            /* checkpoints, besides the best; <= 0: all */
    uint64_t seed;
    int num_threads;            /* 0: one a processor */
    int exact_moving_averages;  /* 1: batch norm's moving averages lag as the OD API's do; 0: their momentum is at most
                                   (1 + step) / (10 + step), so that short trainings evaluate with the statistics they have */
    int no_drop_connect;        /* 1: EfficientDet trains without drop-connect (stochastic depth) */
    int64_t early_stop_patience; /* evaluations without a better early_stop_metric before training stops; 0: never. Counted from
                                    eval/history.json, so that an interrupted training stops where a whole one does */
    const char *early_stop_metric; /* tag of a metric or loss that the best checkpoint is chosen by, too; NULL: mAP */
    int class_balanced_sampling; /* 1: classes are drawn equally often: data/class_balance.h has the weights */
    const char *augment_only_classes; /* "a,b": only images with a box of these classes are augmented; NULL: all */
    od_progress_fn progress;    /* NULL: silent */
    void *progress_user;
    const volatile sig_atomic_t *stop; /* when it becomes non-zero the current step is finished and saved; NULL: never */
} od_train_options;

od_train_options od_train_options_default(void);

/* Trains (or continues) until num_train_steps. OD_ERR_CONFIG, OD_ERR_UNSUPPORTED, OD_ERR_NOT_FOUND, OD_ERR_MISMATCH (a checkpoint of
 * another model) and OD_ERR_IO name the place and the fix; OD_ERR_NAN: a loss is not finite, the last good checkpoint stays;
 * OD_ERR_INTERRUPTED: `stop` was set, everything is saved. */
od_status od_train_run(const od_train_options *options, od_error *err);

typedef struct od_eval_options {
    const char *pipeline_config_path; /* NULL: <model_dir>/pipeline.config */
    const char *model_dir;            /* where eval/ is written, and checkpoints are looked for unless told */
    const char *checkpoint;           /* prefix such as model_dir/ckpt-3; NULL: the newest in checkpoint_dir */
    const char *checkpoint_dir;       /* NULL: model_dir */
    const char *eval_input_path;      /* data instead of the config's eval_input_reader; NULL: that. Its results go to <model_dir>/on_NAME
                                         (on_test for data/test.record) in place of eval/, whose curve stays that of one data set */
    const char *label_map_path;       /* instead of the config's; NULL: that */
    const char *image_dir;            /* where COCO, VOC and CSV images lie; NULL: beside the annotations */
    int64_t sample_1_of_n;            /* only every n-th example; 0, 1: all */
    int num_threads;
    od_progress_fn progress;
    void *progress_user;
    const volatile sig_atomic_t *stop;
} od_eval_options;

od_eval_options od_eval_options_default(void);

/* What came out; the files <model_dir>/eval/{metrics,detections,groundtruth}.json and the event files hold it too. */
typedef struct od_eval_summary {
    int64_t step;      /* of the checkpoint; -1 when it doesn't say */
    double stats[12];  /* objdet/eval.h's od_coco_stat */
    int64_t images, broken_images;
    char *table;       /* pycocotools' lines and a line for each -1; free() it */
} od_eval_summary;

/* Evaluates one checkpoint, once. *out may be NULL. */
od_status od_eval_run(const od_eval_options *options, od_eval_summary *out, od_error *err);

/* One checkpoint of od_eval_all. */
typedef struct od_eval_point {
    char checkpoint[64]; /* "ckpt-3" */
    int64_t step;
    double stats[12];
    double map_low, map_high; /* 95 % interval of mAP; NAN: none */
    double total_loss;
    /* mAP minus the best checkpoint's, paired over images, with its 95 % interval; NAN for the best itself and when unknown. */
    double to_best, to_best_low, to_best_high;
    int distinct; /* 1: the interval excludes 0 */
} od_eval_point;

typedef struct od_eval_curve {
    od_eval_point *points; /* by step */
    int count, best;       /* best: the highest mAP; -1: none has one */
} od_eval_curve;

/* Evaluates every checkpoint of checkpoint_dir (the OD API's as well), oldest first: event files get a point each at its step,
 * <model_dir>/eval/history.json a line each, eval/detections-STEP.json keeps each one's detections, and eval/checkpoints.json this
 * curve. Each is held against the best by paired resamples. *out is freed with od_eval_curve_free. */
od_status od_eval_all(const od_eval_options *options, od_eval_curve *out, od_error *err);
void od_eval_curve_free(od_eval_curve *curve);

/* Evaluates checkpoints as they appear, as model_main_tf2.py --checkpoint_dir does: the newest each second, every one at most
 * once and no more often than every `wait_interval` seconds, until `timeout` seconds passed without a new one (OD_OK) or a
 * checkpoint of the config's last step has been evaluated. */
od_status od_eval_continuously(const od_eval_options *options, double wait_interval, double timeout, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
