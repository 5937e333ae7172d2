/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/sstable.h"

#include "util/alloc.h"
#include "util/crc32c.h"
#include "util/strbuf.h"

#include <string.h>

#define FOOTER_SIZE 48
#define TRAILER_SIZE 5
#define MAGIC UINT64_C(0xdb4775248b80fb57)
/* A key repeats the head of the one before it for free, so a small file could ask for endless key bytes. */
#define MAX_KEY 4096
#define MAX_KEY_BYTES ((size_t)256 << 20)
/* As TensorFlow's BundleWriter. */
#define BLOCK_SIZE (256 * 1024)
#define RESTART_INTERVAL 16

struct od_sstable {
    od_sstable_entry *entries;
    size_t count, capacity;
    od_strbuf keys; /* all keys, each NUL-terminated; entries hold offsets until the end */
};

typedef struct block {
    const uint8_t *data;
    size_t size;     /* of the entries, without restarts */
    uint64_t offset; /* in the file */
} block;

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void write_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

int od_varint_read(const uint8_t **p, const uint8_t *end, uint64_t *value)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
        uint8_t byte = *(*p)++;
        if (shift == 63 && byte > 1) return -1;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = v;
            return 0;
        }
    }
    return -1;
}

size_t od_varint_write(uint8_t *out, uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}

/* ---- reading ---- */

static od_status damaged(od_error *err, uint64_t offset, const char *what)
{
    return od_error_set(err, OD_ERR_FORMAT, "byte %llu: %s; the file is damaged", (unsigned long long)offset, what);
}

/* The block at (offset, size) of `file`, after its CRC agreed. */
static od_status open_block(block *out, const uint8_t *file, size_t file_size, uint64_t offset, uint64_t size, od_error *err)
{
    if (offset > file_size || size > file_size - offset || file_size - offset - size < TRAILER_SIZE)
        return damaged(err, offset, "a block reaches beyond the file's end");
    const uint8_t *data = file + offset;
    uint32_t stored = read_u32(data + size + 1);
    if (od_crc32c_mask(od_crc32c(0, data, (size_t)size + 1)) != stored) return damaged(err, offset, "wrong checksum of a block");
    if (data[size] != 0)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "byte %llu: a compressed block (type %d); expected an index as TensorFlow writes it, without compression",
                            (unsigned long long)offset, data[size]);
    if (size < 4) return damaged(err, offset, "a block without restart points");
    uint64_t restarts = read_u32(data + size - 4);
    if (restarts > (size - 4) / 4) return damaged(err, offset, "a block's restart points don't fit into it");
    *out = (block){data, (size_t)(size - 4 - 4 * restarts), offset};
    return OD_OK;
}

/* One entry of a block; key parts by reference. */
typedef struct raw_entry {
    uint64_t shared, unshared, value_size;
    const uint8_t *tail, *value;
} raw_entry;

static od_status next_entry(raw_entry *e, const block *b, const uint8_t **p, size_t last_key_size, od_error *err)
{
    const uint8_t *end = b->data + b->size;
    uint64_t at = b->offset + (uint64_t)(*p - b->data);
    if (od_varint_read(p, end, &e->shared) || od_varint_read(p, end, &e->unshared) || od_varint_read(p, end, &e->value_size))
        return damaged(err, at, "a cut-off entry");
    size_t left = (size_t)(end - *p);
    if (e->unshared > left || e->value_size > left - e->unshared) return damaged(err, at, "an entry reaches beyond its block");
    if (e->shared > last_key_size) return damaged(err, at, "an entry shares more than the key before it has");
    if (e->shared + e->unshared > MAX_KEY) return damaged(err, at, "a key of more than 4096 bytes");
    e->tail = *p;
    e->value = *p + e->unshared;
    *p = e->value + e->value_size;
    return OD_OK;
}

static int compare_keys(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    if (order) return order;
    return a_size < b_size ? -1 : a_size > b_size;
}

/* Appends one entry, its key as an offset into `keys` for now. */
static od_status add_entry(od_sstable *t, const raw_entry *e, uint64_t at, od_error *err)
{
    const od_sstable_entry *last = t->count ? &t->entries[t->count - 1] : NULL;
    size_t last_at = last ? (size_t)(uintptr_t)last->key : 0, start = t->keys.size;
    char key[MAX_KEY + 1];
    size_t key_size = (size_t)(e->shared + e->unshared);
    if (e->shared) memcpy(key, t->keys.data + last_at, (size_t)e->shared);
    memcpy(key + e->shared, e->tail, (size_t)e->unshared);
    key[key_size] = 0;
    if (last && compare_keys(t->keys.data + last_at, last->key_size, key, key_size) >= 0) return damaged(err, at, "keys out of order");
    if (start + key_size > MAX_KEY_BYTES) return damaged(err, at, "more than 256 MiB of keys");
    od_strbuf_append(&t->keys, key, key_size + 1);
    if (od_strbuf_failed(&t->keys) || od_grow(&t->entries, &t->capacity, t->count + 1, sizeof *t->entries))
        return od_error_nomem(err, "a checkpoint index");
    t->entries[t->count++] = (od_sstable_entry){(const char *)(uintptr_t)start, key_size, e->value, (size_t)e->value_size};
    return OD_OK;
}

static od_status read_block(od_sstable *t, const block *b, od_error *err)
{
    size_t last_key_size = 0;
    for (const uint8_t *p = b->data; p < b->data + b->size;) {
        uint64_t at = b->offset + (uint64_t)(p - b->data);
        raw_entry e;
        OD_TRY(next_entry(&e, b, &p, last_key_size, err));
        OD_TRY(add_entry(t, &e, at, err));
        last_key_size = t->entries[t->count - 1].key_size;
    }
    return OD_OK;
}

/* Follows the index block's handles in order. */
static od_status read_blocks(od_sstable *t, const block *index, const uint8_t *file, size_t file_size, od_error *err)
{
    size_t last_key_size = 0;
    uint64_t expected = 0; /* blocks stand in order, without overlap, so that work is bounded by the file's size */
    for (const uint8_t *p = index->data; p < index->data + index->size;) {
        uint64_t at = index->offset + (uint64_t)(p - index->data), offset, size;
        raw_entry e;
        block b;
        OD_TRY(next_entry(&e, index, &p, last_key_size, err));
        last_key_size = (size_t)(e.shared + e.unshared);
        const uint8_t *handle = e.value, *end = e.value + e.value_size;
        if (od_varint_read(&handle, end, &offset) || od_varint_read(&handle, end, &size)) return damaged(err, at, "a cut-off block handle");
        if (offset < expected) return damaged(err, at, "blocks overlap");
        OD_TRY(open_block(&b, file, file_size, offset, size, err));
        expected = offset + size + TRAILER_SIZE;
        OD_TRY(read_block(t, &b, err));
    }
    return OD_OK;
}

static od_status read_footer(const uint8_t *bytes, size_t size, uint64_t *offset, uint64_t *index_size, od_error *err)
{
    if (size < FOOTER_SIZE) return od_error_set(err, OD_ERR_FORMAT, "%zu bytes, too short for a checkpoint index", size);
    const uint8_t *footer = bytes + size - FOOTER_SIZE, *end = footer + FOOTER_SIZE - 8;
    uint64_t magic = read_u32(end) | (uint64_t)read_u32(end + 4) << 32;
    if (magic != MAGIC)
        return od_error_set(err, OD_ERR_FORMAT, "no table footer at the end (magic 0x%016llx, expected 0x%016llx); not a checkpoint index, or truncated",
                            (unsigned long long)magic, (unsigned long long)MAGIC);
    const uint8_t *p = footer;
    uint64_t meta_offset, meta_size;
    if (od_varint_read(&p, end, &meta_offset) || od_varint_read(&p, end, &meta_size) || od_varint_read(&p, end, offset) || od_varint_read(&p, end, index_size))
        return damaged(err, size - FOOTER_SIZE, "a cut-off footer");
    return OD_OK;
}

static od_status parse_table(od_sstable *t, const uint8_t *bytes, size_t size, od_error *err)
{
    uint64_t offset = 0, index_size = 0;
    block index;
    OD_TRY(read_footer(bytes, size, &offset, &index_size, err));
    OD_TRY(open_block(&index, bytes, size, offset, index_size, err));
    OD_TRY(read_blocks(t, &index, bytes, size, err));
    for (size_t i = 0; i < t->count; i++) t->entries[i].key = t->keys.data + (uintptr_t)t->entries[i].key;
    return OD_OK;
}

od_status od_sstable_parse(od_sstable **out, const uint8_t *bytes, size_t size, od_error *err)
{
    od_sstable *t = od_calloc(1, sizeof *t);
    if (!t) return od_error_nomem(err, "a checkpoint index");
    od_status status = parse_table(t, bytes, size, err);
    if (status == OD_OK)
        *out = t;
    else
        od_sstable_free(t);
    return status;
}

void od_sstable_free(od_sstable *t)
{
    if (!t) return;
    od_free(t->entries);
    od_strbuf_deinit(&t->keys);
    od_free(t);
}

size_t od_sstable_count(const od_sstable *t)
{
    return t->count;
}

const od_sstable_entry *od_sstable_at(const od_sstable *t, size_t i)
{
    return i < t->count ? &t->entries[i] : NULL;
}

const od_sstable_entry *od_sstable_find(const od_sstable *t, const char *key)
{
    size_t low = 0, high = t->count, size = strlen(key);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const od_sstable_entry *e = &t->entries[middle];
        int order = compare_keys(e->key, e->key_size, key, size);
        if (order == 0) return e;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- writing ---- */

typedef struct block_builder {
    od_strbuf bytes, restarts, last_key;
    int since_restart;
} block_builder;

struct od_sstable_writer {
    od_file_writer *file;
    uint64_t offset;
    block_builder data, index;
};

static void builder_reset(block_builder *b)
{
    b->bytes.size = b->restarts.size = b->last_key.size = 0;
    b->since_restart = 0;
}

static void builder_deinit(block_builder *b)
{
    od_strbuf_deinit(&b->bytes);
    od_strbuf_deinit(&b->restarts);
    od_strbuf_deinit(&b->last_key);
}

static int builder_failed(const block_builder *b)
{
    return od_strbuf_failed(&b->bytes) || od_strbuf_failed(&b->restarts) || od_strbuf_failed(&b->last_key);
}

static size_t shared_prefix(const od_strbuf *a, const char *b, size_t b_size)
{
    size_t n = 0;
    while (n < a->size && n < b_size && a->data[n] == b[n]) n++;
    return n;
}

static void builder_restart(block_builder *b)
{
    uint8_t at[4];
    write_u32(at, (uint32_t)b->bytes.size);
    od_strbuf_append(&b->restarts, at, sizeof at);
    b->since_restart = 0;
}

static void builder_add(block_builder *b, const char *key, size_t key_size, const void *value, size_t value_size)
{
    size_t shared = shared_prefix(&b->last_key, key, key_size);
    if (b->restarts.size == 0 || b->since_restart == RESTART_INTERVAL) {
        builder_restart(b);
        shared = 0;
    }
    uint8_t sizes[30];
    size_t n = od_varint_write(sizes, shared);
    n += od_varint_write(sizes + n, key_size - shared);
    n += od_varint_write(sizes + n, value_size);
    od_strbuf_append(&b->bytes, sizes, n);
    od_strbuf_append(&b->bytes, key + shared, key_size - shared);
    od_strbuf_append(&b->bytes, value, value_size);
    b->last_key.size = 0;
    od_strbuf_append(&b->last_key, key, key_size);
    b->since_restart++;
}

/* Writes the block with its trailer, sets its handle (at most 20 bytes) and empties the builder. */
static od_status flush_block(od_sstable_writer *w, block_builder *b, uint8_t *handle, size_t *handle_size, od_error *err)
{
    uint8_t count[4], trailer[TRAILER_SIZE] = {0};
    if (b->restarts.size == 0) builder_restart(b);
    write_u32(count, (uint32_t)(b->restarts.size / 4));
    od_strbuf_append(&b->bytes, b->restarts.data, b->restarts.size);
    od_strbuf_append(&b->bytes, count, sizeof count);
    if (builder_failed(b)) return od_error_nomem(err, "a checkpoint index");
    uint32_t crc = od_crc32c(od_crc32c(0, b->bytes.data, b->bytes.size), trailer, 1);
    write_u32(trailer + 1, od_crc32c_mask(crc));
    OD_TRY(od_file_writer_write(w->file, b->bytes.data, b->bytes.size, err));
    OD_TRY(od_file_writer_write(w->file, trailer, sizeof trailer, err));
    *handle_size = od_varint_write(handle, w->offset);
    *handle_size += od_varint_write(handle + *handle_size, b->bytes.size);
    w->offset += b->bytes.size + TRAILER_SIZE;
    builder_reset(b);
    return OD_OK;
}

od_status od_sstable_writer_create(od_sstable_writer **out, od_file_writer *file, od_error *err)
{
    od_sstable_writer *w = od_calloc(1, sizeof *w);
    if (!w) return od_error_nomem(err, "a checkpoint index");
    w->file = file;
    *out = w;
    return OD_OK;
}

static od_status flush_data(od_sstable_writer *w, od_error *err)
{
    uint8_t handle[20];
    size_t size;
    char last[MAX_KEY];
    size_t last_size = w->data.last_key.size;
    if (last_size) memcpy(last, w->data.last_key.data, last_size);
    OD_TRY(flush_block(w, &w->data, handle, &size, err));
    builder_add(&w->index, last, last_size, handle, size);
    return OD_OK;
}

od_status od_sstable_writer_add(od_sstable_writer *w, const char *key, const void *value, size_t value_size, od_error *err)
{
    size_t key_size = strlen(key);
    const od_strbuf *last = &w->data.last_key;
    if (key_size > MAX_KEY || value_size > UINT32_MAX / 4)
        return od_error_set(err, OD_ERR_ARG, "checkpoint key '%.80s...': key or value too long", key);
    if (w->data.restarts.size && compare_keys(last->data, last->size, key, key_size) >= 0)
        return od_error_set(err, OD_ERR_ARG, "checkpoint key '%s' does not come after the one before it", key);
    if (w->data.bytes.size >= BLOCK_SIZE) OD_TRY(flush_data(w, err));
    builder_add(&w->data, key, key_size, value, value_size);
    return builder_failed(&w->data) ? od_error_nomem(err, "a checkpoint index") : OD_OK;
}

od_status od_sstable_writer_finish(od_sstable_writer *w, od_error *err)
{
    uint8_t footer[FOOTER_SIZE] = {0}, meta[20], index[20];
    size_t meta_size, index_size;
    if (w->data.restarts.size) OD_TRY(flush_data(w, err));
    block_builder empty = {0};
    od_status status = flush_block(w, &empty, meta, &meta_size, err);
    builder_deinit(&empty);
    if (status != OD_OK) return status;
    OD_TRY(flush_block(w, &w->index, index, &index_size, err));
    memcpy(footer, meta, meta_size);
    memcpy(footer + meta_size, index, index_size);
    write_u32(footer + FOOTER_SIZE - 8, (uint32_t)MAGIC);
    write_u32(footer + FOOTER_SIZE - 4, (uint32_t)(MAGIC >> 32));
    return od_file_writer_write(w->file, footer, sizeof footer, err);
}

void od_sstable_writer_free(od_sstable_writer *w)
{
    if (!w) return;
    builder_deinit(&w->data);
    builder_deinit(&w->index);
    od_free(w);
}
