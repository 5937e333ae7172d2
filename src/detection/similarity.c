/* SPDX-License-Identifier: Apache-2.0
 *
 * One loop a kind of similarity; float operations in the OD API's order, so that thresholds and ties decide alike.
 */
#include "detection/similarity.h"

#include "detection/box.h"
#include "util/alloc.h"

#include <stddef.h>

od_status od_similarity_init(od_similarity *similarity, const ObjectDetection__Protos__RegionSimilarityCalculator *config, od_error *err)
{
    if (!config) return od_error_set(err, OD_ERR_CONFIG, "similarity_calculator is missing; expected similarity_calculator { iou_similarity { } }");
    *similarity = (od_similarity){OD_SIMILARITY_IOU, 0};
    switch (config->region_similarity_case) {
    case OBJECT_DETECTION__PROTOS__REGION_SIMILARITY_CALCULATOR__REGION_SIMILARITY_IOU_SIMILARITY: return OD_OK;
    case OBJECT_DETECTION__PROTOS__REGION_SIMILARITY_CALCULATOR__REGION_SIMILARITY_IOA_SIMILARITY:
        similarity->kind = OD_SIMILARITY_IOA;
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__REGION_SIMILARITY_CALCULATOR__REGION_SIMILARITY_NEG_SQ_DIST_SIMILARITY:
        similarity->kind = OD_SIMILARITY_NEG_SQ_DIST;
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__REGION_SIMILARITY_CALCULATOR__REGION_SIMILARITY_THRESHOLDED_IOU_SIMILARITY:
        similarity->kind = OD_SIMILARITY_THRESHOLDED_IOU;
        similarity->threshold = config->thresholded_iou_similarity->iou_threshold;
        return OD_OK;
    default: return od_error_set(err, OD_ERR_CONFIG, "similarity_calculator is empty; expected similarity_calculator { iou_similarity { } }");
    }
}

static void bound_block(const float *anchors, int64_t n, float bounds[4])
{
    for (int k = 0; k < 4; k++) bounds[k] = anchors[k];
    for (int64_t i = 1; i < n; i++) {
        const float *a = anchors + 4 * i;
        for (int k = 0; k < 2; k++) {
            if (a[k] < bounds[k]) bounds[k] = a[k];
            if (a[k + 2] > bounds[k + 2]) bounds[k + 2] = a[k + 2];
        }
    }
}

od_status od_anchor_columns_init(od_anchor_columns *columns, const float *anchors, int64_t count, od_error *err)
{
    *columns = (od_anchor_columns){0};
    if (count < 1) return od_error_set(err, OD_ERR_ARG, "no anchors");
    int64_t blocks = (count + OD_ANCHOR_BLOCK - 1) / OD_ANCHOR_BLOCK;
    float *memory = od_malloc((size_t)count + (size_t)blocks, 5 * sizeof(float));
    if (!memory) return od_error_nomem(err, "anchors");
    *columns = (od_anchor_columns){count, memory, memory + count, memory + 2 * count, memory + 3 * count, memory + 4 * count, memory + 5 * count};
    for (int64_t i = 0; i < count; i++) {
        const float *a = anchors + 4 * i;
        columns->ymin[i] = a[0];
        columns->xmin[i] = a[1];
        columns->ymax[i] = a[2];
        columns->xmax[i] = a[3];
        columns->area[i] = od_box_area(a);
    }
    for (int64_t b = 0; b < blocks; b++) {
        int64_t first = b * OD_ANCHOR_BLOCK, rest = count - first;
        bound_block(anchors + 4 * first, rest < OD_ANCHOR_BLOCK ? rest : OD_ANCHOR_BLOCK, columns->block_bounds + 4 * b);
    }
    return OD_OK;
}

void od_anchor_columns_deinit(od_anchor_columns *columns)
{
    od_free(columns->ymin); /* the start of the one allocation */
    *columns = (od_anchor_columns){0};
}

static inline float overlap_with(const float box[4], const od_anchor_columns *a, int64_t i)
{
    float bottom = box[2] < a->ymax[i] ? box[2] : a->ymax[i], top = box[0] > a->ymin[i] ? box[0] : a->ymin[i];
    float right = box[3] < a->xmax[i] ? box[3] : a->xmax[i], left = box[1] > a->xmin[i] ? box[1] : a->xmin[i];
    float height = bottom - top, width = right - left;
    return (height > 0.0f ? height : 0.0f) * (width > 0.0f ? width : 0.0f);
}

static void iou(const float box[4], const od_anchor_columns *a, int64_t first, int64_t n, float *restrict out)
{
    float area = od_box_area(box);
    const float b[4] = {box[0], box[1], box[2], box[3]};
    for (int64_t i = 0; i < n; i++) {
        float overlap = overlap_with(b, a, first + i), whole = area + a->area[first + i] - overlap;
        float ratio = overlap / whole;
        out[i] = overlap == 0.0f ? 0.0f : ratio;
    }
}

static void ioa(const float box[4], const od_anchor_columns *a, int64_t first, int64_t n, float *restrict out)
{
    const float b[4] = {box[0], box[1], box[2], box[3]};
    for (int64_t i = 0; i < n; i++) out[i] = overlap_with(b, a, first + i) / a->area[first + i];
}

/* As box_list_ops.sq_dist expands it: |a|^2 + |b|^2 - 2 a.b. */
static void negative_square_distance(const float b[4], const od_anchor_columns *a, int64_t first, int64_t n, float *restrict out)
{
    float own = b[0] * b[0] + b[1] * b[1] + b[2] * b[2] + b[3] * b[3];
    for (int64_t i = 0; i < n; i++) {
        float y = a->ymin[first + i], x = a->xmin[first + i], y2 = a->ymax[first + i], x2 = a->xmax[first + i];
        out[i] = -(own + (y * y + x * x + y2 * y2 + x2 * x2) - 2.0f * (b[0] * y + b[1] * x + b[2] * y2 + b[3] * x2));
    }
}

void od_similarity_compute(const od_similarity *similarity, const float box[4], float score, const od_anchor_columns *anchors,
                           int64_t first, int64_t n, float *out)
{
    switch (similarity->kind) {
    case OD_SIMILARITY_IOA: ioa(box, anchors, first, n, out); return;
    case OD_SIMILARITY_NEG_SQ_DIST: negative_square_distance(box, anchors, first, n, out); return;
    case OD_SIMILARITY_IOU: iou(box, anchors, first, n, out); return;
    case OD_SIMILARITY_THRESHOLDED_IOU:
        iou(box, anchors, first, n, out);
        for (int64_t i = 0; i < n; i++) out[i] = out[i] > similarity->threshold ? score : 0.0f;
        return;
    }
}

int od_similarity_skips_block(const od_similarity *similarity, const float box[4], const od_anchor_columns *anchors, int64_t block)
{
    if (similarity->kind == OD_SIMILARITY_NEG_SQ_DIST || similarity->kind == OD_SIMILARITY_IOA) return 0;
    if (similarity->kind == OD_SIMILARITY_THRESHOLDED_IOU && similarity->threshold < 0.0f) return 0;
    const float *bounds = anchors->block_bounds + 4 * block;
    return box[2] <= bounds[0] || box[0] >= bounds[2] || box[3] <= bounds[1] || box[1] >= bounds[3];
}
