/* SPDX-License-Identifier: Apache-2.0
 *
 * A chart on the page, with the table of its numbers behind it.
 */
#include "report/widgets.h"

#include <math.h>
#include <stdio.h>

enum { TABLE_ROWS = 40 };

static void draw(od_html *h, const od_chart *chart, int width, int height)
{
    od_chart c = *chart;
    c.width = width;
    c.height = chart->height ? chart->height : height;
    c.styled = true;
    od_error err = {0};
    if (od_chart_svg(&c, &h->out, &err) == OD_ERR_NOMEM) h->out.failed = 1;
}

static int has_band(const od_chart_series *s)
{
    return s->low && s->high;
}

static void table_row(od_html *h, const od_chart_series *s, size_t i)
{
    od_html_printf(h, "<tr><td class=\"num\">%.6g</td><td class=\"num\">", s->x[i]);
    if (isfinite(s->y[i])) od_html_printf(h, "%.4g", s->y[i]);
    if (has_band(s) && isfinite(s->low[i]) && isfinite(s->high[i])) od_html_printf(h, " <span class=\"ci\">[%.4g, %.4g]</span>", s->low[i], s->high[i]);
    od_html_puts(h, "</td></tr>");
}

static void series_table(od_html *h, const od_chart *c, const od_chart_series *s)
{
    od_html_printf(h, "<div class=\"table-wrap\"><table><caption>%s</caption><thead><tr><th scope=\"col\" class=\"num\">%s</th><th "
                      "scope=\"col\" class=\"num\">%s</th></tr></thead><tbody>",
                   s->name ? s->name : c->title, c->x_label ? c->x_label : "x", c->y_label ? c->y_label : "value");
    size_t rows = s->count < TABLE_ROWS ? s->count : TABLE_ROWS;
    for (size_t r = 0; r < rows; r++) table_row(h, s, rows < 2 ? 0 : r * (s->count - 1) / (rows - 1));
    od_html_puts(h, "</tbody></table></div>");
}

void od_html_figure(od_html *h, const od_chart *chart, od_figure_size size, const char *caption)
{
    od_html_puts(h, "<figure>");
    if (size == OD_FIGURE_WIDE) {
        od_html_puts(h, "<div class=\"chart-wide\">");
        draw(h, chart, 800, 320);
        od_html_puts(h, "</div><div class=\"chart-narrow\">");
        draw(h, chart, 360, 300);
        od_html_puts(h, "</div>");
    } else {
        draw(h, chart, 400, 290);
    }
    if (caption) od_html_printf(h, "<figcaption>%s</figcaption>", caption);
    od_html_puts(h, "<details><summary>Numbers of this chart</summary><div class=\"grid\">");
    for (size_t k = 0; k < chart->series_count; k++)
        if (chart->series[k].count) series_table(h, chart, &chart->series[k]);
    od_html_puts(h, "</div></details></figure>\n");
}
