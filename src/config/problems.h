/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing list of od_config_problem that owns its strings. Used by the text-format parser and by the checks.
 */
#ifndef OD_CONFIG_PROBLEMS_H
#define OD_CONFIG_PROBLEMS_H

#include "objdet/config.h"
#include "util/error.h"

enum { OD_PROBLEMS_MAX = 200 }; /* later ones are dropped */

typedef struct od_problems {
    od_config_problem *items;
    size_t count, capacity;
    int errors; /* items of severity OD_CONFIG_ERROR */
    int failed; /* out of memory: the list isn't complete */
} od_problems;

/* Copies the strings; NULL ones become "". */
void od_problems_add(od_problems *list, const od_config_problem *problem);
void od_problems_deinit(od_problems *list);
/* By line, then column, those without a line last; keeps the order of the rest. */
void od_problems_sort(od_problems *list);
/* "file:line:column: field: message; expected ...; fix" of the first error, and how many more there are. */
od_status od_problems_to_error(const od_problems *list, od_status status, od_error *err);

#endif
