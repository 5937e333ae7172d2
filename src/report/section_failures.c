/* SPDX-License-Identifier: Apache-2.0
 *
 * Failures at the threshold: how many of each kind, the matrix of confusions, the gallery with its filters, the list.
 */
#include "report/base64.h"
#include "report/json_values.h"
#include "report/section.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ROWS = 1000, MAX_GROUPS = 200, MAX_CONFUSION = 20 };
static const char *const size_names[] = {"", "small", "medium", "large"};

static const char *class_name(const od_report *r, int64_t index)
{
    return index < 0 ? "" : r->coco.classes[index].name;
}

static const char *image_name(const od_report *r, int64_t index)
{
    const od_coco_image *i = &r->test->images[index];
    return i->name ? i->name : i->text_id ? i->text_id : "";
}

static const char *image_group(const od_report *r, int64_t index)
{
    const char *group = r->test->images[index].group;
    return group ? group : "";
}

/* What happened, in a sentence. */
static void describe(const od_report *r, const od_failure *f, char *out, size_t size)
{
    const char *class = class_name(r, f->class_index), *object = class_name(r, f->object_class);
    switch (f->kind) {
    case OD_FAILURE_MISSED:
        if (f->score > 0)
            snprintf(out, size, "%s: the best detection of it scores %.3f, below the threshold", class, f->score);
        else
            snprintf(out, size, "%s: no detection at any score", class);
        break;
    case OD_FAILURE_INVENTED:
        snprintf(out, size, "%s at %.3f where there is none (IoU with any object at most %.2f)", class, f->score, f->iou);
        break;
    case OD_FAILURE_MISLOCATED: snprintf(out, size, "%s at %.3f, but IoU only %.2f", class, f->score, f->iou); break;
    case OD_FAILURE_CONFUSED: snprintf(out, size, "%s taken for %s at %.3f (IoU %.2f)", object, class, f->score, f->iou); break;
    case OD_FAILURE_DUPLICATED: snprintf(out, size, "a second %s at %.3f on an object found already (IoU %.2f)", class, f->score, f->iou); break;
    default: snprintf(out, size, "%s at %.3f near an object of class %s (IoU %.2f)", class, f->score, object, f->iou); break;
    }
}

/* What the filters look at. */
static void write_attributes(od_html *h, const od_report *r, const od_failure *f)
{
    od_html_printf(h, " data-kind=\"%s\" data-class=\"%s\" data-size=\"%s\" data-image=\"%s\"", od_failure_kind_name(f->kind), class_name(r, f->class_index), size_names[f->size],
                   image_name(r, f->image));
    if (f->object_class >= 0 && f->object_class != f->class_index) od_html_printf(h, " data-other=\"%s\"", class_name(r, f->object_class));
    if (r->grouped) od_html_printf(h, " data-group=\"%s\"", image_group(r, f->image));
}

static void write_rect(od_html *h, const char *classes, const double box[4])
{
    od_html_printf(h, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", classes, box[0], box[1], box[2], box[3]);
}

/* The other boxes of the image thinly, this failure's on top. */
static void write_boxes(od_html *h, const od_report *r, const od_failure *f)
{
    const od_coco_eval *e = r->test;
    for (size_t i = 0; i < e->num_truths; i++)
        if (e->truths[i].image == f->image && (int64_t)i != f->object) {
            const od_coco_box *b = &e->truths[i].box;
            write_rect(h, "box-truth box-other", (const double[4]){b->x, b->y, b->w, b->h});
        }
    if (f->object >= 0) {
        write_rect(h, "box-under", f->object_box);
        write_rect(h, "box-truth box-main", f->object_box);
    }
    if (f->detection >= 0) {
        write_rect(h, "box-under", f->box);
        write_rect(h, "box-found box-main", f->box);
    }
}

static void write_views(od_html *h, const od_report *r, const od_failure *f, const od_gallery_item *item, const char *what)
{
    const od_gallery_picture *p = &r->gallery.pictures[item->picture];
    od_html_printf(h, "<div class=\"views\"><svg class=\"crop\" role=\"img\" aria-label=\"Close-up: %s\" viewBox=\"%.1f %.1f %.1f %.1f\">", what, item->crop[0], item->crop[1], item->crop[2], item->crop[3]);
    if (item->detail) {
        od_html_printf(h, "<image x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" preserveAspectRatio=\"none\" href=\"data:image/jpeg;base64,", item->detail_part.x, item->detail_part.y, item->detail_part.width,
                       item->detail_part.height);
        od_base64_append(&h->out, item->detail, item->detail_size);
        od_html_puts(h, "\"/>");
    } else {
        od_html_printf(h, "<use href=\"#p%zu\"/>", item->picture);
    }
    write_boxes(h, r, f);
    od_html_printf(h, "</svg><svg class=\"whole\" role=\"img\" aria-label=\"Whole image: %s\" viewBox=\"0 0 %d %d\"><use href=\"#p%zu\"/>", image_name(r, f->image), p->width, p->height, item->picture);
    write_boxes(h, r, f);
    od_html_puts(h, "</svg></div>");
}

static void write_item(od_html *h, const od_report *r, const od_gallery_item *item)
{
    const od_failure *f = od_failures_get(r->failures, item->failure);
    char what[700];
    describe(r, f, what, sizeof what);
    od_html_puts(h, "<li class=\"failure\"");
    write_attributes(h, r, f);
    od_html_puts(h, ">");
    write_views(h, r, f, item, what);
    od_html_printf(h, "<div class=\"words\"><h4>%s</h4><p>%s</p><p class=\"muted small\">%s · %s", od_failure_kind_name(f->kind), what, image_name(r, f->image), size_names[f->size]);
    if (r->grouped) od_html_printf(h, " · group %s", image_group(r, f->image));
    od_html_puts(h, "</p></div></li>\n");
}

/* The pictures once; the views refer to them. */
static void write_store(od_html *h, const od_gallery *g, size_t pictures)
{
    od_html_puts(h, "<svg class=\"store\" aria-hidden=\"true\" focusable=\"false\"><defs>\n");
    for (size_t i = 0; i < pictures; i++) {
        od_html_printf(h, "<image id=\"p%zu\" width=\"%d\" height=\"%d\" preserveAspectRatio=\"none\" href=\"data:image/jpeg;base64,", i, g->pictures[i].width, g->pictures[i].height);
        od_base64_append(&h->out, g->pictures[i].jpeg, g->pictures[i].size);
        od_html_puts(h, "\"/>\n");
    }
    od_html_puts(h, "</defs></svg>\n");
}

static void write_option(od_html *h, const char *value)
{
    od_html_printf(h, "<option value=\"%s\">%s</option>", value, value);
}

static void select_begin(od_html *h, const char *name, const char *label)
{
    od_html_printf(h, "<label>%s<select name=\"%s\"><option value=\"\">all</option>", label, name);
}

/* Groups that have failures, each once, in the order of the images. */
static void write_group_select(od_html *h, const od_report *r)
{
    const char *groups[MAX_GROUPS];
    size_t n = 0;
    for (size_t i = 0; i < od_failures_num_images(r->failures); i++) {
        const char *group = image_group(r, od_failures_image(r->failures, i)->image);
        size_t k = 0;
        while (k < n && strcmp(groups[k], group)) k++;
        if (k < n || !group[0]) continue;
        if (n == MAX_GROUPS) return; /* the search finds them */
        groups[n++] = group;
    }
    select_begin(h, "group", "group");
    for (size_t k = 0; k < n; k++) write_option(h, groups[k]);
    od_html_puts(h, "</select></label>");
}

static void write_filters(od_html *h, const od_report *r)
{
    od_html_puts(h, "<form class=\"filters\" id=\"failure-filters\" hidden aria-label=\"Filter the failures\">");
    select_begin(h, "kind", "kind");
    for (int i = 0; i < OD_FAILURE_NUM_KINDS; i++)
        if (od_failures_count_kind(r->failures, (od_failure_kind)i)) write_option(h, od_failure_kind_name((od_failure_kind)i));
    od_html_puts(h, "</select></label>");
    select_begin(h, "class", "class");
    for (int64_t k = 0; k < r->coco.num_classes; k++) write_option(h, r->coco.classes[k].name);
    od_html_puts(h, "</select></label>");
    select_begin(h, "size", "size");
    for (int i = 1; i <= 3; i++) write_option(h, size_names[i]);
    od_html_puts(h, "</select></label>");
    if (r->grouped) write_group_select(h, r);
    od_html_puts(h, "<label>image name has<input type=\"search\" name=\"search\" size=\"12\"></label>"
                    "<label>show<select name=\"view\"><option value=\"both\">close-up and whole</option><option value=\"crop\">close-up</option>"
                    "<option value=\"whole\">whole image</option></select></label><button type=\"reset\">Reset</button>"
                    "<output aria-live=\"polite\"></output></form>\n");
}

static void write_gallery(od_html *h, const od_report *r)
{
    const od_gallery *g = &r->gallery;
    size_t pictures = 0;
    for (size_t i = 0; i < r->gallery_shown; i++)
        if (g->items[i].picture + 1 > pictures) pictures = g->items[i].picture + 1;
    od_html_puts(h, "<h3 id=\"gallery_title\">Gallery, worst first</h3>\n<ul class=\"legend\"><li><svg viewBox=\"0 0 32 12\" aria-hidden=\"true\"><path class=\"box-truth box-main\" d=\"M2 6H30\"/></svg>ground truth (dashed)</li>"
                    "<li><svg viewBox=\"0 0 32 12\" aria-hidden=\"true\"><path class=\"box-found box-main\" d=\"M2 6H30\"/></svg>detection (solid)</li></ul>\n");
    if (r->test->masks)
        od_html_puts(h, "<p class=\"small muted\">Coloured areas are the detections' masks, white outlines the ground truth's. The figures of this page are by boxes; "
                        "<code>objdet coco-eval --iou_type=segm</code> gives those by masks.</p>\n");
    if (g->not_found) {
        char text[800];
        snprintf(text, sizeof text, "The pictures of %" PRId64 " images could not be read. The first: %s", g->not_found, g->problem);
        od_html_missing(h, text, "objdet report ... --images=FOLDER_WITH_THE_PICTURES");
    }
    if (r->gallery_shown < od_failures_count(r->failures))
        od_html_printf(h, "<p class=\"small muted\">%zu of %zu failures are shown with pictures: the worst of each kind in turn%s. The list below has %s.</p>\n", r->gallery_shown, od_failures_count(r->failures),
                       r->gallery_shown < g->num_items || g->num_items + (size_t)g->not_found < g->wanted ? ", as many as keep this file small (--max_size_mb)" : " (--gallery=N for more)",
                       od_failures_count(r->failures) > MAX_ROWS ? "the worst 1000" : "all");
    write_store(h, g, pictures);
    write_filters(h, r);
    od_html_puts(h, "<ul class=\"gallery\" id=\"gallery\" data-view=\"both\" aria-labelledby=\"gallery_title\">\n");
    for (size_t i = 0; i < r->gallery_shown; i++) write_item(h, r, &g->items[i]);
    od_html_puts(h, "</ul>\n");
}

static void write_list(od_html *h, const od_report *r)
{
    size_t n = od_failures_count(r->failures);
    od_html_puts(h, "<details><summary>The failures as a list</summary><div class=\"table-wrap\"><table><thead><tr><th scope=\"col\">kind</th><th scope=\"col\">what</th>"
                    "<th scope=\"col\">image</th><th scope=\"col\">size</th>");
    if (r->grouped) od_html_puts(h, "<th scope=\"col\">group</th>");
    od_html_puts(h, "</tr></thead><tbody id=\"failure-rows\">\n");
    for (size_t i = 0; i < n && i < MAX_ROWS; i++) {
        const od_failure *f = od_failures_get(r->failures, i);
        char what[700];
        describe(r, f, what, sizeof what);
        od_html_puts(h, "<tr");
        write_attributes(h, r, f);
        od_html_printf(h, "><td>%s</td><td>%s</td><td>%s</td><td>%s</td>", od_failure_kind_name(f->kind), what, image_name(r, f->image), size_names[f->size]);
        if (r->grouped) od_html_printf(h, "<td>%s</td>", image_group(r, f->image));
        od_html_puts(h, "</tr>\n");
    }
    od_html_puts(h, "</tbody></table></div></details>\n");
}

static void write_counts(od_html *h, const od_report *r)
{
    const od_tide *t = &r->localisation.tide;
    int64_t most = 0;
    for (int i = 0; i < OD_FAILURE_NUM_KINDS; i++)
        if (od_failures_count_kind(r->failures, (od_failure_kind)i) > most) most = od_failures_count_kind(r->failures, (od_failure_kind)i);
    od_html_table_begin(h, NULL, "kind|#number||#AP50 it costs|what it is");
    for (int i = 0; i < OD_FAILURE_NUM_KINDS; i++) {
        int64_t n = od_failures_count_kind(r->failures, (od_failure_kind)i);
        od_html_printf(h, "<tr><th scope=\"row\">%s</th>", od_failure_kind_name((od_failure_kind)i));
        od_html_count_cell(h, n);
        od_html_bar_cell(h, most ? (double)n / (double)most : 0);
        od_html_puts(h, "<td class=\"num\">");
        od_html_value(h, t->cost[i], 4, NULL);
        od_html_printf(h, "</td><td>%s</td></tr>\n", od_failure_kind_sentence((od_failure_kind)i));
    }
    od_html_table_end(h);
}

static void write_matrix_row(od_html *h, const od_report *r, int64_t row, int64_t n)
{
    const int64_t *m = od_failures_confusion(r->failures);
    od_html_printf(h, "<tr><th scope=\"row\">%s</th>", row < n ? r->coco.classes[row].name : "no object");
    for (int64_t column = 0; column <= n; column++) {
        int64_t value = m[row * (n + 1) + column];
        if (row == n && column == n)
            od_html_puts(h, "<td>–</td>");
        else
            od_html_printf(h, "<td class=\"%s\">%" PRId64 "</td>", row == column ? "diagonal" : value ? "off" : "", value);
    }
    od_html_puts(h, "</tr>\n");
}

static void write_confusion(od_html *h, const od_report *r)
{
    int64_t n = r->coco.num_classes;
    if (n > MAX_CONFUSION) return;
    od_html_puts(h, "<h3 id=\"confusion\">What was taken for what</h3>\n<div class=\"table-wrap\" role=\"region\" tabindex=\"0\" aria-label=\"Matrix of confusions\"><table class=\"matrix\">"
                    "<caption>Rows: what is there; columns: what was detected. Mislocated and doubled detections aren't in it.</caption><thead><tr><td></td>");
    for (int64_t k = 0; k < n; k++) od_html_printf(h, "<th scope=\"col\">%s</th>", r->coco.classes[k].name);
    od_html_puts(h, "<th scope=\"col\">missed</th></tr></thead><tbody>\n");
    for (int64_t row = 0; row <= n; row++) write_matrix_row(h, r, row, n);
    od_html_puts(h, "</tbody></table></div>\n");
}

void od_section_failures_html(od_html *h, const od_report *r)
{
    if (!r->failures) {
        od_html_missing(h, "This needs detections and their ground truth.", "objdet report --gt=GT.json --dt=DETECTIONS.json --images=FOLDER --output=report.html");
        return;
    }
    od_html_printf(h, "<p>%zu failures in %zu of %" PRId64 " images, at a threshold of %.3f (<a href=\"#operating_point\">where it comes from</a>).</p>\n", od_failures_count(r->failures),
                   od_failures_num_images(r->failures), r->coco.counts.images, r->threshold);
    write_counts(h, r);
    write_confusion(h, r);
    if (!od_failures_count(r->failures)) return;
    if (r->o->gallery)
        write_gallery(h, r);
    write_list(h, r);
}

static json_t *failure_json(const od_report *r, const od_failure *f)
{
    json_t *out = json_pack("{s:s,s:o,s:o,s:o,s:o,s:s}", "kind", od_failure_kind_name(f->kind), "image", od_report_json_text(image_name(r, f->image)), "class", od_report_json_text(class_name(r, f->class_index)), "score",
                            od_report_json_number(f->score), "iou", od_report_json_number(f->iou), "size", size_names[f->size]);
    json_object_set_new(out, "image_id", json_integer((json_int_t)r->test->images[f->image].id));
    json_object_set_new(out, "object_class", f->object_class < 0 ? json_null() : od_report_json_text(class_name(r, f->object_class)));
    json_object_set_new(out, "box", od_report_json_numbers(f->box, 4));
    json_object_set_new(out, "object_box", f->object < 0 ? json_null() : od_report_json_numbers(f->object_box, 4));
    if (r->grouped) json_object_set_new(out, "group", od_report_json_text(image_group(r, f->image)));
    return out;
}

json_t *od_section_failures_json(const od_report *r)
{
    if (!r->failures) return json_null();
    json_t *counts = json_object(), *list = json_array();
    for (int i = 0; i < OD_FAILURE_NUM_KINDS; i++)
        json_object_set_new(counts, od_failure_kind_name((od_failure_kind)i), json_integer((json_int_t)od_failures_count_kind(r->failures, (od_failure_kind)i)));
    for (size_t i = 0; i < od_failures_count(r->failures) && i < MAX_ROWS; i++) json_array_append_new(list, failure_json(r, od_failures_get(r->failures, i)));
    return json_pack("{s:o,s:o,s:I,s:I,s:o}", "threshold", od_report_json_number(r->threshold), "counts", counts, "total", (json_int_t)od_failures_count(r->failures), "with_pictures",
                     (json_int_t)r->gallery_shown, "worst", list);
}
