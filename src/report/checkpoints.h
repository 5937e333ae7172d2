/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluations of a training's checkpoints (eval/history.json), and whether they differ beyond noise: each is compared with
 * the best by paired resamples where its detections were kept.
 */
#ifndef OD_REPORT_CHECKPOINTS_H
#define OD_REPORT_CHECKPOINTS_H

#include "objdet/bootstrap.h"

typedef struct od_checkpoint_row {
    double step;
    char *name;       /* "ckpt-3" */
    char *detections; /* path; NULL: not kept */
    od_interval map;
    int compared;              /* `difference` is there */
    od_difference difference;  /* this one minus the best */
} od_checkpoint_row;

typedef struct od_checkpoints {
    od_checkpoint_row *rows; /* by step */
    size_t count;
    size_t best;             /* of the highest mAP among those with detections, else among all */
    size_t num_compared;
    char problem[512];       /* why a comparison failed; "" for none */
} od_checkpoints;

enum { OD_CHECKPOINTS_MOST = 12 }; /* compared with the best: those nearest to the end */

/* No history.json is fine (count 0). Damaged ones, and detections that don't fit the ground truth, are told in `problem`. */
od_status od_checkpoints_read(od_checkpoints *c, const char *model_dir, const od_bootstrap_options *options, od_error *err);
void od_checkpoints_deinit(od_checkpoints *c);

#endif
