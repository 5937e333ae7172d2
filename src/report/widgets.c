/* SPDX-License-Identifier: Apache-2.0 */
#include "report/widgets.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *key, *word;
} verdicts[OD_VERDICT_COUNT] = {
#define X(name, key, word) {key, word},
    OD_VERDICTS(X)
#undef X
};

const char *od_verdict_key(od_verdict verdict)
{
    return verdicts[verdict].key;
}

const char *od_verdict_word(od_verdict verdict)
{
    return verdicts[verdict].word;
}

void od_html_section_begin(od_html *h, const char *id, const char *title)
{
    od_html_printf(h, "<section class=\"part\" id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">%s</h2>\n", id, id, id,
                   title);
}

void od_html_section_end(od_html *h)
{
    od_html_puts(h, "</section>\n");
}

void od_html_badge(od_html *h, od_verdict verdict)
{
    od_html_printf(h, "<span class=\"badge %s\">%s</span>", od_verdict_key(verdict), od_verdict_word(verdict));
}

void od_html_value(od_html *h, double value, int decimals, const char *why_not)
{
    char text[40];
    snprintf(text, sizeof text, "%.*f", decimals, value);
    if (!isnan(value))
        od_html_text(h, text);
    else if (why_not)
        od_html_printf(h, "<span class=\"muted\" title=\"%s\">–<span class=\"hidden-visually\"> (%s)</span></span>", why_not,
                       why_not);
    else
        od_html_puts(h, "<span class=\"muted\">–<span class=\"hidden-visually\"> (none)</span></span>");
}

void od_html_interval(od_html *h, const od_interval *v, int decimals)
{
    od_html_value(h, v->value, decimals, v->why_not);
    if (isnan(v->value) || isnan(v->low) || isnan(v->high)) return;
    char text[80];
    snprintf(text, sizeof text, "[%.*f, %.*f]", decimals, v->low, decimals, v->high);
    od_html_printf(h, " <span class=\"ci\">%s</span>", text);
}

void od_html_interval_cell(od_html *h, const od_interval *v, int decimals)
{
    od_html_puts(h, "<td class=\"num\">");
    od_html_interval(h, v, decimals);
    od_html_puts(h, "</td>");
}

void od_html_count_cell(od_html *h, int64_t count)
{
    od_html_printf(h, "<td class=\"num\">%" PRId64 "</td>", count);
}

void od_html_bar_cell(od_html *h, double part)
{
    if (!(part > 0)) part = 0;
    if (part > 1) part = 1;
    od_html_printf(h, "<td class=\"bar\" aria-hidden=\"true\"><span style=\"width:%.1f%%\"></span></td>", 100 * part);
}

void od_html_key_figure(od_html *h, const char *label, const char *value, const char *note)
{
    od_html_printf(h, "<li><span class=\"label\">%s</span> <span class=\"value\">%s</span>", label, value);
    if (note) od_html_printf(h, " <span class=\"note\">%s</span>", note);
    od_html_puts(h, "</li>\n");
}

void od_html_note(od_html *h, od_verdict verdict, const char *text)
{
    od_html_printf(h, "<div class=\"note-box %s\"><p>%s</p></div>\n", od_verdict_key(verdict), text);
}

void od_html_missing(od_html *h, const char *text, const char *command)
{
    od_html_printf(h, "<div class=\"missing\">%s", text);
    if (command) od_html_printf(h, "<br><code>%s</code>", command);
    od_html_puts(h, "</div>\n");
}

static void table_begin(od_html *h, const char *class, const char *caption, const char *columns)
{
    od_html_puts(h, "<div class=\"table-wrap\" role=\"region\" tabindex=\"0\"");
    if (caption)
        od_html_printf(h, " aria-label=\"%s\"><table class=\"%s\"><caption>%s</caption><thead><tr>", caption, class, caption);
    else
        od_html_printf(h, " aria-label=\"table\"><table class=\"%s\"><thead><tr>", class);
    while (*columns) {
        size_t n = strcspn(columns, "|");
        int number = *columns == '#';
        char name[160];
        snprintf(name, sizeof name, "%.*s", (int)n - number, columns + number);
        od_html_puts(h, number ? "<th scope=\"col\" class=\"num\">" : "<th scope=\"col\">");
        od_html_printf(h, "%s</th>", name);
        columns += n + (columns[n] == '|');
    }
    od_html_puts(h, "</tr></thead><tbody>\n");
}

void od_html_table_begin(od_html *h, const char *caption, const char *columns)
{
    table_begin(h, "plain", caption, columns);
}

void od_html_stack_begin(od_html *h, const char *caption, const char *columns)
{
    table_begin(h, "stack", caption, columns);
}

void od_html_table_end(od_html *h)
{
    od_html_puts(h, "</tbody></table></div>\n");
}
