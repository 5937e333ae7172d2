/* SPDX-License-Identifier: Apache-2.0
 *
 * The classes that annotations name, with ids where the format has them (COCO) and without (VOC, CSV); numbered at the
 * end, for data sets that come without a label map.
 */
#ifndef OD_DATA_CLASS_LIST_H
#define OD_DATA_CLASS_LIST_H

#include "util/error.h"
#include "util/hashmap.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_class_entry {
    char *name;
    char *display; /* what a code (/m/011k07) is called, or NULL */
    int32_t id;    /* 0: not numbered yet */
} od_class_entry;

typedef struct od_class_list {
    od_class_entry *entries;
    size_t count, capacity;
    od_hashmap by_name; /* -> index into entries, before od_class_list_number */
} od_class_list;

/* Adds a class or gives a known one its id (0: the data has none). OD_ERR_MISMATCH when it has another id already. */
od_status od_class_list_add(od_class_list *list, const char *name, int32_t id, od_error *err);

/* What a class that is in the list is called; the first that is given counts. OD_ERR_NOMEM. */
od_status od_class_list_set_display(od_class_list *list, const char *name, const char *display, od_error *err);

/* Adds the names of `from`, with what they are called, without its ids. OD_ERR_NOMEM. */
od_status od_class_list_add_names(od_class_list *list, const od_class_list *from, od_error *err);

/* Gives every class without an id the lowest free one, in alphabetical order, and sorts by id. OD_ERR_MISMATCH when two
 * names have one id. */
od_status od_class_list_number(od_class_list *list, od_error *err);

void od_class_list_deinit(od_class_list *list);

#endif
