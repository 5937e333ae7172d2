/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding objects: FROC and JAFROC, what happens on images without objects and on look-alikes, LRP, TIDE's errors.
 */
#include "eval/eval_json.h"
#include "report/section.h"
#include "util/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void draw_froc(od_html *h, const od_report_localisation *l)
{
    size_t n = l->froc.num_points;
    double *x = od_malloc(n, sizeof *x), *y = od_malloc(n, sizeof *y);
    for (size_t i = 0; x && y && i < n; i++) {
        x[i] = fmax(l->froc.points[i].false_per_image, 1. / 64);
        y[i] = l->froc.points[i].sensitivity;
    }
    double rate_y[OD_FROC_NUM_RATES], low[OD_FROC_NUM_RATES], high[OD_FROC_NUM_RATES];
    for (int i = 0; i < OD_FROC_NUM_RATES; i++) {
        rate_y[i] = l->froc.sensitivity[i].value;
        low[i] = l->froc.sensitivity[i].low;
        high[i] = l->froc.sensitivity[i].high;
    }
    const od_chart_series series[] = {{.name = "all thresholds", .x = x, .y = y, .count = x && y ? n : 0, .step = true},
                                      {.name = "with 95 % interval", .x = od_froc_rates, .y = rate_y, .low = low, .high = high, .count = OD_FROC_NUM_RATES, .markers = true, .dashed = true}};
    const od_chart chart = {.title = "FROC", .x_label = "false detections per image", .y_label = "objects found", .series = series, .series_count = 2,
                            .log_x = true, .fixed_y = true, .y_low = 0, .y_high = 1};
    od_html_figure(h, &chart, OD_FIGURE_WIDE, "The share of objects found against what it costs in false detections, over all thresholds (IoU at least 0.50).");
    od_free(x);
    od_free(y);
}

static void write_froc(od_html *h, const od_report *r)
{
    const od_report_localisation *l = &r->localisation;
    od_html_puts(h, "<h3 id=\"froc\">Objects found against false detections (FROC)</h3>\n");
    if (!l->froc.objects) {
        od_html_missing(h, "The set has no objects, so there is nothing to find.", NULL);
        return;
    }
    draw_froc(h, l);
    char columns[64];
    snprintf(columns, sizeof columns, "false per image|#threshold|#all classes%s", "");
    od_html_table_begin(h, "The most objects that a threshold finds with no more than so many false detections per image.", columns);
    for (int i = 0; i < OD_FROC_NUM_RATES; i++) {
        od_html_printf(h, "<tr><th scope=\"row\">%g</th><td class=\"num\">", od_froc_rates[i]);
        od_html_value(h, l->froc.threshold[i], 3, "no threshold has so few false detections");
        od_html_puts(h, "</td>");
        od_html_interval_cell(h, &l->froc.sensitivity[i], 3);
        od_html_puts(h, "</tr>\n");
    }
    od_html_puts(h, "<tr><th scope=\"row\">mean of the seven</th><td></td>");
    od_html_interval_cell(h, &l->froc.mean, 3);
    od_html_puts(h, "</tr>\n");
    for (int64_t k = 0; k < l->num_class_parts; k++) {
        od_html_printf(h, "<tr><th scope=\"row\">mean, %s alone</th><td></td>", r->coco.classes[k].name);
        od_html_interval_cell(h, &l->class_frocs[k].mean, 3);
        od_html_puts(h, "</tr>\n");
    }
    od_html_table_end(h);
}

static void write_jafroc(od_html *h, const od_jafroc *j)
{
    od_html_puts(h, "<h3 id=\"jafroc\">One figure for both (JAFROC)</h3>\n<p>The chance that an object is marked with a higher score than "
                    "the highest false mark of an image. 1: every object is above every false mark.</p>\n");
    od_html_table_begin(h, NULL, "figure|#value and interval|false marks are taken from");
    const struct {
        const char *name, *from;
        const od_interval *v;
    } rows[] = {{"JAFROC (AFROC)", "images without objects", &j->jafroc}, {"weighted AFROC", "the same, each image with objects counting once", &j->wafroc},
                {"JAFROC1 (AFROC1)", "all images", &j->jafroc1}, {"weighted AFROC1", "the same, each image with objects counting once", &j->wafroc1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", rows[i].name);
        od_html_interval_cell(h, rows[i].v, 3);
        od_html_printf(h, "<td>%s%s%s</td></tr>\n", rows[i].from, isnan(rows[i].v->value) && rows[i].v->why_not ? ": " : "",
                       isnan(rows[i].v->value) && rows[i].v->why_not ? rows[i].v->why_not : "");
    }
    od_html_table_end(h);
}

/* Images by their highest score, one staircase a kind of image. */
static void draw_scores(od_html *h, const od_null_images *n, const char *title)
{
    double x[OD_SCORE_BINS + 1], y[OD_IMAGE_NUM_KINDS][OD_SCORE_BINS + 1];
    od_chart_series series[OD_IMAGE_NUM_KINDS];
    size_t count = 0;
    for (int i = 0; i <= OD_SCORE_BINS; i++) x[i] = (double)i / OD_SCORE_BINS;
    for (int kind = 0; kind < OD_IMAGE_NUM_KINDS; kind++) {
        const od_score_spread *s = &n->of[kind];
        if (!s->images) continue;
        /* A staircase is drawn at its right ends: the height over [x[i], x[i + 1]) is told at x[i]. */
        for (int i = 0; i <= OD_SCORE_BINS; i++) y[kind][i] = (double)s->histogram[i < OD_SCORE_BINS ? i : OD_SCORE_BINS - 1] / (double)s->images;
        series[count++] = (od_chart_series){.name = od_image_kind_name((od_image_kind)kind), .x = x, .y = y[kind], .count = OD_SCORE_BINS + 1, .step = true, .area = true};
    }
    const od_chart_mark mark = {n->score_threshold, "threshold"};
    const od_chart chart = {.title = title, .x_label = "highest score in the image", .y_label = "share of images", .series = series, .series_count = count, .marks = &mark,
                            .mark_count = 1, .fixed_x = true, .x_low = 0, .x_high = 1};
    od_html_figure(h, &chart, title ? OD_FIGURE_HALF : OD_FIGURE_WIDE, NULL);
}

static void spread_row(od_html *h, const char *class, const char *kind, const od_score_spread *s)
{
    od_html_printf(h, "<tr><th scope=\"row\">%s</th><td>%s</td>", class, kind);
    od_html_count_cell(h, s->images);
    od_html_interval_cell(h, &s->false_per_image, 3);
    od_html_interval_cell(h, &s->images_with_false, 3);
    od_html_puts(h, "<td class=\"num\">");
    od_html_value(h, s->quantile[3], 3, "no such images");
    od_html_puts(h, "</td><td class=\"num\">");
    od_html_value(h, s->quantile[5], 3, "no such images");
    od_html_puts(h, "</td></tr>\n");
}

static void write_nulls(od_html *h, const od_report *r)
{
    static const char *const kinds[OD_IMAGE_NUM_KINDS] = {"with objects", "null: no object at all", "look-alike: objects of other classes only"};
    const od_report_localisation *l = &r->localisation;
    const od_null_images *n = &l->nulls;
    od_html_puts(h, "<h3 id=\"null_images\">Images without objects, and look-alikes</h3>\n");
    if (!n->of[OD_IMAGES_NULL].images)
        od_html_missing(h, "No image of the set is without objects, so what the detector invents on empty images stays unknown. Add images without annotations to the set.", NULL);
    od_html_table_begin(h, "False detections are those of at least the threshold. The last columns are of each image's highest score (0 where there is no detection).",
                        "class|images|#number|#false per image|#share with a false one|#median score|#95 % below");
    for (int kind = 0; kind < OD_IMAGE_NUM_KINDS; kind++)
        if (n->of[kind].images) spread_row(h, "all", kinds[kind], &n->of[kind]);
    for (int64_t k = 0; k < l->num_class_parts; k++)
        for (int kind = 0; kind < OD_IMAGE_NUM_KINDS; kind++)
            if (l->class_nulls[k].of[kind].images) spread_row(h, r->coco.classes[k].name, kinds[kind], &l->class_nulls[k].of[kind]);
    od_html_table_end(h);
    if (!l->num_class_parts) {
        draw_scores(h, n, NULL);
        return;
    }
    od_html_puts(h, "<div class=\"grid\">");
    for (int64_t k = 0; k < l->num_class_parts; k++) draw_scores(h, &l->class_nulls[k], r->coco.classes[k].name);
    od_html_puts(h, "</div>\n");
}

static void write_tide(od_html *h, const od_tide *t)
{
    od_html_puts(h, "<h3 id=\"tide\">What each kind of error costs (TIDE)</h3>\n");
    double most = 0;
    for (int i = 0; i < OD_FAILURE_NUM_KINDS; i++) most = fmax(most, isnan(t->cost[i]) ? 0 : t->cost[i]);
    char caption[300];
    snprintf(caption, sizeof caption, "How much AP50 (%.3f here) would rise if this kind alone were put right. Costs don't add up. Counts are over all scores, not only those above the threshold.", t->ap);
    od_html_table_begin(h, caption, "kind|#AP50 it costs||#number|what it is");
    for (int i = 0; i < OD_FAILURE_NUM_KINDS; i++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", od_failure_kind_name((od_failure_kind)i));
        od_html_interval_cell(h, &t->cost_interval[i], 4);
        od_html_bar_cell(h, most > 0 ? t->cost[i] / most : 0);
        od_html_count_cell(h, t->count[i]);
        od_html_printf(h, "<td>%s</td></tr>\n", od_failure_kind_sentence((od_failure_kind)i));
    }
    od_html_table_end(h);
    od_html_puts(h, "<p>All false detections together cost ");
    od_html_interval(h, &t->false_positive_interval, 4);
    od_html_puts(h, ", all missed objects ");
    od_html_interval(h, &t->false_negative_interval, 4);
    od_html_puts(h, ".</p>\n");
}

static void lrp_row(od_html *h, const char *name, const od_lrp *l)
{
    od_html_printf(h, "<tr><th scope=\"row\">%s</th>", name);
    od_html_interval_cell(h, &l->lrp, 3);
    const double values[] = {l->localisation, l->false_share, l->missed_share, l->threshold};
    for (int i = 0; i < 4; i++) {
        od_html_puts(h, "<td class=\"num\">");
        od_html_value(h, values[i], 3, NULL);
        od_html_puts(h, "</td>");
    }
    od_html_puts(h, "</tr>\n");
}

static void write_lrp(od_html *h, const od_report *r)
{
    const od_lrps *l = &r->localisation.lrp;
    od_html_puts(h, "<h3 id=\"lrp\">Localisation, false and missed in one error (LRP)</h3>\n");
    od_html_table_begin(h, "The lowest localisation-recall-precision error over all thresholds: 0 is perfect, 1 is nothing found. The last column is where it is reached.",
                        "class|#oLRP|#1 − IoU of found|#false share|#missed share|#threshold");
    lrp_row(h, "mean over classes", &l->mean);
    lrp_row(h, "one threshold for all", &l->together);
    for (size_t k = 0; k < l->num_classes && l->num_classes <= 100 && l->num_classes > 1; k++)
        if (r->coco.classes[k].counts.truths[0]) lrp_row(h, r->coco.classes[k].name, &l->classes[k]);
    od_html_table_end(h);
}

void od_section_localisation_html(od_html *h, const od_report *r)
{
    if (!r->localisation.present) {
        od_html_missing(h, "This needs detections and their ground truth.", "objdet report --gt=GT.json --dt=DETECTIONS.json --output=report.html");
        return;
    }
    od_html_printf(h, "<p>A detection finds an object when it is of its class and their IoU is at least 0.50. Counts at a threshold are at a score of %.3f.</p>\n", r->threshold);
    write_froc(h, r);
    write_nulls(h, r);
    write_jafroc(h, &r->localisation.jafroc);
    write_tide(h, &r->localisation.tide);
    write_lrp(h, r);
}

json_t *od_section_localisation_json(const od_report *r)
{
    const od_report_localisation *l = &r->localisation;
    if (!l->present) return json_null();
    json_t *nulls = json_object(), *frocs = json_object();
    json_object_set_new(frocs, "all", od_froc_to_json(&l->froc));
    json_object_set_new(nulls, "all", od_null_images_to_json(&l->nulls, r->test));
    for (int64_t k = 0; k < l->num_class_parts; k++) {
        char key[32];
        snprintf(key, sizeof key, "id %" PRId64, r->coco.classes[k].id);
        json_object_set_new(frocs, key, od_froc_to_json(&l->class_frocs[k]));
        json_object_set_new(nulls, key, od_null_images_to_json(&l->class_nulls[k], r->test));
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "froc", frocs, "jafroc", od_jafroc_to_json(&l->jafroc), "images_without_objects", nulls, "tide", od_tide_to_json(&l->tide), "lrp", od_lrps_to_json(&l->lrp, r->test));
}
