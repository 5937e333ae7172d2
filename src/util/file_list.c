/* SPDX-License-Identifier: Apache-2.0 */
#include "util/file_list.h"

#include "util/alloc.h"
#include "util/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void od_file_list_deinit(od_file_list *list)
{
    for (size_t i = 0; i < list->count; i++) od_free(list->paths[i]);
    od_free(list->paths);
    *list = (od_file_list){0};
}

/* Takes ownership of path (NULL: out of memory). */
static od_status append(od_file_list *list, char *path, od_error *err)
{
    if (!path || od_grow(&list->paths, &list->capacity, list->count + 1, sizeof *list->paths)) {
        od_free(path);
        return od_error_nomem(err, "a list of files");
    }
    list->paths[list->count++] = path;
    return OD_OK;
}

static int ends_in(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');
    for (; dot && *endings; endings++)
        if (!strcasecmp(dot + 1, *endings)) return 1;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static od_status add_folder(od_file_list *list, const char *path, const char *const *endings, od_error *err)
{
    DIR *dir = opendir(path);
    if (!dir) return od_error_errno(err, path, "open folder");
    size_t first = list->count;
    od_status status = OD_OK;
    for (struct dirent *entry; status == OD_OK && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && ends_in(entry->d_name, endings)) status = append(list, od_path_join(path, entry->d_name), err);
    closedir(dir);
    if (list->count > first) qsort(list->paths + first, list->count - first, sizeof *list->paths, by_name);
    return status;
}

od_status od_file_list_add(od_file_list *list, const char *path, const char *const *endings, od_error *err)
{
    if (od_path_is_dir(path)) return add_folder(list, path, endings, err);
    if (!od_path_exists(path)) {
        errno = ENOENT;
        return od_error_errno(err, path, "open");
    }
    return append(list, od_strdup(path), err);
}
