/* SPDX-License-Identifier: Apache-2.0
 *
 * Detections on pictures: annotated copies and a COCO results file.
 */
#ifndef OBJDET_PREDICT_H
#define OBJDET_PREDICT_H

#include "objdet/status.h"

#include <signal.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One picture done. */
typedef struct od_predicted {
    const char *path;
    const char *output_path; /* of the annotated picture; NULL when none was written */
    int width, height;
    int count;               /* detections of at least the threshold */
    const char *best_label;  /* of the best one, or NULL */
    double best_score;
    int64_t done, total;     /* pictures */
    const char *problem;     /* why the picture couldn't be read, else NULL */
} od_predicted;

typedef void (*od_predict_fn)(void *user, const od_predicted *picture);

typedef struct od_predict_options {
    const char *model_dir;            /* a training's folder, or an unpacked zoo model (checkpoint/ckpt-0) */
    const char *checkpoint;           /* NULL: the newest */
    const char *pipeline_config_path; /* NULL: <model_dir>/pipeline.config */
    const char *label_map_path;       /* NULL: <model_dir>/label_map.pbtxt, else the config's */
    double min_score_thresh;          /* of what is drawn; negative: .5, and detections.json keeps all */
    const char *output_dir;           /* created when missing */
    int max_boxes;                    /* drawn on a picture */
    int num_threads;
    const char *const *inputs;        /* pictures and folders of pictures */
    int input_count;
    od_predict_fn progress;
    void *progress_user;
    const volatile sig_atomic_t *stop;
} od_predict_options;

od_predict_options od_predict_options_default(void);

/* Writes <output_dir>/<name> for every picture and <output_dir>/detections.json: COCO results whose image_id is the picture's
 * file name without its ending. A picture that can't be read is reported and skipped; OD_ERR_FORMAT when none could be.
 * *predicted (may be NULL): how many were. */
od_status od_predict_run(const od_predict_options *options, int64_t *predicted, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
