/* SPDX-License-Identifier: Apache-2.0
 *
 * Detections on pictures: annotated copies and a COCO results file.
 */
#ifndef OBJDET_PREDICT_H
#define OBJDET_PREDICT_H

#include "objdet/operating_point.h"
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
    const char *best_label;  /* of the best one; NULL when count is 0 */
    double best_score;
    double seconds;          /* since the first picture was begun */
    int64_t done, total;     /* pictures */
    const char *problem;     /* why the picture couldn't be read, else NULL */
} od_predicted;

typedef void (*od_predict_fn)(void *user, const od_predicted *picture);

typedef struct od_predict_options {
    const char *model_dir;            /* a training's folder, or an unpacked zoo model (checkpoint/ckpt-0) */
    const char *checkpoint;           /* NULL: the newest */
    const char *pipeline_config_path; /* NULL: <model_dir>/pipeline.config */
    const char *label_map_path;       /* NULL: <model_dir>/label_map.pbtxt, else the config's where it exists */
    double min_score_thresh;          /* of what is drawn, 0..1; negative: the model_dir's operating_point.json, else .5,
                                         and detections.json keeps all */
    const char *output_dir;           /* created when missing */
    int max_boxes;                    /* drawn on a picture; 0: none */
    int num_threads;                  /* 0: one a processor */
    const char *const *inputs;        /* pictures and folders of pictures */
    int input_count;
    od_predict_fn progress;
    void *progress_user;
    const volatile sig_atomic_t *stop;
} od_predict_options;

od_predict_options od_predict_options_default(void);

/* Writes <output_dir>/<name> for every picture (JPEG for JPEG, else PNG; the original's size) and <output_dir>/detections.json:
 * COCO results, bbox [x, y, width, height] in the original's pixels, with category_name; image_id is the picture's file name
 * without its ending, numbered where two pictures share it ("a", "a_2"). A class without a name is "class N". A picture that
 * can't be read is reported and skipped; OD_ERR_FORMAT when none could be. OD_ERR_ARG when an annotated copy would replace one
 * of the inputs; nothing is written then. *predicted (may be NULL): how many pictures were read.
 * With a calibrator in the model_dir's operating_point.json, and no min_score_thresh, what is drawn and reported are calibrated
 * probabilities, and detections.json has them as "probability" beside "score". */
od_status od_predict_run(const od_predict_options *options, int64_t *predicted, od_error *err);

/* Saves a threshold and calibrator in a model_dir as operating_point.json, with the name of its newest checkpoint, for
 * od_predict_run. OD_ERR_NOT_FOUND when there is no such folder. */
od_status od_predict_save_operating_point(const char *model_dir, od_operating_file *f, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
