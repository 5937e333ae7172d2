/* SPDX-License-Identifier: Apache-2.0 */
#include "data/markup.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void od_put_xml_text(od_strbuf *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': od_strbuf_puts(out, "&amp;"); break;
        case '<': od_strbuf_puts(out, "&lt;"); break;
        case '>': od_strbuf_puts(out, "&gt;"); break;
        case '"': od_strbuf_puts(out, "&quot;"); break;
        case '\'': od_strbuf_puts(out, "&apos;"); break;
        default: od_strbuf_append(out, (unsigned char)*text < 32 && !strchr("\t\n\r", *text) ? "?" : text, 1);
        }
    }
}

void od_put_csv_field(od_strbuf *out, const char *text)
{
    size_t n = strlen(text);
    int plain = !strpbrk(text, ",\"\n\r") && (!n || (!isspace((unsigned char)text[0]) && !isspace((unsigned char)text[n - 1])));
    if (plain) {
        od_strbuf_puts(out, text);
        return;
    }
    od_strbuf_puts(out, "\"");
    for (; *text; text++) od_strbuf_append(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    od_strbuf_puts(out, "\"");
}

void od_put_json_text(od_strbuf *out, const char *text)
{
    json_t *s = json_string(text);
    if (!s) {
        od_strbuf plain = {0};
        for (; *text; text++) od_strbuf_append(&plain, (unsigned char)*text < 128 ? text : "?", 1);
        if (plain.data) s = json_string(plain.data);
        od_strbuf_deinit(&plain);
    }
    char *dumped = s ? json_dumps(s, JSON_ENCODE_ANY) : NULL;
    if (dumped)
        od_strbuf_puts(out, dumped);
    else
        out->failed = 1;
    free(dumped);
    json_decref(s);
}
