/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/tensor_bundle.h"

#include "checkpoint/bundle_dtype.h"
#include "checkpoint/sstable.h"
#include "util/alloc.h"
#include "util/crc32c.h"
#include "util/file.h"
#include "util/proto_alloc.h"

#include "tensor_bundle.pb-c.h"

#include <string.h>

/* More shards than any training has hosts. */
#define MAX_SHARDS 4096

/* What reading a tensor left behind. */
typedef struct read_state {
    int checked;   /* the CRC agreed */
    uint8_t *copy; /* aligned, or NULL */
} read_state;

struct od_bundle {
    char *prefix;
    od_file_view index;
    od_sstable *table; /* owns the keys */
    od_bundle_entry *entries;
    read_state *states;
    size_t count;
    od_file_view *shards;
    int shard_count;
    int index_only;
};

void od_bundle_close(od_bundle *b)
{
    if (!b) return;
    for (size_t i = 0; b->states && i < b->count; i++) od_free(b->states[i].copy);
    for (int i = 0; b->shards && i < b->shard_count; i++) od_file_view_close(&b->shards[i]);
    od_free(b->shards);
    od_free(b->states);
    od_free(b->entries);
    od_sstable_free(b->table);
    od_file_view_close(&b->index);
    od_free(b->prefix);
    od_free(b);
}

/* ---- the index ---- */

static od_status check_header(od_bundle *b, const TensorBundle__BundleHeaderProto *h, od_error *err)
{
    if (h->endianness != TENSOR_BUNDLE__BUNDLE_HEADER_PROTO__ENDIANNESS__LITTLE)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "written on a big-endian machine; save it again on a little-endian one");
    if (h->version && h->version->min_consumer > 1)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "needs a reader of bundle version %d; expected 1 or less", h->version->min_consumer);
    if (h->num_shards < 1 || h->num_shards > MAX_SHARDS)
        return od_error_set(err, OD_ERR_FORMAT, "%d data files; expected 1 to %d", h->num_shards, MAX_SHARDS);
    b->shard_count = h->num_shards;
    return OD_OK;
}

static od_status read_header(od_bundle *b, od_error *err)
{
    const od_sstable_entry *e = od_sstable_at(b->table, 0);
    if (!e || e->key_size) return od_error_set(err, OD_ERR_FORMAT, "no bundle header (key \"\"); not a TensorFlow checkpoint index");
    int no_memory;
    ProtobufCAllocator allocator = od_proto_allocator(&no_memory);
    TensorBundle__BundleHeaderProto *h = tensor_bundle__bundle_header_proto__unpack(&allocator, e->value_size, e->value);
    if (!h && no_memory) return od_error_nomem(err, "the bundle header");
    if (!h) return od_error_set(err, OD_ERR_FORMAT, "the bundle header is damaged");
    od_status status = check_header(b, h, err);
    tensor_bundle__bundle_header_proto__free_unpacked(h, &allocator);
    return status;
}

static od_status set_shape(od_bundle_entry *e, const TensorBundle__TensorShapeProto *shape, od_error *err)
{
    if (!shape) return OD_OK;
    if (shape->unknown_rank || shape->n_dim > OD_DTYPE_MAX_RANK)
        return od_error_set(err, OD_ERR_FORMAT, "'%s': a shape of %zu dimensions; expected at most %d", e->key, shape->n_dim, OD_DTYPE_MAX_RANK);
    e->rank = (int)shape->n_dim;
    for (int i = 0; i < e->rank; i++) e->shape[i] = shape->dim[i]->size;
    int64_t elements;
    if (od_shape_count(e->rank, e->shape, &elements)) return od_error_set(err, OD_ERR_FORMAT, "'%s': a negative or overflowing shape", e->key);
    return OD_OK;
}

static od_status check_place(const od_bundle *b, const od_bundle_entry *e, od_error *err)
{
    size_t bytes;
    if (e->partitioned || e->dtype == OD_DTYPE_COUNT) return OD_OK;
    if (e->shard < 0 || e->shard >= b->shard_count)
        return od_error_set(err, OD_ERR_FORMAT, "'%s': lies in data file %d of %d", e->key, e->shard, b->shard_count);
    if (e->offset < 0 || e->size < 0 || e->offset > INT64_MAX - e->size)
        return od_error_set(err, OD_ERR_FORMAT, "'%s': offset %lld, size %lld", e->key, (long long)e->offset, (long long)e->size);
    if (e->dtype == OD_STRING) return OD_OK;
    if (od_shape_bytes(e->dtype, e->rank, e->shape, &bytes) || bytes != (size_t)e->size) {
        char text[128];
        return od_error_set(err, OD_ERR_FORMAT, "'%s': %lld bytes don't make %s %s", e->key, (long long)e->size, od_dtype_name(e->dtype),
                            od_shape_text(e->rank, e->shape, text, sizeof text));
    }
    return OD_OK;
}

static od_status set_entry(const od_bundle *b, od_bundle_entry *e, const TensorBundle__BundleEntryProto *p, od_error *err)
{
    e->tf_dtype = p->dtype;
    e->dtype = od_bundle_dtype_from_tf(p->dtype);
    e->partitioned = p->n_slices > 0;
    e->shard = p->shard_id;
    e->offset = p->offset;
    e->size = p->size;
    e->crc = p->crc32c;
    OD_TRY(set_shape(e, p->shape, err));
    return check_place(b, e, err);
}

static od_status read_entry(od_bundle *b, const od_sstable_entry *row, od_error *err)
{
    /* Keys of a partitioned tensor's slices are binary and start with NUL; the tensor's own key says that it is one. */
    if (strlen(row->key) != row->key_size) return OD_OK;
    int no_memory;
    ProtobufCAllocator allocator = od_proto_allocator(&no_memory);
    TensorBundle__BundleEntryProto *p = tensor_bundle__bundle_entry_proto__unpack(&allocator, row->value_size, row->value);
    if (!p && no_memory) return od_error_nomem(err, row->key);
    if (!p) return od_error_set(err, OD_ERR_FORMAT, "'%s': its entry is damaged", row->key);
    od_bundle_entry *e = &b->entries[b->count];
    e->key = row->key;
    od_status status = set_entry(b, e, p, err);
    tensor_bundle__bundle_entry_proto__free_unpacked(p, &allocator);
    if (status == OD_OK) b->count++;
    return status;
}

static od_status read_index(od_bundle *b, od_error *err)
{
    OD_TRY(od_sstable_parse(&b->table, b->index.data, b->index.size, err));
    OD_TRY(read_header(b, err));
    size_t rows = od_sstable_count(b->table);
    b->entries = od_calloc(rows, sizeof *b->entries);
    b->states = od_calloc(rows, sizeof *b->states);
    b->shards = od_calloc((size_t)b->shard_count, sizeof *b->shards);
    if (!b->entries || !b->states || !b->shards) return od_error_nomem(err, "a checkpoint's entries");
    for (size_t i = 1; i < rows; i++) OD_TRY(read_entry(b, od_sstable_at(b->table, i), err));
    return OD_OK;
}

/* ---- the data files ---- */

static od_status open_shards(od_bundle *b, od_error *err)
{
    for (int i = 0; i < b->shard_count; i++) {
        char *path = od_asprintf("%s.data-%05d-of-%05d", b->prefix, i, b->shard_count);
        if (!path) return od_error_nomem(err, b->prefix);
        od_status status = od_file_view_open(&b->shards[i], path, err);
        od_free(path);
        if (status == OD_ERR_NOT_FOUND)
            return od_error_set(err, status, "%s.data-%05d-of-%05d: not found; the checkpoint is incomplete without it", b->prefix, i, b->shard_count);
        if (status != OD_OK) return status;
    }
    return OD_OK;
}

static od_status check_sizes(const od_bundle *b, od_error *err)
{
    for (size_t i = 0; i < b->count; i++) {
        const od_bundle_entry *e = &b->entries[i];
        if (e->partitioned || e->dtype == OD_DTYPE_COUNT) continue;
        if ((uint64_t)(e->offset + e->size) > b->shards[e->shard].size)
            return od_error_set(err, OD_ERR_FORMAT, "%s.data-%05d-of-%05d: %zu bytes, but '%s' ends at byte %lld; the file is truncated", b->prefix,
                                e->shard, b->shard_count, b->shards[e->shard].size, e->key, (long long)(e->offset + e->size));
    }
    return OD_OK;
}

/* ---- opening ---- */

static int ends_with(const char *text, const char *tail)
{
    size_t n = strlen(text), m = strlen(tail);
    return n >= m && !strcmp(text + n - m, tail);
}

/* Why there is no PREFIX.index, as helpful as can be; `err` holds the plain reason. */
static od_status explain_missing(const char *prefix, const char *index, od_error *err)
{
    char *meta = od_asprintf("%s.meta", prefix);
    int has_meta = meta && od_path_exists(meta);
    od_free(meta);
    if (ends_with(prefix, ".index") || strstr(od_path_base(prefix), ".data-"))
        return od_error_set(err, OD_ERR_ARG, "%s: give the checkpoint without its ending, such as model_dir/ckpt-1", prefix);
    if (od_path_is_dir(prefix))
        return od_error_set(err, OD_ERR_ARG, "%s: is a folder; expected a checkpoint in it, such as %s/ckpt-1", prefix, prefix);
    if (has_meta || od_path_exists(prefix))
        return od_error_set(err, OD_ERR_UNSUPPORTED,
                            "%s: a TF1 checkpoint%s; expected a TF2 one (PREFIX.index, PREFIX.data-*), such as checkpoint/ckpt-0 of the TF2 detection zoo", prefix,
                            has_meta ? " (there is a .meta beside it)" : " (a single file)");
    return od_error_set(err, OD_ERR_NOT_FOUND, "%s: not found; expected a checkpoint, such as model_dir/ckpt-1 for model_dir/ckpt-1.index", index);
}

static od_status open_index_file(od_bundle *b, od_error *err)
{
    char *path = od_asprintf("%s.index", b->prefix);
    if (!path) return od_error_nomem(err, b->prefix);
    od_status status = od_file_view_open(&b->index, path, err);
    if (status == OD_ERR_NOT_FOUND) status = explain_missing(b->prefix, path, err);
    if (status == OD_OK) {
        status = read_index(b, err);
        if (status != OD_OK) od_error_prefix(err, "%s", path);
    }
    od_free(path);
    return status;
}

static od_status open_bundle(od_bundle **out, const char *prefix, int index_only, od_error *err)
{
    od_bundle *b = od_calloc(1, sizeof *b);
    if (!b) return od_error_nomem(err, prefix);
    od_status status = OD_OK;
    b->index_only = index_only;
    b->prefix = od_strdup(prefix);
    if (!b->prefix) status = od_error_nomem(err, prefix);
    if (status == OD_OK) status = open_index_file(b, err);
    if (status == OD_OK && !index_only) status = open_shards(b, err);
    if (status == OD_OK && !index_only) status = check_sizes(b, err);
    if (status == OD_OK)
        *out = b;
    else
        od_bundle_close(b);
    return status;
}

od_status od_bundle_open(od_bundle **out, const char *prefix, od_error *err)
{
    return open_bundle(out, prefix, 0, err);
}

od_status od_bundle_open_index(od_bundle **out, const char *prefix, od_error *err)
{
    return open_bundle(out, prefix, 1, err);
}

const char *od_bundle_prefix(const od_bundle *b)
{
    return b->prefix;
}

size_t od_bundle_count(const od_bundle *b)
{
    return b->count;
}

const od_bundle_entry *od_bundle_at(const od_bundle *b, size_t i)
{
    return i < b->count ? &b->entries[i] : NULL;
}

const od_bundle_entry *od_bundle_find(const od_bundle *b, const char *key)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(b->entries[middle].key, key);
        if (order == 0) return &b->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- reading tensors ---- */

static od_status check_readable(const od_bundle *b, const od_bundle_entry *e, od_error *err)
{
    if (e->partitioned)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "%s: '%s' is partitioned (stored in slices); save the checkpoint again without a partitioner", b->prefix, e->key);
    if (e->dtype == OD_DTYPE_COUNT)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "%s: '%s' has TensorFlow's dtype %d, which is not supported", b->prefix, e->key, e->tf_dtype);
    if (b->index_only) return od_error_set(err, OD_ERR_ARG, "%s: opened without its data", b->prefix);
    return OD_OK;
}

static od_status wrong_crc(const od_bundle *b, const od_bundle_entry *e, od_error *err)
{
    return od_error_set(err, OD_ERR_FORMAT, "%s.data-%05d-of-%05d: wrong checksum of '%s' (bytes %lld to %lld); the file is damaged", b->prefix, e->shard,
                        b->shard_count, e->key, (long long)e->offset, (long long)(e->offset + e->size));
}

od_status od_bundle_data(od_bundle *b, const od_bundle_entry *e, const void **data, od_error *err)
{
    OD_TRY(check_readable(b, e, err));
    if (e->dtype == OD_STRING) return od_error_set(err, OD_ERR_ARG, "%s: '%s' holds text, not numbers", b->prefix, e->key);
    read_state *state = &b->states[e - b->entries];
    const uint8_t *bytes = b->shards[e->shard].data + e->offset;
    if (!state->checked && od_crc32c_mask(od_crc32c(0, bytes, (size_t)e->size)) != e->crc) return wrong_crc(b, e, err);
    state->checked = 1;
    if ((uintptr_t)bytes % od_dtype_size(e->dtype) && !state->copy) {
        state->copy = od_malloc((size_t)e->size, 1);
        if (!state->copy) return od_error_nomem(err, e->key);
        memcpy(state->copy, bytes, (size_t)e->size);
    }
    *data = state->copy ? state->copy : bytes;
    return OD_OK;
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The CRC of a string's length goes over its bytes as u32 (u64 when it doesn't fit), not as the stored varint. */
static uint32_t length_crc(uint64_t length)
{
    uint8_t bytes[8];
    size_t n = length > UINT32_MAX ? 8 : 4;
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(length >> (8 * i));
    return od_crc32c(0, bytes, n);
}

od_status od_bundle_string(od_bundle *b, const od_bundle_entry *e, const uint8_t **bytes, size_t *size, od_error *err)
{
    OD_TRY(check_readable(b, e, err));
    if (e->dtype != OD_STRING || e->rank)
        return od_error_set(err, OD_ERR_FORMAT, "%s: '%s' is not a single string", b->prefix, e->key);
    const uint8_t *p = b->shards[e->shard].data + e->offset, *end = p + e->size;
    uint64_t length;
    if (od_varint_read(&p, end, &length) || end - p < 4 || length != (uint64_t)(end - p - 4)) return wrong_crc(b, e, err);
    uint32_t crc = length_crc(length);
    if (od_crc32c_mask(crc) != read_u32(p)) return wrong_crc(b, e, err);
    if (od_crc32c_mask(od_crc32c(crc, p, (size_t)length + 4)) != e->crc) return wrong_crc(b, e, err);
    *bytes = p + 4;
    *size = (size_t)length;
    return OD_OK;
}
