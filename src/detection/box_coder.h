/* SPDX-License-Identifier: Apache-2.0
 *
 * Box coders: how a box is written relative to its anchor, and back (OD API box_coders/).
 *
 *     faster_rcnn  ty, tx, th, tw   offsets of the centre in anchor sizes, logarithms of the size ratios, each times its scale
 *     mean_stddev  4 corners        differences from the anchor's corners, divided by stddev
 *     square       ty, tx, tl       as faster_rcnn for square boxes, one size
 *     keypoint     as faster_rcnn, then ty, tx of each keypoint: its offset from the anchor's centre, as the box's centre
 */
#ifndef OD_DETECTION_BOX_CODER_H
#define OD_DETECTION_BOX_CODER_H

#include "util/error.h"

#include "box_coder.pb-c.h"

#include <stdint.h>

typedef enum od_box_coder_kind { OD_BOX_CODER_FASTER_RCNN, OD_BOX_CODER_MEAN_STDDEV, OD_BOX_CODER_SQUARE, OD_BOX_CODER_KEYPOINT } od_box_coder_kind;

enum { OD_MAX_KEYPOINTS = 1000 };

typedef struct od_box_coder {
    od_box_coder_kind kind;
    int code_size;  /* floats a code */
    int keypoints;  /* of a box; 0: the coder knows boxes only */
    float scale[4]; /* y, x, height (or length), width; mean_stddev: scale[0] is stddev */
} od_box_coder;

/* From the config; OD_ERR_CONFIG for an empty one, scales that aren't positive or a keypoint coder without keypoints. */
od_status od_box_coder_init(od_box_coder *coder, const ObjectDetection__Protos__BoxCoder *config, od_error *err);

/* The coder of Faster R-CNN's two stages: faster_rcnn with the scales 10, 10, 5, 5. */
od_box_coder od_box_coder_default(void);

/* codes[n, code_size] of boxes[n, 4] relative to anchors[n, 4]. Sizes get 1e-8 added, as in the OD API, so that boxes
 * without area have finite codes; inverted boxes give NaN. Where a coder has keypoints, what codes say of them isn't touched. */
void od_box_coder_encode(const od_box_coder *coder, int64_t n, const float *boxes, const float *anchors, float *codes);

/* boxes[n, 4] of codes[n, code_size]. Nothing is clipped; huge codes give infinite boxes. */
void od_box_coder_decode(const od_box_coder *coder, int64_t n, const float *codes, const float *anchors, float *boxes);

/* The keypoints' part of codes[n, code_size], for keypoints[n, coder->keypoints, 2] y, x; NaN stays. */
void od_box_coder_encode_keypoints(const od_box_coder *coder, int64_t n, const float *keypoints, const float *anchors, float *codes);
/* And back. */
void od_box_coder_decode_keypoints(const od_box_coder *coder, int64_t n, const float *codes, const float *anchors, float *keypoints);

#endif
