/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte string. Once an allocation fails the buffer stays failed and ignores further appends, so
 * that callers check once at the end with od_strbuf_failed.
 */
#ifndef OD_UTIL_STRBUF_H
#define OD_UTIL_STRBUF_H

#include <stddef.h>

typedef struct od_strbuf {
    char *data; /* always NUL-terminated once something was appended; NULL before */
    size_t size, capacity;
    int failed;
} od_strbuf;

void od_strbuf_append(od_strbuf *b, const void *bytes, size_t size);
void od_strbuf_puts(od_strbuf *b, const char *text);
void od_strbuf_printf(od_strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int od_strbuf_failed(const od_strbuf *b);
void od_strbuf_deinit(od_strbuf *b);

#endif
