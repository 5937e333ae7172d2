/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a chart's plot lies in its drawing, and the drawing of its series. Private to svg_chart.c and svg_series.c.
 */
#ifndef OD_REPORT_SVG_FRAME_H
#define OD_REPORT_SVG_FRAME_H

#include "report/svg_chart.h"

enum { OD_CHART_COLORS = 6 };

/* Edges of the plot in pixels and the numbers that they stand for. */
typedef struct od_chart_frame {
    double left, top, right, bottom;
    double x_low, x_high, y_low, y_high; /* x in log10 with log_x */
    bool log_x;
} od_chart_frame;

/* Numbers beyond 1e100 are no data that a chart could show, and would overflow on the way to pixels. */
bool od_chart_drawable(double value);
/* Whether point i of the series is one. */
bool od_chart_usable(const od_chart *c, const od_chart_series *s, size_t i);

double od_chart_x(const od_chart_frame *f, double x);
double od_chart_y(const od_chart_frame *f, double y);

/* The dashes of series `index`; NULL for a plain line. */
const char *od_chart_dash(const od_chart_series *s, size_t index);
void od_chart_draw_series(const od_chart *c, size_t index, const od_chart_frame *f, od_strbuf *out);

#endif
