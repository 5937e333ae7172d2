/* SPDX-License-Identifier: Apache-2.0
 *
 * Line charts as self-contained SVG: for the report, for benchmarks and for the documentation. One string, no script,
 * no font and no network; it can stand alone in a file or inside an HTML page.
 *
 *     const od_chart_series series[] = {{.name = "train", .x = steps, .y = loss, .count = n}};
 *     const od_chart chart = {.title = "Loss", .x_label = "step", .series = series, .series_count = 1};
 *     od_strbuf svg = {0};
 *     OD_TRY(od_chart_svg(&chart, &svg, err));
 *
 * Colours follow light and dark through the media query prefers-color-scheme; a page with its own switch sets the CSS
 * variables --chart-text, --chart-grid and --chart-1 ... --chart-6, which win. Series beyond the sixth repeat the
 * colours with dashes. The palette (Okabe and Ito) holds up in the common forms of colour blindness.
 */
#ifndef OD_REPORT_SVG_CHART_H
#define OD_REPORT_SVG_CHART_H

#include "util/error.h"
#include "util/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct od_chart_series {
    const char *name;         /* for the legend; NULL leaves it out */
    const double *x, *y;      /* [count]; a point that isn't a number within 1e100 (or x <= 0 with log_x) is a gap */
    const double *low, *high; /* [count], a confidence band around y; both or neither */
    size_t count;
    bool markers; /* a dot at each point, whose numbers show under the pointer */
    bool dashed;
    bool step; /* keeps its height until the next x: histograms, empirical curves */
    bool area; /* filled down to the axis */
} od_chart_series;

/* A vertical line at x, with a word at its top: the best checkpoint, a chosen threshold. */
typedef struct od_chart_mark {
    double x;
    const char *label; /* may be NULL */
} od_chart_mark;

typedef struct od_chart {
    const char *title, *x_label, *y_label; /* each may be NULL */
    const od_chart_series *series;
    size_t series_count;
    const od_chart_mark *marks;
    size_t mark_count;
    int width, height; /* of the drawing, in CSS pixels; 0: 640 x 320. It shrinks with the page. */
    bool log_x;
    bool fixed_y; /* y_low and y_high are the axis's ends; else they come from the data */
    double y_low, y_high;
    bool fixed_x; /* likewise; not with log_x */
    double x_low, x_high;
    bool styled; /* the page has od_chart_style() already */
} od_chart;

/* Appends the <svg> element. A chart without a single point says "no data". OD_ERR_ARG for a size out of 120..10000 or
 * y_low >= y_high, OD_ERR_NOMEM. */
od_status od_chart_svg(const od_chart *chart, od_strbuf *out, od_error *err);

/* The <style> element that each chart brings along unless `styled`. */
const char *od_chart_style(void);

#endif
