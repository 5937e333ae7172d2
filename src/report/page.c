/* SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"

#include "eval/coco_json.h"
#include "objdet/version.h"
#include "report/base64.h"
#include "report/page_assets.h"
#include "report/section.h"
#include "util/file.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NUM_SECTIONS = 0
#define X(name, anchor, title) +1
OD_REPORT_SECTIONS(X)
#undef X
};

static const struct {
    const char *anchor, *title;
    void (*html)(od_html *h, const od_report *r);
    json_t *(*json)(const od_report *r);
} sections[NUM_SECTIONS] = {
#define X(name, anchor, title) {anchor, title, od_section_##name##_html, od_section_##name##_json},
    OD_REPORT_SECTIONS(X)
#undef X
};

/* The day, or the one that SOURCE_DATE_EPOCH gives for builds that can be repeated byte for byte. */
static void format_date(char *out, size_t size)
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    time_t t = fixed ? (time_t)strtoll(fixed, NULL, 10) : time(NULL);
    struct tm day;
    if (!gmtime_r(&t, &day) || !strftime(out, size, "%Y-%m-%d", &day)) out[0] = 0;
}

/* The browser runs no script but ours and loads nothing, whatever a file name may hold. */
static void write_policy(od_html *h)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)od_page_js, strlen(od_page_js), digest);
    od_html_puts(h, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
                    "script-src 'sha256-");
    od_base64_append(&h->out, digest, sizeof digest);
    od_html_puts(h, "'\">\n");
}

static void write_head(od_html *h, const od_report *r)
{
    char date[16];
    format_date(date, sizeof date);
    od_html_puts(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    write_policy(h);
    od_html_printf(h, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"generator\" content=\"objdet %s\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s</title>\n<style>\n",
                   od_version(), r->title);
    od_html_puts(h, od_page_css);
    od_html_puts(h, "</style>\n");
    od_html_puts(h, od_chart_style());
    od_html_printf(h, "\n</head>\n<body>\n<a class=\"skip\" href=\"#answers\">Skip to the answers</a>\n<header class=\"top\"><div>\n"
                      "<p class=\"eyebrow\">Detection report · %s</p>\n<h1>%s</h1>\n<p class=\"sub\">",
                   date, r->title);
    if (r->dt) od_html_printf(h, "%s against %s", od_path_base(r->dt), od_path_base(r->gt));
    if (r->val_dt) od_html_printf(h, "; validation %s against %s", od_path_base(r->val_dt), od_path_base(r->val_gt));
    if (r->o->model_dir) od_html_printf(h, "%straining in %s", r->dt ? "; " : "", r->o->model_dir);
    od_html_puts(h, "</p>\n</div><button id=\"theme\" type=\"button\" hidden>Theme: auto</button></header>\n");
}

static void write_nav(od_html *h)
{
    od_html_puts(h, "<div class=\"shell\">\n<nav class=\"toc\" aria-label=\"Sections\"><ul>\n");
    for (int i = 0; i < NUM_SECTIONS; i++) od_html_printf(h, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].anchor, sections[i].title);
    od_html_puts(h, "</ul></nav>\n<main>\n");
}

static void write_foot(od_html *h)
{
    od_html_printf(h, "<footer>Written by objdet %s. This file is complete: it loads nothing from anywhere.</footer>\n</main>\n</div>\n<script>",
                   od_version());
    od_html_puts(h, od_page_js);
    od_html_puts(h, "</script>\n</body>\n</html>\n");
}

static void write_section(od_html *h, const od_report *r, int i)
{
    od_html_section_begin(h, sections[i].anchor, sections[i].title);
    sections[i].html(h, r);
    od_html_section_end(h);
}

static void write_page(od_html *h, const od_report *r)
{
    write_head(h, r);
    write_nav(h);
    for (int i = 0; i < NUM_SECTIONS; i++) write_section(h, r, i);
    write_foot(h);
}

/* Writes with fewer and fewer pictures, the least bad first, until the page is as small as asked. */
od_status od_page_write(od_report *r, const char *path, od_error *err)
{
    od_html h = {0};
    size_t limit = (size_t)(r->o->max_size_mb * 1e6);
    for (write_page(&h, r); h.out.size > limit && r->gallery_shown && !od_strbuf_failed(&h.out); write_page(&h, r)) {
        size_t fewer = 1 + (size_t)((double)r->gallery_shown * (double)(h.out.size - limit) / (double)h.out.size);
        r->gallery_shown -= fewer < r->gallery_shown ? fewer : r->gallery_shown;
        od_strbuf_deinit(&h.out);
        h = (od_html){0};
    }
    od_status status = od_strbuf_failed(&h.out) ? od_error_nomem(err, path) : od_file_write_all(path, h.out.data, h.out.size, err);
    od_strbuf_deinit(&h.out);
    return status;
}

od_status od_page_write_json(const od_report *r, const char *path, od_error *err)
{
    json_t *root = json_pack("{s:s,s:i,s:s,s:s}", "format", "objdet-report", "version", 1, "program", od_version(), "title", r->title);
    for (int i = 0; root && i < NUM_SECTIONS; i++) {
        json_t *section = sections[i].json(r);
        if (!section || json_object_set_new(root, sections[i].anchor, section)) {
            json_decref(root);
            root = NULL;
        }
    }
    return od_json_write(root, path, err);
}
