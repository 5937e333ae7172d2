/* SPDX-License-Identifier: Apache-2.0
 *
 * The first page: key figures, and the twelve answers with their verdicts and the way to the evidence.
 */
#include "report/json_values.h"
#include "report/section.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void interval_figure(od_html *h, const char *label, const od_interval *v)
{
    char value[40], note[80];
    if (isnan(v->value)) return;
    snprintf(value, sizeof value, "%.3f", v->value);
    if (isnan(v->low) || isnan(v->high))
        note[0] = 0;
    else
        snprintf(note, sizeof note, "95 %%: %.3f to %.3f", v->low, v->high);
    od_html_key_figure(h, label, value, note[0] ? note : NULL);
}

static void write_figures(od_html *h, const od_report *r)
{
    const od_report_coco *c = &r->coco;
    char text[64], note[96];
    od_html_puts(h, "<ul class=\"figures\" aria-label=\"Key figures\">\n");
    interval_figure(h, "mAP", &c->stats[OD_COCO_AP]);
    interval_figure(h, "AP50", &c->stats[OD_COCO_AP50]);
    if (r->test) {
        snprintf(text, sizeof text, "%" PRId64, c->counts.images);
        snprintf(note, sizeof note, "%" PRId64 " without boxes", c->counts.images_without_truth);
        od_html_key_figure(h, "images", text, note);
        snprintf(text, sizeof text, "%" PRId64, c->counts.truths[0]);
        snprintf(note, sizeof note, "%" PRId64 " class%s", c->counts.classes, c->counts.classes == 1 ? "" : "es");
        od_html_key_figure(h, "boxes", text, note);
    }
    if (r->image_level && !r->image_level->labels.why_not) interval_figure(h, "image-level accuracy", &r->image_level->labels.accuracy);
    if (r->operating.present) {
        interval_figure(h, "precision at the threshold", &r->operating.at.precision);
        interval_figure(h, "recall at the threshold", &r->operating.at.recall);
        snprintf(text, sizeof text, "%.3g", r->threshold);
        od_html_key_figure(h, "threshold", text, NULL);
    }
    if (r->training.train_loss.count) {
        const od_curve *l = &r->training.train_loss;
        snprintf(text, sizeof text, "%.4g", l->value[l->count - 1]);
        snprintf(note, sizeof note, "step %.0f", l->step[l->count - 1]);
        od_html_key_figure(h, "training loss", text, note);
    }
    od_html_puts(h, "</ul>\n");
}

static void write_overview(od_html *h, const od_report *r)
{
    od_html_puts(h, "<ul class=\"overview\" aria-label=\"The twelve verdicts\">\n");
    for (int i = 0; i < OD_NUM_ANSWERS; i++) {
        const od_answer *a = &r->answers[i];
        static const char *const signs[OD_VERDICT_COUNT] = {"✓", "i", "!", "✕", "?"};
        od_html_printf(h, "<li class=\"%s\"><a href=\"#q%d\" title=\"%s\">%d <span aria-hidden=\"true\">%s</span><span class=\"hidden-visually\">: %s</span></a></li>\n", od_verdict_key(a->verdict), a->number, a->question, a->number,
                       signs[a->verdict], od_verdict_word(a->verdict));
    }
    od_html_puts(h, "</ul>\n");
}

static void write_missing(od_html *h, const od_answer *a)
{
    if (!a->missing.count && !a->commands.count) return;
    od_html_puts(h, "<div class=\"missing\">");
    for (size_t i = 0; i < a->missing.count; i++) od_html_printf(h, "%s%s", i ? " " : "", a->missing.items[i]);
    for (size_t i = 0; i < a->commands.count; i++) od_html_printf(h, "<br><code>%s</code>", a->commands.items[i]);
    od_html_puts(h, "</div>\n");
}

static void write_answer(od_html *h, const od_answer *a)
{
    od_html_printf(h, "<li class=\"answer %s\" id=\"q%d\"><h3><span class=\"q\"><span class=\"n\">%d</span>%s</span> ", od_verdict_key(a->verdict), a->number, a->number, a->question);
    od_html_badge(h, a->verdict);
    od_html_puts(h, "</h3>\n");
    for (size_t i = 0; i < a->headline.count; i++) od_html_printf(h, "<p class=\"headline\">%s</p>\n", a->headline.items[i]);
    if (a->points.count) od_html_puts(h, "<ul>\n");
    for (size_t i = 0; i < a->points.count; i++) {
        od_html_puts(h, "<li>");
        od_html_prose(h, a->points.items[i]);
        od_html_puts(h, "</li>\n");
    }
    if (a->points.count) od_html_puts(h, "</ul>\n");
    write_missing(h, a);
    od_html_puts(h, "<p class=\"links\">");
    for (int i = 0; i < a->num_links; i++) od_html_printf(h, "<a href=\"#%s\">%s</a>", a->links[i].anchor, a->links[i].label);
    od_html_puts(h, "</p></li>\n");
}

void od_section_answers_html(od_html *h, const od_report *r)
{
    write_figures(h, r);
    write_overview(h, r);
    od_html_puts(h, "<ol class=\"answers\">\n");
    for (int i = 0; i < OD_NUM_ANSWERS; i++) write_answer(h, &r->answers[i]);
    od_html_puts(h, "</ol>\n");
}

json_t *od_section_answers_json(const od_report *r)
{
    json_t *out = json_array();
    for (int i = 0; i < OD_NUM_ANSWERS; i++) {
        const od_answer *a = &r->answers[i];
        json_t *links = json_array();
        for (int k = 0; k < a->num_links; k++) json_array_append_new(links, json_string(a->links[k].anchor));
        json_array_append_new(out, json_pack("{s:i,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o}", "number", a->number, "key", a->key, "question", a->question, "verdict", od_verdict_key(a->verdict), "answer",
                                             a->headline.count ? od_report_json_text(a->headline.items[0]) : json_null(), "points", od_report_json_texts(&a->points), "missing", od_report_json_texts(&a->missing), "commands",
                                             od_report_json_texts(&a->commands), "evidence", links));
    }
    return out;
}
