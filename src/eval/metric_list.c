/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metric_list.h"

#include "util/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void od_metric_list_deinit(od_metric_list *l)
{
    for (size_t i = 0; i < l->count; i++) od_free(l->items[i].tag);
    od_free(l->items);
    *l = (od_metric_list){0};
}

od_status od_metric_list_add(od_metric_list *l, od_error *err, double value, const char *format, ...)
{
    char tag[512];
    va_list args;
    va_start(args, format);
    vsnprintf(tag, sizeof tag, format, args);
    va_end(args);
    if (od_grow(&l->items, &l->capacity, l->count + 1, sizeof *l->items)) return od_error_nomem(err, "metrics");
    l->items[l->count] = (od_metric_value){od_strdup(tag), value};
    if (!l->items[l->count].tag) return od_error_nomem(err, "metrics");
    l->count++;
    return OD_OK;
}

const od_metric_value *od_metric_list_find(const od_metric_list *l, const char *tag)
{
    for (size_t i = 0; i < l->count; i++)
        if (!strcmp(l->items[i].tag, tag)) return &l->items[i];
    return NULL;
}
