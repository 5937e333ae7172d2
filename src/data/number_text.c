/* SPDX-License-Identifier: Apache-2.0 */
#include "data/number_text.h"

#include <stdio.h>
#include <stdlib.h>

static const int digits[] = {4, 6, 8, 10, 12, 15, 17};
enum { STEPS = sizeof digits / sizeof *digits };

void od_text_scaled(char out[OD_NUMBER_TEXT], float value, double scale)
{
    for (int i = 0; i < STEPS; i++) {
        snprintf(out, OD_NUMBER_TEXT, "%.*g", digits[i], (double)value * scale);
        if ((float)(strtod(out, NULL) / scale) == value) return;
    }
}

void od_text_span(char low_text[OD_NUMBER_TEXT], char length_text[OD_NUMBER_TEXT], float low, float high, double scale)
{
    double at = (double)low * scale, length = (double)high * scale - at;
    for (int i = 0; i < STEPS; i++) {
        snprintf(low_text, OD_NUMBER_TEXT, "%.*g", digits[i], at);
        snprintf(length_text, OD_NUMBER_TEXT, "%.*g", digits[i], length);
        double a = strtod(low_text, NULL), b = strtod(length_text, NULL);
        if ((float)(a / scale) == low && (float)((a + b) / scale) == high) return;
    }
}

void od_text_centre(char centre_text[OD_NUMBER_TEXT], char length_text[OD_NUMBER_TEXT], float low, float high)
{
    double centre = ((double)low + (double)high) / 2, length = (double)high - (double)low;
    for (int i = 1; i < STEPS; i++) {
        snprintf(centre_text, OD_NUMBER_TEXT, "%.*g", digits[i], centre);
        snprintf(length_text, OD_NUMBER_TEXT, "%.*g", digits[i], length);
        double c = strtod(centre_text, NULL), l = strtod(length_text, NULL);
        if ((float)(c - l / 2) == low && (float)(c + l / 2) == high) return;
    }
}
