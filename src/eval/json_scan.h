/* SPDX-License-Identifier: Apache-2.0
 *
 * A validating JSON reader over bytes in memory, for annotation and result files of tens of megabytes: the caller
 * walks the document and takes what it wants; everything else is skipped but still checked (grammar, escapes, UTF-8,
 * depth). Python's NaN, Infinity and -Infinity are read as numbers, so that the caller can name them.
 *
 *     od_json j;
 *     od_json_init(&j, bytes, size);
 *     for (int more = od_json_enter(&j, '['); more > 0; more = od_json_next(&j, ']')) ... one value ...
 *
 * Functions return 0 on malformed input, after which `problem` says what was wrong at `p`.
 */
#ifndef OD_EVAL_JSON_SCAN_H
#define OD_EVAL_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

typedef struct od_json {
    const char *start, *p, *end;
    const char *problem; /* NULL while all is well */
} od_json;

/* A string's bytes between its quotes. */
typedef struct od_json_text {
    const char *bytes;
    size_t size;
    int escaped; /* contains backslashes */
} od_json_text;

typedef struct od_json_number {
    double value;
    int64_t integer;
    int is_integer; /* the value is a whole number that fits `integer` exactly */
} od_json_number;

void od_json_init(od_json *j, const void *bytes, size_t size);

/* What the next value is: one of { [ " n t f 0 (a number), or 0 for neither (also at the end). Skips white space. */
char od_json_peek(od_json *j);
/* "an object", "a number" ...: for messages. */
const char *od_json_kind_name(char kind);

/* Enters an array ('[') or object ('{'): 1 when it has elements, 0 when it is empty (and is left), -1 on a problem. */
int od_json_enter(od_json *j, char open);
/* After an element, with ']' or '}': 1 when another follows, 0 when the array or object is over, -1 on a problem. */
int od_json_next(od_json *j, char close);
/* An object's key and its colon. */
int od_json_key(od_json *j, od_json_text *key);

int od_json_string(od_json *j, od_json_text *text);
int od_json_read_number(od_json *j, od_json_number *number);
int od_json_skip(od_json *j); /* any value */
/* After the last value: only white space may follow. */
int od_json_finish(od_json *j);

/* Compares a key; escapes in it are resolved. */
int od_json_text_is(const od_json_text *text, const char *expected);
/* A NUL-terminated copy with escapes resolved; "\u0000" is refused. NULL when out of memory or refused. */
char *od_json_text_copy(const od_json_text *text);

/* Line (from 1) of a position: for messages. */
size_t od_json_line(const od_json *j, const char *at);

#endif
