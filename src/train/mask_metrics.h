/* SPDX-License-Identifier: Apache-2.0
 *
 * eval_config's coco_mask_metrics (metrics/coco_evaluation.py CocoMaskEvaluator): COCO's twelve numbers by masks, beside those by boxes.
 * Ground truth is compared at the picture's own size with its own masks; the OD API compares what is left of them after the network's
 * resizing and back.
 */
#ifndef OD_TRAIN_MASK_METRICS_H
#define OD_TRAIN_MASK_METRICS_H

#include "data/batch.h"
#include "detection/detections.h"
#include "objdet/eval.h"
#include "train/run_setup.h"

/* Whether the config asks for them. */
int od_mask_metrics_wanted(const od_run_setup *setup);
/* OD_ERR_CONFIG when a metrics set, this one or another by masks, needs what the data that are evaluated don't load. */
od_status od_mask_metrics_check(const od_run_setup *setup, const od_run_input *input, od_error *err);
/* OD_ERR_CONFIG for detections without masks, which metrics set `set` needs. */
od_status od_mask_metrics_have(const od_detections *d, const char *set, od_error *err);

/* Adds an image, its first `objects` objects and the detections of a row of the batch to an evaluation by masks, whose classes are
 * there (id of class c: c + 1) and which od_coco_eval_use_masks has been called for. */
od_status od_mask_metrics_add(od_coco_eval *e, int64_t id, const od_batch_item *item, int objects, const od_detections *d, int64_t row, od_error *err);

#endif
