/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/model_dir_files.h"

#include "checkpoint/model_dir.h"
#include "util/alloc.h"
#include "util/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_number(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int64_t m = od_model_dir_number(x), n = od_model_dir_number(y);
    return m == n ? strcmp(x, y) : m < n ? -1 : 1;
}

void od_model_dir_scan_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) od_free(names[i]);
    od_free(names);
}

/* The length of NAME in NAME.index with a number at its end, else 0. */
static size_t index_name(const char *file)
{
    size_t n = strlen(file);
    if (n < 7 || strcmp(file + n - 6, ".index")) return 0;
    char *name = od_strndup(file, n - 6);
    int good = name && od_model_dir_number(name) >= 0;
    od_free(name);
    return good ? n - 6 : 0;
}

od_status od_model_dir_scan(const char *folder, char ***names, size_t *count, od_error *err)
{
    size_t capacity = 0;
    od_status status = OD_OK;
    DIR *dir = opendir(folder);
    if (!dir) return od_error_errno(err, folder, "read");
    for (struct dirent *entry; status == OD_OK && (entry = readdir(dir));) {
        size_t n = index_name(entry->d_name);
        if (!n) continue;
        char *name = od_strndup(entry->d_name, n);
        if (!name || od_grow(names, &capacity, *count + 1, sizeof **names)) {
            od_free(name);
            status = od_error_nomem(err, folder);
        } else {
            (*names)[(*count)++] = name;
        }
    }
    closedir(dir);
    if (status != OD_OK) {
        od_model_dir_scan_free(*names, *count);
        return status;
    }
    if (*count) qsort(*names, *count, sizeof **names, by_number);
    return OD_OK;
}

static void remove_file(const char *path, const char *why)
{
    if (unlink(path) == 0) {
        if (why) od_log(OD_LOG_INFO, "removed %s: %s", path, why);
    } else if (errno != ENOENT) {
        od_log(OD_LOG_WARNING, "%s: cannot delete: %s", path, strerror(errno));
    }
}

static void remove_in(const char *folder, const char *name, const char *why)
{
    char *path = od_path_join(folder, name);
    if (path) remove_file(path, why);
    od_free(path);
}

/* Whether `name` is BASE.data-SSSSS-of-NNNNN. */
static int is_shard_of(const char *name, const char *base, size_t base_size)
{
    return !strncmp(name, base, base_size) && !strncmp(name + base_size, ".data-", 6) && !strstr(name, ".tmp-");
}

void od_model_dir_delete(const char *prefix)
{
    char *index = od_asprintf("%s.index", prefix), *folder = od_path_dir(prefix);
    const char *base = od_path_base(prefix);
    DIR *dir = folder ? opendir(folder) : NULL;
    if (index) remove_file(index, NULL);
    for (struct dirent *entry; index && dir && (entry = readdir(dir));)
        if (is_shard_of(entry->d_name, base, strlen(base))) remove_in(folder, entry->d_name, NULL);
    if (dir) closedir(dir);
    od_free(index);
    od_free(folder);
}

/* ---- leftovers ---- */

static int starts_with(const char *text, const char *head)
{
    return !strncmp(text, head, strlen(head));
}

/* NAME.tmp-PID of ours whose process is gone. One with our own number is from an earlier process (in a container numbers
 * come back), since this one has only just opened the folder. */
static int is_dead_temporary(const char *name)
{
    const char *tail = strstr(name, ".tmp-");
    if (!tail || !(starts_with(name, "ckpt-") || starts_with(name, "checkpoint.tmp-") || starts_with(name, "best.json.tmp-"))) return 0;
    char *end;
    long pid = strtol(tail + 5, &end, 10);
    if (*end || pid <= 0 || pid > INT32_MAX) return 0;
    return pid == (long)getpid() || (kill((pid_t)pid, 0) && errno == ESRCH);
}

/* ckpt-N.data-SSSSS-of-NNNNN without ckpt-N.index. */
static int is_orphan_data(const char *folder, const char *name)
{
    const char *tail = strstr(name, ".data-");
    if (!starts_with(name, "ckpt-") || !tail || strstr(name, ".tmp-")) return 0;
    for (const char *p = name + 5; p < tail; p++)
        if (!isdigit((unsigned char)*p)) return 0;
    char *index = od_asprintf("%s/%.*s.index", folder, (int)(tail - name), name);
    int orphan = index && tail > name + 5 && !od_path_exists(index);
    od_free(index);
    return orphan;
}

void od_model_dir_clean(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (is_dead_temporary(entry->d_name))
            remove_in(folder, entry->d_name, "left by a process that is gone");
        else if (is_orphan_data(folder, entry->d_name))
            remove_in(folder, entry->d_name, "data of a checkpoint without an index");
    }
    closedir(dir);
}
