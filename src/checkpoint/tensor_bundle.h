/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorFlow's TensorBundle: PREFIX.index (a table, sstable.h: key "" -> BundleHeaderProto, every other key ->
 * BundleEntryProto) and PREFIX.data-SSSSS-of-NNNNN (the tensors' bytes, row-major, little-endian, each with a masked
 * CRC-32C). A string tensor is stored as varint lengths, a masked CRC of the lengths (as u32 each) and the characters.
 * Source: tensorflow/core/util/tensor_bundle/tensor_bundle.cc. What the keys mean is checkpoint.h's business.
 */
#ifndef OD_CHECKPOINT_TENSOR_BUNDLE_H
#define OD_CHECKPOINT_TENSOR_BUNDLE_H

#include "tensor/dtype.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_bundle od_bundle;

typedef struct od_bundle_entry {
    const char *key;
    od_dtype dtype; /* OD_DTYPE_COUNT: one of TensorFlow's that we don't have; reading it is refused */
    int tf_dtype;   /* TensorFlow's DataType number */
    int rank;
    int64_t shape[OD_DTYPE_MAX_RANK];
    int partitioned; /* stored in slices; reading it is refused */
    int shard;
    int64_t offset, size; /* bytes in the shard */
    uint32_t crc;         /* masked */
} od_bundle_entry;

/* Opens PREFIX.index and its shards; every entry is checked against its shape and its shard's size. TF1 checkpoints of a
 * single file, missing shards and a prefix given with its ending are refused with what to use. */
od_status od_bundle_open(od_bundle **out, const char *prefix, od_error *err);
/* Keys and shapes only, from PREFIX.index: data shards may be missing; od_bundle_data then fails. */
od_status od_bundle_open_index(od_bundle **out, const char *prefix, od_error *err);
void od_bundle_close(od_bundle *b);

const char *od_bundle_prefix(const od_bundle *b);
size_t od_bundle_count(const od_bundle *b);
/* In key order. */
const od_bundle_entry *od_bundle_at(const od_bundle *b, size_t i);
const od_bundle_entry *od_bundle_find(const od_bundle *b, const char *key);

/* A numeric tensor's bytes, checked against their CRC: mapped from the file where aligned for the dtype, else a copy. They
 * live as long as the bundle. Not for several threads at once. */
od_status od_bundle_data(od_bundle *b, const od_bundle_entry *entry, const void **data, od_error *err);
/* A scalar string; *bytes live as long as the bundle. */
od_status od_bundle_string(od_bundle *b, const od_bundle_entry *entry, const uint8_t **bytes, size_t *size, od_error *err);

/* Writes PREFIX.data-00000-of-00001 as tensors are added and PREFIX.index at the end, both through temporaries: the data is in
 * place before the index appears, so an index always stands for a whole checkpoint. */
typedef struct od_bundle_writer od_bundle_writer;
od_status od_bundle_writer_create(od_bundle_writer **out, const char *prefix, od_error *err);
/* `data` is written at once and not kept. OD_ERR_ARG for a repeated key, a bad shape or OD_STRING. */
od_status od_bundle_writer_add(od_bundle_writer *w, const char *key, od_dtype dtype, int rank, const int64_t *shape, const void *data, od_error *err);
/* A scalar string. */
od_status od_bundle_writer_add_string(od_bundle_writer *w, const char *key, const void *bytes, size_t size, od_error *err);
/* Frees the writer, whatever happens. What stood at PREFIX before is touched only when both new files are complete. */
od_status od_bundle_writer_finish(od_bundle_writer *w, od_error *err);
/* Removes the temporaries and frees; NULL is fine. */
void od_bundle_writer_abort(od_bundle_writer *w);

#endif
