/* SPDX-License-Identifier: Apache-2.0 */
#include "report/svg_ticks.h"

#include <math.h>
#include <stdio.h>

double od_ticks_step(double low, double high, int wanted)
{
    double rough = (high - low) / (wanted > 0 ? wanted : 1), power = pow(10, floor(log10(rough)));
    double digit = rough / power * (1 - 1e-9); /* 2.0000001 through rounding stays 2 */
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

/* `step` is the distance to the neighbours: it decides how many decimals tell them apart. */
static void format_label(char *text, double value, double step)
{
    double magnitude = fabs(value), largest = fmax(magnitude, step);
    if (value == 0) {
        snprintf(text, OD_TICK_LABEL_SIZE, "0");
        return;
    }
    if (largest >= 1e13 || step < 1e-6) {
        snprintf(text, OD_TICK_LABEL_SIZE, "%.6g", value);
        return;
    }
    static const struct {
        double unit;
        const char *sign;
    } units[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
    int u = magnitude >= 1e10                                       ? 0
            : magnitude >= 1e7 || (magnitude >= 1e6 && step >= 1e5) ? 1
            : magnitude >= 1e4                                      ? 2
                                                                    : 3;
    int decimals = 0;
    for (double s = step / units[u].unit; decimals < 9 && fabs(s - round(s)) > 1e-6 * s; s *= 10) decimals++;
    snprintf(text, OD_TICK_LABEL_SIZE, "%.*f%s", decimals, value / units[u].unit, units[u].sign);
}

static void add_tick(od_ticks *t, double value, double step)
{
    if (t->count >= OD_TICKS_MAX) return;
    format_label(t->label[t->count], value, step);
    t->value[t->count++] = value;
}

void od_ticks_linear(od_ticks *t, double low, double high, int wanted)
{
    double step = od_ticks_step(low, high, wanted > OD_TICKS_MAX - 2 ? OD_TICKS_MAX - 2 : wanted);
    double first = ceil(low / step - 1e-9);
    t->count = 0;
    for (int i = 0; i < OD_TICKS_MAX && (first + i) * step <= high + 1e-9 * step; i++) {
        double value = (first + i) * step;
        add_tick(t, fabs(value) < 1e-9 * step ? 0 : value, step);
    }
}

static void add_decades(od_ticks *t, double low, double high, int with_between)
{
    static const double between[] = {1, 2, 5};
    t->count = 0;
    for (int e = (int)floor(log10(low)); e <= (int)ceil(log10(high)); e++)
        for (int i = 0; i < (with_between ? 3 : 1); i++) {
            double value = between[i] * pow(10, e);
            if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) add_tick(t, value, pow(10, e));
        }
}

void od_ticks_log(od_ticks *t, double low, double high, int wanted)
{
    add_decades(t, low, high, 1);
    if (t->count > wanted) add_decades(t, low, high, 0);
    if (t->count < 2) od_ticks_linear(t, low, high, wanted);
}
