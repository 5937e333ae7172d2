/* SPDX-License-Identifier: Apache-2.0 */
#include "data/paths.h"

#include "util/alloc.h"
#include "util/file.h"
#include "util/record.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

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
    if (od_path_exists(pattern)) return od_path_list_add(list, pattern) ? od_error_nomem(err, pattern) : OD_OK;
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

static int has_ending(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n >= m && !strcasecmp(path + n - m, ending);
}

static int exists_in(const char *dir, const char *name)
{
    char *path = od_path_join(dir, name);
    int yes = path && od_path_exists(path);
    od_free(path);
    return yes;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files of a folder with an ending, sorted. */
static od_status list_folder(od_path_list *list, const char *dir, const char *ending, od_error *err)
{
    size_t first = list->count;
    DIR *d = opendir(dir);
    if (!d) return od_error_errno(err, dir, "read");
    od_status status = OD_OK;
    for (struct dirent *entry; status == OD_OK && (entry = readdir(d));) {
        if (entry->d_name[0] == '.' || !has_ending(entry->d_name, ending)) continue;
        char *path = od_path_join(dir, entry->d_name);
        if (!path || od_path_list_add(list, path)) status = od_error_nomem(err, dir);
        od_free(path);
    }
    closedir(d);
    if (list->count > first) qsort(list->items + first, list->count - first, sizeof *list->items, by_text);
    return status;
}

static int folder_is_voc(const char *dir)
{
    if (exists_in(dir, "Annotations") || exists_in(dir, "annotations")) return 1;
    od_path_list xml = {0};
    int yes = list_folder(&xml, dir, ".xml", NULL) == OD_OK && xml.count > 0;
    od_path_list_deinit(&xml);
    return yes;
}

static od_status expand_folder(od_path_list *list, const char *dir, od_error *err)
{
    static const char *const single[] = {".json", ".csv"}, *const records[] = {".record", ".tfrecord", ".tfrecords"};
    size_t first = list->count;
    for (size_t i = 0; i < 3; i++) OD_TRY(list_folder(list, dir, records[i], err));
    for (size_t i = 0; i < 2 && list->count == first; i++) {
        OD_TRY(list_folder(list, dir, single[i], err));
        if (list->count > first + 1)
            return od_error_set(err, OD_ERR_FORMAT, "%s: holds several %s files (%s, %s, ...): name the one that is meant", dir,
                                single[i], od_path_base(list->items[first]), od_path_base(list->items[first + 1]));
    }
    if (list->count > first) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT,
                        "%s: no annotations found in this folder; expected VOC (Annotations/*.xml, annotations/*.xml or *.xml), "
                        "one COCO .json, one .csv, or TFRecords (*.record, *.tfrecord)", dir);
}

od_status od_path_list_add_detected(od_path_list *list, const char *path, const char *name, od_error *err)
{
    if (od_path_is_dir(path) && (!name || strcmp(name, "voc")) && !folder_is_voc(path)) return expand_folder(list, path, err);
    return od_path_list_add(list, path) ? od_error_nomem(err, path) : OD_OK;
}

static od_status format_by_name(const od_source_format **out, const char *name, od_error *err)
{
    static const od_source_format *const all[] = {&od_source_tfrecord, &od_source_coco, &od_source_voc, &od_source_csv};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(name, all[i]->name)) return *out = all[i], OD_OK;
    return od_error_set(err, OD_ERR_ARG, "unknown data format \"%s\"; expected tfrecord, coco, voc or csv", name);
}

/* A text file's format from its first visible characters and its ending. */
static const od_source_format *text_format(const char *path, const char *head, size_t size)
{
    size_t i = size >= 3 && !memcmp(head, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (i < size && isspace((unsigned char)head[i])) i++;
    if (i < size && head[i] == '{') return &od_source_coco;
    if (has_ending(path, ".json")) return &od_source_coco;
    if (has_ending(path, ".csv")) return &od_source_csv;
    if (has_ending(path, ".xml") || has_ending(path, ".txt")) return &od_source_voc;
    if (i < size && head[i] == '<') return &od_source_voc;
    return NULL;
}

od_status od_source_format_detect(const od_source_format **out, const char *path, const char *name, od_error *err)
{
    if (name) return format_by_name(out, name, err);
    if (od_path_is_dir(path)) return *out = &od_source_voc, OD_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return od_error_errno(err, path, "open");
    char head[64];
    ssize_t n;
    do n = read(fd, head, sizeof head);
    while (n < 0 && errno == EINTR);
    int saved = errno;
    close(fd);
    errno = saved;
    if (n < 0) return od_error_errno(err, path, "read");
    uint64_t length;
    int record = n >= OD_RECORD_HEADER_SIZE && od_record_header_parse((const uint8_t *)head, &length) == 0;
    const od_source_format *text = record ? NULL : text_format(path, head, (size_t)n);
    *out = text ? text : &od_source_tfrecord;
    return OD_OK;
}
