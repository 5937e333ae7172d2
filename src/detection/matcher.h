/* SPDX-License-Identifier: Apache-2.0
 *
 * Which ground-truth box each anchor learns: the OD API's argmax matcher (matchers/argmax_matcher.py). An anchor takes the
 * box it is most similar to (the first on a tie) when that is at least matched_threshold; below unmatched_threshold it is
 * background, in between it is ignored (or the other way round). With force_match_for_each_row every box with a positive
 * weight also takes the anchor most similar to it (the first on a tie, so a box that overlaps nothing takes anchor 0); of
 * two boxes that want one anchor the first gets it.
 */
#ifndef OD_DETECTION_MATCHER_H
#define OD_DETECTION_MATCHER_H

#include "detection/similarity.h"

#include "matcher.pb-c.h"

enum { OD_MATCH_BACKGROUND = -1, OD_MATCH_IGNORED = -2 };

typedef struct od_matcher {
    int use_thresholds; /* 0: every anchor is matched to its best box */
    float matched_threshold, unmatched_threshold;
    int negatives_lower_than_unmatched;
    int force_match_for_each_row;
} od_matcher;

/* From the config, checked as the OD API does; the bipartite matcher, which TF2 hasn't, is refused by name. */
od_status od_matcher_init(od_matcher *matcher, const ObjectDetection__Protos__Matcher *config, od_error *err);

/* The ground truth of one image as the matcher sees it. */
typedef struct od_matcher_boxes {
    const float *boxes;   /* [count, 4] */
    const float *weights; /* [count], or NULL: all 1 */
    const float *scores;  /* [count], for thresholded_iou; or NULL: all 1 */
    int64_t count;
} od_matcher_boxes;

/* match[anchors->count] = index of a box, OD_MATCH_BACKGROUND or OD_MATCH_IGNORED. OD_ERR_NOMEM. */
od_status od_matcher_match(const od_matcher *matcher, const od_similarity *similarity, const od_anchor_columns *anchors,
                           const od_matcher_boxes *truth, int32_t *match, od_error *err);

#endif
