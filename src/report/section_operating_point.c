/* SPDX-License-Identifier: Apache-2.0
 *
 * The operating point: what each threshold gives, the chosen one and its reason, other rules; whether scores are calibrated.
 */
#include "eval/eval_json.h"
#include "report/json_values.h"
#include "report/section.h"
#include "util/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void write_source(od_html *h, const od_report *r)
{
    const od_report_operating *p = &r->operating;
    char text[1200];
    switch (p->source) {
    case OD_THRESHOLD_GIVEN: snprintf(text, sizeof text, "The threshold %.4g was given by you.", r->threshold); break;
    case OD_THRESHOLD_SAVED:
        snprintf(text, sizeof text, "The threshold %.4g is saved with the model, fitted on %s: %s", r->threshold, od_operating_file_fit_gt(p->saved), od_operating_file_reason(p->saved));
        break;
    case OD_THRESHOLD_VALIDATION: snprintf(text, sizeof text, "The threshold %.4g was chosen on the validation set and is judged here on images that it has not seen: %s", r->threshold, p->choice.reason); break;
    default: snprintf(text, sizeof text, "No validation set was given: the threshold %.4g was chosen on the very images that it is judged on, so its figures are optimistic. %s", r->threshold, p->choice.reason);
    }
    od_html_note(h, p->source == OD_THRESHOLD_TEST ? OD_VERDICT_WATCH : OD_VERDICT_TOLD, text);
    if (p->has_overlap && p->overlap.images_seen) {
        snprintf(text, sizeof text, "%" PRId64 " of the %" PRId64 " images judged here are among those that the threshold and the calibrator were fitted on%s: these figures are not held out.", p->overlap.images_seen,
                 p->overlap.images, p->overlap.by_id ? ", going by their ids, as they have no file names" : "");
        od_html_note(h, p->overlap.by_id ? OD_VERDICT_WATCH : OD_VERDICT_PROBLEM, text);
    } else if (p->has_overlap && p->overlap.groups_seen) {
        snprintf(text, sizeof text, "%" PRId64 " of %" PRId64 " groups (the first: %s) are on both sides: in the set that the threshold was fitted on, and here.", p->overlap.groups_seen, p->overlap.groups,
                 p->overlap.first_group ? p->overlap.first_group : "");
        od_html_note(h, OD_VERDICT_PROBLEM, text);
    }
    if (p->source == OD_THRESHOLD_TEST)
        od_html_missing(h, "A threshold whose figures hold for new images needs a validation set:", "objdet report --gt=GT --dt=DT --val_gt=VAL_GT --val_dt=VAL_DT --output=report.html");
}

static void write_point(od_html *h, const od_report *r)
{
    const od_operating_point *at = &r->operating.at;
    char caption[120];
    snprintf(caption, sizeof caption, "At a threshold of %.4g on the evaluated images (boxes, IoU at least 0.50).", r->threshold);
    od_html_table_begin(h, caption, "figure|#value and interval|what it says");
    const struct {
        const char *name, *text;
        const od_interval *v;
    } rows[] = {{"precision", "the share of detections that are right", &at->precision}, {"recall (sensitivity)", "the share of objects that are found", &at->recall}, {"F1", "their harmonic mean", &at->f1}};
    for (size_t i = 0; i < 3; i++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", rows[i].name);
        od_html_interval_cell(h, rows[i].v, 3);
        od_html_printf(h, "<td>%s</td></tr>\n", rows[i].text);
    }
    od_html_printf(h, "<tr><th scope=\"row\">false per image</th><td class=\"num\">%.3f</td><td>%" PRId64 " right, %" PRId64 " false, %" PRId64 " missed in %" PRId64 " images</td></tr>\n", at->false_per_image, at->tp, at->fp,
                   at->fn, r->coco.counts.images);
    od_html_table_end(h);
}

enum { FIGURES = 3 };

static void draw_curve(od_html *h, const od_report *r)
{
    const od_operating_curve *c = &r->operating.curve;
    size_t n = c->num_points;
    double *all = od_malloc((1 + 3 * FIGURES + 1) * n, sizeof *all);
    if (!all) {
        h->out.failed = 1;
        return;
    }
    double *x = all, *y[FIGURES], *low[FIGURES], *high[FIGURES], *cost = all + (1 + 3 * FIGURES) * n;
    for (size_t k = 0; k < FIGURES; k++) y[k] = all + (1 + 3 * k) * n, low[k] = y[k] + n, high[k] = low[k] + n;
    for (size_t i = 0; i < n; i++) {
        const od_interval *v[FIGURES] = {&c->points[i].precision, &c->points[i].recall, &c->points[i].f1};
        x[i] = c->points[i].threshold;
        cost[i] = c->points[i].cost;
        for (int k = 0; k < FIGURES; k++) y[k][i] = v[k]->value, low[k][i] = v[k]->low, high[k][i] = v[k]->high;
    }
    static const char *const names[FIGURES] = {"precision", "recall", "F1"};
    od_chart_series series[FIGURES];
    for (int k = 0; k < FIGURES; k++) series[k] = (od_chart_series){.name = names[k], .x = x, .y = y[k], .low = k < 2 ? low[k] : NULL, .high = k < 2 ? high[k] : NULL, .count = n};
    const od_chart_mark mark = {r->threshold, "threshold"};
    const od_chart chart = {.title = "What each threshold gives", .x_label = "threshold on the score", .series = series, .series_count = FIGURES, .marks = &mark, .mark_count = 1, .fixed_y = true, .y_low = 0, .y_high = 1,
                            .fixed_x = true, .x_low = 0, .x_high = 1};
    od_html_figure(h, &chart, OD_FIGURE_WIDE, "Bands are 95 % intervals.");
    const od_chart_series cost_series = {.name = NULL, .x = x, .y = cost, .count = n};
    char words[120];
    snprintf(words, sizeof words, "A false detection costs %g, a missed object %g (--cost_fp, --cost_fn).", c->cost_fp, c->cost_fn);
    const od_chart cost_chart = {.title = "Cost per image", .x_label = "threshold on the score", .series = &cost_series, .series_count = 1, .marks = &mark, .mark_count = 1, .height = 240, .fixed_x = true, .x_low = 0, .x_high = 1};
    od_html_figure(h, &cost_chart, OD_FIGURE_WIDE, words);
    od_free(all);
}

static void write_rules(od_html *h, const od_report *r)
{
    static const char *const names[OD_REPORT_RULES] = {"highest F1", "lowest cost", "find at least 90 % of the objects", "at most 0.5 false detections per image"};
    char caption[160];
    snprintf(caption, sizeof caption, "What other aims would choose on the %s, and what that gives on the evaluated images.", r->val ? "validation set" : "evaluated images themselves (optimistic)");
    od_html_puts(h, "<h3 id=\"rules\">Other aims, other thresholds</h3>\n");
    od_html_table_begin(h, caption, "aim|#threshold|#precision|#recall|#false per image|");
    for (int i = 0; i < OD_REPORT_RULES; i++) {
        const od_threshold_choice *choice = &r->operating.rules[i];
        const od_operating_point *at = &r->operating.rule_points[i];
        od_html_printf(h, "<tr><th scope=\"row\">%s</th><td class=\"num\">", names[i]);
        od_html_value(h, choice->threshold, 3, "nothing to choose");
        od_html_puts(h, "</td>");
        od_html_interval_cell(h, &at->precision, 3);
        od_html_interval_cell(h, &at->recall, 3);
        od_html_printf(h, "<td class=\"num\">%.3f</td><td>%s</td></tr>\n", at->false_per_image, choice->reached ? "" : "out of reach; the nearest");
    }
    od_html_table_end(h);
    od_html_puts(h, "<p>To save a choice with the model, so that predictions use it:</p><p><code>objdet threshold --fit_gt=VAL_GT --fit_dt=VAL_DT --min_sensitivity=0.9 --save_to=MODEL_DIR</code></p>\n");
}

/* A reliability diagram: the share of right ones in each bin of scores against its mean score. */
static size_t fill_reliability(const od_reliability *v, double *x, double *y, double *low, double *high)
{
    size_t n = 0;
    for (int i = 0; i < v->num_bins; i++) {
        const od_reliability_bin *b = &v->bins[i];
        if (!b->count) continue;
        x[n] = b->mean_score;
        y[n] = b->right.value;
        low[n] = b->right.low;
        high[n++] = b->right.high;
    }
    return n;
}

static void draw_reliability(od_html *h, const char *title, const od_reliability *raw, const od_reliability *calibrated)
{
    double x[2][OD_RELIABILITY_MOST_BINS], y[2][OD_RELIABILITY_MOST_BINS], low[2][OD_RELIABILITY_MOST_BINS], high[2][OD_RELIABILITY_MOST_BINS], ideal[] = {0, 1};
    od_chart_series series[3] = {{.name = "as they are", .x = x[0], .y = y[0], .low = low[0], .high = high[0], .markers = true}};
    size_t count = 1;
    series[0].count = fill_reliability(raw, x[0], y[0], low[0], high[0]);
    if (calibrated) {
        series[count] = (od_chart_series){.name = "calibrated", .x = x[1], .y = y[1], .markers = true};
        series[count++].count = fill_reliability(calibrated, x[1], y[1], low[1], high[1]);
    }
    series[count++] = (od_chart_series){.name = "ideal", .x = ideal, .y = ideal, .count = 2, .dashed = true};
    const od_chart chart = {.title = title, .x_label = "mean score", .y_label = "share that is right", .series = series, .series_count = count, .fixed_y = true, .y_low = 0, .y_high = 1, .fixed_x = true, .x_low = 0, .x_high = 1,
                            .height = 330};
    od_html_figure(h, &chart, OD_FIGURE_HALF, NULL);
}

static void write_calibration(od_html *h, const od_report *r)
{
    const od_report_operating *p = &r->operating;
    od_html_puts(h, "<h3 id=\"calibration\">Does a score of 0.8 mean right in 8 of 10 cases?</h3>\n");
    const od_calibration *c[2] = {&p->raw, &p->calibrated};
    od_html_table_begin(h, "Calibration errors: 0 is perfect.", p->has_calibrated ? "figure|#scores as they are|#calibrated|what it is" : "figure|#scores as they are|what it is");
    const struct {
        const char *name, *text;
        size_t offset;
    } rows[] = {{"ECE of images", "difference of score and share of images that hold the class, over bins of each image's highest score", offsetof(od_calibration, images.ece)},
                {"D-ECE of boxes", "the same for detections being right", offsetof(od_calibration, boxes.ece)},
                {"largest bin of boxes (MCE)", "the worst bin", offsetof(od_calibration, boxes.mce)},
                {"Brier score of boxes", "mean squared difference", offsetof(od_calibration, boxes.brier)},
                {"LaECE", "the score against precision times IoU", offsetof(od_calibration, laece)},
                {"LaACE₀", "each score against its own IoU", offsetof(od_calibration, laace0)}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", rows[i].name);
        for (int k = 0; k <= p->has_calibrated; k++) {
            od_html_puts(h, "<td class=\"num\">");
            od_html_value(h, *(const double *)((const char *)c[k] + rows[i].offset), 4, "no detections");
            od_html_puts(h, "</td>");
        }
        od_html_printf(h, "<td>%s</td></tr>\n", rows[i].text);
    }
    od_html_table_end(h);
    if (p->calibrator_text)
        od_html_printf(h, "<p>Calibrator: %s (%s).</p>\n", p->calibrator_text, p->calibrated_by == OD_THRESHOLD_SAVED ? "saved with the model" : "fitted on the validation set by this report");
    else
        od_html_missing(h, "No calibrator: it must be fitted on a validation set, never on the images that it is judged on.", "objdet threshold --fit_gt=VAL_GT --fit_dt=VAL_DT --save_to=MODEL_DIR");
    od_html_puts(h, "<div class=\"grid\">");
    draw_reliability(h, "Images", &p->raw.images, p->has_calibrated ? &p->calibrated.images : NULL);
    draw_reliability(h, "Boxes", &p->raw.boxes, p->has_calibrated ? &p->calibrated.boxes : NULL);
    od_html_puts(h, "</div>\n");
}

void od_section_operating_point_html(od_html *h, const od_report *r)
{
    if (!r->operating.present) {
        od_html_missing(h, "This needs detections and their ground truth.", "objdet report --gt=GT.json --dt=DETECTIONS.json --output=report.html");
        return;
    }
    write_source(h, r);
    write_point(h, r);
    draw_curve(h, r);
    write_rules(h, r);
    write_calibration(h, r);
}

json_t *od_section_operating_point_json(const od_report *r)
{
    static const char *const sources[] = {"given", "saved", "validation", "test"};
    static const char *const rules[OD_REPORT_RULES] = {"max_f1", "min_cost", "min_sensitivity_0.9", "max_false_per_image_0.5"};
    const od_report_operating *p = &r->operating;
    if (!p->present) return json_null();
    json_t *out = json_object(), *choices = json_object();
    json_object_set_new(out, "threshold", od_report_json_number(r->threshold));
    json_object_set_new(out, "source", json_string(sources[p->source]));
    json_object_set_new(out, "reason", od_report_json_text(p->source == OD_THRESHOLD_SAVED ? od_operating_file_reason(p->saved) : p->source == OD_THRESHOLD_GIVEN ? "given" : p->choice.reason));
    json_object_set_new(out, "at_threshold", od_operating_point_to_json(&p->at));
    json_object_set_new(out, "fitted_images_among_evaluated", p->has_overlap ? json_integer((json_int_t)p->overlap.images_seen) : json_null());
    for (int i = 0; i < OD_REPORT_RULES; i++) json_object_set_new(choices, rules[i], od_operating_point_to_json(&p->rule_points[i]));
    json_object_set_new(out, "rules", choices);
    json_object_set_new(out, "curve", od_operating_curve_to_json(&p->curve));
    json_object_set_new(out, "calibration", od_calibration_to_json(&p->raw));
    json_object_set_new(out, "calibration_after", p->has_calibrated ? od_calibration_to_json(&p->calibrated) : json_null());
    json_object_set_new(out, "calibrator", od_report_json_text(p->calibrator_text));
    return out;
}
