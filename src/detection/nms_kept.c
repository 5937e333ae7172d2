/* SPDX-License-Identifier: Apache-2.0
 *
 * IoU as in TensorFlow's non_max_suppression_op.cc: 0 when an area isn't positive.
 */
#include "detection/nms_kept.h"

#include "detection/box.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

static void ordered(const float box[4], float out[4])
{
    for (int k = 0; k < 2; k++) {
        out[k] = box[k] < box[k + 2] ? box[k] : box[k + 2];
        out[k + 2] = box[k] < box[k + 2] ? box[k + 2] : box[k];
    }
}

int od_nms_kept_add(od_nms_kept *kept, const float box[4])
{
    size_t group = kept->count / OD_NMS_GROUP, lane = kept->count % OD_NMS_GROUP;
    if (lane == 0) {
        if (od_grow(&kept->groups, &kept->capacity, group + 1, sizeof *kept->groups)) return -1;
        memset(&kept->groups[group], 0, sizeof kept->groups[group]); /* empty lanes overlap nothing */
    }
    float b[4];
    ordered(box, b);
    od_nms_group *g = &kept->groups[group];
    g->ymin[lane] = b[0];
    g->xmin[lane] = b[1];
    g->ymax[lane] = b[2];
    g->xmax[lane] = b[3];
    g->area[lane] = od_box_area(b);
    kept->count++;
    return 0;
}

static inline float lane_iou(const od_nms_group *g, int i, const float b[4], float area)
{
    float bottom = g->ymax[i] < b[2] ? g->ymax[i] : b[2], top = g->ymin[i] > b[0] ? g->ymin[i] : b[0];
    float right = g->xmax[i] < b[3] ? g->xmax[i] : b[3], left = g->xmin[i] > b[1] ? g->xmin[i] : b[1];
    float height = bottom - top, width = right - left;
    float overlap = (height > 0.0f ? height : 0.0f) * (width > 0.0f ? width : 0.0f);
    float iou = overlap / (area + g->area[i] - overlap);
    return g->area[i] > 0.0f ? iou : 0.0f;
}

int od_nms_kept_overlaps(const od_nms_kept *kept, const float box[4], float iou_threshold)
{
    float b[4];
    ordered(box, b);
    float area = od_box_area(b);
    if (!(area > 0.0f)) return 0.0f > iou_threshold && kept->count;
    for (size_t k = 0; k < kept->count; k += OD_NMS_GROUP) {
        const od_nms_group *g = &kept->groups[k / OD_NMS_GROUP];
        int any = 0;
        for (int i = 0; i < OD_NMS_GROUP; i++) any |= lane_iou(g, i, b, area) > iou_threshold;
        if (any) return 1;
    }
    return 0;
}

float od_nms_kept_soften(const od_nms_kept *kept, const float box[4], float score, size_t seen, float scale, float score_threshold)
{
    float b[4];
    ordered(box, b);
    float area = od_box_area(b);
    for (size_t k = kept->count; k-- > seen;) {
        float iou = area > 0.0f ? lane_iou(&kept->groups[k / OD_NMS_GROUP], (int)(k % OD_NMS_GROUP), b, area) : 0.0f;
        score *= expf(scale * iou * iou);
        if (score <= score_threshold) break;
    }
    return score;
}

void od_nms_kept_deinit(od_nms_kept *kept)
{
    od_free(kept->groups);
    *kept = (od_nms_kept){0};
}
