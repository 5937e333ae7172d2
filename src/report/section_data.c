/* SPDX-License-Identifier: Apache-2.0
 *
 * The data: sets and classes in numbers, and what is wrong with them.
 */
#include "report/json_values.h"
#include "report/section.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PAIRS = 50, MAX_GROUP_LEAKS = 50 };

static const char *const severity_names[] = {"note", "warning", "error"};
static const od_verdict severity_verdicts[] = {OD_VERDICT_TOLD, OD_VERDICT_WATCH, OD_VERDICT_PROBLEM};

static void write_splits(od_html *h, const od_data_check *c)
{
    od_html_puts(h, "<h3 id=\"sets\">Sets</h3>\n");
    od_html_table_begin(h, "Small, medium and large by COCO's areas: up to 32², up to 96² pixels, and above. Image sizes are smallest, median, largest.",
                        "set|#images|#without boxes|#boxes|#small|#medium|#large|#groups|image sizes|read from");
    for (int i = 0; i < c->split_count; i++) {
        const od_data_split_stats *s = &c->splits[i];
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", s->name);
        const int64_t counts[] = {s->images, s->null_images, s->boxes, s->small, s->medium, s->large, s->groups};
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) od_html_count_cell(h, counts[k]);
        od_html_printf(h, "<td>%d×%d, %d×%d, %d×%d</td><td>%s</td></tr>\n", s->smallest[0], s->smallest[1], s->median[0], s->median[1], s->largest[0], s->largest[1], s->description);
    }
    od_html_table_end(h);
    if (c->group_source[0]) od_html_printf(h, "<p>Groups (patients) come from %s.</p>\n", c->group_source);
}

static void write_classes(od_html *h, const od_data_check *c)
{
    od_html_puts(h, "<h3 id=\"class_counts\">Classes</h3>\n<div class=\"table-wrap\" role=\"region\" tabindex=\"0\" aria-label=\"Boxes of each class\"><table><thead><tr><th scope=\"col\">class</th>");
    for (int i = 0; i < c->split_count; i++) od_html_printf(h, "<th scope=\"col\" class=\"num\">boxes in %s</th><th scope=\"col\" class=\"num\">images</th>", c->splits[i].name);
    od_html_puts(h, "<td></td><th scope=\"col\" class=\"num\">in the left half</th></tr></thead><tbody>\n");
    int64_t most = 1;
    for (int k = 0; k < c->class_count; k++)
        if (c->classes[k].boxes[0] > most) most = c->classes[k].boxes[0];
    for (int k = 0; k < c->class_count; k++) {
        const od_data_class_stats *s = &c->classes[k];
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", s->name);
        for (int i = 0; i < c->split_count; i++) {
            od_html_count_cell(h, s->boxes[i]);
            od_html_count_cell(h, s->images[i]);
        }
        od_html_bar_cell(h, (double)s->boxes[0] / (double)most);
        if (isnan(s->mean_x))
            od_html_puts(h, "<td class=\"num\">–</td></tr>\n");
        else
            od_html_printf(h, "<td class=\"num\">%.0f %%</td></tr>\n", 100 * s->left_share);
    }
    od_html_table_end(h);
    if (c->imbalance >= 3)
        od_html_printf(h, "<p>The most frequent class has %.1f times the boxes of the rarest. Remedies, in this order: more images of the rare class; class-balanced sampling "
                          "(<code>objdet train --class_balanced_sampling</code>), which shows rare classes more often without new files; augmentation in the config, which is applied "
                          "anew at every step. Copies of augmented images made beforehand add nothing to that, and leak into the test set when they are made before the split.</p>\n",
                       c->imbalance);
}

static void write_findings(od_html *h, const od_data_check *c)
{
    od_html_puts(h, "<h3 id=\"findings\">What was found</h3>\n");
    if (!c->finding_count) od_html_note(h, OD_VERDICT_GOOD, "Nothing is wrong with boxes, classes and splits as far as was looked.");
    for (int i = 0; i < c->finding_count; i++) {
        const od_data_finding *f = &c->findings[i];
        od_html_printf(h, "<div class=\"note-box %s\"><p>", od_verdict_key(severity_verdicts[f->severity]));
        od_html_printf(h, "<strong>%s%s%s:</strong> %s</p>", severity_names[f->severity], f->split >= 0 ? " in " : "", f->split >= 0 ? c->splits[f->split].name : "", f->message);
        if (f->remedy && f->remedy[0]) od_html_printf(h, "<p class=\"small\">%s</p>", f->remedy);
        od_html_puts(h, "</div>\n");
    }
}

static void write_pairs(od_html *h, const od_data_check *c)
{
    static const char *const kinds[] = {"the same file", "the same picture", "a changed copy"};
    if (!c->pair_count) return;
    od_html_puts(h, "<h3 id=\"duplicates\">Pictures that occur twice</h3>\n");
    char caption[160];
    snprintf(caption, sizeof caption, "%" PRId64 " pairs, %" PRId64 " of them across sets%s.", c->pair_count, c->pairs_across, c->pair_count > MAX_PAIRS ? "; the first 50" : "");
    od_html_table_begin(h, caption, "image|copy|what|difference|#similarity");
    for (int64_t i = 0; i < c->pair_count && i < MAX_PAIRS; i++) {
        const od_data_pair *p = &c->pairs[i];
        od_html_printf(h, "<tr><td>%s: %s</td><td>%s: %s</td><td>%s</td><td>%s</td><td class=\"num\">%.3f</td></tr>\n", c->splits[p->a.split].name, p->a.name, c->splits[p->b.split].name, p->b.name, kinds[p->kind],
                       p->difference ? p->difference : "", p->similarity);
    }
    od_html_table_end(h);
}

static void write_group_leaks(od_html *h, const od_data_check *c)
{
    if (!c->group_leak_count) return;
    od_html_puts(h, "<h3 id=\"group_leaks\">Groups on both sides of a split</h3>\n<div class=\"table-wrap\" role=\"region\" tabindex=\"0\" aria-label=\"Groups on both sides\"><table><thead><tr><th scope=\"col\">group</th>");
    for (int i = 0; i < c->split_count; i++) od_html_printf(h, "<th scope=\"col\" class=\"num\">images in %s</th>", c->splits[i].name);
    od_html_puts(h, "</tr></thead><tbody>\n");
    for (int g = 0; g < c->group_leak_count && g < MAX_GROUP_LEAKS; g++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", c->group_leaks[g].group);
        for (int i = 0; i < c->split_count; i++) od_html_count_cell(h, c->group_leaks[g].images[i]);
        od_html_puts(h, "</tr>\n");
    }
    od_html_table_end(h);
    if (c->group_leak_count > MAX_GROUP_LEAKS) od_html_printf(h, "<p>The first %d of %d.</p>\n", MAX_GROUP_LEAKS, c->group_leak_count);
}

void od_section_data_html(od_html *h, const od_report *r)
{
    const od_report_data *d = &r->data;
    if (!d->check) {
        od_html_missing(h, "The data could not be looked at.", "objdet data check TRAIN TEST");
        return;
    }
    if (!d->has_train)
        od_html_missing(h, "No training set was given: whether pictures or patients of it are among the evaluated ones can't be told.", "objdet report ... --train_gt=TRAIN.json");
    if (!d->check->images_searched)
        od_html_missing(h, d->without_pictures ? "The pictures of a set were not found: they were not searched for duplicates." : "Pictures were not searched for duplicates, as asked.",
                        "objdet report ... --images=FOLDER_WITH_THE_PICTURES");
    write_findings(h, d->check);
    write_splits(h, d->check);
    write_classes(h, d->check);
    write_pairs(h, d->check);
    write_group_leaks(h, d->check);
}

json_t *od_section_data_json(const od_report *r)
{
    char *text;
    if (!r->data.check || od_data_check_format(r->data.check, 1, &text, NULL) != OD_OK) return json_null();
    json_t *out = json_loads(text, 0, NULL);
    od_data_text_free(text);
    return out ? out : json_null();
}
