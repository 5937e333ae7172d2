/* SPDX-License-Identifier: Apache-2.0 */
#include "image/normalize.h"

#include <string.h>

void od_normalization_add(od_normalization *n, od_normalize_op op, float v0, float v1, float v2)
{
    if (n->count == OD_NORMALIZE_MAX_STEPS) return;
    n->steps[n->count].op = op;
    n->steps[n->count].value[0] = v0;
    n->steps[n->count].value[1] = v1;
    n->steps[n->count].value[2] = v2;
    n->count++;
}

/* Four pixels of three channels are a whole number of vectors, so values repeat every 12 floats. */
enum { PERIOD = 12 };

#define APPLY(name, operator)                                                                                          \
    static void name(float *restrict row, size_t count, const float *restrict value)                                   \
    {                                                                                                                  \
        float pattern[PERIOD];                                                                                         \
        size_t i = 0;                                                                                                  \
        for (int k = 0; k < PERIOD; k++) pattern[k] = value[k % 3];                                                    \
        for (; i + PERIOD <= count; i += PERIOD)                                                                       \
            for (int k = 0; k < PERIOD; k++) row[i + (size_t)k] = row[i + (size_t)k] operator pattern[k];              \
        for (; i < count; i++) row[i] = row[i] operator value[i % 3];                                                  \
    }
APPLY(multiply, *)
APPLY(divide, /)
APPLY(subtract, -)

static void reverse_channels(float *row, size_t width)
{
    for (size_t x = 0; x < width; x++, row += 3) {
        float red = row[0];
        row[0] = row[2];
        row[2] = red;
    }
}

static void apply_steps(const od_normalization *n, float *row, size_t count)
{
    for (int i = 0; i < n->count; i++) {
        const float *value = n->steps[i].value;
        switch (n->steps[i].op) {
        case OD_NORMALIZE_MULTIPLY: multiply(row, count, value); break;
        case OD_NORMALIZE_DIVIDE: divide(row, count, value); break;
        case OD_NORMALIZE_SUBTRACT: subtract(row, count, value); break;
        }
    }
}

void od_normalize_row(const od_normalization *n, float *row, size_t width)
{
    if (n->reverse_channels) reverse_channels(row, width);
    apply_steps(n, row, width * 3);
}

void od_normalize_table(const od_normalization *n, float table[3][256])
{
    float row[256 * 3];
    for (int v = 0; v < 256; v++)
        for (int c = 0; c < 3; c++) row[v * 3 + c] = (float)v;
    apply_steps(n, row, 256 * 3);
    for (int v = 0; v < 256; v++)
        for (int c = 0; c < 3; c++) table[c][v] = row[v * 3 + c];
}
