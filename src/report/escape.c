/* SPDX-License-Identifier: Apache-2.0 */
#include "report/escape.h"

#include <stdint.h>

/* Bytes of the well-formed UTF-8 sequence at p (RFC 3629), 0 when there is none. */
static size_t sequence_length(const unsigned char *p)
{
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) return 0;
    if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
    if (n == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe) return 0; /* U+FFFE, U+FFFF: not XML */
    return n;
}

static const char *entity(unsigned char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return c < 0x20 && c != '\t' && c != '\n' && c != '\r' ? "\xef\xbf\xbd" : NULL;
    }
}

void od_xml_escape(od_strbuf *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)(text ? text : ""); *p;) {
        const char *replacement = entity(*p);
        size_t n = sequence_length(p);
        if (replacement || !n)
            od_strbuf_puts(out, replacement ? replacement : "\xef\xbf\xbd");
        else
            od_strbuf_append(out, p, n);
        p += n ? n : 1;
    }
}

size_t od_utf8_length(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void od_utf8_repair(od_strbuf *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t n = sequence_length(p);
        if (n)
            od_strbuf_append(out, p, n);
        else
            od_strbuf_puts(out, "\xef\xbf\xbd");
        p += n ? n : 1;
    }
}
