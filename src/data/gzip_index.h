/* SPDX-License-Identifier: Apache-2.0
 *
 * Random access into a gzip (or zlib) file without unpacking it to disk or memory: one pass remembers points from
 * which inflating can restart (after Mark Adler's zran, zlib/examples). At most a few thousand points of 32 KiB are
 * kept however large the file is: when there are more, every other one is dropped.
 */
#ifndef OD_DATA_GZIP_INDEX_H
#define OD_DATA_GZIP_INDEX_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_gzip_index od_gzip_index;

/* Receives the unpacked bytes of the one pass, in order. A status other than OD_OK ends the pass with it. */
typedef od_status (*od_gzip_sink)(void *user, const uint8_t *bytes, size_t size);

/* Reads the whole file behind `fd` (kept by the caller, who must leave it open; only pread is used). Damage in the
 * middle is no failure: the index covers what could be unpacked and *damage (static text) tells why it ended, else
 * NULL. OD_ERR_FORMAT only when nothing could be unpacked. */
od_status od_gzip_index_create(od_gzip_index **out, int fd, const char *path, od_gzip_sink sink, void *user,
                               const char **damage, od_error *err);
/* Unpacked bytes. */
uint64_t od_gzip_index_size(const od_gzip_index *g);
/* Reads exactly `size` bytes at the unpacked `offset`. Thread-safe. */
od_status od_gzip_index_read(const od_gzip_index *g, uint64_t offset, void *bytes, size_t size, od_error *err);
void od_gzip_index_free(od_gzip_index *g);

#endif
