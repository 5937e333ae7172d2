/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of files: names given one by one, and what lies in folders.
 */
#ifndef OD_UTIL_FILE_LIST_H
#define OD_UTIL_FILE_LIST_H

#include "util/error.h"

#include <stddef.h>

typedef struct od_file_list {
    char **paths;
    size_t count, capacity;
} od_file_list;

/* Adds a file, or a folder's files (sorted by name, not below it) that end in one of `endings` (without the dot, NULL at the
 * end; upper or lower case). OD_ERR_NOT_FOUND when the path doesn't exist. */
od_status od_file_list_add(od_file_list *list, const char *path, const char *const *endings, od_error *err);
void od_file_list_deinit(od_file_list *list);

#endif
