/* SPDX-License-Identifier: Apache-2.0
 *
 * A file without a name for what doesn't fit into memory while a task runs: in $TMPDIR, else /var/tmp, else /tmp; gone when it is freed, and after a
 * killed process, too.
 */
#ifndef OD_UTIL_SCRATCH_FILE_H
#define OD_UTIL_SCRATCH_FILE_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_scratch_file od_scratch_file;

/* Errors name the folder and what helps. */
od_status od_scratch_file_create(od_scratch_file **out, od_error *err);
/* Both from several threads; a read beyond what was written is an error. */
od_status od_scratch_file_write(od_scratch_file *f, uint64_t at, const void *bytes, size_t size, od_error *err);
od_status od_scratch_file_read(const od_scratch_file *f, uint64_t at, void *bytes, size_t size, od_error *err);
void od_scratch_file_free(od_scratch_file *f); /* NULL is fine */

#endif
