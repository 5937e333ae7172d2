/* SPDX-License-Identifier: Apache-2.0
 *
 * A small HTML writer that escapes by default: markup stands in format strings, which are literals of this program;
 * everything that %s puts in between is escaped for text and for quoted attributes alike.
 *
 *     od_html h = {0};
 *     od_html_printf(&h, "<td title=\"%s\">%s</td><td>%.3f</td>", file_name, class_name, ap);
 */
#ifndef OD_REPORT_HTML_H
#define OD_REPORT_HTML_H

#include "util/strbuf.h"

#include <stdarg.h>

typedef struct od_html {
    od_strbuf out; /* remembers a failed allocation */
    int next_id;   /* for ids of elements that refer to each other */
} od_html;

/* Markup without values. */
void od_html_puts(od_html *h, const char *markup);
/* Conversions of printf with flags, width and precision: d i u x (also with l, ll, z, j), c, f e g, s (escaped), %%. No
 * '*', no %n. */
void od_html_printf(od_html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text, escaped. NULL is empty. */
void od_html_text(od_html *h, const char *text);
/* The same, with options such as --cost_fp kept on one line: browsers break after hyphens. */
void od_html_prose(od_html *h, const char *text);
/* Text as printf makes it, escaped as a whole. */
void od_html_textf(od_html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
