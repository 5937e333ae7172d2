/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/nms.h"

#include "detection/nms_heap.h"
#include "detection/nms_kept.h"

#include <math.h>

od_status od_nms_select(int64_t n, const float *boxes, const float *scores, float iou_threshold, int64_t max_output, int32_t *selected,
                        int64_t *count, od_error *err)
{
    od_nms_heap heap = {0};
    od_nms_kept kept = {0};
    int failed = 0;
    int64_t found = 0;
    for (int64_t i = 0; i < n && !failed; i++)
        if (scores[i] > -INFINITY) failed = od_nms_heap_append(&heap, (od_nms_candidate){scores[i], 0, (int32_t)i, 0});
    od_nms_heap_build(&heap);
    while (!failed && heap.count && found < max_output) {
        int32_t i = od_nms_heap_pop(&heap).anchor;
        if (od_nms_kept_overlaps(&kept, boxes + 4 * (int64_t)i, iou_threshold)) continue;
        failed = od_nms_kept_add(&kept, boxes + 4 * (int64_t)i);
        selected[found++] = i;
    }
    od_nms_heap_deinit(&heap);
    od_nms_kept_deinit(&kept);
    if (failed) return od_error_nomem(err, "non-max suppression");
    *count = found;
    return OD_OK;
}
