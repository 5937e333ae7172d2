/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/roi.h"

#include <math.h>
#include <string.h>

static od_roi_tap native_tap(float low, float high, float last, int crop, int i)
{
    float step = crop > 1 ? (high - low) * last / (float)(crop - 1) : 0;
    float at = crop > 1 ? low * last + (float)i * step : .5f * (low + high) * last;
    if (!(at >= 0 && at <= last)) return (od_roi_tap){{0, 0}, {0, 0}};
    float below = floorf(at), rest = at - below;
    return (od_roi_tap){{(int64_t)below, (int64_t)ceilf(at)}, {1 - rest, rest}};
}

/* Edges at low * last and high * last; spacing as tf.linspace(0, 1, crop). */
static od_roi_tap matmul_tap(float low, float high, float last, int crop, int i)
{
    float start = low * last, length = high * last - start;
    float at = crop > 1 ? start + (i == crop - 1 ? 1.0f : (float)i * (1.0f / (float)(crop - 1))) * length : start + length / 2;
    od_roi_tap t = {{0, 0}, {0, 0}};
    if (!(at > -1 && at < last + 1)) return t;
    float below = floorf(at), rest = at - below;
    for (int k = 0; k < 2; k++) {
        float pixel = below + (float)k;
        if (pixel < 0 || pixel > last) continue;
        t.at[k] = (int64_t)pixel;
        t.weight[k] = k ? rest : 1 - rest;
    }
    return t;
}

void od_roi_taps(float low, float high, int64_t size, int crop, int matmul, od_roi_tap *taps)
{
    float last = (float)(size - 1);
    for (int i = 0; i < crop; i++) taps[i] = matmul ? matmul_tap(low, high, last, crop, i) : native_tap(low, high, last, crop, i);
}

int od_roi_level(const float box[4], int levels, float image_ratio)
{
    if (levels == 1) return 0;
    float side = sqrtf((box[2] - box[0]) * (box[3] - box[1]));
    float level = floorf(logf(side * image_ratio) / logf(2.0f)) + (float)(levels - 2);
    if (!(level > 0)) return 0;
    return level < (float)(levels - 1) ? (int)level : levels - 1;
}

static float plane_sample(const uint8_t *plane, int64_t width, const od_roi_tap *y, const od_roi_tap *x)
{
    const uint8_t *top = plane + y->at[0] * width, *bottom = plane + y->at[1] * width;
    return y->weight[0] * (x->weight[0] * (float)top[x->at[0]] + x->weight[1] * (float)top[x->at[1]]) +
           y->weight[1] * (x->weight[0] * (float)bottom[x->at[0]] + x->weight[1] * (float)bottom[x->at[1]]);
}

void od_roi_crop_plane(const uint8_t *plane, int64_t plane_height, int64_t plane_width, const float box[4], int height, int width, int matmul, float *out)
{
    for (int i = 0; i < height; i++) {
        od_roi_tap y[1];
        float last_y = (float)(plane_height - 1), last_x = (float)(plane_width - 1);
        *y = matmul ? matmul_tap(box[0], box[2], last_y, height, i) : native_tap(box[0], box[2], last_y, height, i);
        for (int j = 0; j < width; j++) {
            od_roi_tap x = matmul ? matmul_tap(box[1], box[3], last_x, width, j) : native_tap(box[1], box[3], last_x, width, j);
            out[i * width + j] = plane_sample(plane, plane_width, y, &x);
        }
    }
}
