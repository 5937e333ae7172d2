/* SPDX-License-Identifier: Apache-2.0
 *
 * Masks on the report's pictures: detections as veils in their class's colour, ground truth as white outlines.
 */
#ifndef OD_REPORT_MASK_OVERLAY_H
#define OD_REPORT_MASK_OVERLAY_H

#include "eval/coco_eval.h"
#include "image/image.h"

/* Whether the results in this file have masks: its beginning tells. */
int od_mask_overlay_wanted(const char *results_path);
/* Draws what `e` keeps of image `image` (detections of at least the score) where it has the picture's size. OD_ERR_NOMEM. */
od_status od_mask_overlay_draw(const od_coco_eval *e, int64_t image, double min_score, od_image *picture, od_error *err);

#endif
