/* SPDX-License-Identifier: Apache-2.0 */
#include "util/alloc.h"

#include "util/huge_pages.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENT_BYTES = 32 << 20 }; /* so many in large pages that don't exist yet would be felt */

static atomic_long fail_countdown;

void od_alloc_fail_after(long n)
{
    atomic_store(&fail_countdown, n);
}

static int must_fail(size_t count, size_t size)
{
    if (size && count > (size_t)PTRDIFF_MAX / size) return 1;
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) <= 0) return 0;
    return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

/* malloc(0) may give NULL, which here would read as a failure. */
static size_t at_least_one(size_t bytes)
{
    return bytes ? bytes : 1;
}

void *od_malloc(size_t count, size_t size)
{
    return must_fail(count, size) ? NULL : malloc(at_least_one(count * size));
}

void *od_calloc(size_t count, size_t size)
{
    return must_fail(count, size) ? NULL : calloc(1, at_least_one(count * size));
}

void *od_realloc(void *p, size_t count, size_t size)
{
    return must_fail(count, size) ? NULL : realloc(p, at_least_one(count * size));
}

char *od_strndup(const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *copy = od_malloc(length + 1, 1);
    if (!copy) return NULL;
    memcpy(copy, s, length);
    copy[length] = 0;
    return copy;
}

char *od_strdup(const char *s)
{
    return od_strndup(s, PTRDIFF_MAX);
}

char *od_asprintf(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : od_malloc((size_t)n + 1, 1);
    if (text) vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

void od_free(void *p)
{
    free(p);
}

void *od_aligned_malloc(size_t count, size_t size)
{
    if (must_fail(count, size)) return NULL;
    size_t bytes = (at_least_one(count * size) + 63) & ~(size_t)63, huge = OD_HUGE_PAGE;
    if (bytes < 2 * huge) return aligned_alloc(64, bytes);
    bytes = (bytes + huge - 1) & ~(huge - 1);
    void *p = aligned_alloc(huge, bytes);
    if (p && (bytes < PATIENT_BYTES || od_huge_pages_free() >= bytes)) od_huge_pages_advise(p, bytes);
    return p;
}

void od_aligned_settle(void *p, size_t bytes)
{
    if (p && bytes >= 2 * (size_t)OD_HUGE_PAGE) od_huge_pages_advise(p, bytes);
}

void od_aligned_free(void *p)
{
    free(p);
}

int od_grow(void *array_pointer, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity) return 0;
    size_t wanted = *capacity ? *capacity : 8;
    while (wanted < need) wanted = wanted > SIZE_MAX / 2 ? need : wanted * 2;
    void *old;
    memcpy(&old, array_pointer, sizeof old);
    void *grown = od_realloc(old, wanted, size);
    if (!grown) return -1;
    memcpy(array_pointer, &grown, sizeof grown);
    *capacity = wanted;
    return 0;
}
