/* SPDX-License-Identifier: Apache-2.0
 *
 * LevelDB tables (sorted string tables), the container of a TensorBundle's .index file. Layout, all little-endian:
 *
 *     block*            entries (varint shared, varint unshared, varint value size, key tail, value), then u32 restart
 *                       offsets and their number; then 1 byte compression (0: none) and the masked CRC-32C of both
 *     metaindex block   empty here
 *     index block       key >= the last of a block -> its (varint offset, varint size)
 *     footer            48 bytes: the two handles, zeros, magic 0xdb4775248b80fb57
 *
 * Source: leveldb doc/table_format.md; tensorflow/tsl/lib/io/{format,block,table_builder}.cc.
 */
#ifndef OD_CHECKPOINT_SSTABLE_H
#define OD_CHECKPOINT_SSTABLE_H

#include "util/error.h"
#include "util/file.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_sstable od_sstable;

/* A key (NUL-terminated after key_size bytes, may hold NULs) and its value, both the table's. */
typedef struct od_sstable_entry {
    const char *key;
    size_t key_size;
    const uint8_t *value;
    size_t value_size;
} od_sstable_entry;

/* Reads every entry, checking all CRCs and the order of the keys. `bytes` must outlive the table. A compressed block is
 * OD_ERR_UNSUPPORTED (TensorFlow writes none); damage is OD_ERR_FORMAT with the byte offset. */
od_status od_sstable_parse(od_sstable **out, const uint8_t *bytes, size_t size, od_error *err);
void od_sstable_free(od_sstable *table);
size_t od_sstable_count(const od_sstable *table);
/* In key order (bytewise). */
const od_sstable_entry *od_sstable_at(const od_sstable *table, size_t i);
const od_sstable_entry *od_sstable_find(const od_sstable *table, const char *key);

/* Writes into a file that the caller creates, commits or aborts. Keys must come in strictly increasing order. */
typedef struct od_sstable_writer od_sstable_writer;
od_status od_sstable_writer_create(od_sstable_writer **out, od_file_writer *file, od_error *err);
od_status od_sstable_writer_add(od_sstable_writer *w, const char *key, const void *value, size_t value_size, od_error *err);
/* Writes the index and the footer. */
od_status od_sstable_writer_finish(od_sstable_writer *w, od_error *err);
void od_sstable_writer_free(od_sstable_writer *w);

/* LEB128. Reads at *p, moves it; 0, or -1 when the bytes end before or the value doesn't fit. */
int od_varint_read(const uint8_t **p, const uint8_t *end, uint64_t *value);
/* Appends to out, which has room for 10 bytes; returns the number written. */
size_t od_varint_write(uint8_t *out, uint64_t value);

#endif
