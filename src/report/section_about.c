/* SPDX-License-Identifier: Apache-2.0
 *
 * How the figures came about: inputs, settings, definitions, what could not be done.
 */
#include "objdet/version.h"
#include "report/json_values.h"
#include "report/section.h"

#include <inttypes.h>
#include <stdio.h>

static void input_row(od_html *h, const char *what, const char *path)
{
    if (path) od_html_printf(h, "<tr><th scope=\"row\">%s</th><td class=\"mono\">%s</td></tr>\n", what, path);
}

static void write_oddities(od_html *h, const od_coco_oddities *odd)
{
    const struct {
        const char *what;
        int64_t count;
    } rows[] = {{"boxes of images that the ground truth doesn't list (ignored)", odd->truths_of_unknown_image},
                {"boxes of classes that the ground truth doesn't list (ignored)", odd->truths_of_unknown_class},
                {"boxes without width or height", odd->truths_empty_box},
                {"boxes without an area field", odd->truths_without_area},
                {"boxes with a negative area", odd->truths_negative_area},
                {"boxes with the id 0, which pycocotools never matches", odd->truths_zero_id},
                {"detections of classes that the ground truth doesn't list (ignored)", odd->detections_of_unknown_class},
                {"detections without width or height", odd->detections_empty_box},
                {"scores outside 0 to 1", odd->detections_score_outside}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].count) od_html_printf(h, "<li>%" PRId64 " %s</li>\n", rows[i].count, rows[i].what);
}

static void write_definitions(od_html *h)
{
    static const struct {
        const char *term, *text;
    } terms[] = {
        {"IoU", "The area that two boxes share, divided by the area that they cover together. 1: the same box; 0: apart."},
        {"AP", "Precision averaged over 101 recalls from 0 to 1, as pycocotools computes it, to the bit."},
        {"Interval", "The range that would hold the true figure in 95 of 100 such studies. Where images come in groups (patients), groups are drawn, not images."},
        {"Threshold", "Detections with at least this score count. mAP, FROC and AUC are over all thresholds and don't depend on it."},
        {"Worst first", "False detections by their score, missed objects by how far the best detection of them is from certain."}};
    od_html_puts(h, "<h3 id=\"terms\">Terms</h3>\n<dl>\n");
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) od_html_printf(h, "<dt><strong>%s</strong></dt><dd>%s</dd>\n", terms[i].term, terms[i].text);
    od_html_puts(h, "</dl>\n");
}

void od_section_about_html(od_html *h, const od_report *r)
{
    od_html_table_begin(h, "What this report was made from.", "input|path");
    input_row(h, "ground truth", r->gt);
    input_row(h, "detections", r->dt);
    input_row(h, "validation ground truth", r->val_gt);
    input_row(h, "validation detections", r->val_dt);
    input_row(h, "training set", r->train_gt);
    input_row(h, "training", r->o->model_dir);
    input_row(h, "config", r->config_path);
    input_row(h, "pictures", r->o->image_dir);
    input_row(h, "groups by field", r->o->load.group_by);
    input_row(h, "groups by file name", r->o->load.group_regex);
    od_html_table_end(h);
    od_html_printf(h, "<p>%" PRId64 " resamples, seed %" PRIu64 "; the same seed gives the same figures. objdet %s.</p>\n", r->o->num_resamples, r->o->seed, od_version());
    od_html_puts(h, "<ul>\n");
    if (r->test) write_oddities(h, od_coco_eval_oddities(r->test));
    for (size_t i = 0; i < r->notes.count; i++) od_html_printf(h, "<li>%s</li>\n", r->notes.items[i]);
    od_html_puts(h, "</ul>\n");
    write_definitions(h);
}

json_t *od_section_about_json(const od_report *r)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:b,s:o}", "gt", od_report_json_text(r->gt), "dt", od_report_json_text(r->dt), "val_gt", od_report_json_text(r->val_gt), "val_dt", od_report_json_text(r->val_dt), "train_gt", od_report_json_text(r->train_gt), "model_dir",
                     od_report_json_text(r->o->model_dir), "config", od_report_json_text(r->config_path), "images", od_report_json_text(r->o->image_dir), "resamples", (json_int_t)r->o->num_resamples, "seed", (json_int_t)r->o->seed, "grouped", r->grouped, "notes",
                     od_report_json_texts(&r->notes));
}
