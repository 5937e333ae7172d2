/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding event files and the folders that hold them, and reading a whole folder.
 */
#include "events/event_store.h"
#include "util/alloc.h"
#include "util/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 8 };

/* A growing list of strings that it owns. */
typedef struct path_list {
    char **items;
    size_t count, capacity;
} path_list;

static void path_list_deinit(path_list *list)
{
    for (size_t i = 0; i < list->count; i++) od_free(list->items[i]);
    od_free(list->items);
    *list = (path_list){0};
}

/* Takes `path`, also on failure; NULL (a failed allocation) fails. */
static int path_list_take(path_list *list, char *path)
{
    if (!path || od_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
        od_free(path);
        return -1;
    }
    list->items[list->count++] = path;
    return 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void path_list_sort(path_list *list)
{
    if (list->count) qsort(list->items, list->count, sizeof *list->items, compare_paths);
}

/* TensorBoard's rule (IsTensorFlowEventsFile in event_processing/io_wrapper.py). */
static int is_event_file(const char *name)
{
    return strstr(name, "tfevents") != NULL;
}

/* The event files and the sub-folders directly in `dir`, sorted; either list may be NULL. */
static od_status list_folder(const char *dir, path_list *files, path_list *folders, od_error *err)
{
    DIR *d = opendir(dir);
    if (!d) return od_error_errno(err, dir, "open");
    int failed = 0;
    for (struct dirent *entry; !failed && (entry = readdir(d));) {
        struct stat st;
        if (entry->d_name[0] == '.') continue;
        char *path = od_path_join(dir, entry->d_name);
        if (!path)
            failed = 1;
        else if (files && is_event_file(entry->d_name) && !stat(path, &st) && S_ISREG(st.st_mode))
            failed = path_list_take(files, path);
        else if (folders && !lstat(path, &st) && S_ISDIR(st.st_mode))
            failed = path_list_take(folders, path);
        else
            od_free(path);
    }
    closedir(d);
    if (failed) return od_error_nomem(err, dir);
    if (files) path_list_sort(files);
    if (folders) path_list_sort(folders);
    return OD_OK;
}

static od_status read_file(od_events *e, const char *path, od_error *err)
{
    od_file_view view;
    OD_TRY(od_file_view_open(&view, path, err));
    e->file_count++;
    od_status status = od_events_parse(e, path, view.data, view.size, err);
    od_file_view_close(&view);
    return status;
}

static od_status read_folder(od_events *e, const char *dir, od_error *err)
{
    path_list files = {0};
    od_status status = list_folder(dir, &files, NULL, err);
    if (status == OD_OK && !files.count)
        status = od_error_set(
            err, OD_ERR_NOT_FOUND,
            "%s: no event files (events.out.tfevents.*) here; a model_dir has them in train/ and eval/", dir);
    for (size_t i = 0; i < files.count && status == OD_OK; i++) status = read_file(e, files.items[i], err);
    path_list_deinit(&files);
    return status;
}

od_status od_events_read(od_events **out, const char *path, unsigned flags, od_error *err)
{
    od_events *e = od_calloc(1, sizeof *e);
    if (!e) return od_error_nomem(err, path);
    e->flags = flags;
    od_status status = od_path_is_dir(path) ? read_folder(e, path, err) : read_file(e, path, err);
    if (status == OD_OK && od_event_store_finish(e)) status = od_error_nomem(err, path);
    if (status == OD_OK)
        *out = e;
    else
        od_events_free(e);
    return status;
}

/* `dir` itself when it holds event files, then what is below it. */
static od_status find_runs(path_list *runs, const char *dir, int depth, od_error *err)
{
    path_list files = {0}, folders = {0};
    od_status status = list_folder(dir, &files, &folders, err);
    if (status == OD_OK && files.count && path_list_take(runs, od_strdup(dir))) status = od_error_nomem(err, dir);
    for (size_t i = 0; i < folders.count && status == OD_OK && depth < MAX_DEPTH; i++)
        status = find_runs(runs, folders.items[i], depth + 1, err);
    path_list_deinit(&files);
    path_list_deinit(&folders);
    return status;
}

od_status od_event_runs_find(od_event_runs *out, const char *dir, od_error *err)
{
    path_list runs = {0};
    struct stat st;
    od_status status;
    if (!stat(dir, &st) && S_ISREG(st.st_mode))
        status = path_list_take(&runs, od_strdup(dir)) ? od_error_nomem(err, dir) : OD_OK;
    else
        status = find_runs(&runs, dir, 0, err);
    if (status == OD_OK && !runs.count)
        status =
            od_error_set(err, OD_ERR_NOT_FOUND, "%s: no event files (events.out.tfevents.*) in it or its folders", dir);
    if (status != OD_OK) {
        path_list_deinit(&runs);
        return status;
    }
    path_list_sort(&runs);
    *out = (od_event_runs){runs.items, runs.count};
    return OD_OK;
}

void od_event_runs_free(od_event_runs *runs)
{
    path_list list = {runs->paths, runs->count, runs->count};
    path_list_deinit(&list);
    *runs = (od_event_runs){0};
}
