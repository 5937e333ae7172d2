/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables and bundles: round trips, several shards and blocks, and every kind of damage: an error or the same values, never
 * a crash.
 */
#include "test_support.h"

#include "checkpoint/sstable.h"
#include "checkpoint/tensor_bundle.h"
#include "util/alloc.h"
#include "util/crc32c.h"
#include "util/file.h"

#include "tensor_bundle.pb-c.h"

#include <string.h>
#include <unistd.h>

static const float floats[6] = {1, -2, 3.25f, 4, 5, 6};
static const int64_t floats_shape[2] = {2, 3}, wide = INT64_C(-98765432109);

/* A bool first, so that the others are not aligned in the file. */
static od_status write_bundle(const char *prefix, const char *text, od_error *err)
{
    od_bundle_writer *w;
    OD_TRY(od_bundle_writer_create(&w, prefix, err));
    od_status status = od_bundle_writer_add(w, "z/flags", OD_BOOL, 1, (int64_t[]){3}, "\1\0\1", err);
    if (status == OD_OK) status = od_bundle_writer_add(w, "a/kernel", OD_F32, 2, floats_shape, floats, err);
    if (status == OD_OK) status = od_bundle_writer_add(w, "a/step", OD_I64, 0, NULL, &wide, err);
    if (status == OD_OK) status = od_bundle_writer_add(w, "a/none", OD_F32, 2, (int64_t[]){0, 5}, NULL, err);
    if (status == OD_OK) status = od_bundle_writer_add_string(w, "graph", text, strlen(text), err);
    if (status == OD_OK) return od_bundle_writer_finish(w, err);
    od_bundle_writer_abort(w);
    return status;
}

/* The values of write_bundle, or the first error. Wrong values fail the test. */
static od_status read_bundle(const char *prefix, const char *text, od_error *err)
{
    static const struct {
        const char *key;
        const void *data;
    } expected[] = {{"z/flags", "\1\0\1"}, {"a/kernel", floats}, {"a/step", &wide}, {"a/none", ""}};
    od_bundle *b;
    const uint8_t *bytes;
    size_t size;
    OD_TRY(od_bundle_open(&b, prefix, err));
    od_status status = OD_OK;
    for (size_t i = 0; status == OD_OK && i < 4; i++) {
        const void *data;
        const od_bundle_entry *e = od_bundle_find(b, expected[i].key);
        status = e ? od_bundle_data(b, e, &data, err) : OD_ERR_NOT_FOUND;
        if (status == OD_OK && (size_t)e->size) assert_memory_equal(data, expected[i].data, (size_t)e->size);
        if (status == OD_OK) assert_int_equal((uintptr_t)data % od_dtype_size(e->dtype), 0);
    }
    if (status == OD_OK) status = od_bundle_string(b, od_bundle_find(b, "graph"), &bytes, &size, err);
    if (status == OD_OK) {
        assert_int_equal(size, strlen(text));
        assert_memory_equal(bytes, text, size);
        assert_int_equal(od_bundle_count(b), 5);
    }
    od_bundle_close(b);
    return status;
}

static void test_bundle_round_trip(void **state)
{
    (void)state;
    char prefix[512], text[400];
    od_error err = {0};
    test_tmp_path(prefix, sizeof prefix, "round");
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    assert_int_equal(write_bundle(prefix, text, NULL), OD_OK);
    if (read_bundle(prefix, text, &err)) fail_msg("%s", err.message);
    assert_int_equal(write_bundle(prefix, "", NULL), OD_OK);
    if (read_bundle(prefix, "", &err)) fail_msg("%s", err.message);
}

static void test_bundle_details(void **state)
{
    (void)state;
    char prefix[512];
    od_bundle *b;
    od_error err = {0};
    const void *data;
    test_tmp_path(prefix, sizeof prefix, "details");
    assert_int_equal(write_bundle(prefix, "text", NULL), OD_OK);
    assert_int_equal(od_bundle_open(&b, prefix, NULL), OD_OK);
    assert_string_equal(od_bundle_prefix(b), prefix);
    for (size_t i = 1; i < od_bundle_count(b); i++) assert_true(strcmp(od_bundle_at(b, i - 1)->key, od_bundle_at(b, i)->key) < 0);
    const od_bundle_entry *e = od_bundle_find(b, "a/kernel");
    assert_int_equal(e->rank, 2);
    assert_memory_equal(e->shape, floats_shape, sizeof floats_shape);
    assert_int_equal(e->size, 24);
    assert_int_equal(e->offset, 3);
    assert_null(od_bundle_find(b, "a/kerne"));
    assert_null(od_bundle_at(b, 5));
    assert_int_equal(od_bundle_data(b, od_bundle_find(b, "graph"), &data, &err), OD_ERR_ARG);
    od_bundle_close(b);
}

/* ---- damage ---- */

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static bytes load(const char *path)
{
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, path, NULL), OD_OK);
    bytes b = {test_malloc(view.size), view.size};
    memcpy(b.data, view.data, view.size);
    od_file_view_close(&view);
    return b;
}

static void store(const char *path, const uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Flips every bit of the file and cuts it at every length; `prefix` must then give an error or the right values. */
static void damage_file(const char *prefix, const char *path, size_t *errors, size_t *tries)
{
    bytes whole = load(path);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    *errors = *tries = 0;
    for (size_t bit = 0; bit < 8 * whole.size; bit++, ++*tries) {
        od_error err = {0};
        uint8_t flipped = whole.data[bit / 8] ^ (uint8_t)(1 << bit % 8);
        assert_int_equal(pwrite(fileno(f), &flipped, 1, (off_t)(bit / 8)), 1);
        if (read_bundle(prefix, "text", &err) != OD_OK) {
            ++*errors;
            assert_true(err.status != OD_OK);
            assert_true(strlen(err.message) > 0);
        }
        assert_int_equal(pwrite(fileno(f), &whole.data[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    for (size_t n = whole.size; n-- > 0; ++*tries) {
        assert_int_equal(ftruncate(fileno(f), (off_t)n), 0);
        *errors += read_bundle(prefix, "text", NULL) != OD_OK;
    }
    fclose(f);
    store(path, whole.data, whole.size);
    test_free(whole.data);
}

static void test_damaged_files(void **state)
{
    (void)state;
    char prefix[512], path[600];
    size_t errors, tries;
    test_tmp_path(prefix, sizeof prefix, "damaged");
    assert_int_equal(write_bundle(prefix, "text", NULL), OD_OK);
    snprintf(path, sizeof path, "%s.index", prefix);
    damage_file(prefix, path, &errors, &tries);
    /* Unused: the empty metaindex block (13 bytes), its handle and the padding of the footer (40 bytes). */
    assert_true(errors < tries);
    assert_true(tries - errors <= 8 * (13 + 40));
    snprintf(path, sizeof path, "%s.data-00000-of-00001", prefix);
    damage_file(prefix, path, &errors, &tries);
    assert_int_equal(errors, tries);
    assert_int_equal(read_bundle(prefix, "text", NULL), OD_OK);
}

/* Every prefix of a real index is refused. */
static void test_truncated_golden_index(void **state)
{
    (void)state;
    char path[512];
    od_file_view view;
    test_need_shared(path, "golden/ssd_mobilenet_v2_small/model.index");
    assert_int_equal(od_file_view_open(&view, path, NULL), OD_OK);
    for (size_t n = 0; n < view.size; n++) {
        od_sstable *t = NULL;
        assert_int_equal(od_sstable_parse(&t, view.data, n, NULL), OD_ERR_FORMAT);
        assert_null(t);
    }
    od_file_view_close(&view);
}

/* The disk fills up after every number of bytes: what was there before still reads. */
static void test_bundle_disk_full(void **state)
{
    (void)state;
    char prefix[512], leftover[600];
    od_status status = OD_ERR_IO;
    test_tmp_path(prefix, sizeof prefix, "full");
    assert_int_equal(write_bundle(prefix, "old", NULL), OD_OK);
    for (long long n = 0; status != OD_OK; n++) {
        od_error err = {0};
        od_file_fail_after(n);
        status = write_bundle(prefix, "newer", &err);
        od_file_fail_after(-1);
        if (status == OD_OK) break;
        assert_int_equal(status, OD_ERR_IO);
        assert_int_equal(read_bundle(prefix, "old", NULL), OD_OK);
        assert_true(n < 2000);
    }
    assert_int_equal(read_bundle(prefix, "newer", NULL), OD_OK);
    snprintf(leftover, sizeof leftover, "%s.index.tmp-%ld", prefix, (long)getpid());
    assert_false(od_path_exists(leftover));
}

/* ---- tables ---- */

static void write_table(const char *path, int count, const char *value)
{
    od_file_writer *file;
    od_sstable_writer *w;
    char key[32];
    assert_int_equal(od_file_writer_create(&file, path, NULL), OD_OK);
    assert_int_equal(od_sstable_writer_create(&w, file, NULL), OD_OK);
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "layer-%07d/kernel", i);
        assert_int_equal(od_sstable_writer_add(w, key, value, strlen(value), NULL), OD_OK);
    }
    if (count) assert_int_equal(od_sstable_writer_add(w, "layer", value, 1, NULL), OD_ERR_ARG);
    assert_int_equal(od_sstable_writer_finish(w, NULL), OD_OK);
    od_sstable_writer_free(w);
    assert_int_equal(od_file_writer_commit(file, NULL), OD_OK);
}

static void assert_table(const char *path, int count, const char *value)
{
    od_sstable *t;
    od_error err = {0};
    char key[32];
    bytes file = load(path);
    if (od_sstable_parse(&t, file.data, file.size, &err)) fail_msg("%s", err.message);
    assert_int_equal(od_sstable_count(t), count);
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "layer-%07d/kernel", i);
        const od_sstable_entry *e = od_sstable_find(t, key);
        assert_non_null(e);
        assert_ptr_equal(e, od_sstable_at(t, (size_t)i));
        assert_int_equal(e->value_size, strlen(value));
        assert_memory_equal(e->value, value, e->value_size);
    }
    assert_null(od_sstable_find(t, "layer-"));
    assert_null(od_sstable_find(t, "zebra"));
    od_sstable_free(t);
    test_free(file.data);
}

static void test_tables_of_many_blocks(void **state)
{
    (void)state;
    char path[512];
    test_tmp_path(path, sizeof path, "table");
    write_table(path, 0, "");
    assert_table(path, 0, "");
    write_table(path, 40000, "a value of some length, so that blocks of 256 KiB fill up");
    assert_table(path, 40000, "a value of some length, so that blocks of 256 KiB fill up");
}

/* Sets the type byte of the first block to "snappy" and makes its checksum right. */
static void test_compressed_block_is_named(void **state)
{
    (void)state;
    char path[512];
    od_sstable *t;
    od_error err = {0};
    test_tmp_path(path, sizeof path, "compressed");
    write_table(path, 2, "v");
    bytes file = load(path);
    size_t end = 0;
    while (od_crc32c_mask(od_crc32c(0, file.data, end + 1)) != (file.data[end + 1] | file.data[end + 2] << 8 | file.data[end + 3] << 16 | (uint32_t)file.data[end + 4] << 24)) end++;
    file.data[end] = 1;
    uint32_t crc = od_crc32c_mask(od_crc32c(0, file.data, end + 1));
    for (int i = 0; i < 4; i++) file.data[end + 1 + (size_t)i] = (uint8_t)(crc >> (8 * i));
    assert_int_equal(od_sstable_parse(&t, file.data, file.size, &err), OD_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "compressed block (type 1)"));
    test_free(file.data);
}

static void test_varints(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint8_t out[10];
        uint64_t back = 1;
        size_t n = od_varint_write(out, values[i]);
        const uint8_t *p = out;
        assert_int_equal(od_varint_read(&p, out + n, &back), 0);
        assert_true(back == values[i]);
        assert_ptr_equal(p, out + n);
        p = out;
        assert_int_equal(od_varint_read(&p, out + n - 1, &back), -1);
    }
    static const uint8_t too_large[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 2};
    const uint8_t *p = too_large;
    uint64_t value;
    assert_int_equal(od_varint_read(&p, too_large + sizeof too_large, &value), -1);
}

/* ---- bundles that others write ---- */

typedef struct made_entry {
    const char *key;
    int dtype, shard, sliced;
    int64_t offset, size, dim;
    const void *data; /* for the checksum */
} made_entry;

static void add_made(od_sstable_writer *w, const made_entry *m)
{
    TensorBundle__TensorShapeProto__Dim dim = TENSOR_BUNDLE__TENSOR_SHAPE_PROTO__DIM__INIT, *dims[] = {&dim};
    TensorBundle__TensorShapeProto shape = TENSOR_BUNDLE__TENSOR_SHAPE_PROTO__INIT;
    TensorBundle__TensorSliceProto slice = TENSOR_BUNDLE__TENSOR_SLICE_PROTO__INIT, *slices[] = {&slice};
    TensorBundle__BundleEntryProto e = TENSOR_BUNDLE__BUNDLE_ENTRY_PROTO__INIT;
    uint8_t packed[256];
    dim.size = m->dim;
    shape.n_dim = 1;
    shape.dim = dims;
    e.shape = &shape;
    e.dtype = m->dtype;
    e.shard_id = m->shard;
    e.offset = m->offset;
    e.size = m->size;
    e.n_slices = (size_t)m->sliced;
    e.slices = slices;
    if (m->data) e.crc32c = od_crc32c_mask(od_crc32c(0, m->data, (size_t)m->size));
    size_t size = tensor_bundle__bundle_entry_proto__pack(&e, packed);
    assert_int_equal(od_sstable_writer_add(w, m->key, packed, size, NULL), OD_OK);
}

static void make_index(const char *prefix, int shards, int endianness, int min_consumer, const made_entry *entries, size_t count)
{
    TensorBundle__VersionDef version = TENSOR_BUNDLE__VERSION_DEF__INIT;
    TensorBundle__BundleHeaderProto header = TENSOR_BUNDLE__BUNDLE_HEADER_PROTO__INIT;
    char path[600];
    uint8_t packed[64];
    od_file_writer *file;
    od_sstable_writer *w;
    version.producer = 1;
    version.min_consumer = min_consumer;
    header.num_shards = shards;
    header.endianness = endianness;
    header.version = &version;
    snprintf(path, sizeof path, "%s.index", prefix);
    assert_int_equal(od_file_writer_create(&file, path, NULL), OD_OK);
    assert_int_equal(od_sstable_writer_create(&w, file, NULL), OD_OK);
    size_t size = tensor_bundle__bundle_header_proto__pack(&header, packed);
    assert_int_equal(od_sstable_writer_add(w, "", packed, size, NULL), OD_OK);
    for (size_t i = 0; i < count; i++) add_made(w, &entries[i]);
    assert_int_equal(od_sstable_writer_finish(w, NULL), OD_OK);
    od_sstable_writer_free(w);
    assert_int_equal(od_file_writer_commit(file, NULL), OD_OK);
}

static void put_shard(const char *prefix, int i, int n, const void *data, size_t size)
{
    char path[600];
    snprintf(path, sizeof path, "%s.data-%05d-of-%05d", prefix, i, n);
    store(path, data, size);
}

static void test_several_shards(void **state)
{
    (void)state;
    char prefix[512];
    od_bundle *b;
    od_error err = {0};
    const void *data;
    static const made_entry entries[] = {
        {.key = "a", .dtype = 1, .shard = 1, .offset = 4, .size = 8, .dim = 2, .data = floats + 1},
        {.key = "b", .dtype = 1, .shard = 0, .offset = 0, .size = 4, .dim = 1, .data = floats + 5},
        {.key = "complex", .dtype = 8, .size = 8, .dim = 1},
        {.key = "sliced", .dtype = 1, .sliced = 1, .dim = 1000},
    };
    test_tmp_path(prefix, sizeof prefix, "shards");
    make_index(prefix, 2, 0, 0, entries, 4);
    put_shard(prefix, 0, 2, floats + 5, 4);
    assert_int_equal(od_bundle_open(&b, prefix, &err), OD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "data-00001-of-00002"));
    put_shard(prefix, 1, 2, floats, 12);
    if (od_bundle_open(&b, prefix, &err)) fail_msg("%s", err.message);
    assert_int_equal(od_bundle_data(b, od_bundle_find(b, "a"), &data, &err), OD_OK);
    assert_memory_equal(data, floats + 1, 8);
    assert_int_equal(od_bundle_data(b, od_bundle_find(b, "b"), &data, &err), OD_OK);
    assert_memory_equal(data, floats + 5, 4);
    assert_int_equal(od_bundle_data(b, od_bundle_find(b, "complex"), &data, &err), OD_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "'complex' has TensorFlow's dtype 8"));
    assert_int_equal(od_bundle_data(b, od_bundle_find(b, "sliced"), &data, &err), OD_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "'sliced' is partitioned"));
    od_bundle_close(b);
    put_shard(prefix, 1, 2, floats, 11);
    assert_int_equal(od_bundle_open(&b, prefix, &err), OD_ERR_FORMAT);
    assert_non_null(strstr(err.message, "'a' ends at byte 12"));
}

static void assert_index_refused(const char *prefix, od_status expected, const char *message)
{
    od_bundle *b;
    od_error err = {0};
    assert_int_equal(od_bundle_open(&b, prefix, &err), expected);
    if (!strstr(err.message, message)) fail_msg("'%s' without '%s'", err.message, message);
}

static void test_refused_indexes(void **state)
{
    (void)state;
    char prefix[512];
    test_tmp_path(prefix, sizeof prefix, "refused");
    put_shard(prefix, 0, 1, floats, sizeof floats);
    make_index(prefix, 1, 1, 0, NULL, 0);
    assert_index_refused(prefix, OD_ERR_UNSUPPORTED, "big-endian");
    make_index(prefix, 1, 0, 2, NULL, 0);
    assert_index_refused(prefix, OD_ERR_UNSUPPORTED, "version 2");
    make_index(prefix, 0, 0, 0, NULL, 0);
    assert_index_refused(prefix, OD_ERR_FORMAT, "0 data files");
    make_index(prefix, 2000000000, 0, 0, NULL, 0);
    assert_index_refused(prefix, OD_ERR_FORMAT, "2000000000 data files");
    static const struct {
        made_entry entry;
        const char *message;
    } cases[] = {
        {{.key = "k", .dtype = 1, .shard = 1, .size = 4, .dim = 1}, "data file 1 of 1"},
        {{.key = "k", .dtype = 1, .shard = -1, .size = 4, .dim = 1}, "data file -1 of 1"},
        {{.key = "k", .dtype = 1, .size = 4, .dim = 2}, "4 bytes don't make F32 [2]"},
        {{.key = "k", .dtype = 1, .offset = 24, .size = 4, .dim = 1}, "truncated"},
        {{.key = "k", .dtype = 1, .offset = -4, .size = 4, .dim = 1}, "offset -4"},
        {{.key = "k", .dtype = 1, .offset = INT64_MAX, .size = 4, .dim = 1}, "offset"},
        {{.key = "k", .dtype = 1, .size = -4, .dim = -1}, "shape"},
        {{.key = "k", .dtype = 1, .size = 4, .dim = INT64_MAX / 2}, "don't make"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_index(prefix, 1, 0, 0, &cases[i].entry, 1);
        assert_index_refused(prefix, OD_ERR_FORMAT, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle_round_trip),
        cmocka_unit_test(test_bundle_details),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_truncated_golden_index),
        cmocka_unit_test(test_bundle_disk_full),
        cmocka_unit_test(test_tables_of_many_blocks),
        cmocka_unit_test(test_compressed_block_is_named),
        cmocka_unit_test(test_varints),
        cmocka_unit_test(test_several_shards),
        cmocka_unit_test(test_refused_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
