/* SPDX-License-Identifier: Apache-2.0
 *
 * Round numbers for the ticks of an axis.
 */
#ifndef OD_REPORT_SVG_TICKS_H
#define OD_REPORT_SVG_TICKS_H

#include <stddef.h>

enum { OD_TICKS_MAX = 32, OD_TICK_LABEL_SIZE = 24 };

typedef struct od_ticks {
    double value[OD_TICKS_MAX];
    char label[OD_TICKS_MAX][OD_TICK_LABEL_SIZE];
    int count;
} od_ticks;

/* Steps of 1, 2 or 5 times a power of ten, about `wanted` of them, within [low, high] (low < high, both within
 * 1e100). Labels have
 * just the decimals the step needs; 10000 and more are written 10k, 2.5M. */
void od_ticks_linear(od_ticks *ticks, double low, double high, int wanted);

/* Powers of ten within [low, high], 1e-100 <= low < high <= 1e100; with 2s and 5s between them when that gives at most
 * `wanted`. Falls
 * back to linear steps when it finds fewer than two. */
void od_ticks_log(od_ticks *ticks, double low, double high, int wanted);

/* The smallest round step that cuts high - low into at most `wanted` parts. */
double od_ticks_step(double low, double high, int wanted);

#endif
