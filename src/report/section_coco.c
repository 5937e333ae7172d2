/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's twelve numbers in words, the boxes that each is over, classes, curves of precision against recall.
 */
#include "report/json_values.h"
#include "report/section.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* What each number is, in a sentence; `area` is the range whose boxes it is over. */
static const struct {
    const char *meaning;
    int area;
} meanings[OD_COCO_NUM_STATS] = {
    {"Mean average precision: the area under precision against recall, averaged over ten IoU thresholds from 0.50 to 0.95 and over the classes. The one number that COCO ranks by; strict about where boxes lie.", 0},
    {"The same when a box counts as right from an IoU of 0.50 on: roughly in place. PASCAL VOC's measure.", 0},
    {"The same at an IoU of 0.75: closely in place. Far below AP50 means that boxes are found but sit loosely.", 0},
    {"AP over objects of up to 32 x 32 pixels of the original image.", 1},
    {"AP over objects between 32 x 32 and 96 x 96 pixels.", 2},
    {"AP over objects above 96 x 96 pixels.", 3},
    {"Average recall with only the best detection of each image and class kept: the share of objects found, averaged over the IoU thresholds. Below 1 by necessity where an image has several objects of a class.", 0},
    {"Average recall with the best 10 detections of each image and class.", 0},
    {"Average recall with the best 100: the most that any threshold could give. False detections don't lower it.", 0},
    {"AR (100 detections) over objects of up to 32 x 32 pixels.", 1},
    {"AR over objects between 32 x 32 and 96 x 96 pixels.", 2},
    {"AR over objects above 96 x 96 pixels.", 3},
};

static void write_numbers(od_html *h, const od_report *r)
{
    const od_report_coco *c = &r->coco;
    od_html_stack_begin(h, "The twelve numbers, from 0 to 1, with 95 % intervals where detections were given. A dash is COCO's -1.",
                        c->from_events ? "number|#value|what it says" : "number|#value and interval|#boxes|what it says");
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", od_coco_stat_name((od_coco_stat)i));
        od_html_interval_cell(h, &c->stats[i], 3);
        if (!c->from_events) od_html_count_cell(h, c->counts.truths[meanings[i].area]);
        od_html_printf(h, "<td class=\"wide\">%s", meanings[i].meaning);
        if (!c->from_events && !c->counts.truths[meanings[i].area])
            od_html_puts(h, " <strong>-1 here: the set has no such boxes. It means ‘absent’, not ‘bad’.</strong>");
        od_html_puts(h, "</td></tr>\n");
    }
    od_html_table_end(h);
}

static void write_areas(od_html *h, const od_coco_counts *c)
{
    static const char *const names[] = {"", "small: up to 32² = 1,024 px", "medium: 32² to 96² = 9,216 px", "large: above 96² px"};
    static const char *const numbers[] = {"", "AP_small, AR_small", "AP_medium, AR_medium", "AP_large, AR_large"};
    od_html_puts(h, "<h3 id=\"area_bins\">Boxes by area</h3>\n<p>Areas are in pixels of the original image. A range without boxes gives -1.</p>\n");
    od_html_table_begin(h, NULL, "range|#boxes||numbers over it");
    for (int a = 1; a <= 3; a++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", names[a]);
        od_html_count_cell(h, c->truths[a]);
        od_html_bar_cell(h, c->truths[0] ? (double)c->truths[a] / (double)c->truths[0] : 0);
        od_html_printf(h, "<td>%s%s</td></tr>\n", numbers[a], c->truths[a] ? "" : ": -1, absent");
    }
    od_html_table_end(h);
    if (c->crowds) od_html_printf(h, "<p>%" PRId64 " crowd boxes count in no range and are ignored where nothing matches them.</p>\n", c->crowds);
}

static void write_classes(od_html *h, const od_report_coco *c)
{
    od_html_puts(h, "<h3 id=\"per_class\">Each class</h3>\n");
    od_html_table_begin(h, "The mean over the classes leaves out those without boxes.", "class|#boxes|#detections|#AP|#AP50|#AP75|#AR100");
    for (int64_t k = 0; k < c->num_classes; k++) {
        const od_report_class *class = &c->classes[k];
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", class->name);
        od_html_count_cell(h, class->counts.truths[0]);
        od_html_count_cell(h, class->counts.detections);
        od_html_interval_cell(h, &class->stats[OD_COCO_AP], 3);
        od_html_interval_cell(h, &class->stats[OD_COCO_AP50], 3);
        od_html_interval_cell(h, &class->stats[OD_COCO_AP75], 3);
        od_html_interval_cell(h, &class->stats[OD_COCO_AR100], 3);
        od_html_puts(h, "</tr>\n");
    }
    od_html_table_end(h);
}

enum { CURVES = 3, MAX_CLASS_CHARTS = 12 };
static const int curve_threshold[CURVES] = {0, 5, 9}; /* IoU .50, .75, .95 */
static const char *const curve_name[CURVES] = {"IoU 0.50", "IoU 0.75", "IoU 0.95"};

/* Precision at 101 recalls for one class (rank), or the mean over those with ground truth (rank -1). */
static void fill_precision(const od_coco_eval *e, int64_t rank, int t, double y[OD_COCO_R])
{
    int64_t n = 0;
    for (int r = 0; r < OD_COCO_R; r++) y[r] = 0;
    for (int64_t k = 0; k < od_coco_eval_num_classes(e); k++) {
        if ((rank >= 0 && k != rank) || !e->results[k].num_truths[0]) continue;
        for (int r = 0; r < OD_COCO_R; r++) y[r] += e->results[k].precision[0][t][r];
        n++;
    }
    for (int r = 0; r < OD_COCO_R; r++) y[r] = n ? y[r] / (double)n : (double)NAN;
}

static void draw_precision(od_html *h, const od_coco_eval *e, int64_t rank, const char *title, od_figure_size size)
{
    double x[OD_COCO_R], y[CURVES][OD_COCO_R];
    od_chart_series series[CURVES];
    for (int r = 0; r < OD_COCO_R; r++) x[r] = od_coco_recall_threshold(r);
    for (int i = 0; i < CURVES; i++) {
        fill_precision(e, rank, curve_threshold[i], y[i]);
        series[i] = (od_chart_series){.name = curve_name[i], .x = x, .y = y[i], .count = OD_COCO_R};
    }
    const od_chart chart = {.title = title, .x_label = "recall", .y_label = "precision", .series = series, .series_count = CURVES,
                            .fixed_y = true, .y_low = 0, .y_high = 1, .fixed_x = true, .x_low = 0, .x_high = 1};
    od_html_figure(h, &chart, size, NULL);
}

static void write_curves(od_html *h, const od_report *r)
{
    const od_report_coco *c = &r->coco;
    od_html_puts(h, "<h3 id=\"precision_recall\">Precision against recall</h3>\n<p>Each point is a threshold on the score: to the "
                    "right more objects are found, downwards more of what is marked is wrong. The area under a curve is the AP at "
                    "that IoU.</p>\n");
    if (c->num_classes < 2 || c->num_classes > MAX_CLASS_CHARTS) {
        draw_precision(h, r->test, -1, c->num_classes < 2 ? NULL : "Mean over the classes", OD_FIGURE_WIDE);
        return;
    }
    od_html_puts(h, "<div class=\"grid\">");
    draw_precision(h, r->test, -1, "Mean over the classes", OD_FIGURE_HALF);
    for (int64_t k = 0; k < c->num_classes; k++)
        if (c->classes[k].counts.truths[0]) draw_precision(h, r->test, r->test->class_rank[k], c->classes[k].name, OD_FIGURE_HALF);
    od_html_puts(h, "</div>\n");
}

static void write_source(od_html *h, const od_report *r)
{
    const od_report_coco *c = &r->coco;
    if (c->from_events) {
        char text[300];
        snprintf(text, sizeof text,
                 "These are the numbers of the last evaluation in the event files (step %.0f). Intervals, classes and boxes by area need the detections.",
                 c->events_step);
        od_html_missing(h, text, "objdet eval --model_dir=MODEL_DIR");
        return;
    }
    od_html_printf(h, "<p>%" PRId64 " images (%" PRId64 " without boxes), %" PRId64 " boxes of %" PRId64 " classes, %" PRId64 " detections.",
                   c->counts.images, c->counts.images_without_truth, c->counts.truths[0], c->counts.classes, c->counts.detections);
    if (c->interval_text) od_html_printf(h, " %s", c->interval_text);
    od_html_puts(h, "</p>\n");
    if (c->interval_warning && c->interval_warning[0]) od_html_note(h, OD_VERDICT_WATCH, c->interval_warning);
}

void od_section_coco_html(od_html *h, const od_report *r)
{
    if (!r->coco.present) {
        od_html_missing(h, "No detections were given, so there is nothing to score.", "objdet report --gt=GT.json --dt=DETECTIONS.json --output=report.html");
        return;
    }
    write_source(h, r);
    write_numbers(h, r);
    if (r->coco.from_events) return;
    write_areas(h, &r->coco.counts);
    write_classes(h, &r->coco);
    if (r->coco.counts.truths[0]) write_curves(h, r);
}

static json_t *stats_json(const od_interval stats[OD_COCO_NUM_STATS])
{
    json_t *out = json_object();
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) json_object_set_new(out, od_coco_stat_name((od_coco_stat)i), od_report_json_interval(&stats[i]));
    return out;
}

static json_t *boxes_json(const od_coco_counts *c)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "all", (json_int_t)c->truths[0], "small", (json_int_t)c->truths[1], "medium", (json_int_t)c->truths[2],
                     "large", (json_int_t)c->truths[3], "crowds", (json_int_t)c->crowds);
}

json_t *od_section_coco_json(const od_report *r)
{
    const od_report_coco *c = &r->coco;
    if (!c->present) return json_null();
    json_t *out = json_pack("{s:o,s:s}", "stats", stats_json(c->stats), "source", c->from_events ? "event files" : "detections");
    if (c->from_events) return out;
    json_object_set_new(out, "images", json_integer((json_int_t)c->counts.images));
    json_object_set_new(out, "images_without_boxes", json_integer((json_int_t)c->counts.images_without_truth));
    json_object_set_new(out, "boxes", boxes_json(&c->counts));
    json_object_set_new(out, "detections", json_integer((json_int_t)c->counts.detections));
    json_object_set_new(out, "intervals", od_report_json_text(c->interval_text));
    json_object_set_new(out, "interval_warning", od_report_json_text(c->interval_warning));
    json_t *classes = json_array();
    for (int64_t k = 0; k < c->num_classes; k++)
        json_array_append_new(classes, json_pack("{s:o,s:I,s:o,s:I,s:o}", "name", od_report_json_text(c->classes[k].name), "id", (json_int_t)c->classes[k].id,
                                                 "boxes", boxes_json(&c->classes[k].counts), "detections", (json_int_t)c->classes[k].counts.detections,
                                                 "stats", stats_json(c->classes[k].stats)));
    json_object_set_new(out, "classes", classes);
    return out;
}
