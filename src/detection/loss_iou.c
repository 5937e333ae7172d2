/* SPDX-License-Identifier: Apache-2.0
 *
 * 1 - IoU and 1 - generalised IoU (https://arxiv.org/abs/1902.09630) of two boxes, with TensorFlow's gradients of minimum, maximum and
 * where (core/losses.py, core/box_list_ops.py matched_iou, utils/ops.py giou).
 */
#include "detection/losses.h"

#include <stddef.h>

/* One axis of the predicted box [a0, a1] against [b0, b1]: length of the overlap and of the hull, and how they change with a0 and a1. */
typedef struct axis {
    float overlap, hull;
    float overlap_low, overlap_high, hull_low, hull_high; /* derivatives by a0, a1 */
} axis;

static axis compare(float a0, float a1, float b0, float b1)
{
    axis r = {0};
    float low = a0 >= b0 ? a0 : b0, high = a1 <= b1 ? a1 : b1;
    if (high - low > 0.0f) {
        r.overlap = high - low;
        r.overlap_low = a0 >= b0 ? -1.0f : 0.0f;
        r.overlap_high = a1 <= b1 ? 1.0f : 0.0f;
    }
    r.hull = (a1 >= b1 ? a1 : b1) - (a0 <= b0 ? a0 : b0);
    r.hull_low = a0 <= b0 ? -1.0f : 0.0f;
    r.hull_high = a1 >= b1 ? 1.0f : 0.0f;
    return r;
}

/* Derivatives by ymin, xmin, ymax, xmax of a product of a value of each axis. */
static void product(float y, float x, const float dy[2], const float dx[2], float d[4])
{
    d[0] = dy[0] * x;
    d[1] = y * dx[0];
    d[2] = dy[1] * x;
    d[3] = y * dx[1];
}

float od_loss_box_iou(int generalised, const float prediction[4], const float target[4], float grad_scale, float *grad)
{
    const float *a = prediction, *b = target;
    axis y = compare(a[0], a[2], b[0], b[2]), x = compare(a[1], a[3], b[1], b[3]);
    float inter = y.overlap * x.overlap, area = (a[2] - a[0]) * (a[3] - a[1]), other = (b[2] - b[0]) * (b[3] - b[1]);
    float all = area + other - inter, hull = y.hull * x.hull;
    int has_iou = generalised ? all != 0.0f : inter != 0.0f;
    float iou = has_iou ? inter / all : 0.0f, waste = generalised ? (hull > 0.0f ? (hull - all) / hull : iou) : 0.0f;
    float d_inter[4], d_area[4], d_hull[4];
    product(y.overlap, x.overlap, (const float[]){y.overlap_low, y.overlap_high}, (const float[]){x.overlap_low, x.overlap_high}, d_inter);
    product(a[2] - a[0], a[3] - a[1], (const float[]){-1, 1}, (const float[]){-1, 1}, d_area);
    product(y.hull, x.hull, (const float[]){y.hull_low, y.hull_high}, (const float[]){x.hull_low, x.hull_high}, d_hull);
    for (int k = 0; grad && k < 4; k++) {
        float d_all = d_area[k] - d_inter[k], d_iou = has_iou ? (d_inter[k] * all - inter * d_all) / (all * all) : 0.0f, d_waste = 0.0f;
        if (generalised) d_waste = hull > 0.0f ? (all * d_hull[k] - hull * d_all) / (hull * hull) : d_iou;
        grad[k] = -grad_scale * (d_iou - d_waste);
    }
    return 1.0f - (iou - waste);
}
