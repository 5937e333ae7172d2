/* SPDX-License-Identifier: Apache-2.0
 *
 * Named figures of an evaluation: the OD API's tag and the value, in its order.
 */
#ifndef OD_EVAL_METRIC_LIST_H
#define OD_EVAL_METRIC_LIST_H

#include "util/error.h"

#include <stddef.h>

typedef struct od_metric_value {
    char *tag;    /* owned */
    double value; /* NAN: nothing to measure it by */
} od_metric_value;

typedef struct od_metric_list {
    od_metric_value *items;
    size_t count, capacity;
} od_metric_list;

void od_metric_list_deinit(od_metric_list *l);
/* The tag is formatted as by printf. */
od_status od_metric_list_add(od_metric_list *l, od_error *err, double value, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The figure with this tag, or NULL. */
const od_metric_value *od_metric_list_find(const od_metric_list *l, const char *tag);

#endif
