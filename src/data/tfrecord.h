/* SPDX-License-Identifier: Apache-2.0
 *
 * TFRecord files (tensorflow/core/lib/io/record_reader.h). Each record, little-endian:
 *
 *     offset  0   uint64  length
 *             8   uint32  masked CRC-32C of the length
 *            12   length bytes
 *     12+length   uint32  masked CRC-32C of the bytes
 *
 * A reader keeps 8 bytes a record in memory, nothing of the content. Files packed as a whole with GZIP or ZLIB (TensorFlow's
 * compression_type) are recognised and read in place.
 */
#ifndef OD_DATA_TFRECORD_H
#define OD_DATA_TFRECORD_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_tfrecord od_tfrecord;

/* Opens a file and finds its records. OD_ERR_FORMAT when it is no TFRecord at all. A file that is damaged or cut off
 * further on opens: nothing can be found behind a damaged length, so that record is the last one, and reading
 * it gives the error. An empty file has no records. */
od_status od_tfrecord_open(od_tfrecord **out, const char *path, od_error *err);
const char *od_tfrecord_path(const od_tfrecord *f);
int64_t od_tfrecord_count(const od_tfrecord *f);
/* A record's bytes, both checksums verified; the caller frees *bytes (od_free). Errors name the file, the record
 * (from 0) and its offset. Thread-safe. */
od_status od_tfrecord_read(const od_tfrecord *f, int64_t index, uint8_t **bytes, size_t *size, od_error *err);
void od_tfrecord_free(od_tfrecord *f);

/* Writing: the file appears under its name when committed. */
typedef struct od_tfrecord_writer od_tfrecord_writer;
od_status od_tfrecord_writer_create(od_tfrecord_writer **out, const char *path, od_error *err);
od_status od_tfrecord_writer_write(od_tfrecord_writer *w, const void *bytes, size_t size, od_error *err);
/* Both free the writer; NULL is fine for abort. */
od_status od_tfrecord_writer_commit(od_tfrecord_writer *w, od_error *err);
void od_tfrecord_writer_abort(od_tfrecord_writer *w);

#endif
