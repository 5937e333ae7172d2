/* SPDX-License-Identifier: Apache-2.0
 *
 * The writing half of tensor_bundle.h: tensors go straight to the data file, only their entries are kept.
 */
#include "checkpoint/bundle_dtype.h"
#include "checkpoint/sstable.h"
#include "checkpoint/tensor_bundle.h"
#include "util/alloc.h"
#include "util/crc32c.h"
#include "util/file.h"
#include "util/hashmap.h"
#include "util/strbuf.h"

#include "tensor_bundle.pb-c.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct od_bundle_writer {
    char *index_path;
    od_file_writer *data, *index;
    od_bundle_entry *entries; /* keys are ours */
    size_t count, capacity;
    od_hashmap keys;
    int64_t offset;
};

void od_bundle_writer_abort(od_bundle_writer *w)
{
    if (!w) return;
    od_file_writer_abort(w->data);
    od_file_writer_abort(w->index);
    for (size_t i = 0; i < w->count; i++) od_free((void *)w->entries[i].key);
    od_free(w->entries);
    od_hashmap_deinit(&w->keys);
    od_free(w->index_path);
    od_free(w);
}

od_status od_bundle_writer_create(od_bundle_writer **out, const char *prefix, od_error *err)
{
    od_status status = OD_ERR_NOMEM;
    od_bundle_writer *w = od_calloc(1, sizeof *w);
    char *data_path = od_asprintf("%s.data-00000-of-00001", prefix);
    if (w) w->index_path = od_asprintf("%s.index", prefix);
    if (!w || !data_path || !w->index_path)
        od_error_nomem(err, prefix);
    else
        status = od_file_writer_create(&w->data, data_path, err);
    od_free(data_path);
    if (status == OD_OK)
        *out = w;
    else
        od_bundle_writer_abort(w);
    return status;
}

/* Makes an entry; its bytes follow. */
static od_status new_entry(od_bundle_writer *w, od_bundle_entry e, od_error *err)
{
    if (!e.key[0] || od_hashmap_get(&w->keys, e.key, NULL)) return od_error_set(err, OD_ERR_ARG, "checkpoint key '%s' is empty or written twice", e.key);
    if (e.offset > INT64_MAX - e.size) return od_error_set(err, OD_ERR_ARG, "checkpoint key '%s': the file would be too large", e.key);
    if (od_hashmap_set(&w->keys, e.key, 1) || od_grow(&w->entries, &w->capacity, w->count + 1, sizeof *w->entries)) return od_error_nomem(err, e.key);
    char *key = od_strdup(e.key);
    if (!key) return od_error_nomem(err, e.key);
    e.key = key;
    w->entries[w->count++] = e;
    w->offset += e.size;
    return OD_OK;
}

od_status od_bundle_writer_add(od_bundle_writer *w, const char *key, od_dtype dtype, int rank, const int64_t *shape, const void *data, od_error *err)
{
    size_t bytes;
    if (od_shape_bytes(dtype, rank, shape, &bytes))
        return od_error_set(err, OD_ERR_ARG, "checkpoint key '%s': %s with %d dimensions cannot be written", key, od_dtype_name(dtype), rank);
    od_bundle_entry e = {.key = key, .dtype = dtype, .rank = rank, .offset = w->offset, .size = (int64_t)bytes};
    if (rank) memcpy(e.shape, shape, (size_t)rank * sizeof *shape);
    e.crc = od_crc32c_mask(od_crc32c(0, data, bytes));
    OD_TRY(new_entry(w, e, err));
    return od_file_writer_write(w->data, data, bytes, err);
}

od_status od_bundle_writer_add_string(od_bundle_writer *w, const char *key, const void *bytes, size_t size, od_error *err)
{
    if (size > UINT32_MAX) return od_error_set(err, OD_ERR_ARG, "checkpoint key '%s': a string of more than 4 GiB", key);
    uint8_t head[14], length[4];
    for (int i = 0; i < 4; i++) length[i] = (uint8_t)(size >> (8 * i));
    uint32_t crc = od_crc32c(0, length, 4), masked = od_crc32c_mask(crc);
    size_t n = od_varint_write(head, size);
    for (int i = 0; i < 4; i++) head[n + (size_t)i] = (uint8_t)(masked >> (8 * i));
    crc = od_crc32c(od_crc32c(crc, head + n, 4), bytes, size);
    od_bundle_entry e = {.key = key, .dtype = OD_STRING, .offset = w->offset, .size = (int64_t)(n + 4 + size), .crc = od_crc32c_mask(crc)};
    OD_TRY(new_entry(w, e, err));
    OD_TRY(od_file_writer_write(w->data, head, n + 4, err));
    return od_file_writer_write(w->data, bytes, size, err);
}

/* The packed BundleEntryProto in `out`; a few numbers, so it always fits. */
static size_t pack_entry(const od_bundle_entry *e, uint8_t out[512])
{
    TensorBundle__TensorShapeProto__Dim dims[OD_DTYPE_MAX_RANK], *pointers[OD_DTYPE_MAX_RANK];
    TensorBundle__TensorShapeProto shape = TENSOR_BUNDLE__TENSOR_SHAPE_PROTO__INIT;
    TensorBundle__BundleEntryProto entry = TENSOR_BUNDLE__BUNDLE_ENTRY_PROTO__INIT;
    for (int i = 0; i < e->rank; i++) {
        tensor_bundle__tensor_shape_proto__dim__init(&dims[i]);
        dims[i].size = e->shape[i];
        pointers[i] = &dims[i];
    }
    shape.n_dim = (size_t)e->rank;
    shape.dim = pointers;
    entry.dtype = od_bundle_dtype_to_tf(e->dtype);
    entry.shape = &shape;
    entry.offset = e->offset;
    entry.size = e->size;
    entry.crc32c = e->crc;
    return tensor_bundle__bundle_entry_proto__pack(&entry, out);
}

static od_status write_header(od_sstable_writer *table, od_error *err)
{
    TensorBundle__VersionDef version = TENSOR_BUNDLE__VERSION_DEF__INIT;
    TensorBundle__BundleHeaderProto header = TENSOR_BUNDLE__BUNDLE_HEADER_PROTO__INIT;
    uint8_t bytes[64];
    version.producer = 1;
    header.num_shards = 1;
    header.version = &version;
    return od_sstable_writer_add(table, "", bytes, tensor_bundle__bundle_header_proto__pack(&header, bytes), err);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const od_bundle_entry *)a)->key, ((const od_bundle_entry *)b)->key);
}

static od_status write_index(od_bundle_writer *w, od_error *err)
{
    od_sstable_writer *table = NULL;
    qsort(w->entries, w->count, sizeof *w->entries, by_key);
    OD_TRY(od_file_writer_create(&w->index, w->index_path, err));
    OD_TRY(od_sstable_writer_create(&table, w->index, err));
    od_status status = write_header(table, err);
    for (size_t i = 0; status == OD_OK && i < w->count; i++) {
        uint8_t bytes[512];
        size_t size = pack_entry(&w->entries[i], bytes);
        status = od_sstable_writer_add(table, w->entries[i].key, bytes, size, err);
    }
    if (status == OD_OK) status = od_sstable_writer_finish(table, err);
    od_sstable_writer_free(table);
    return status;
}

/* Both files are complete under their temporary names. An index of an earlier checkpoint of the same name must not
 * stand beside the new data, so it goes first. */
static od_status commit(od_bundle_writer *w, od_error *err)
{
    if (unlink(w->index_path) && od_path_exists(w->index_path)) return od_error_errno(err, w->index_path, "replace");
    od_file_writer *data = w->data, *index = w->index;
    w->data = NULL;
    OD_TRY(od_file_writer_commit(data, err));
    w->index = NULL;
    return od_file_writer_commit(index, err);
}

od_status od_bundle_writer_finish(od_bundle_writer *w, od_error *err)
{
    od_status status = write_index(w, err);
    if (status == OD_OK) status = commit(w, err);
    od_bundle_writer_abort(w);
    return status;
}
