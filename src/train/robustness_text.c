/* SPDX-License-Identifier: Apache-2.0 */
#include "train/robustness_text.h"

#include "train/detections_file.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>

static const char *verdict(const od_robustness_point *p)
{
    if (!isfinite(p->change_low)) return "-";
    return !p->distinct ? "cannot be told apart" : p->change < 0 ? "worse" : "better";
}

static void put_row(od_strbuf *b, const od_robustness_point *p)
{
    char name[40], band[40] = "-", change[60] = "-";
    if (p->level)
        snprintf(name, sizeof name, "%s %d", p->name, p->level);
    else
        snprintf(name, sizeof name, "unchanged");
    if (isfinite(p->map_low)) snprintf(band, sizeof band, "[%.4f, %.4f]", p->map_low, p->map_high);
    if (isfinite(p->change_low)) snprintf(change, sizeof change, "%+.4f [%+.4f, %+.4f]", p->change, p->change_low, p->change_high);
    od_strbuf_printf(b, "%-18s %7.4f  %-18s %7.4f  %-28s %-21s %s\n", name, p->map, band, p->map50, change, p->level ? verdict(p) : "", p->description);
}

char *od_robustness_table(const od_robustness *r)
{
    od_strbuf b = {0};
    od_strbuf_printf(&b, "%s on %lld images, changed in steps\n", r->checkpoint, (long long)r->images);
    od_strbuf_printf(&b, "%-18s %7s  %-18s %7s  %-28s %-21s %s\n", "change", "mAP", "95 % interval", "mAP@.50", "against unchanged, 95 %", "", "what");
    for (int i = 0; i < r->count; i++) put_row(&b, &r->points[i]);
    if (isfinite(r->relative))
        od_strbuf_printf(&b, "Mean over the changes that move nothing: mAP %.4f, %.0f %% of the unchanged pictures'.\n", r->mean_changed, 100 * r->relative);
    od_strbuf_puts(&b, "Boxes found in flipped, turned and shrunk pictures are mapped back, so that all lines are scored on the same ground truth.\n");
    if (!od_strbuf_failed(&b)) return b.data;
    od_strbuf_deinit(&b);
    return NULL;
}

static void put_number(od_strbuf *b, const char *name, double value)
{
    od_strbuf_printf(b, ", \"%s\": ", name);
    od_json_append_number(b, value);
}

static void put_point(od_strbuf *b, const od_robustness_point *p)
{
    od_strbuf_printf(b, "{\"change\": \"%s\", \"level\": %d, \"geometric\": %s, \"description\": ", p->name, p->level, p->geometric ? "true" : "false");
    od_json_append_string(b, p->description);
    put_number(b, "mAP", p->map);
    put_number(b, "mAP_low", p->map_low);
    put_number(b, "mAP_high", p->map_high);
    put_number(b, "mAP50", p->map50);
    put_number(b, "difference", p->change);
    put_number(b, "difference_low", p->change_low);
    put_number(b, "difference_high", p->change_high);
    od_strbuf_printf(b, ", \"distinct\": %s}", p->distinct ? "true" : "false");
}

od_status od_robustness_write(const od_robustness *r, const char *dir, od_error *err)
{
    od_strbuf b = {0};
    od_strbuf_puts(&b, "{\"checkpoint\": ");
    od_json_append_string(&b, r->checkpoint);
    od_strbuf_printf(&b, ", \"step\": %lld, \"images\": %lld", (long long)r->step, (long long)r->images);
    put_number(&b, "mean_changed", r->mean_changed);
    put_number(&b, "relative", r->relative);
    od_strbuf_puts(&b, ",\n \"points\": [");
    for (int i = 0; i < r->count; i++) {
        od_strbuf_puts(&b, i ? ",\n  " : "\n  ");
        put_point(&b, &r->points[i]);
    }
    od_strbuf_puts(&b, "]}\n");
    char *path = od_path_join(dir, "robustness.json");
    od_status status = path && !od_strbuf_failed(&b) ? od_dir_create(dir, err) : od_error_nomem(err, "the robustness");
    if (status == OD_OK) status = od_file_write_all(path, b.data, b.size, err);
    od_free(path);
    od_strbuf_deinit(&b);
    return status;
}
