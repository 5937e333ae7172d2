/* SPDX-License-Identifier: Apache-2.0
 *
 * Images right or wrong: accuracy, sensitivity, specificity, AUC, confusions, beside the majority's baseline.
 */
#include "report/json_values.h"
#include "report/section.h"
#include "util/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Lines of a text as paragraphs. */
static void write_lines(od_html *h, const char *text)
{
    char line[1000];
    while (*text) {
        size_t n = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1), text);
        if (n) od_html_printf(h, "<p>%s</p>\n", line);
        text += n + (text[n] == '\n');
    }
}

typedef struct column {
    const char *name, *meaning;
    size_t offset;
} column;

static const column columns[] = {{"accuracy", "images answered rightly", offsetof(od_binary_figures, accuracy)},
                                 {"majority baseline", "accuracy of always giving the more frequent answer", offsetof(od_binary_figures, majority)},
                                 {"balanced accuracy", "mean of sensitivity and specificity", offsetof(od_binary_figures, balanced_accuracy)},
                                 {"sensitivity", "share of images with the class that are called so", offsetof(od_binary_figures, sensitivity)},
                                 {"specificity", "share of images without it that are called so", offsetof(od_binary_figures, specificity)},
                                 {"PPV (precision)", "share of positive calls that are right", offsetof(od_binary_figures, ppv)},
                                 {"NPV", "share of negative calls that are right", offsetof(od_binary_figures, npv)},
                                 {"F1", "harmonic mean of PPV and sensitivity", offsetof(od_binary_figures, f1)},
                                 {"MCC", "correlation of call and truth, -1 to 1", offsetof(od_binary_figures, mcc)},
                                 {"ROC-AUC", "chance that an image with the class scores above one without; no threshold", offsetof(od_binary_figures, roc_auc)},
                                 {"PR-AUC", "average precision of images; no threshold", offsetof(od_binary_figures, pr_auc)}};
enum { NUM_COLUMNS = sizeof columns / sizeof *columns };

static const od_interval *figure(const od_binary_figures *f, int i)
{
    return (const od_interval *)((const char *)f + columns[i].offset);
}

static int few_classes(const od_image_level *l)
{
    return l->num_classes <= OD_REPORT_MAX_CLASS_DETAILS;
}

/* A table with a column for each class, and one for any object. */
static void write_figures(od_html *h, const od_report *r)
{
    const od_image_level *l = r->image_level;
    od_html_printf(h, "<h3 id=\"image_figures\">Is the class in the image?</h3>\n<div class=\"table-wrap\" role=\"region\" tabindex=\"0\" aria-label=\"Image-level figures\"><table><caption>An image is called positive when a detection of the class scores at least %.3g. Intervals: 95 %%.</caption>"
                      "<thead><tr><th scope=\"col\">figure</th>",
                   l->threshold);
    for (int64_t k = 0; k < l->num_classes; k++) od_html_printf(h, "<th scope=\"col\" class=\"num\">%s</th>", r->coco.classes[k].name);
    od_html_puts(h, "<th scope=\"col\" class=\"num\">any object</th><th scope=\"col\">what it is</th></tr></thead><tbody>\n<tr><th scope=\"row\">images with / without</th>");
    for (int64_t k = 0; k <= l->num_classes; k++) {
        const od_binary_figures *f = k < l->num_classes ? &l->classes[k] : &l->any;
        od_html_printf(h, "<td class=\"num\">%" PRId64 " / %" PRId64 "</td>", f->positives, f->negatives);
    }
    od_html_puts(h, "<td></td></tr>\n");
    for (int i = 0; i < NUM_COLUMNS; i++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", columns[i].name);
        for (int64_t k = 0; k <= l->num_classes; k++) od_html_interval_cell(h, figure(k < l->num_classes ? &l->classes[k] : &l->any, i), 3);
        od_html_printf(h, "<td>%s</td></tr>\n", columns[i].meaning);
    }
    od_html_table_end(h);
}

/* With many classes: one row each. */
static void write_class_rows(od_html *h, const od_report *r)
{
    const od_image_level *l = r->image_level;
    od_html_puts(h, "<h3 id=\"image_figures\">Is the class in the image?</h3>\n");
    od_html_table_begin(h, NULL, "class|#images with it|#sensitivity|#specificity|#PPV|#ROC-AUC");
    for (int64_t k = 0; k < l->num_classes; k++) {
        const od_binary_figures *f = &l->classes[k];
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", r->coco.classes[k].name);
        od_html_count_cell(h, f->positives);
        od_html_interval_cell(h, &f->sensitivity, 3);
        od_html_interval_cell(h, &f->specificity, 3);
        od_html_interval_cell(h, &f->ppv, 3);
        od_html_interval_cell(h, &f->roc_auc, 3);
        od_html_puts(h, "</tr>\n");
    }
    od_html_table_end(h);
}

static const char *label_name(const od_report *r, int64_t i)
{
    return i < r->image_level->num_classes ? r->coco.classes[i].name : "nothing";
}

static void write_labels(od_html *h, const od_report *r)
{
    const od_label_figures *f = &r->image_level->labels;
    od_html_puts(h, "<h3 id=\"image_labels\">One answer for each image</h3>\n");
    if (f->why_not) {
        od_html_note(h, OD_VERDICT_TOLD, f->why_not);
        return;
    }
    od_html_printf(h, "<p>The answer is the class of the highest score%s. %" PRId64 " images%s. This is what a classifier's accuracy is.</p>\n", f->threshold > 0 ? ", or ‘nothing’ below the threshold" : "", f->images,
                   f->left_out ? "; those with several classes have no one right answer and are left out" : "");
    od_html_table_begin(h, NULL, "figure|#value and interval");
    const struct {
        const char *name;
        const od_interval *v;
    } rows[] = {{"accuracy", &f->accuracy}, {"majority baseline", &f->majority}, {"balanced accuracy", &f->balanced_accuracy}, {"macro F1", &f->macro_f1}, {"MCC", &f->mcc}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", rows[i].name);
        od_html_interval_cell(h, rows[i].v, 3);
        od_html_puts(h, "</tr>\n");
    }
    od_html_table_end(h);
    if (!few_classes(r->image_level)) return;
    od_html_puts(h, "<div class=\"table-wrap\" role=\"region\" tabindex=\"0\" aria-label=\"Confusion matrix of images\"><table class=\"matrix\"><caption>Rows: what is there; columns: the answer.</caption><thead><tr><td></td>");
    for (int64_t i = 0; i < f->num_labels; i++) od_html_printf(h, "<th scope=\"col\">%s</th>", label_name(r, i));
    od_html_puts(h, "</tr></thead><tbody>\n");
    for (int64_t i = 0; i < f->num_labels; i++) {
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", label_name(r, i));
        for (int64_t k = 0; k < f->num_labels; k++) {
            int64_t n = f->confusion[i * f->num_labels + k];
            od_html_printf(h, "<td class=\"%s\">%" PRId64 "</td>", i == k ? "diagonal" : n ? "off" : "", n);
        }
        od_html_puts(h, "</tr>\n");
    }
    od_html_table_end(h);
}

static void draw_roc(od_html *h, const od_image_level *l, int64_t class_index, const char *title)
{
    od_roc_point *points = od_malloc((size_t)l->images + 1, sizeof *points);
    double *x = od_malloc((size_t)l->images + 1, sizeof *x), *y = od_malloc((size_t)l->images + 1, sizeof *y);
    if (!points || !x || !y) h->out.failed = 1;
    size_t n = points && x && y ? (size_t)od_image_level_curve(l, class_index, points) : 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = 1 - points[i].specificity;
        y[i] = points[i].sensitivity;
    }
    const double ends[] = {0, 1};
    const od_chart_series series[] = {{.name = "detector", .x = x, .y = y, .count = n}, {.name = "guessing", .x = ends, .y = ends, .count = 2, .dashed = true}};
    const od_chart chart = {.title = title, .x_label = "1 − specificity", .y_label = "sensitivity", .series = series, .series_count = 2, .fixed_y = true, .y_low = 0, .y_high = 1, .fixed_x = true, .x_low = 0, .x_high = 1, .height = 330};
    if (n) od_html_figure(h, &chart, OD_FIGURE_HALF, NULL);
    od_free(points);
    od_free(x);
    od_free(y);
}

static void write_curves(od_html *h, const od_report *r)
{
    const od_image_level *l = r->image_level;
    if (!few_classes(l)) return;
    od_html_puts(h, "<h3 id=\"roc\">ROC curves</h3>\n<div class=\"grid\">");
    for (int64_t k = 0; k < l->num_classes; k++)
        if (l->classes[k].positives && l->classes[k].negatives) draw_roc(h, l, k, r->coco.classes[k].name);
    if (l->num_classes > 1 && l->any.positives && l->any.negatives) draw_roc(h, l, -1, "any object");
    od_html_puts(h, "</div>\n");
}

void od_section_image_level_html(od_html *h, const od_report *r)
{
    if (!r->image_level) {
        od_html_missing(h, "This needs detections and their ground truth.", "objdet report --gt=GT.json --dt=DETECTIONS.json --output=report.html");
        return;
    }
    od_html_puts(h, "<div class=\"note-box told\" id=\"image_words\">");
    write_lines(h, r->image_level_words);
    od_html_puts(h, "</div>\n");
    write_labels(h, r);
    if (few_classes(r->image_level))
        write_figures(h, r);
    else
        write_class_rows(h, r);
    write_curves(h, r);
}

static json_t *binary_json(const od_binary_figures *f)
{
    static const char *const keys[NUM_COLUMNS] = {"accuracy", "majority", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "mcc", "roc_auc", "pr_auc"};
    json_t *out = json_pack("{s:I,s:I,s:o,s:I,s:I,s:I,s:I}", "positives", (json_int_t)f->positives, "negatives", (json_int_t)f->negatives, "threshold", od_report_json_number(f->threshold), "tp", (json_int_t)f->tp, "fp", (json_int_t)f->fp, "tn",
                            (json_int_t)f->tn, "fn", (json_int_t)f->fn);
    for (int i = 0; i < NUM_COLUMNS; i++) json_object_set_new(out, keys[i], od_report_json_interval(figure(f, i)));
    return out;
}

static json_t *labels_json(const od_report *r)
{
    const od_label_figures *f = &r->image_level->labels;
    if (f->why_not) return json_pack("{s:o}", "why_not", od_report_json_text(f->why_not));
    json_t *matrix = json_array(), *names = json_array();
    for (int64_t i = 0; i < f->num_labels; i++) {
        json_t *row = json_array();
        for (int64_t k = 0; k < f->num_labels; k++) json_array_append_new(row, json_integer((json_int_t)f->confusion[i * f->num_labels + k]));
        json_array_append_new(matrix, row);
        json_array_append_new(names, od_report_json_text(label_name(r, i)));
    }
    return json_pack("{s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "images", (json_int_t)f->images, "left_out", (json_int_t)f->left_out, "accuracy", od_report_json_interval(&f->accuracy), "majority", od_report_json_interval(&f->majority),
                     "balanced_accuracy", od_report_json_interval(&f->balanced_accuracy), "macro_f1", od_report_json_interval(&f->macro_f1), "mcc", od_report_json_interval(&f->mcc), "labels", names, "confusion", matrix);
}

json_t *od_section_image_level_json(const od_report *r)
{
    const od_image_level *l = r->image_level;
    if (!l) return json_null();
    json_t *classes = json_array();
    for (int64_t k = 0; k < l->num_classes; k++) {
        json_t *class = binary_json(&l->classes[k]);
        json_object_set_new(class, "name", od_report_json_text(r->coco.classes[k].name));
        json_array_append_new(classes, class);
    }
    return json_pack("{s:o,s:I,s:I,s:b,s:o,s:o,s:o,s:o}", "threshold", od_report_json_number(l->threshold), "images", (json_int_t)l->images, "null_images", (json_int_t)l->null_images, "grouped", l->grouped, "classes", classes, "any_object",
                     binary_json(&l->any), "labels", labels_json(r), "words", od_report_json_text(r->image_level_words));
}
