/* SPDX-License-Identifier: Apache-2.0
 *
 * Similarity of one ground-truth box to many anchors (OD API core/region_similarity_calculator.py). Anchors come as five
 * separate arrays, so that the loops vectorise.
 */
#ifndef OD_DETECTION_SIMILARITY_H
#define OD_DETECTION_SIMILARITY_H

#include "util/error.h"

#include "region_similarity_calculator.pb-c.h"

#include <stdint.h>

typedef enum od_similarity_kind {
    OD_SIMILARITY_IOU,            /* intersection / union, 0 when they don't overlap */
    OD_SIMILARITY_IOA,            /* intersection / the anchor's area */
    OD_SIMILARITY_NEG_SQ_DIST,    /* -|a - b|^2 over the four coordinates */
    OD_SIMILARITY_THRESHOLDED_IOU /* the ground truth's score where IoU > threshold, else 0 */
} od_similarity_kind;

typedef struct od_similarity {
    od_similarity_kind kind;
    float threshold; /* thresholded_iou's */
} od_similarity;

/* From the config; OD_ERR_CONFIG when it is empty. */
od_status od_similarity_init(od_similarity *similarity, const ObjectDetection__Protos__RegionSimilarityCalculator *config, od_error *err);

/* Anchors as structure of arrays, with bounds of each run of OD_ANCHOR_BLOCK anchors to skip those that can't overlap. */
enum { OD_ANCHOR_BLOCK = 256 };
typedef struct od_anchor_columns {
    int64_t count;
    float *ymin, *xmin, *ymax, *xmax, *area; /* [count] */
    float *block_bounds;                     /* [ceil(count / OD_ANCHOR_BLOCK), 4] ymin, xmin, ymax, xmax */
} od_anchor_columns;

/* Copies anchors[count, 4]. OD_ERR_NOMEM; the caller calls od_anchor_columns_deinit, also after an error. */
od_status od_anchor_columns_init(od_anchor_columns *columns, const float *anchors, int64_t count, od_error *err);
void od_anchor_columns_deinit(od_anchor_columns *columns);

/* out[n] for anchors first .. first+n-1, n <= OD_ANCHOR_BLOCK. `score` is the ground truth's for thresholded_iou. */
void od_similarity_compute(const od_similarity *similarity, const float box[4], float score, const od_anchor_columns *anchors,
                           int64_t first, int64_t n, float *out);

/* 1 when the similarity with all anchors of a block is surely 0. */
int od_similarity_skips_block(const od_similarity *similarity, const float box[4], const od_anchor_columns *anchors, int64_t block);

#endif
