/* SPDX-License-Identifier: Apache-2.0 */
#include "util/file_list.h"

#include "util/alloc.h"
#include "util/file.h"
#include "util/hashmap.h"

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

void od_file_list_names_free(const od_file_list *list, char **names)
{
    for (size_t i = 0; names && i < list->count; i++) od_free(names[i]);
    od_free(names);
}

static char *stem_of(const char *path)
{
    const char *base = od_path_base(path), *dot = strrchr(base, '.');
    return dot && dot != base ? od_strndup(base, (size_t)(dot - base)) : od_strdup(base);
}

/* The stem with the first number from *number on that no file has; NULL when out of memory. */
static char *numbered(od_hashmap *taken, const char *stem, int64_t *number)
{
    for (;; ++*number) {
        char *name = od_asprintf("%s_%lld", stem, (long long)*number);
        if (!name) return NULL;
        if (!od_hashmap_get(taken, name, NULL)) {
            if (!od_hashmap_set(taken, name, 2)) return name;
            od_free(name);
            return NULL;
        }
        od_free(name);
    }
}

/* `taken`: each name -> the number to try next. First all files whose stem is free, then the others. */
static int fill_names(const od_file_list *list, char **names, od_hashmap *taken)
{
    for (size_t i = 0; i < list->count; i++) {
        char *stem = stem_of(list->paths[i]);
        if (!stem) return -1;
        if (od_hashmap_get(taken, stem, NULL)) {
            od_free(stem);
            continue;
        }
        names[i] = stem;
        if (od_hashmap_set(taken, stem, 2)) return -1;
    }
    for (size_t i = 0; i < list->count; i++) {
        int64_t number = 2;
        if (names[i]) continue;
        char *stem = stem_of(list->paths[i]);
        if (stem && od_hashmap_get(taken, stem, &number)) names[i] = numbered(taken, stem, &number);
        int failed = !names[i] || od_hashmap_set(taken, stem, number + 1);
        od_free(stem);
        if (failed) return -1;
    }
    return 0;
}

od_status od_file_list_names(const od_file_list *list, char ***names, od_error *err)
{
    od_hashmap taken = {0};
    char **all = od_calloc(list->count, sizeof *all);
    int failed = !all || fill_names(list, all, &taken);
    od_hashmap_deinit(&taken);
    if (failed) {
        od_file_list_names_free(list, all);
        return od_error_nomem(err, "names of files");
    }
    *names = all;
    return OD_OK;
}
