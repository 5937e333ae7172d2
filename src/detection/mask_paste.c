/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/mask_paste.h"

#include <math.h>
#include <string.h>

/* One side: where pixel i of `size` lies in the mask's `cells`. */
typedef struct axis {
    float start, scale; /* in = start + i * scale */
    int cells, size;
} axis;

static axis axis_of(float low, float high, int cells, int size)
{
    float length = fmaxf(high - low, 1e-4f), first = (0 - low) / length, last = (1 - low) / length, span = (float)(cells - 1);
    if (size > 1) return (axis){first * span, (last - first) * span / (float)(size - 1), cells, size};
    return (axis){.5f * (first + last) * span, 0, cells, size};
}

static int find_cells(const axis *a, int i, int *before, int *after, float *share)
{
    float in = a->start + (float)i * a->scale;
    if (!(in >= 0 && in <= (float)(a->cells - 1))) return 0;
    *before = (int)floorf(in);
    *after = (int)ceilf(in);
    *share = in - (float)*before;
    return 1;
}

/* Pixels that may lie in the mask: a little more than those in the box. */
static void reached(const axis *a, int *first, int *last)
{
    *first = 0;
    *last = a->size - 1;
    if (!(a->scale > 0)) return;
    float low = -a->start / a->scale, high = ((float)(a->cells - 1) - a->start) / a->scale;
    if (low - 2 > 0) *first = low - 2 < (float)a->size ? (int)(low - 2) : a->size;
    if (high + 2 < (float)*last) *last = high + 2 > 0 ? (int)(high + 2) : -1;
}

void od_mask_paste(const float *mask, int mask_h, int mask_w, const float box[4], int height, int width, uint8_t *out, ptrdiff_t row_step,
                   ptrdiff_t column_step)
{
    axis ay = axis_of(box[0], box[2], mask_h, height), ax = axis_of(box[1], box[3], mask_w, width);
    int y0, y1, x0, x1, top, bottom, left, right;
    float dy, dx;
    memset(out, 0, (size_t)height * (size_t)width);
    reached(&ay, &y0, &y1);
    reached(&ax, &x0, &x1);
    for (int y = y0; y <= y1; y++) {
        if (!find_cells(&ay, y, &top, &bottom, &dy)) continue;
        const float *upper = mask + (ptrdiff_t)top * mask_w, *lower = mask + (ptrdiff_t)bottom * mask_w;
        for (int x = x0; x <= x1; x++) {
            if (!find_cells(&ax, x, &left, &right, &dx)) continue;
            float up = upper[left] + (upper[right] - upper[left]) * dx, down = lower[left] + (lower[right] - lower[left]) * dx;
            out[y * row_step + x * column_step] = up + (down - up) * dy > .5f;
        }
    }
}
