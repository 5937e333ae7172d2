/* SPDX-License-Identifier: Apache-2.0 */
#include "util/file.h"

#include "util/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_llong fail_budget = -1;

void od_file_fail_after(long long bytes)
{
    atomic_store(&fail_budget, bytes);
}

/* How many of `size` bytes the injected disk still takes; -1 when full. */
static long long injected_room(size_t size)
{
    long long left = atomic_load(&fail_budget);
    if (left < 0) return (long long)size;
    if (left == 0) return -1;
    long long take = left < (long long)size ? left : (long long)size;
    atomic_store(&fail_budget, left - take);
    return take;
}

/* at < 0: where the file stands. */
static int write_fd(int fd, long long at, const void *bytes, size_t size)
{
    const char *p = bytes;
    while (size) {
        long long room = injected_room(size);
        if (room < 0) {
            errno = ENOSPC;
            return -1;
        }
        ssize_t n = at < 0 ? write(fd, p, (size_t)room) : pwrite(fd, p, (size_t)room, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        p += n;
        size -= (size_t)n;
        if (at >= 0) at += n;
    }
    return 0;
}

int od_file_write_fd(int fd, const void *bytes, size_t size)
{
    return write_fd(fd, -1, bytes, size);
}

int od_file_write_fd_at(int fd, uint64_t at, const void *bytes, size_t size)
{
    return write_fd(fd, (long long)at, bytes, size);
}

static od_status read_unmapped(od_file_view *view, int fd, const char *path, od_error *err)
{
    uint8_t *data = NULL;
    size_t size = 0, capacity = 0;
    for (;;) {
        if (od_grow(&data, &capacity, size + 65536, 1)) {
            od_free(data);
            return od_error_nomem(err, path);
        }
        ssize_t n = read(fd, data + size, capacity - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            od_free(data);
            return od_error_errno(err, path, "read");
        }
        if (n == 0) break;
        size += (size_t)n;
    }
    *view = (od_file_view){data, size, 0};
    return OD_OK;
}

od_status od_file_view_open(od_file_view *view, const char *path, od_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return od_error_errno(err, path, "open");
    struct stat st;
    od_status status = OD_OK;
    if (fstat(fd, &st)) {
        status = od_error_errno(err, path, "read");
    } else if (S_ISDIR(st.st_mode)) {
        status = od_error_set(err, OD_ERR_IO, "%s: is a folder; expected a file", path);
    } else if (S_ISREG(st.st_mode) && st.st_size > 0) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED)
            *view = (od_file_view){map, (size_t)st.st_size, 1};
        else
            status = read_unmapped(view, fd, path, err);
    } else {
        status = read_unmapped(view, fd, path, err);
    }
    close(fd);
    return status;
}

void od_file_view_close(od_file_view *view)
{
    if (view->mapped)
        munmap((void *)view->data, view->size);
    else
        od_free((void *)view->data);
    *view = (od_file_view){0};
}

struct od_file_writer {
    char *path, *temporary;
    int fd;
};

void od_file_writer_abort(od_file_writer *w)
{
    if (!w) return;
    if (w->fd >= 0) {
        close(w->fd);
        unlink(w->temporary);
    }
    od_free(w->path);
    od_free(w->temporary);
    od_free(w);
}

od_status od_file_writer_create(od_file_writer **out, const char *path, od_error *err)
{
    od_file_writer *w = od_calloc(1, sizeof *w);
    if (!w) return od_error_nomem(err, path);
    w->fd = -1;
    w->path = od_strdup(path);
    w->temporary = od_asprintf("%s.tmp-%ld", path, (long)getpid());
    if (!w->path || !w->temporary) {
        od_file_writer_abort(w);
        return od_error_nomem(err, path);
    }
    w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0) {
        od_status status = od_error_errno(err, path, "write");
        od_file_writer_abort(w);
        return status;
    }
    *out = w;
    return OD_OK;
}

od_status od_file_writer_write(od_file_writer *w, const void *bytes, size_t size, od_error *err)
{
    return od_file_write_fd(w->fd, bytes, size) ? od_error_errno(err, w->path, "write") : OD_OK;
}

static od_status commit(od_file_writer *w, int sync, od_error *err)
{
    od_status status = OD_OK;
    if (sync && fsync(w->fd) && errno != EINVAL && errno != EROFS)
        status = od_error_errno(err, w->path, "write");
    else if (rename(w->temporary, w->path))
        status = od_error_errno(err, w->path, "rename into place");
    if (status == OD_OK) {
        close(w->fd);
        w->fd = -1;
    }
    od_file_writer_abort(w);
    return status;
}

od_status od_file_writer_commit(od_file_writer *w, od_error *err)
{
    return commit(w, 1, err);
}

static od_status write_whole(const char *path, const void *bytes, size_t size, int sync, od_error *err)
{
    od_file_writer *w;
    OD_TRY(od_file_writer_create(&w, path, err));
    od_status status = od_file_writer_write(w, bytes, size, err);
    if (status == OD_OK) return commit(w, sync, err);
    od_file_writer_abort(w);
    return status;
}

od_status od_file_write_all(const char *path, const void *bytes, size_t size, od_error *err)
{
    return write_whole(path, bytes, size, 1, err);
}

od_status od_file_write_many(const char *path, const void *bytes, size_t size, od_error *err)
{
    return write_whole(path, bytes, size, 0, err);
}

od_status od_dir_create(const char *path, od_error *err)
{
    char *copy = od_strdup(path);
    if (!copy) return od_error_nomem(err, path);
    od_status status = OD_OK;
    for (char *p = copy + 1; status == OD_OK; p++) {
        if (*p && *p != '/') continue;
        char was = *p;
        *p = 0;
        if (*copy && mkdir(copy, 0777) && errno != EEXIST) status = od_error_errno(err, path, "create folder");
        *p = was;
        if (!was) break;
    }
    if (status == OD_OK && !od_path_is_dir(path))
        status = od_error_set(err, OD_ERR_IO, "%s: exists and is not a folder", path);
    od_free(copy);
    return status;
}

char *od_path_join(const char *dir, const char *name)
{
    if (name[0] == '/' || !dir[0]) return od_strdup(name);
    size_t n = strlen(dir);
    return od_asprintf("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

const char *od_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *od_path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return od_strdup(".");
    if (slash == path) return od_strdup("/");
    return od_strndup(path, (size_t)(slash - path));
}

int od_path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

int od_path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
