/* SPDX-License-Identifier: Apache-2.0
 *
 * One class's matches laid out for accumulation, once and then again with other image weights (the bootstrap): all
 * detections by score with their image and area, and per area range and IoU threshold a short list of events. An
 * event is a detection that changes more than the count of unmatched detections inside the area range: a true
 * positive, or one whose counting differs from that of an unmatched one.
 */
#ifndef OD_EVAL_COCO_CURVES_H
#define OD_EVAL_COCO_CURVES_H

#include "eval/coco_groups.h"
#include "eval/coco_masks.h"
#include "eval/coco_match.h"

enum {
    OD_COCO_EVENT_TP = 1u << 30,      /* a true positive */
    OD_COCO_EVENT_OUTSIDE = 1u << 29, /* with TP: the detection's own area is outside the range, yet it counts */
    OD_COCO_EVENT_IGNORED = 1u << 28, /* without TP: inside the range, yet ignored (matched to ignored truth) */
    OD_COCO_EVENT_TOP10 = 1u << 27,   /* among its image's first 10 */
    OD_COCO_EVENT_TOP1 = 1u << 26,
    OD_COCO_EVENT_SLOT = (1u << 26) - 1
};

typedef struct od_coco_event {
    uint32_t slot; /* index into slots, and the flags above */
    uint32_t image;
} od_coco_event;

typedef struct od_coco_curves {
    size_t num_dets;
    uint32_t *det;       /* index of the detection, by score from high to low */
    uint32_t *det_image; /* [num_dets] */
    uint8_t *det_areas;  /* [num_dets]: bit a: its area is in range a */
    size_t num_slots;
    uint32_t *slots; /* positions in det of the detections that have events, ascending */
    od_coco_event *events;
    size_t event_begin[OD_COCO_A * OD_COCO_T + 1]; /* of (a, t) at a * T + t */
    size_t num_truths;
    uint32_t *truth_image;
    uint8_t *truth_areas; /* bit a: counts in range a (neither crowd nor outside) */
} od_coco_curves;

/* Of class rank k, keeping each image's `max_dets` best detections. */
od_status od_coco_curves_build(od_coco_curves *out, size_t k, int max_dets, const od_coco_groups *groups,
                               const od_coco_matches *matches, const od_coco_det *dets, const od_coco_truth *truths,
                               const od_coco_masks *masks, od_error *err);
void od_coco_curves_deinit(od_coco_curves *c);

#endif
