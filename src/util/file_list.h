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

/* A different name for each file, for what is made of it: *names[i] is file i's name without folder and ending, or, where an
 * earlier file has that, with the next free number ("a", "a_2"); a file that is called so keeps its name. The caller frees with
 * od_file_list_names_free. OD_ERR_NOMEM. */
od_status od_file_list_names(const od_file_list *list, char ***names, od_error *err);
void od_file_list_names_free(const od_file_list *list, char **names);

#endif
