/* SPDX-License-Identifier: Apache-2.0
 *
 * The recurring pieces of the report's page: sections, verdicts, figures with intervals, notes, charts with their tables.
 */
#ifndef OD_REPORT_WIDGETS_H
#define OD_REPORT_WIDGETS_H

#include "objdet/interval.h"
#include "report/html.h"
#include "report/svg_chart.h"
#include "report/verdict.h"

void od_html_section_begin(od_html *h, const char *id, const char *title);
void od_html_section_end(od_html *h);

/* "✓ fine", "! watch out": sign, word and colour. */
void od_html_badge(od_html *h, od_verdict verdict);

/* 0.837, or a dash that tells `why_not` where value is NAN. */
void od_html_value(od_html *h, double value, int decimals, const char *why_not);
/* 0.837 [0.801, 0.866]; the interval is left out where there is none. */
void od_html_interval(od_html *h, const od_interval *v, int decimals);
/* The same as a table cell. */
void od_html_interval_cell(od_html *h, const od_interval *v, int decimals);
void od_html_count_cell(od_html *h, int64_t count);
/* A cell with a bar of this part (0..1) of the full length. */
void od_html_bar_cell(od_html *h, double part);

/* One of the key figures in a row (inside <ul class="figures">). `note` may be NULL. */
void od_html_key_figure(od_html *h, const char *label, const char *value, const char *note);

/* A box beside the text; `verdict` decides its colour. */
void od_html_note(od_html *h, od_verdict verdict, const char *text);
/* What the report can't tell for want of input, and the command that would. `command` may be NULL. */
void od_html_missing(od_html *h, const char *text, const char *command);

/* <div class="table-wrap"><table><caption>...; columns separated by '|', those after a '#' are numbers. Rows follow, then
 * od_html_table_end. */
void od_html_table_begin(od_html *h, const char *caption, const char *columns);
/* The same for at most three narrow columns and one of text (td.wide), which stands below the others on a phone. */
void od_html_stack_begin(od_html *h, const char *caption, const char *columns);
void od_html_table_end(od_html *h);

typedef enum od_figure_size {
    OD_FIGURE_WIDE, /* as wide as the page, drawn again for phones */
    OD_FIGURE_HALF  /* one of several side by side, in <div class="grid"> */
} od_figure_size;

/* The chart, what it shows in a sentence (may be NULL), and its numbers in a table (at most 40 rows a series). */
void od_html_figure(od_html *h, const od_chart *chart, od_figure_size size, const char *caption);

#endif
