/* SPDX-License-Identifier: Apache-2.0 */
#include "util/strbuf.h"

#include "util/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int make_room(od_strbuf *b, size_t more)
{
    if (b->failed) return -1;
    if (od_grow(&b->data, &b->capacity, b->size + more + 1, 1)) b->failed = 1;
    return b->failed ? -1 : 0;
}

void od_strbuf_append(od_strbuf *b, const void *bytes, size_t size)
{
    if (make_room(b, size)) return;
    if (size) memcpy(b->data + b->size, bytes, size);
    b->size += size;
    b->data[b->size] = 0;
}

void od_strbuf_puts(od_strbuf *b, const char *text)
{
    od_strbuf_append(b, text, strlen(text));
}

void od_strbuf_printf(od_strbuf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0 && !make_room(b, (size_t)n)) {
        vsnprintf(b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
}

int od_strbuf_failed(const od_strbuf *b)
{
    return b->failed;
}

void od_strbuf_deinit(od_strbuf *b)
{
    od_free(b->data);
    *b = (od_strbuf){0};
}
