/* SPDX-License-Identifier: Apache-2.0 */
#include "data/color_adjust.h"

#include <math.h>

static float to_byte_range(float v)
{
    return fminf(fmaxf(v * 255.0f, 0.0f), 255.0f);
}

void od_color_adjust_brightness(float *pixels, int64_t count, float delta)
{
    for (int64_t i = 0; i < 3 * count; i++) pixels[i] = to_byte_range(pixels[i] / 255.0f + delta);
}

void od_color_adjust_contrast(float *pixels, int64_t count, float factor)
{
    double sum[3] = {0, 0, 0};
    for (int64_t i = 0; i < count; i++)
        for (int c = 0; c < 3; c++) sum[c] += pixels[3 * i + c] / 255.0f;
    for (int c = 0; c < 3; c++) {
        float mean = (float)(sum[c] / (double)count);
        for (int64_t i = 0; i < count; i++)
            pixels[3 * i + c] = to_byte_range((pixels[3 * i + c] / 255.0f - mean) * factor + mean);
    }
}

/* Hue in sixths of a turn (0..6; 0 for greys) with the least and the largest channel. */
static float hue_of(const float *p, float *low, float *high)
{
    float r = p[0], g = p[1], b = p[2];
    *low = fminf(r, fminf(g, b));
    *high = fmaxf(r, fmaxf(g, b));
    float range = *high - *low;
    if (!(range > 0)) return 0;
    float h = *high == r ? (g - b) / range : *high == g ? 2.0f + (b - r) / range : 4.0f + (r - g) / range;
    return h < 0 ? h + 6.0f : h;
}

/* The channels of a hue between `low` and `high`. */
static void set_hue(float *p, float hue, float low, float high)
{
    int sixth = (int)hue;
    float part = hue - (float)sixth, middle = low + (sixth & 1 ? 1.0f - part : part) * (high - low);
    static const unsigned char which[6][3] = {{2, 1, 0}, {1, 2, 0}, {0, 2, 1},
                                              {0, 1, 2}, {1, 0, 2}, {2, 0, 1}}; /* 0 low, 1 middle, 2 high */
    const float value[3] = {low, middle, high};
    for (int c = 0; c < 3; c++) p[c] = value[which[sixth % 6][c]];
}

void od_color_adjust_hue(float *pixels, int64_t count, float delta)
{
    for (int64_t i = 0; i < count; i++) {
        float *p = pixels + 3 * i, unit[3] = {p[0] / 255.0f, p[1] / 255.0f, p[2] / 255.0f}, low, high;
        float h = hue_of(unit, &low, &high) + delta * 6.0f;
        h -= 6.0f * floorf(h / 6.0f);
        if (!(h < 6.0f)) h = 0; /* rounding, or not a number */
        set_hue(unit, h, low, high);
        for (int c = 0; c < 3; c++) p[c] = to_byte_range(unit[c]);
    }
}

void od_color_adjust_saturation(float *pixels, int64_t count, float factor)
{
    for (int64_t i = 0; i < count; i++) {
        float *p = pixels + 3 * i, unit[3] = {p[0] / 255.0f, p[1] / 255.0f, p[2] / 255.0f}, low, high;
        float h = hue_of(unit, &low, &high);
        float s = high > 0 ? (high - low) / high : 0;
        s = fminf(fmaxf(s * factor, 0.0f), 1.0f);
        set_hue(unit, h < 6.0f ? h : 0, high - s * high, high);
        for (int c = 0; c < 3; c++) p[c] = to_byte_range(unit[c]);
    }
}

void od_color_adjust_gamma(float *pixels, int64_t count, float gamma, float gain)
{
    for (int64_t i = 0; i < 3 * count; i++) pixels[i] = to_byte_range(gain * powf(pixels[i] / 255.0f, gamma));
}

void od_color_to_gray(float *pixels, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float *p = pixels + 3 * i;
        p[0] = p[1] = p[2] = p[0] * 0.2989f + p[1] * 0.5870f + p[2] * 0.1140f;
    }
}
