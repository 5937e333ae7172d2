/* SPDX-License-Identifier: Apache-2.0
 *
 * How much the detector minds changed pictures: mAP under each change beside the unchanged pictures', as objdet eval --robustness found.
 */
#include "report/json_values.h"
#include "report/section.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LEVELS = 8, MAX_KINDS = 16 };

/* mAP against the level of each change that has several; level 0: unchanged. */
typedef struct kind_curve {
    const char *name;
    double x[MAX_LEVELS], y[MAX_LEVELS], low[MAX_LEVELS], high[MAX_LEVELS];
    size_t count;
} kind_curve;

static void put_point(kind_curve *c, double x, const od_interval *map)
{
    if (c->count == MAX_LEVELS) return;
    c->x[c->count] = x;
    c->y[c->count] = map->value;
    c->low[c->count] = map->low;
    c->high[c->count++] = map->high;
}

static size_t find_curves(const od_robust_study *s, int geometric, kind_curve *out)
{
    size_t n = 0;
    for (size_t i = 1; i < s->count; i++) {
        const od_robust_row *row = &s->rows[i];
        int several = i + 1 < s->count && !strcmp(s->rows[i + 1].name, row->name);
        if (row->geometric != geometric || (row->level == 1 && !several)) continue;
        if (row->level == 1) {
            if (n == MAX_KINDS) break;
            out[n] = (kind_curve){.name = row->name};
            put_point(&out[n++], 0, &s->rows[0].map);
        }
        if (n) put_point(&out[n - 1], row->level, &row->map);
    }
    return n;
}

static void draw(od_html *h, const od_robust_study *s, int geometric, const char *title)
{
    kind_curve curves[MAX_KINDS];
    od_chart_series series[MAX_KINDS];
    size_t n = find_curves(s, geometric, curves);
    for (size_t i = 0; i < n; i++)
        series[i] = (od_chart_series){.name = curves[i].name, .x = curves[i].x, .y = curves[i].y, .count = curves[i].count, .markers = true};
    const od_chart chart = {.title = title, .x_label = "level (0: unchanged)", .y_label = "mAP", .series = series, .series_count = n, .fixed_y = true, .y_low = 0,
                            .y_high = 1};
    if (n) od_html_figure(h, &chart, OD_FIGURE_HALF, NULL);
}

static void put_row(od_html *h, const od_robust_row *row)
{
    const char *verdict = !row->level || isnan(row->change.low) ? "" : !row->distinct ? "cannot be told apart" : row->change.value < 0 ? "worse" : "better";
    od_html_printf(h, "<tr><th scope=\"row\">%s</th>", row->level ? row->description : "unchanged");
    od_html_interval_cell(h, &row->map, 3);
    if (row->level)
        od_html_interval_cell(h, &row->change, 3);
    else
        od_html_puts(h, "<td></td>");
    od_html_printf(h, "<td>%s</td></tr>\n", verdict);
}

void od_section_robustness_html(od_html *h, const od_report *r)
{
    const od_robust_study *s = &r->robustness;
    if (!s->count) {
        od_html_missing(h, "How the model scores on changed pictures (flipped, turned, dark, noisy, blurred, compressed) is not among the inputs.",
                        "objdet eval --model_dir=DIR --robustness");
        return;
    }
    od_html_printf(h, "<p>%s on %.0f images, each changed in steps. Boxes found in moved pictures are mapped back, so that every line is scored on the same ground truth; the "
                         "difference from the unchanged pictures is paired over images.</p>\n", s->checkpoint, s->images);
    if (isfinite(s->relative))
        od_html_printf(h, "<p>Mean over the changes that move nothing: mAP %.3f, %.0f %% of the unchanged pictures'.</p>\n", s->mean_changed, 100 * s->relative);
    od_html_puts(h, "<div class=\"grid\">");
    draw(h, s, 0, "Changes that move nothing");
    draw(h, s, 1, "Changes that move what is seen");
    od_html_puts(h, "</div>\n");
    od_html_table_begin(h, "mAP under each change", "Change|#mAP|#difference|verdict");
    for (size_t i = 0; i < s->count; i++) put_row(h, &s->rows[i]);
    od_html_table_end(h);
    od_html_puts(h, "<p>A change that never occurs where the detector is used tells nothing against it; one that does is worth augmenting with.</p>\n");
}

static json_t *row_json(const od_robust_row *row)
{
    return json_pack("{s:s, s:i, s:b, s:o, s:o, s:o, s:b}", "change", row->name, "level", row->level, "geometric", row->geometric, "description",
                     od_report_json_text(row->description), "mAP", od_report_json_interval(&row->map), "difference", od_report_json_interval(&row->change), "distinct",
                     row->distinct);
}

json_t *od_section_robustness_json(const od_report *r)
{
    const od_robust_study *s = &r->robustness;
    if (!s->count) return json_null();
    json_t *rows = json_array();
    for (size_t i = 0; i < s->count; i++) json_array_append_new(rows, row_json(&s->rows[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "checkpoint", od_report_json_text(s->checkpoint), "images", od_report_json_number(s->images), "mean_changed",
                     od_report_json_number(s->mean_changed), "relative", od_report_json_number(s->relative), "rows", rows);
}
