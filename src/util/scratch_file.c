/* SPDX-License-Identifier: Apache-2.0 */
#include "util/scratch_file.h"

#include "util/alloc.h"
#include "util/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct od_scratch_file {
    char *folder;
    int fd;
};

static od_status failed(const od_scratch_file *f, const char *action, od_error *err)
{
    return od_error_set(err, OD_ERR_IO, "%s: cannot %s a temporary file: %s; set TMPDIR to a folder with room on a disk", f->folder, action,
                        strerror(errno));
}

static const char *choose_folder(void)
{
    const char *asked = getenv("TMPDIR");
    if (asked && *asked) return asked;
    return access("/var/tmp", W_OK) ? "/tmp" : "/var/tmp";
}

od_status od_scratch_file_create(od_scratch_file **out, od_error *err)
{
    od_scratch_file *f = od_calloc(1, sizeof *f);
    if (!f) return od_error_nomem(err, "a temporary file");
    f->fd = -1;
    f->folder = od_strdup(choose_folder());
    char *path = f->folder ? od_asprintf("%s/objdet-XXXXXX", f->folder) : NULL;
    od_status status = path ? OD_OK : od_error_nomem(err, "a temporary file");
    if (path && (f->fd = mkstemp(path)) < 0) status = failed(f, "make", err);
    if (f->fd >= 0) unlink(path);
    od_free(path);
    if (status == OD_OK)
        *out = f;
    else
        od_scratch_file_free(f);
    return status;
}

od_status od_scratch_file_write(od_scratch_file *f, uint64_t at, const void *bytes, size_t size, od_error *err)
{
    return od_file_write_fd_at(f->fd, at, bytes, size) ? failed(f, "write", err) : OD_OK;
}

od_status od_scratch_file_read(const od_scratch_file *f, uint64_t at, void *bytes, size_t size, od_error *err)
{
    for (char *p = bytes; size;) {
        ssize_t n = pread(f->fd, p, size, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO;
        if (n <= 0) return failed(f, "read", err);
        p += n, at += (uint64_t)n, size -= (size_t)n;
    }
    return OD_OK;
}

void od_scratch_file_free(od_scratch_file *f)
{
    if (!f) return;
    if (f->fd >= 0) close(f->fd);
    od_free(f->folder);
    od_free(f);
}
