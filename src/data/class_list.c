/* SPDX-License-Identifier: Apache-2.0 */
#include "data/class_list.h"

#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

od_status od_class_list_add(od_class_list *list, const char *name, int32_t id, od_error *err)
{
    int64_t at;
    if (od_hashmap_get(&list->by_name, name, &at)) {
        od_class_entry *e = &list->entries[at];
        if (id && e->id && e->id != id)
            return od_error_set(err, OD_ERR_MISMATCH, "class \"%s\" has the ids %d and %d; give a label map that says which",
                                name, (int)e->id, (int)id);
        if (id) e->id = id;
        return OD_OK;
    }
    if (od_grow(&list->entries, &list->capacity, list->count + 1, sizeof *list->entries))
        return od_error_nomem(err, "class names");
    char *copy = od_strdup(name);
    if (!copy || od_hashmap_set(&list->by_name, name, (int64_t)list->count)) {
        od_free(copy);
        return od_error_nomem(err, "class names");
    }
    list->entries[list->count++] = (od_class_entry){copy, NULL, id};
    return OD_OK;
}

od_status od_class_list_set_display(od_class_list *list, const char *name, const char *display, od_error *err)
{
    int64_t at;
    if (!od_hashmap_get(&list->by_name, name, &at) || list->entries[at].display) return OD_OK;
    list->entries[at].display = od_strdup(display);
    return list->entries[at].display ? OD_OK : od_error_nomem(err, "class names");
}

od_status od_class_list_add_names(od_class_list *list, const od_class_list *from, od_error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        const od_class_entry *e = &from->entries[i];
        OD_TRY(od_class_list_add(list, e->name, 0, err));
        if (e->display) OD_TRY(od_class_list_set_display(list, e->name, e->display, err));
    }
    return OD_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const od_class_entry *)a)->name, ((const od_class_entry *)b)->name);
}

static int by_id(const void *a, const void *b)
{
    int32_t x = ((const od_class_entry *)a)->id, y = ((const od_class_entry *)b)->id;
    return x != y ? (x < y ? -1 : 1) : by_name(a, b);
}

od_status od_class_list_number(od_class_list *list, od_error *err)
{
    od_hashmap_deinit(&list->by_name);
    if (!list->count) return OD_OK;
    qsort(list->entries, list->count, sizeof *list->entries, by_id);
    size_t unnumbered = 0;
    while (unnumbered < list->count && !list->entries[unnumbered].id) unnumbered++;
    for (size_t i = unnumbered + 1; i < list->count; i++)
        if (list->entries[i].id == list->entries[i - 1].id)
            return od_error_set(err, OD_ERR_MISMATCH, "the classes \"%s\" and \"%s\" both have the id %d",
                                list->entries[i - 1].name, list->entries[i].name, (int)list->entries[i].id);
    int32_t id = 1;
    size_t taken = unnumbered;
    for (size_t i = 0; i < unnumbered; id++) {
        while (taken < list->count && list->entries[taken].id < id) taken++;
        if (taken < list->count && list->entries[taken].id == id) continue;
        list->entries[i++].id = id;
    }
    qsort(list->entries, list->count, sizeof *list->entries, by_id);
    return OD_OK;
}

void od_class_list_deinit(od_class_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        od_free(list->entries[i].name);
        od_free(list->entries[i].display);
    }
    od_free(list->entries);
    od_hashmap_deinit(&list->by_name);
    *list = (od_class_list){0};
}
