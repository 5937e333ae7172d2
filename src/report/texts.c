/* SPDX-License-Identifier: Apache-2.0 */
#include "report/texts.h"

#include "util/alloc.h"
#include "util/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void od_texts_add(od_texts *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = n < 0 ? NULL : od_malloc((size_t)n + 1, 1);
    if (text) vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    if (!text || od_grow(&t->items, &t->capacity, t->count + 1, sizeof *t->items)) {
        od_free(text);
        t->failed = 1;
        return;
    }
    t->items[t->count++] = text;
}

void od_texts_deinit(od_texts *t)
{
    for (size_t i = 0; i < t->count; i++) od_free(t->items[i]);
    od_free(t->items);
    memset(t, 0, sizeof *t);
}
