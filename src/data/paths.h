/* SPDX-License-Identifier: Apache-2.0
 *
 * From what stands in input_path to files.
 */
#ifndef OD_DATA_PATHS_H
#define OD_DATA_PATHS_H

#include "util/error.h"

#include <stddef.h>

typedef struct od_path_list {
    char **items;
    size_t count, capacity;
} od_path_list;

int od_path_list_add(od_path_list *list, const char *path); /* 0, or -1 when out of memory */
void od_path_list_deinit(od_path_list *list);
/* Sorts the items from `first` on. */
void od_path_list_sort(od_path_list *list, size_t first);

/* Appends what `pattern` stands for: an existing path itself; "name@4" or "name@4.ext"'s shards name-00000-of-00004.ext...
 * (all must exist); a part of a file, "data.yaml#val"; else a glob (*, ?, [..]; so "name-?????-of-00004" works), sorted.
 * OD_ERR_NOT_FOUND when nothing matches. */
od_status od_path_list_expand(od_path_list *list, const char *pattern, od_error *err);

/* Appends the folder's files (not below it) that end in `ending` (upper or lower case), sorted; hidden ones left out. */
od_status od_path_list_add_folder(od_path_list *list, const char *dir, const char *ending, od_error *err);

int od_path_has_ending(const char *path, const char *ending); /* upper or lower case */
int od_path_is_image(const char *path);                       /* by its ending */

/* The part that "FILE#part" names, when FILE exists and no file has the whole name; else NULL. Points into `path`. */
const char *od_path_part(const char *path);

#endif
