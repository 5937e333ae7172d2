/* SPDX-License-Identifier: Apache-2.0 */
#include "data/paths.h"

#include "util/alloc.h"
#include "util/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int od_path_list_add(od_path_list *list, const char *path)
{
    if (od_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) return -1;
    char *copy = od_strdup(path);
    if (!copy) return -1;
    list->items[list->count++] = copy;
    return 0;
}

void od_path_list_deinit(od_path_list *list)
{
    for (size_t i = 0; i < list->count; i++) od_free(list->items[i]);
    od_free(list->items);
    *list = (od_path_list){0};
}

/* "dir/name@12.ext": the parts around "@12". 0 when `pattern` isn't of that form. */
static long parse_shards(const char *pattern, size_t *stem, const char **ending)
{
    const char *at = strrchr(pattern, '@');
    if (!at || at == pattern || strchr(at, '/')) return 0;
    char *end;
    errno = 0;
    long n = isdigit((unsigned char)at[1]) ? strtol(at + 1, &end, 10) : 0;
    if (n < 1 || n > 99999 || errno || (*end && *end != '.')) return 0;
    *stem = (size_t)(at - pattern);
    *ending = end;
    return n;
}

static od_status add_shards(od_path_list *list, const char *pattern, long n, size_t stem, const char *ending, od_error *err)
{
    for (long i = 0; i < n; i++) {
        char *path = od_asprintf("%.*s-%05ld-of-%05ld%s", (int)stem, pattern, i, n, ending);
        if (!path) return od_error_nomem(err, pattern);
        od_status status = OD_OK;
        if (!od_path_exists(path))
            status = od_error_set(err, OD_ERR_NOT_FOUND, "%s: shard %s does not exist", pattern, path);
        else if (od_path_list_add(list, path))
            status = od_error_nomem(err, pattern);
        od_free(path);
        OD_TRY(status);
    }
    return OD_OK;
}

od_status od_path_list_expand(od_path_list *list, const char *pattern, od_error *err)
{
    if (!*pattern) return od_error_set(err, OD_ERR_ARG, "an input path is empty");
    if (od_path_exists(pattern) || od_path_part(pattern)) return od_path_list_add(list, pattern) ? od_error_nomem(err, pattern) : OD_OK;
    size_t stem;
    const char *ending;
    long shards = parse_shards(pattern, &stem, &ending);
    if (shards) return add_shards(list, pattern, shards, stem, ending, err);
    if (!strpbrk(pattern, "*?[")) {
        errno = ENOENT;
        return od_error_errno(err, pattern, "open");
    }
    glob_t found = {0};
    int code = glob(pattern, 0, NULL, &found);
    od_status status = OD_OK;
    if (code == GLOB_NOSPACE) status = od_error_nomem(err, pattern);
    if (code && code != GLOB_NOSPACE) status = od_error_set(err, OD_ERR_NOT_FOUND, "%s: no file matches", pattern);
    for (size_t i = 0; !code && status == OD_OK && i < found.gl_pathc; i++)
        if (od_path_list_add(list, found.gl_pathv[i])) status = od_error_nomem(err, pattern);
    globfree(&found);
    return status;
}

int od_path_has_ending(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n >= m && !strcasecmp(path + n - m, ending);
}

int od_path_is_image(const char *path)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".dcm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (od_path_has_ending(path, endings[i])) return 1;
    return 0;
}

const char *od_path_part(const char *path)
{
    const char *hash = strrchr(path, '#');
    if (!hash || hash == path || !hash[1] || od_path_exists(path)) return NULL;
    char *file = od_strndup(path, (size_t)(hash - path));
    int found = file && od_path_exists(file);
    od_free(file);
    return found ? hash + 1 : NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void od_path_list_sort(od_path_list *list, size_t first)
{
    if (list->count > first) qsort(list->items + first, list->count - first, sizeof *list->items, by_text);
}

od_status od_path_list_add_folder(od_path_list *list, const char *dir, const char *ending, od_error *err)
{
    size_t first = list->count;
    DIR *d = opendir(dir);
    if (!d) return od_error_errno(err, dir, "read");
    od_status status = OD_OK;
    for (struct dirent *entry; status == OD_OK && (entry = readdir(d));) {
        if (entry->d_name[0] == '.' || !od_path_has_ending(entry->d_name, ending)) continue;
        char *path = od_path_join(dir, entry->d_name);
        if (!path || od_path_list_add(list, path)) status = od_error_nomem(err, dir);
        od_free(path);
    }
    closedir(d);
    od_path_list_sort(list, first);
    return status;
}
