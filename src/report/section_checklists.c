/* SPDX-License-Identifier: Apache-2.0
 *
 * The appendix: what reviewers' checklists ask for, filled where the run knows, open where only the authors do.
 */
#include "report/checklist_facts.h"
#include "report/json_values.h"
#include "report/section.h"

#include <stdio.h>

enum { FACT_SIZE = 1200 };

static size_t count_filled(const od_report *r, const od_checklist *list)
{
    char text[FACT_SIZE];
    size_t filled = 0;
    for (size_t i = 0; i < list->count; i++) filled += od_checklist_fact(r, list->items[i].fact, text, sizeof text) != NULL;
    return filled;
}

static void write_item(od_html *h, const od_report *r, const od_checklist_item *item)
{
    char text[FACT_SIZE];
    const char *anchor = od_checklist_fact(r, item->fact, text, sizeof text);
    od_html_printf(h, "<tr><td>%s</td><td>%s</td>", item->number, item->text);
    if (anchor)
        od_html_printf(h, "<td class=\"wide\"><a href=\"#%s\">%s</a></td></tr>\n", anchor, text);
    else
        od_html_puts(h, "<td class=\"open-item\">open</td></tr>\n");
}

static void write_list(od_html *h, const od_report *r, const od_checklist *list)
{
    od_html_printf(h, "<h3 id=\"%s\">%s: %zu of %zu items have something from this run</h3>\n<p class=\"small muted\">%s. Items in our words: check the published list.</p>\n<details><summary>The items</summary>\n", list->key, list->title,
                   count_filled(r, list), list->count, list->source);
    od_html_table_begin(h, NULL, "item|asks for|from this run");
    for (size_t i = 0; i < list->count; i++) write_item(h, r, &list->items[i]);
    od_html_table_end(h);
    od_html_puts(h, "</details>\n");
}

void od_section_checklists_html(od_html *h, const od_report *r)
{
    od_html_puts(h, "<p>For a manuscript: what this run can put into the checklists that journals ask for. ‘Open’ is for the authors; the run can't know it.</p>\n");
    for (int i = 0; i < OD_NUM_CHECKLISTS; i++) write_list(h, r, &od_checklists[i]);
}

static json_t *list_json(const od_report *r, const od_checklist *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list->count; i++) {
        char text[FACT_SIZE];
        int filled = od_checklist_fact(r, list->items[i].fact, text, sizeof text) != NULL;
        json_array_append_new(out, json_pack("{s:s,s:s,s:o}", "item", list->items[i].number, "asks_for", list->items[i].text, "from_this_run", filled ? od_report_json_text(text) : json_null()));
    }
    return out;
}

json_t *od_section_checklists_json(const od_report *r)
{
    json_t *out = json_object();
    for (int i = 0; i < OD_NUM_CHECKLISTS; i++) json_object_set_new(out, od_checklists[i].key, list_json(r, &od_checklists[i]));
    return out;
}
