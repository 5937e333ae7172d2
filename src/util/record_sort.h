/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorts any number of records of one size in bounded memory: what doesn't fit goes to a temporary file in sorted runs, which are merged while they are
 * read. Of equal records one is kept.
 *
 *     od_record_sort_create(&s, sizeof r, by_key, 16 << 20, err);
 *     od_record_sort_add(s, &r, err); ...
 *     od_record_sort_finish(s, err);
 *     while ((status = od_record_sort_next(s, &r, &more, err)) == OD_OK && more) ...
 *     od_record_sort_free(s);
 */
#ifndef OD_UTIL_RECORD_SORT_H
#define OD_UTIL_RECORD_SORT_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_record_sort od_record_sort;

/* `compare` as for qsort, of whole records. `memory` in bytes: of the records held; sorting takes as much again. */
od_status od_record_sort_create(od_record_sort **out, size_t record_size, int (*compare)(const void *, const void *), size_t memory, od_error *err);
od_status od_record_sort_add(od_record_sort *s, const void *record, od_error *err);
/* No more are added: from here on they are read. */
od_status od_record_sort_finish(od_record_sort *s, od_error *err);
/* The next in order; *more = 0 behind the last. */
od_status od_record_sort_next(od_record_sort *s, void *record, int *more, od_error *err);
void od_record_sort_free(od_record_sort *s); /* NULL is fine */

#endif
