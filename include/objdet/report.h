/* SPDX-License-Identifier: Apache-2.0
 *
 * The report of a detector: one HTML file that needs nothing else, and the same as JSON. Its first page answers twelve
 * questions with the user's own numbers; what the input can't tell is said so, with the command that would.
 *
 *     od_report_options o = od_report_options_default();
 *     o.gt = "test.json", o.dt = "detections.json", o.output = "report.html";
 *     if (od_report_write(&o, &err) != OD_OK) fprintf(stderr, "%s\n", err.message);
 */
#ifndef OBJDET_REPORT_H
#define OBJDET_REPORT_H

#include "objdet/eval.h"
#include "objdet/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_report_options {
    /* What is evaluated: COCO ground truth and results. NULL with a model_dir: its eval/groundtruth.json and
     * eval/detections.json, where they are. */
    const char *gt, *dt;
    const char *val_gt, *val_dt; /* the validation set, on which threshold and calibration are fitted; NULL: none */
    const char *train_gt;        /* the training set (any format), for counts and leaks; NULL: the config's, or none */
    const char *model_dir;       /* a training, ours or the OD API's: its event files, checkpoints, config; NULL: none */
    const char *image_dir;       /* where the pictures lie; NULL: beside gt, or in the config's evaluation data */
    od_coco_load_options load;   /* of gt and dt; group_by and group_regex name the groups (patients) */
    const char *output, *json;   /* files to write; at least one */
    const char *title;           /* NULL: made from the file names */
    double threshold;            /* scores that count as a detection; NAN: the one that validation or the report chooses */
    double cost_fp, cost_fn;     /* 1, 1: of a false detection and of a missed object; other values choose the threshold by cost */
    int64_t num_resamples;       /* of the bootstrap, 1000 */
    uint64_t seed;
    int64_t gallery;    /* most failures shown with pictures, 200; 0: none are read */
    double max_size_mb; /* of the HTML file, 5: pictures are left out when it would grow beyond */
    int check_images;   /* 1: look for duplicate pictures between the sets when their pictures are there */
    int num_threads;    /* 0: OpenMP's number */
} od_report_options;

od_report_options od_report_options_default(void);

/* OD_ERR_ARG for options that don't go together, and the errors of reading the files. Parts that can't be made for want of
 * data are left out and said so on the page. */
od_status od_report_write(const od_report_options *options, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
