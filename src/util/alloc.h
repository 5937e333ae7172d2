/* SPDX-License-Identifier: Apache-2.0
 *
 * All heap memory of the library comes from here, so that tests can make any allocation fail. Overflowing
 * products fail as out of memory. NULL means failure; od_free(NULL) is fine.
 */
#ifndef OD_UTIL_ALLOC_H
#define OD_UTIL_ALLOC_H

#include <stddef.h>

void *od_malloc(size_t count, size_t size);  /* count * size bytes, uninitialised */
void *od_calloc(size_t count, size_t size);  /* count * size bytes, zero */
void *od_realloc(void *p, size_t count, size_t size);
char *od_strdup(const char *s);
char *od_strndup(const char *s, size_t n);
char *od_asprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void od_free(void *p);

/* 64-byte aligned, uninitialised; freed with od_aligned_free. */
void *od_aligned_malloc(size_t count, size_t size);
/* Once all of it has been written: asks for large pages where od_aligned_malloc didn't yet (huge_pages.h). bytes: of the allocation. */
void od_aligned_settle(void *p, size_t bytes);
void od_aligned_free(void *p);

/* Makes room for `need` elements in a growing array (doubling). Returns 0, or -1 when out of memory, then
 * nothing has changed. */
int od_grow(void *array_pointer, size_t *capacity, size_t need, size_t size);

/* For tests: the n-th allocation from now (1 = the next) fails, once; 0 switches it off. */
void od_alloc_fail_after(long n);

#endif
