/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines, bands, areas and dots of a chart's series.
 */
#include "report/escape.h"
#include "report/svg_frame.h"

#include <math.h>

static const double limit = 1e100;

bool od_chart_drawable(double value)
{
    return value >= -limit && value <= limit;
}

bool od_chart_usable(const od_chart *c, const od_chart_series *s, size_t i)
{
    return od_chart_drawable(s->x[i]) && od_chart_drawable(s->y[i]) && (!c->log_x || s->x[i] >= 1 / limit);
}

double od_chart_x(const od_chart_frame *f, double x)
{
    if (f->log_x) x = log10(x);
    return f->left + (x - f->x_low) / (f->x_high - f->x_low) * (f->right - f->left);
}

double od_chart_y(const od_chart_frame *f, double y)
{
    if (y < f->y_low) y = f->y_low; /* with fixed_y: along the edge */
    if (y > f->y_high) y = f->y_high;
    return f->bottom - (y - f->y_low) / (f->y_high - f->y_low) * (f->bottom - f->top);
}

const char *od_chart_dash(const od_chart_series *s, size_t index)
{
    if (index >= OD_CHART_COLORS) return s->dashed ? "2 3" : "8 3 2 3";
    return s->dashed ? "6 4" : NULL;
}

/* The band of points [begin, end), all usable with finite edges: along the upper edge and back along the lower one. */
static void draw_band_part(const od_chart_series *s, const od_chart_frame *f, size_t begin, size_t end, int color,
                           od_strbuf *out)
{
    if (end - begin < 2) return;
    od_strbuf_printf(out, "<path class=\"b\" style=\"fill:var(--c%d)\" d=\"", color);
    for (size_t i = begin; i < end; i++)
        od_strbuf_printf(out, "%s%.1f %.1f", i == begin ? "M" : "L", od_chart_x(f, s->x[i]), od_chart_y(f, s->high[i]));
    for (size_t i = end; i-- > begin;) od_strbuf_printf(out, "L%.1f %.1f", od_chart_x(f, s->x[i]), od_chart_y(f, s->low[i]));
    od_strbuf_puts(out, "Z\"/>");
}

static void draw_band(const od_chart *c, const od_chart_series *s, const od_chart_frame *f, int color, od_strbuf *out)
{
    size_t begin = 0;
    for (size_t i = 0; i <= s->count; i++) {
        if (i < s->count && od_chart_usable(c, s, i) && od_chart_drawable(s->low[i]) && od_chart_drawable(s->high[i])) continue;
        draw_band_part(s, f, begin, i, color, out);
        begin = i + 1;
    }
}

static void draw_markers(const od_chart *c, const od_chart_series *s, const od_chart_frame *f, int color, od_strbuf *out)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!od_chart_usable(c, s, i)) continue;
        bool alone = (i == 0 || !od_chart_usable(c, s, i - 1)) && (i + 1 == s->count || !od_chart_usable(c, s, i + 1));
        if (!s->markers && !alone) continue; /* a lone point has no line to be seen by */
        od_strbuf_printf(out, "<circle style=\"fill:var(--c%d)\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>", color,
                         od_chart_x(f, s->x[i]), od_chart_y(f, s->y[i]));
        if (s->name) {
            od_xml_escape(out, s->name);
            od_strbuf_puts(out, " ");
        }
        od_strbuf_printf(out, "(%.10g, %.6g)</title></circle>", s->x[i], s->y[i]);
    }
}

/* The pen moves or draws to point i; a staircase goes along first, then up or down. */
static void draw_to(const od_chart_series *s, const od_chart_frame *f, size_t i, bool pen_down, od_strbuf *out)
{
    double x = od_chart_x(f, s->x[i]), y = od_chart_y(f, s->y[i]);
    if (pen_down && s->step)
        od_strbuf_printf(out, "H%.1fV%.1f", x, y);
    else
        od_strbuf_printf(out, "%s%.1f %.1f", pen_down ? "L" : "M", x, y);
}

/* What lies between the line and the axis, for each unbroken part. */
static void draw_area(const od_chart *c, const od_chart_series *s, const od_chart_frame *f, int color, od_strbuf *out)
{
    size_t begin = 0;
    for (size_t i = 0; i <= s->count; i++) {
        if (i < s->count && od_chart_usable(c, s, i)) continue;
        if (i > begin + 1) {
            od_strbuf_printf(out, "<path class=\"b\" style=\"fill:var(--c%d)\" d=\"M%.1f %.1fV%.1f", color,
                             od_chart_x(f, s->x[begin]), f->bottom, od_chart_y(f, s->y[begin]));
            for (size_t k = begin + 1; k < i; k++) draw_to(s, f, k, true, out);
            od_strbuf_printf(out, "V%.1fZ\"/>", f->bottom);
        }
        begin = i + 1;
    }
}

void od_chart_draw_series(const od_chart *c, size_t index, const od_chart_frame *f, od_strbuf *out)
{
    const od_chart_series *s = &c->series[index];
    int color = (int)(index % OD_CHART_COLORS) + 1;
    if (s->low && s->high) draw_band(c, s, f, color, out);
    if (s->area) draw_area(c, s, f, color, out);
    od_strbuf_printf(out, "<path class=\"l\" style=\"stroke:var(--c%d)\"", color);
    if (od_chart_dash(s, index)) od_strbuf_printf(out, " stroke-dasharray=\"%s\"", od_chart_dash(s, index));
    od_strbuf_puts(out, " d=\"");
    bool pen_down = false;
    for (size_t i = 0; i < s->count; i++) {
        bool draw = od_chart_usable(c, s, i);
        if (draw) draw_to(s, f, i, pen_down, out);
        pen_down = draw;
    }
    od_strbuf_puts(out, "\"/>");
    draw_markers(c, s, f, color, out);
}

