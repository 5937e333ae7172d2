/* SPDX-License-Identifier: Apache-2.0
 *
 * From one image's boxes and class scores to its detections (OD API core/post_processing.py, multiclass_non_max_suppression
 * and class_agnostic_non_max_suppression): suppression class by class on unclipped boxes, the classes merged by score,
 * clipped to the window, boxes without area dropped, the best max_total kept.
 */
#ifndef OD_DETECTION_MULTICLASS_NMS_H
#define OD_DETECTION_MULTICLASS_NMS_H

#include "detection/box_coder.h"

typedef struct od_nms_params {
    float score_threshold; /* a detection's score is above it (and not negative) */
    float iou_threshold;
    float soft_sigma;      /* 0: hard suppression */
    int max_per_class, max_total;
    int class_agnostic;    /* each box competes once, with its best class */
    int change_frame;      /* make boxes relative to the window */
    int combined;          /* as combined_non_max_suppression: the window cuts each side on its own, and what is left of a box stays */
} od_nms_params;

/* One image's input. Boxes are given, or decoded from codes only where suppression looks at them. */
typedef struct od_nms_input {
    int64_t count;              /* boxes; at most INT32_MAX */
    int classes;
    const float *scores;        /* class c of box i: scores[i * score_stride + c] */
    int64_t score_stride;
    const float *boxes;         /* [count, boxes_each, 4], or codes [count, code_size] when `coder` is set */
    int boxes_each;             /* 1, or `classes`: a box for each class; ignored with `coder` */
    const od_box_coder *coder;  /* or NULL */
    const float *anchors;       /* [count, 4], with `coder` */
    float window[4];            /* what boxes are clipped to: ymin, xmin, ymax, xmax */
} od_nms_input;

/* One image's output, rows by falling score; each array has max_total rows. */
typedef struct od_nms_output {
    float *boxes;     /* [max_total, 4] */
    float *scores;    /* [max_total] */
    int32_t *classes; /* [max_total] zero-based */
    int32_t *anchors; /* [max_total] which box it was; or NULL */
    int32_t count;    /* rows filled; the rest isn't touched */
} od_nms_output;

/* One thread. OD_ERR_NOMEM. */
od_status od_multiclass_nms(const od_nms_params *params, const od_nms_input *input, od_nms_output *output, od_error *err);

#endif
