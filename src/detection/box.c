/* SPDX-License-Identifier: Apache-2.0
 *
 * Areas, overlaps, clipping.
 */
#include "detection/box.h"

static float min_of(float a, float b)
{
    return a < b ? a : b;
}

static float max_of(float a, float b)
{
    return a > b ? a : b;
}

float od_box_intersection(const float a[4], const float b[4])
{
    float height = max_of(0.0f, min_of(a[2], b[2]) - max_of(a[0], b[0]));
    float width = max_of(0.0f, min_of(a[3], b[3]) - max_of(a[1], b[1]));
    return height * width;
}

float od_box_iou(const float a[4], const float b[4])
{
    float overlap = od_box_intersection(a, b);
    if (overlap == 0.0f) return 0.0f;
    return overlap / (od_box_area(a) + od_box_area(b) - overlap);
}

static void ordered_corners(const float in[4], float out[4])
{
    out[0] = min_of(in[0], in[2]);
    out[1] = min_of(in[1], in[3]);
    out[2] = max_of(in[0], in[2]);
    out[3] = max_of(in[1], in[3]);
}

float od_box_iou_suppression(const float a[4], const float b[4])
{
    float i[4], j[4];
    ordered_corners(a, i);
    ordered_corners(b, j);
    float area_i = od_box_area(i), area_j = od_box_area(j);
    if (area_i <= 0.0f || area_j <= 0.0f) return 0.0f;
    float overlap = od_box_intersection(i, j);
    return overlap / (area_i + area_j - overlap);
}

void od_box_clip(float box[4], const float window[4])
{
    for (int k = 0; k < 4; k++) box[k] = max_of(min_of(box[k], window[k % 2 + 2]), window[k % 2]);
}
