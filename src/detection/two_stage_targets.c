/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/two_stage_targets.h"

#include "util/alloc.h"

od_matcher od_rpn_matcher(void)
{
    return (od_matcher){1, .7f, .3f, 1, 1};
}

od_matcher od_box_classifier_matcher(void)
{
    return (od_matcher){1, .5f, .5f, 1, 0};
}

od_status od_pixel_truth_set(od_pixel_truth *out, const od_groundtruth *truth, int64_t image, int num_classes, int64_t height, int64_t width, od_error *err)
{
    OD_TRY(od_groundtruth_check(truth, image, num_classes, err));
    if (od_grow(&out->boxes, &out->capacity, 4 * (size_t)truth->count + 4, sizeof *out->boxes)) return od_error_nomem(err, "ground truth");
    for (int64_t i = 0; i < 4 * truth->count; i++) out->boxes[i] = truth->boxes[i] * (float)(i % 2 ? width : height);
    out->truth = *truth;
    out->truth.boxes = out->boxes;
    return OD_OK;
}

void od_pixel_truth_deinit(od_pixel_truth *truth)
{
    od_free(truth->boxes);
    *truth = (od_pixel_truth){0};
}

od_status od_two_stage_match(const od_matcher *matcher, const float *boxes, int64_t count, const od_groundtruth *truth, int32_t *match, od_error *err)
{
    const od_similarity iou = {.kind = OD_SIMILARITY_IOU};
    const od_matcher_boxes rows = {truth->boxes, truth->weights, NULL, truth->count};
    od_anchor_columns columns = {0};
    od_status status = od_anchor_columns_init(&columns, boxes, count, err);
    if (status == OD_OK) status = od_matcher_match(matcher, &iou, &columns, &rows, match, err);
    od_anchor_columns_deinit(&columns);
    return status;
}

float od_two_stage_weight(const od_groundtruth *truth, int32_t match)
{
    if (match < 0) return match == OD_MATCH_BACKGROUND;
    return truth->weights ? truth->weights[match] : 1;
}
