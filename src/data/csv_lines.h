/* SPDX-License-Identifier: Apache-2.0
 *
 * Comma-separated values (RFC 4180) line by line: fields in quotation marks may hold commas, line breaks and doubled quotation
 * marks; white space at the end of other fields is left out.
 */
#ifndef OD_DATA_CSV_LINES_H
#define OD_DATA_CSV_LINES_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

enum { OD_CSV_MAX_COLUMNS = 64 };

typedef struct od_csv {
    const char *p, *end;  /* what is left to read */
    const char *path;     /* for messages; borrowed */
    int64_t line;         /* of the line that was read, from 1 */
    char *text;           /* the fields' bytes */
    size_t used, text_capacity;
    int failed;           /* an allocation */
    char *fields[OD_CSV_MAX_COLUMNS];
    int field_count;      /* 0: a blank line */
    int64_t next_line;
} od_csv;

/* A byte order mark is skipped. The caller deinits. */
void od_csv_init(od_csv *csv, const char *bytes, size_t size, const char *path);
void od_csv_deinit(od_csv *csv);

/* Reads a line into csv->fields; *more is 0 when there was none. OD_ERR_FORMAT with "path:line: ...". */
od_status od_csv_next(od_csv *csv, int *more, od_error *err);

/* The index of the column (upper or lower case) in the line just read, or -1. */
int od_csv_find(const od_csv *csv, const char *column);
/* A field of the line just read; "" when the line is too short or the column isn't there (-1). */
const char *od_csv_field(const od_csv *csv, int column);
/* A number in a field. `column` names it in the message. */
od_status od_csv_number(const od_csv *csv, int index, const char *column, double *out, od_error *err);
/* OD_ERR_FORMAT with "path:line: what "value"". `value` may be NULL. */
od_status od_csv_fail(const od_csv *csv, const char *what, const char *value, od_error *err);

#endif
