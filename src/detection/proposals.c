/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/proposals.h"

#include "detection/box.h"
#include "detection/score_converter.h"
#include "util/alloc.h"

#include <string.h>

/* box_list_ops.prune_outside_window: an anchor stays when no edge lies outside. */
static int is_inside(const float box[4], const float window[4])
{
    return box[0] >= window[0] && box[1] >= window[1] && box[2] <= window[2] && box[3] <= window[3];
}

od_status od_rpn_anchors_init(od_rpn_anchors *out, const od_anchors *anchors, int64_t height, int64_t width, int prune, od_error *err)
{
    const float window[4] = {0, 0, (float)height, (float)width};
    *out = (od_rpn_anchors){.predicted = anchors->count};
    out->boxes = od_malloc((size_t)anchors->count, 4 * sizeof(float));
    if (prune) out->index = od_malloc((size_t)anchors->count, sizeof *out->index);
    if (!out->boxes || (prune && !out->index)) return od_error_nomem(err, "anchors");
    for (int64_t i = 0; i < anchors->count; i++) {
        const float *box = anchors->boxes + 4 * i;
        if (prune && !is_inside(box, window)) continue;
        if (prune) out->index[out->count] = (int32_t)i;
        memcpy(out->boxes + 4 * out->count, box, 4 * sizeof *box);
        od_box_clip(out->boxes + 4 * out->count++, window);
    }
    if (out->count) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "no anchor lies within an image of %lld x %lld; use smaller scales or clip_anchors_to_image: true", (long long)width, (long long)height);
}

void od_rpn_anchors_deinit(od_rpn_anchors *anchors)
{
    od_free(anchors->boxes);
    od_free(anchors->index);
    *anchors = (od_rpn_anchors){0};
}

/* The codes of the anchors in use, and their objectness. */
static void gather(const od_rpn_anchors *a, const float *codes, const float *logits, float *used, float *scores)
{
    const od_score_converter softmax = {OD_SCORE_SOFTMAX, 1, 1, NULL};
    for (int64_t i = 0; i < a->count; i++) {
        int64_t row = od_rpn_anchors_row(a, i);
        if (used) memcpy(used + 4 * i, codes + 4 * row, 4 * sizeof *used);
        memcpy(scores + 2 * i, logits + 2 * row, 2 * sizeof *scores);
    }
    od_score_converter_apply(&softmax, a->count, 2, scores, scores);
}

od_status od_proposals_select(const od_nms_params *nms, const od_box_coder *coder, const od_rpn_anchors *anchors, const float *codes, const float *logits,
                              const float window[4], od_nms_output *out, od_error *err)
{
    float *scores = od_malloc((size_t)anchors->count, 2 * sizeof *scores), *used = NULL;
    if (anchors->index) used = od_malloc((size_t)anchors->count, 4 * sizeof *used);
    od_status status = scores && (used || !anchors->index) ? OD_OK : od_error_nomem(err, "proposals");
    if (status == OD_OK) {
        gather(anchors, codes, logits, used, scores);
        od_nms_input in = {.count = anchors->count, .classes = 1, .scores = scores + 1, .score_stride = 2, .boxes = used ? used : codes, .boxes_each = 1,
                           .coder = coder, .anchors = anchors->boxes};
        memcpy(in.window, window, sizeof in.window);
        status = od_multiclass_nms(nms, &in, out, err);
    }
    od_free(scores);
    od_free(used);
    return status;
}
