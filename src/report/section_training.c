/* SPDX-License-Identifier: Apache-2.0
 *
 * The curves of a training: losses and mAP against steps and epochs, where overfitting begins, which checkpoint is best.
 */
#include "report/json_values.h"
#include "report/section.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_POINTS = 400 };

/* A curve with at most MAX_POINTS points: the means of neighbouring ones. */
typedef struct thinned {
    double x[MAX_POINTS], y[MAX_POINTS];
    size_t count;
} thinned;

static void thin(const od_curve *c, thinned *out)
{
    out->count = c->count < MAX_POINTS ? c->count : MAX_POINTS;
    for (size_t i = 0; i < out->count; i++) {
        size_t begin = i * c->count / out->count, end = (i + 1) * c->count / out->count;
        out->x[i] = out->y[i] = 0;
        for (size_t k = begin; k < end; k++) {
            out->x[i] += c->step[k] / (double)(end - begin);
            out->y[i] += c->value[k] / (double)(end - begin);
        }
    }
}

static od_chart_series series_of(const thinned *t, const char *name)
{
    return (od_chart_series){.name = name, .x = t->x, .y = t->y, .count = t->count, .markers = t->count <= 40};
}

static void step_text(const od_training *t, double step, char *out, size_t size)
{
    if (isnan(t->steps_per_epoch))
        snprintf(out, size, "step %.0f", step);
    else
        snprintf(out, size, "step %.0f (epoch %.1f)", step, step / t->steps_per_epoch);
}

static void axis_label(const od_training *t, char *out, size_t size)
{
    if (isnan(t->steps_per_epoch))
        snprintf(out, size, "step");
    else
        snprintf(out, size, "step (an epoch is %.4g steps)", t->steps_per_epoch);
}

static void draw_losses(od_html *h, const od_training *t)
{
    thinned train, eval;
    thin(&t->train_loss, &train);
    thin(&t->eval_loss, &eval);
    const od_chart_series series[] = {series_of(&train, "training"), series_of(&eval, "evaluation")};
    const od_chart_mark mark = {t->overfit.start, t->overfit.kind == OD_OVERFIT_FOUND ? "overfitting begins" : "lowest evaluation loss"};
    char x_label[64];
    axis_label(t, x_label, sizeof x_label);
    const od_chart chart = {.title = "Total loss", .x_label = x_label, .y_label = "loss", .series = series, .series_count = 2, .marks = &mark,
                            .mark_count = t->eval_loss.count >= 3};
    od_html_figure(h, &chart, OD_FIGURE_WIDE, "Evaluation loss far above training loss, and rising while that falls, is overfitting.");
}

/* The value of `c` at each of the steps, NAN where it has none. */
static void at_steps(const od_curve *c, const thinned *at, double *out)
{
    for (size_t i = 0; i < at->count; i++) {
        out[i] = (double)NAN;
        for (size_t k = 0; k < c->count; k++)
            if (c->step[k] == at->x[i]) out[i] = c->value[k];
    }
}

static void draw_map(od_html *h, const od_training *t)
{
    if (!t->map.count) return;
    thinned map, map50, recall;
    double low[MAX_POINTS], high[MAX_POINTS];
    thin(&t->map, &map);
    thin(&t->map50, &map50);
    thin(&t->recall, &recall);
    at_steps(&t->map_low, &map, low);
    at_steps(&t->map_high, &map, high);
    od_chart_series series[] = {series_of(&map, t->map_is_pascal ? "mAP at IoU 0.50" : "mAP"), series_of(&map50, "AP50"), series_of(&recall, "AR100")};
    if (t->map_low.count && t->map_high.count) series[0].low = low, series[0].high = high;
    const od_chart_mark mark = {t->map.step[od_curve_highest(&t->map)], "best mAP"};
    char x_label[64];
    axis_label(t, x_label, sizeof x_label);
    const od_chart chart = {.title = "Evaluation", .x_label = x_label, .y_label = "0 to 1", .series = series, .series_count = t->map_is_pascal ? 1 : 3, .marks = &mark,
                            .mark_count = t->map.count > 1};
    od_html_figure(h, &chart, OD_FIGURE_WIDE, t->map.count == 1 ? "One evaluation only, so one dot and no line: the command below evaluates the checkpoints made earlier." : NULL);
}

static void draw_parts(od_html *h, const od_training *t)
{
    if (!t->num_parts) return;
    od_html_puts(h, "<h3 id=\"loss_parts\">Parts of the loss, learning rate</h3>\n<div class=\"grid\">");
    for (size_t i = 0; i < t->num_parts; i++) {
        thinned train, eval;
        thin(&t->train_parts[i], &train);
        thin(&t->eval_parts[i], &eval);
        const od_chart_series series[] = {series_of(&train, "training"), series_of(&eval, "evaluation")};
        const char *tag = t->train_parts[i].tag ? t->train_parts[i].tag : t->eval_parts[i].tag, *slash = strchr(tag, '/');
        const od_chart chart = {.title = slash ? slash + 1 : tag, .x_label = "step", .series = series, .series_count = 2};
        od_html_figure(h, &chart, OD_FIGURE_HALF, NULL);
    }
    if (t->learning_rate.count) {
        thinned rate;
        thin(&t->learning_rate, &rate);
        od_chart_series series = series_of(&rate, "learning rate");
        series.markers = false;
        const od_chart chart = {.title = "learning_rate", .x_label = "step", .series = &series, .series_count = 1};
        od_html_figure(h, &chart, OD_FIGURE_HALF, NULL);
    }
    od_html_puts(h, "</div>\n");
}

static void write_overfitting(od_html *h, const od_training *t)
{
    const od_overfit *o = &t->overfit;
    char where[80], text[700];
    step_text(t, o->start, where, sizeof where);
    od_html_puts(h, "<h3 id=\"overfitting\">Overfitting</h3>\n");
    switch (o->kind) {
    case OD_OVERFIT_UNKNOWN:
        snprintf(text, sizeof text, "%zu evaluation%s with a loss: at least 3 are needed to see a turn.", o->evaluations, o->evaluations == 1 ? "" : "s");
        od_html_missing(h, text, "objdet eval --model_dir=MODEL_DIR --all_checkpoints");
        return;
    case OD_OVERFIT_NONE:
        snprintf(text, sizeof text, "No overfitting to be seen: the evaluation loss is %.4g at its lowest, %s, and %.4g over the last evaluations; its noise has a standard deviation of %.2g.",
                 o->lowest, where, o->last, o->noise);
        od_html_note(h, OD_VERDICT_GOOD, text);
        return;
    case OD_OVERFIT_FOUND:
        snprintf(text, sizeof text, "Overfitting begins after %s: the evaluation loss rises from %.4g to %.4g (+%.0f %%, %.1f times its noise) while the training loss goes from %.4g to %.4g.",
                 where, o->lowest, o->last, 100 * (o->last / o->lowest - 1), (o->last - o->lowest) / o->noise, o->train_then, o->train_last);
        od_html_note(h, OD_VERDICT_PROBLEM, text);
        return;
    case OD_OVERFIT_DIVERGING:
        snprintf(text, sizeof text, "After %s both losses rise (evaluation %.4g to %.4g, training %.4g to %.4g): the training itself goes wrong there, usually from too high a learning rate.",
                 where, o->lowest, o->last, o->train_then, o->train_last);
        od_html_note(h, OD_VERDICT_PROBLEM, text);
        return;
    case OD_OVERFIT_NO_TRAIN:
        snprintf(text, sizeof text, "The evaluation loss rises after %s, from %.4g to %.4g. There is no training loss in the event files, so overfitting can't be told from a diverging training.",
                 where, o->lowest, o->last);
        od_html_note(h, OD_VERDICT_WATCH, text);
        return;
    }
}

static void write_checkpoints(od_html *h, const od_training *t)
{
    char where[80];
    od_html_puts(h, "<h3 id=\"best_checkpoint\">Best checkpoint</h3>\n");
    if (t->best_checkpoint) {
        step_text(t, t->best_step, where, sizeof where);
        od_html_printf(h, "<p><strong>%s</strong> is kept as the best: %s %.4f", t->best_checkpoint, t->best_metric, t->best_value);
        if (!isnan(t->best_step)) od_html_printf(h, " at %s", where);
        od_html_puts(h, ".</p>\n");
    } else if (t->map.count) {
        size_t best = od_curve_highest(&t->map);
        step_text(t, t->map.step[best], where, sizeof where);
        od_html_printf(h, "<p>The highest mAP of the curve is %.4f at %s. No best.json says whether that checkpoint was kept.</p>\n", t->map.value[best], where);
    } else {
        od_html_missing(h, "No evaluation has a mAP, so no checkpoint is known as the best.", "objdet eval --model_dir=MODEL_DIR --all_checkpoints");
    }
}

/* Whether the checkpoints differ beyond noise. */
static void write_comparison(od_html *h, const od_report *r)
{
    const od_checkpoints *c = &r->checkpoints;
    od_html_puts(h, "<h3 id=\"checkpoints\">Do the checkpoints differ beyond noise?</h3>\n");
    if (!c->num_compared) {
        od_html_missing(h, "That needs each checkpoint's detections on the same images, and they were not kept.", "objdet eval --model_dir=MODEL_DIR --all_checkpoints");
        if (!c->count) return;
    }
    od_html_table_begin(h, c->num_compared ? "The difference to the best, from resamples drawn for both alike: an interval that holds 0 means that these images can't tell the two apart." : NULL,
                        "checkpoint|#step|#mAP|#minus the best|");
    for (size_t i = 0; i < c->count; i++) {
        const od_checkpoint_row *row = &c->rows[i];
        od_html_printf(h, "<tr><th scope=\"row\">%s</th><td class=\"num\">%.0f</td>", row->name, row->step);
        od_html_interval_cell(h, &row->map, 3);
        if (row->compared)
            od_html_interval_cell(h, &row->difference.difference, 3);
        else
            od_html_puts(h, "<td class=\"num\">–</td>");
        od_html_printf(h, "<td>%s</td></tr>\n", i == c->best ? "the best" : !row->compared ? "" : row->difference.distinct ? "differs" : "can't be told apart");
    }
    od_html_table_end(h);
}

static void write_facts(od_html *h, const od_training *t)
{
    const od_curve *steps = t->train_loss.count ? &t->train_loss : &t->map;
    char text[64];
    od_html_puts(h, "<ul class=\"figures\">");
    if (steps->count) {
        snprintf(text, sizeof text, "%.0f", steps->step[steps->count - 1]);
        od_html_key_figure(h, "steps", text, NULL);
        if (!isnan(t->steps_per_epoch)) {
            snprintf(text, sizeof text, "%.1f", steps->step[steps->count - 1] / t->steps_per_epoch);
            od_html_key_figure(h, "epochs", text, NULL);
        }
    }
    if (t->batch_size) {
        snprintf(text, sizeof text, "%lld", (long long)t->batch_size);
        od_html_key_figure(h, "batch size", text, NULL);
    }
    snprintf(text, sizeof text, "%zu", t->map.count);
    od_html_key_figure(h, "evaluations", text, NULL);
    if (t->seconds > 0) {
        snprintf(text, sizeof text, t->seconds < 5400 ? "%.0f min" : "%.1f h", t->seconds < 5400 ? t->seconds / 60 : t->seconds / 3600);
        od_html_key_figure(h, "between first and last event", text, NULL);
    }
    od_html_puts(h, "</ul>\n");
}

void od_section_training_html(od_html *h, const od_report *r)
{
    const od_training *t = &r->training;
    if (!t->present) {
        od_html_missing(h, r->o->model_dir ? "The folder holds no event files, so there are no curves." : "No training was given: there are no curves, and nothing about overfitting or checkpoints.",
                        "objdet report --model_dir=MODEL_DIR --output=report.html");
        return;
    }
    write_facts(h, t);
    if (t->train_loss.count || t->eval_loss.count) draw_losses(h, t);
    write_overfitting(h, t);
    draw_map(h, t);
    write_checkpoints(h, t);
    write_comparison(h, r);
    draw_parts(h, t);
    od_html_printf(h, "<p class=\"small muted\">Read from %s%s%s.", t->train_run ? t->train_run : "", t->train_run && t->eval_run ? " and " : "", t->eval_run ? t->eval_run : "");
    if (t->other_eval_runs) od_html_printf(h, " %d further evaluation folder%s with fewer points %s left out.", t->other_eval_runs, t->other_eval_runs == 1 ? "" : "s", t->other_eval_runs == 1 ? "is" : "are");
    od_html_puts(h, "</p>\n");
}

static json_t *overfit_json(const od_overfit *o)
{
    static const char *const kinds[] = {"unknown", "none", "found", "diverging", "no_training_loss"};
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I}", "result", kinds[o->kind], "after_step", od_report_json_number(o->start), "clear_from_step", od_report_json_number(o->clear),
                     "lowest_eval_loss", od_report_json_number(o->lowest), "last_eval_loss", od_report_json_number(o->last), "noise", od_report_json_number(o->noise), "train_loss_then",
                     od_report_json_number(o->train_then), "train_loss_last", od_report_json_number(o->train_last), "evaluations", (json_int_t)o->evaluations);
}

static json_t *checkpoints_json(const od_checkpoints *c)
{
    json_t *out = json_array();
    for (size_t i = 0; i < c->count; i++) {
        const od_checkpoint_row *row = &c->rows[i];
        json_array_append_new(out, json_pack("{s:o,s:o,s:o,s:b,s:o,s:o}", "checkpoint", od_report_json_text(row->name), "step", od_report_json_number(row->step), "mAP", od_report_json_interval(&row->map), "best", i == c->best,
                                             "minus_best", row->compared ? od_report_json_interval(&row->difference.difference) : json_null(), "distinct", row->compared ? json_boolean(row->difference.distinct) : json_null()));
    }
    return out;
}

json_t *od_section_training_json(const od_report *r)
{
    const od_training *t = &r->training;
    if (!t->present) return json_null();
    json_t *out = json_object(), *parts = json_array();
    json_object_set_new(out, "train_loss", od_report_json_curve(&t->train_loss));
    json_object_set_new(out, "eval_loss", od_report_json_curve(&t->eval_loss));
    json_object_set_new(out, "mAP", od_report_json_curve(&t->map));
    json_object_set_new(out, "AP50", od_report_json_curve(&t->map50));
    json_object_set_new(out, "AR100", od_report_json_curve(&t->recall));
    json_object_set_new(out, "learning_rate", od_report_json_curve(&t->learning_rate));
    for (size_t i = 0; i < t->num_parts; i++)
        json_array_append_new(parts, json_pack("{s:o,s:o}", "train", od_report_json_curve(&t->train_parts[i]), "eval", od_report_json_curve(&t->eval_parts[i])));
    json_object_set_new(out, "loss_parts", parts);
    json_object_set_new(out, "checkpoints", checkpoints_json(&r->checkpoints));
    json_object_set_new(out, "overfitting", overfit_json(&t->overfit));
    json_object_set_new(out, "batch_size", t->batch_size ? json_integer((json_int_t)t->batch_size) : json_null());
    json_object_set_new(out, "train_images", t->train_images ? json_integer((json_int_t)t->train_images) : json_null());
    json_object_set_new(out, "steps_per_epoch", od_report_json_number(t->steps_per_epoch));
    json_object_set_new(out, "best", t->best_checkpoint ? json_pack("{s:o,s:o,s:o,s:o}", "checkpoint", od_report_json_text(t->best_checkpoint), "metric", od_report_json_text(t->best_metric), "value",
                                                                    od_report_json_number(t->best_value), "step", od_report_json_number(t->best_step))
                                                        : json_null());
    return out;
}
