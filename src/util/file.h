/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole-file reading and atomic writing: a file is written beside its final name, flushed to disk and
 * renamed, so that a reader (or a killed process) sees the old content or the new, never half.
 */
#ifndef OD_UTIL_FILE_H
#define OD_UTIL_FILE_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

/* A read-only view of a file's bytes (mapped when possible). `data` is never NULL on success. */
typedef struct od_file_view {
    const uint8_t *data;
    size_t size;
    int mapped;
} od_file_view;

od_status od_file_view_open(od_file_view *view, const char *path, od_error *err);
void od_file_view_close(od_file_view *view);

/* A file being written atomically. */
typedef struct od_file_writer od_file_writer;

/* Opens "path.tmp-PID" for writing. The folder must exist. */
od_status od_file_writer_create(od_file_writer **out, const char *path, od_error *err);
od_status od_file_writer_write(od_file_writer *w, const void *bytes, size_t size, od_error *err);
/* Flushes, syncs, renames into place and frees the writer; on failure removes the temporary and frees. */
od_status od_file_writer_commit(od_file_writer *w, od_error *err);
/* Removes the temporary and frees. NULL is fine. */
void od_file_writer_abort(od_file_writer *w);

/* create + write + commit. */
od_status od_file_write_all(const char *path, const void *bytes, size_t size, od_error *err);

/* The same for one of very many files: not flushed to disk one by one, so that it is whole or absent after a killed process, but
 * not after a power cut. */
od_status od_file_write_many(const char *path, const void *bytes, size_t size, od_error *err);

/* write(2) until everything is out; every writer of the library goes through it, so tests can inject
 * failures. Returns 0, or -1 with errno. */
int od_file_write_fd(int fd, const void *bytes, size_t size);
/* The same by pwrite(2), at a place: from several threads. */
int od_file_write_fd_at(int fd, uint64_t at, const void *bytes, size_t size);

/* For tests: writes fail with ENOSPC once `bytes` more have been written; negative switches it off. */
void od_file_fail_after(long long bytes);

/* mkdir -p. */
od_status od_dir_create(const char *path, od_error *err);
/* Joins with one '/'; an absolute `name` is returned as it is. Caller frees; NULL when out of memory. */
char *od_path_join(const char *dir, const char *name);
/* Pointer into path after the last '/'. */
const char *od_path_base(const char *path);
/* The folder part ("." when none). Caller frees. */
char *od_path_dir(const char *path);
int od_path_exists(const char *path);
int od_path_is_dir(const char *path);

#endif
