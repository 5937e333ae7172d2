/* SPDX-License-Identifier: Apache-2.0
 *
 * The first stage's boxes (OD API faster_rcnn_meta_arch.py, _postprocess_rpn): decoded, suppressed by objectness, clipped to the
 * image's true part. Boxes are in pixels of the padded image.
 */
#ifndef OD_DETECTION_PROPOSALS_H
#define OD_DETECTION_PROPOSALS_H

#include "detection/anchors.h"
#include "detection/box_coder.h"
#include "detection/multiclass_nms.h"

/* Anchors of a size of image, as a training or inference network uses them. */
typedef struct od_rpn_anchors {
    int64_t count, predicted; /* in use; of all feature maps */
    float *boxes;             /* [count, 4] pixels, within the image */
    int32_t *index;           /* [count] which of the predictions; NULL: all in order */
} od_rpn_anchors;

/* All anchors clipped to the image; with `prune` (training without clip_anchors_to_image) only those within it. OD_ERR_CONFIG when none is
 * left. The caller calls od_rpn_anchors_deinit, also after an error. */
od_status od_rpn_anchors_init(od_rpn_anchors *out, const od_anchors *anchors, int64_t height, int64_t width, int prune, od_error *err);
void od_rpn_anchors_deinit(od_rpn_anchors *anchors);
/* Row of the predictions that belongs to anchor i. */
static inline int64_t od_rpn_anchors_row(const od_rpn_anchors *anchors, int64_t i)
{
    return anchors->index ? anchors->index[i] : i;
}

/* One image: codes [predicted, 4], logits [predicted, 2] (background, object). out: boxes, scores, classes of nms->max_total rows. OD_ERR_NOMEM. */
od_status od_proposals_select(const od_nms_params *nms, const od_box_coder *coder, const od_rpn_anchors *anchors, const float *codes, const float *logits,
                              const float window[4], od_nms_output *out, od_error *err);

#endif
