/* SPDX-License-Identifier: Apache-2.0
 *
 * A long JSON array of objects read by several threads: each starts at a guessed element boundary ("}, {"); a part
 * counts only when the part before it ended exactly there, otherwise it is read again in order. The result never
 * depends on the guesses.
 */
#ifndef OD_EVAL_JSON_ARRAY_H
#define OD_EVAL_JSON_ARRAY_H

#include "eval/json_scan.h"
#include "util/error.h"

/* Reads one element at j->p into `item` (zeroed, `size` bytes). `index` is only for messages and counts from the
 * start of its part until the parts are joined. On failure returns 0 with j->problem set, or fills `message`. */
typedef int (*od_json_item_fn)(od_json *j, void *item, const void *user, char *message, size_t message_size);

typedef struct od_json_items {
    void *items; /* od_free */
    size_t count;
} od_json_items;

/* j stands before '['; afterwards behind ']'. `what` ("detection") and `file` are for messages. */
od_status od_json_read_array(od_json *j, const char *file, const char *what, size_t item_size, od_json_item_fn read,
                             const void *user, int num_threads, od_json_items *out, od_error *err);

/* "file: line 3 (byte 17): problem" */
od_status od_json_error(const od_json *j, const char *file, od_error *err);

#endif
