/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/detections.h"

#include "util/alloc.h"

#include <string.h>

od_status od_detections_reset(od_detections *d, int64_t batch, int max, od_error *err)
{
    size_t rows = (size_t)batch * (size_t)max;
    if (od_grow(&d->boxes, &d->capacity_boxes, rows * 4 + 1, sizeof *d->boxes) ||
        od_grow(&d->scores, &d->capacity_scores, rows + 1, sizeof *d->scores) ||
        od_grow(&d->classes, &d->capacity_classes, rows + 1, sizeof *d->classes) ||
        od_grow(&d->anchors, &d->capacity_anchors, rows + 1, sizeof *d->anchors) ||
        od_grow(&d->count, &d->capacity_count, (size_t)batch + 1, sizeof *d->count))
        return od_error_nomem(err, "detections");
    memset(d->boxes, 0, rows * 4 * sizeof *d->boxes);
    memset(d->scores, 0, rows * sizeof *d->scores);
    memset(d->classes, 0, rows * sizeof *d->classes);
    memset(d->anchors, 0, rows * sizeof *d->anchors);
    memset(d->count, 0, (size_t)batch * sizeof *d->count);
    d->batch = batch;
    d->max = max;
    return OD_OK;
}

od_status od_detections_add_masks(od_detections *d, int mask_h, int mask_w, od_error *err)
{
    size_t floats = (size_t)d->batch * (size_t)d->max * (size_t)mask_h * (size_t)mask_w;
    if (od_grow(&d->masks, &d->capacity_masks, floats + 1, sizeof *d->masks)) return od_error_nomem(err, "detections' masks");
    memset(d->masks, 0, floats * sizeof *d->masks);
    d->mask_h = mask_h;
    d->mask_w = mask_w;
    return OD_OK;
}

od_status od_detections_add_keypoints(od_detections *d, int num_keypoints, od_error *err)
{
    size_t floats = (size_t)d->batch * (size_t)d->max * 2 * (size_t)num_keypoints;
    if (od_grow(&d->keypoints, &d->capacity_keypoints, floats + 1, sizeof *d->keypoints)) return od_error_nomem(err, "detections' keypoints");
    memset(d->keypoints, 0, floats * sizeof *d->keypoints);
    d->num_keypoints = num_keypoints;
    return OD_OK;
}

void od_detections_deinit(od_detections *d)
{
    od_free(d->boxes);
    od_free(d->scores);
    od_free(d->classes);
    od_free(d->anchors);
    od_free(d->count);
    od_free(d->masks);
    od_free(d->keypoints);
    *d = (od_detections){0};
}
