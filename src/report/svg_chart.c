/* SPDX-License-Identifier: Apache-2.0 */
#include "report/svg_chart.h"

#include "report/escape.h"
#include "report/svg_frame.h"
#include "report/svg_ticks.h"

#include <math.h>

enum { FONT = 12, LINE = 18, TICK_LENGTH = 4 };

static const char style[] =
    "<style>.odc{color:var(--chart-text,#24292f);--g:var(--chart-grid,#d0d7de);--c1:var(--chart-1,#0072b2);"
    "--c2:var(--chart-2,#d55e00);--c3:var(--chart-3,#007f5f);--c4:var(--chart-4,#b0568d);--c5:var(--chart-5,#a66f00);"
    "--c6:var(--chart-6,#3a8fc4);font:12px system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){.odc{color:var(--chart-text,#d0d7de);--g:var(--chart-grid,#3d444d);"
    "--c1:var(--chart-1,#4fa8e0);--c2:var(--chart-2,#ff8c42);--c3:var(--chart-3,#2fc59b);--c4:var(--chart-4,#e39bc6);"
    "--c5:var(--chart-5,#f0b840);--c6:var(--chart-6,#8ccbf0)}}"
    ".odc text{fill:currentColor}.odc .t{font-weight:600;font-size:14px}.odc .g{stroke:var(--g)}"
    ".odc .a{stroke:currentColor;stroke-opacity:.6}.odc .l{fill:none;stroke-width:2;stroke-linejoin:round}"
    ".odc .b{stroke:none;fill-opacity:.18}"
    ".odc .m{stroke:currentColor;stroke-opacity:.75;stroke-dasharray:3 3}</style>";

const char *od_chart_style(void)
{
    return style;
}

static double text_width(const char *text)
{
    return text ? .56 * FONT * (double)od_utf8_length(text) : 0; /* the mean of system fonts */
}

static void widen(double *low, double *high, double value)
{
    if (!od_chart_drawable(value)) return;
    if (value < *low) *low = value;
    if (value > *high) *high = value;
}

/* An empty range, or one too small for numbers to tell its ends apart, becomes one around its value. */
static void open_up(double *low, double *high)
{
    double size = fmax(fabs(*low), fabs(*high)), range = *high - *low;
    if (range > 1e-9 * size && range > 1e-100) return;
    double half = size <= 1e-100 ? 1 : size * .1;
    *low -= half;
    *high += half;
}

/* The data's range; false when there is no point. */
static bool find_range(const od_chart *c, od_chart_frame *f)
{
    f->x_low = f->y_low = (double)INFINITY;
    f->x_high = f->y_high = -(double)INFINITY;
    for (size_t k = 0; k < c->series_count; k++) {
        const od_chart_series *s = &c->series[k];
        for (size_t i = 0; i < s->count; i++) {
            if (!od_chart_usable(c, s, i)) continue;
            widen(&f->x_low, &f->x_high, c->log_x ? log10(s->x[i]) : s->x[i]);
            widen(&f->y_low, &f->y_high, s->y[i]);
            if (!s->low || !s->high) continue;
            widen(&f->y_low, &f->y_high, s->low[i]);
            widen(&f->y_low, &f->y_high, s->high[i]);
        }
    }
    if (!(f->x_low <= f->x_high)) return false;
    for (size_t k = 0; k < c->mark_count; k++)
        if (!c->log_x || c->marks[k].x > 0) widen(&f->x_low, &f->x_high, c->log_x ? log10(c->marks[k].x) : c->marks[k].x);
    if (c->fixed_x) {
        f->x_low = c->x_low;
        f->x_high = c->x_high;
    }
    open_up(&f->x_low, &f->x_high);
    open_up(&f->y_low, &f->y_high);
    return true;
}

static void draw_legend_entry(od_strbuf *out, const od_chart_series *s, size_t index, double x, double y)
{
    od_strbuf_printf(out, "<line class=\"l\" style=\"stroke:var(--c%d)\"", (int)(index % OD_CHART_COLORS) + 1);
    if (od_chart_dash(s, index)) od_strbuf_printf(out, " stroke-dasharray=\"%s\"", od_chart_dash(s, index));
    od_strbuf_printf(out, " x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x + 18, y - 4, y - 4);
    od_strbuf_printf(out, "<text x=\"%.1f\" y=\"%.1f\">", x + 23, y);
    od_xml_escape(out, s->name);
    od_strbuf_puts(out, "</text>");
}

/* Entries in rows from `top` on; returns the height they take. With out NULL it only measures. */
static double draw_legend(const od_chart *c, od_strbuf *out, double left, double right, double top)
{
    double x = left, y = top;
    bool any = false;
    for (size_t k = 0; k < c->series_count; k++) {
        const od_chart_series *s = &c->series[k];
        if (!s->name) continue;
        double width = 23 + text_width(s->name) + 16;
        if (any && x + width > right) {
            x = left;
            y += LINE;
        }
        if (out) draw_legend_entry(out, s, k, x, y + 12);
        x += width;
        any = true;
    }
    return any ? y - top + LINE : 0;
}

static void draw_text(od_strbuf *out, double x, double y, const char *anchor, const char *text)
{
    od_strbuf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    od_xml_escape(out, text);
    od_strbuf_puts(out, "</text>");
}

static void draw_axes(const od_chart *c, const od_chart_frame *f, const od_ticks *xs, const od_ticks *ys, od_strbuf *out)
{
    for (int i = 0; i < ys->count; i++) {
        double y = od_chart_y(f, ys->value[i]);
        od_strbuf_printf(out, "<path class=\"g\" d=\"M%.1f %.1fH%.1f\"/>", f->left, y, f->right);
        draw_text(out, f->left - 6, y + 4, "end", ys->label[i]);
    }
    od_strbuf_printf(out, "<path class=\"a\" fill=\"none\" d=\"M%.1f %.1fV%.1fH%.1f", f->left, f->top, f->bottom,
                     f->right);
    for (int i = 0; i < xs->count; i++)
        od_strbuf_printf(out, "M%.1f %.1fv%d", od_chart_x(f, xs->value[i]), f->bottom, TICK_LENGTH);
    od_strbuf_puts(out, "\"/>");
    for (int i = 0; i < xs->count; i++)
        draw_text(out, od_chart_x(f, xs->value[i]), f->bottom + TICK_LENGTH + 13, "middle", xs->label[i]);
    if (c->x_label) draw_text(out, (f->left + f->right) / 2, f->bottom + 36, "middle", c->x_label);
    if (!c->y_label) return;
    od_strbuf_printf(out, "<text transform=\"translate(14 %.1f)rotate(-90)\" text-anchor=\"middle\">",
                     (f->top + f->bottom) / 2);
    od_xml_escape(out, c->y_label);
    od_strbuf_puts(out, "</text>");
}

/* Labels stand beside their lines, on the side where there is room, each a row below the one before. */
static void draw_marks(const od_chart *c, const od_chart_frame *f, od_strbuf *out)
{
    for (size_t i = 0; i < c->mark_count; i++) {
        const od_chart_mark *m = &c->marks[i];
        if (!od_chart_drawable(m->x) || (c->log_x && m->x <= 0)) continue;
        double x = od_chart_x(f, m->x), y = f->top + 11 + 14 * (double)i;
        if (x < f->left - .5 || x > f->right + .5) continue;
        od_strbuf_printf(out, "<path class=\"m\" d=\"M%.1f %.1fV%.1f\"/>", x, f->top, f->bottom);
        bool left = x + 5 + text_width(m->label) > f->right;
        if (m->label) draw_text(out, left ? x - 5 : x + 5, y, left ? "end" : "start", m->label);
    }
}

/* The y axis ends at round numbers unless they are given. */
static void place_y(const od_chart *c, od_chart_frame *f, int wanted, od_ticks *ticks)
{
    if (c->fixed_y) {
        f->y_low = c->y_low;
        f->y_high = c->y_high;
    } else {
        double step = od_ticks_step(f->y_low, f->y_high, wanted);
        f->y_low = floor(f->y_low / step + 1e-9) * step;
        f->y_high = ceil(f->y_high / step - 1e-9) * step;
    }
    od_ticks_linear(ticks, f->y_low, f->y_high, wanted);
}

static void place_x(od_chart_frame *f, int wanted, od_ticks *ticks)
{
    if (f->log_x)
        od_ticks_log(ticks, pow(10, f->x_low), pow(10, f->x_high), wanted);
    else
        od_ticks_linear(ticks, f->x_low, f->x_high, wanted);
}

static void draw_plot(const od_chart *c, od_chart_frame *f, od_strbuf *out)
{
    od_ticks xs, ys;
    double label_width = 0;
    int y_wanted = (int)((f->bottom - f->top) / 40), x_wanted = (int)((f->right - f->left) / 70);
    place_y(c, f, y_wanted < 2 ? 2 : y_wanted, &ys);
    for (int i = 0; i < ys.count; i++) label_width = fmax(label_width, text_width(ys.label[i]));
    f->left += label_width;
    place_x(f, x_wanted < 2 ? 2 : x_wanted, &xs);
    draw_axes(c, f, &xs, &ys, out);
    for (size_t k = 0; k < c->series_count; k++) od_chart_draw_series(c, k, f, out);
    draw_marks(c, f, out);
}

static void draw_head(const od_chart *c, int width, int height, od_strbuf *out)
{
    od_strbuf_printf(out,
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"odc\" role=\"img\" viewBox=\"0 0 %d %d\" "
                     "width=\"%d\" height=\"%d\" style=\"max-width:100%%;height:auto\" aria-label=\"",
                     width, height, width, height);
    od_xml_escape(out, c->title ? c->title : "chart");
    const char *separator = ": ";
    for (size_t k = 0; k < c->series_count; k++) {
        if (!c->series[k].name) continue;
        od_strbuf_puts(out, separator);
        od_xml_escape(out, c->series[k].name);
        separator = ", ";
    }
    od_strbuf_printf(out, "\">%s", c->styled ? "" : style);
    if (!c->title) return;
    od_strbuf_puts(out, "<text class=\"t\" x=\"8\" y=\"18\">");
    od_xml_escape(out, c->title);
    od_strbuf_puts(out, "</text>");
}

od_status od_chart_svg(const od_chart *c, od_strbuf *out, od_error *err)
{
    int width = c->width ? c->width : 640, height = c->height ? c->height : 320;
    if (width < 120 || width > 10000 || height < 120 || height > 10000)
        return od_error_set(err, OD_ERR_ARG, "a chart of %d x %d pixels: expected 120 to 10000 each way", width,
                            height);
    if (c->fixed_y && !(c->y_low < c->y_high && od_chart_drawable(c->y_low) && od_chart_drawable(c->y_high)))
        return od_error_set(err, OD_ERR_ARG, "a chart's y axis from %g to %g: expected y_low < y_high", c->y_low,
                            c->y_high);
    if (c->fixed_x && !(c->x_low < c->x_high && od_chart_drawable(c->x_low) && od_chart_drawable(c->x_high) && !c->log_x))
        return od_error_set(err, OD_ERR_ARG, "a chart's x axis from %g to %g: expected x_low < x_high on a linear axis", c->x_low,
                            c->x_high);
    od_chart_frame f = {.log_x = c->log_x,
               .left = c->y_label ? 32 : 14,
               .right = width - 16,
               .top = c->title ? 28 : 8,
               .bottom = height - (c->x_label ? 46 : 28)};
    draw_head(c, width, height, out);
    f.top += draw_legend(c, out, 8, f.right, f.top) + 8;
    if (f.bottom - f.top >= 20 && find_range(c, &f))
        draw_plot(c, &f, out);
    else
        draw_text(out, width / 2., (f.top + f.bottom) / 2, "middle",
                  f.bottom - f.top < 20 ? "too small for its legend" : "no data");
    od_strbuf_puts(out, "</svg>");
    return od_strbuf_failed(out) ? od_error_nomem(err, "a chart") : OD_OK;
}
