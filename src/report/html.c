/* SPDX-License-Identifier: Apache-2.0 */
#include "report/html.h"

#include "report/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

void od_html_puts(od_html *h, const char *markup)
{
    od_strbuf_puts(&h->out, markup);
}

void od_html_text(od_html *h, const char *text)
{
    od_xml_escape(&h->out, text);
}

void od_html_prose(od_html *h, const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=-";
    od_strbuf escaped = {0};
    od_xml_escape(&escaped, text);
    if (!od_strbuf_failed(&escaped) && escaped.data) {
        const char *rest = escaped.data, *option;
        while ((option = strstr(rest, "--")) != NULL) {
            size_t n = strspn(option, letters);
            od_strbuf_append(&h->out, rest, (size_t)(option - rest));
            od_strbuf_puts(&h->out, "<span class=\"opt\">");
            od_strbuf_append(&h->out, option, n);
            od_strbuf_puts(&h->out, "</span>");
            rest = option + n;
        }
        od_strbuf_puts(&h->out, rest);
    } else {
        od_html_text(h, text);
    }
    od_strbuf_deinit(&escaped);
}

/* How long the argument is: printf's l, ll, z, j. */
typedef enum width { WIDTH_INT, WIDTH_LONG, WIDTH_LONG_LONG, WIDTH_SIZE, WIDTH_MAX } width;

static width read_width(const char **p)
{
    if (**p == 'z' || **p == 'j') return *(*p)++ == 'z' ? WIDTH_SIZE : WIDTH_MAX;
    if (**p != 'l') return WIDTH_INT;
    if (*++*p != 'l') return WIDTH_LONG;
    ++*p;
    return WIDTH_LONG_LONG;
}

static intmax_t next_signed(va_list *args, width w)
{
    switch (w) {
    case WIDTH_LONG: return va_arg(*args, long);
    case WIDTH_LONG_LONG: return va_arg(*args, long long);
    case WIDTH_SIZE: return va_arg(*args, ptrdiff_t);
    case WIDTH_MAX: return va_arg(*args, intmax_t);
    default: return va_arg(*args, int);
    }
}

static uintmax_t next_unsigned(va_list *args, width w)
{
    switch (w) {
    case WIDTH_LONG: return va_arg(*args, unsigned long);
    case WIDTH_LONG_LONG: return va_arg(*args, unsigned long long);
    case WIDTH_SIZE: return va_arg(*args, size_t);
    case WIDTH_MAX: return va_arg(*args, uintmax_t);
    default: return va_arg(*args, unsigned);
    }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* One conversion: `spec` is its text from % on without length and letter, `letter` what it converts to. */
static void convert(od_html *h, const char *spec, width w, char letter, va_list *args)
{
    char format[48], buffer[512];
    if (letter == 's' && !spec[1]) {
        od_html_text(h, va_arg(*args, const char *));
        return;
    }
    int is_integer = strchr("diux", letter) != NULL;
    snprintf(format, sizeof format, "%s%s%c", spec, is_integer ? "j" : "", letter);
    if (letter == 's')
        snprintf(buffer, sizeof buffer, format, va_arg(*args, const char *));
    else if (letter == 'c')
        snprintf(buffer, sizeof buffer, format, va_arg(*args, int));
    else if (letter == 'd' || letter == 'i')
        snprintf(buffer, sizeof buffer, format, next_signed(args, w));
    else if (is_integer)
        snprintf(buffer, sizeof buffer, format, next_unsigned(args, w));
    else
        snprintf(buffer, sizeof buffer, format, va_arg(*args, double));
    od_html_text(h, buffer);
}
#pragma GCC diagnostic pop

void od_html_printf(od_html *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (const char *p = format; *p;) {
        size_t plain = strcspn(p, "%");
        od_strbuf_append(&h->out, p, plain);
        p += plain;
        if (!*p) break;
        if (p[1] == '%') {
            od_strbuf_append(&h->out, "%", 1);
            p += 2;
            continue;
        }
        char spec[24] = "%";
        size_t flags = strspn(p + 1, "-+ #0123456789.");
        if (flags > sizeof spec - 2) flags = sizeof spec - 2;
        memcpy(spec + 1, p + 1, flags);
        p += 1 + flags;
        width w = read_width(&p);
        if (!*p) break;
        convert(h, spec, w, *p++, &args);
    }
    va_end(args);
}

void od_html_textf(od_html *h, const char *format, ...)
{
    char buffer[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(buffer, sizeof buffer, format, args);
    va_end(args);
    od_html_text(h, buffer);
}
