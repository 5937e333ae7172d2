/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors: round trip, golden files, refused files, injected failures.
 */
#include "test_support.h"

#include "checkpoint/safetensors.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

/* A file's bytes: header size, header, `data_size` zero bytes; returns the size. */
static size_t make(uint8_t *out, const char *header, size_t data_size)
{
    size_t n = strlen(header);
    memset(out, 0, 8 + n + data_size);
    out[0] = (uint8_t)n;
    out[1] = (uint8_t)(n >> 8);
    memcpy(out + 8, header, n);
    return 8 + n + data_size;
}

static void assert_refused(const char *header, size_t data_size, od_status expected, const char *message)
{
    uint8_t bytes[1024];
    od_error err = {0};
    od_safetensors *st = NULL;
    size_t size = make(bytes, header, data_size);
    od_status status = od_safetensors_parse(&st, "x.safetensors", bytes, size, &err);
    if (status != expected || !strstr(err.message, message)) print_error("%s\n-> %d %s\n", header, (int)status, err.message);
    assert_int_equal(status, expected);
    assert_non_null(strstr(err.message, message));
    assert_non_null(strstr(err.message, "x.safetensors: "));
    assert_null(st);
}

static void test_refused_headers(void **state)
{
    (void)state;
    assert_refused("[]", 0, OD_ERR_FORMAT, "not a JSON object");
    assert_refused("{", 0, OD_ERR_FORMAT, "not valid JSON");
    assert_refused("{\"a\":1}", 0, OD_ERR_FORMAT, "tensor 'a'");
    assert_refused("{\"a\":{\"dtype\":\"F8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, OD_ERR_UNSUPPORTED, "\"F8\"");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, OD_ERR_FORMAT, "needs 4");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, OD_ERR_FORMAT, "outside the 4 bytes");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, OD_ERR_FORMAT, "outside");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, OD_ERR_FORMAT, "shape");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,2],\"data_offsets\":[0,0]}}", 0, OD_ERR_FORMAT, "overflows");
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, OD_ERR_FORMAT, "8 dimensions");
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
                   OD_ERR_FORMAT, "duplicate");
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3,
                   OD_ERR_FORMAT, "overlaps");
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}", 3,
                   OD_ERR_FORMAT, "hole");
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 5, OD_ERR_FORMAT, "4 bytes after");
}

/* The data part starts at an odd address here, so that the reader has to copy. */
static void test_unaligned_is_copied(void **state)
{
    (void)state;
    uint8_t bytes[256];
    od_safetensors *st;
    size_t size = make(bytes, "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"f\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[1,5]}}", 5);
    float value = 1.5f;
    memcpy(bytes + size - 4, &value, 4);
    assert_int_equal(od_safetensors_parse(&st, "x", bytes, size, NULL), OD_OK);
    const od_safetensors_entry *e = od_safetensors_find(st, "f");
    assert_int_equal((uintptr_t)e->data % 4, 0);
    assert_true(*(const float *)e->data == 1.5f);
    assert_int_equal(e->rank, 0);
    od_safetensors_close(st);
}

static const float floats[6] = {1, -2, 3.25f, 4, 5, 6};
static const int64_t big = INT64_C(-12345678901);
static const od_safetensors_entry written[] = {
    {.name = "flags/\"quoted\"", .dtype = OD_BOOL, .rank = 1, .shape = {3}, .data = "\1\0\1"},
    {.name = "step", .dtype = OD_I64, .data = &big},
    {.name = "none", .dtype = OD_F32, .rank = 2, .shape = {0, 4}},
    {.name = "w", .dtype = OD_F32, .rank = 2, .shape = {2, 3}, .data = floats},
};

static void assert_reads_back(const char *path)
{
    od_safetensors *st;
    assert_int_equal(od_safetensors_open(&st, path, NULL), OD_OK);
    assert_int_equal(od_safetensors_count(st), 4);
    assert_null(od_safetensors_at(st, 4));
    assert_null(od_safetensors_find(st, "absent"));
    for (size_t i = 0; i < 4; i++) {
        const od_safetensors_entry *e = od_safetensors_find(st, written[i].name);
        assert_non_null(e);
        assert_int_equal(e->dtype, written[i].dtype);
        assert_int_equal(e->rank, written[i].rank);
        assert_memory_equal(e->shape, written[i].shape, sizeof e->shape);
        if (e->bytes) assert_memory_equal(e->data, written[i].data, e->bytes);
    }
    assert_int_equal(od_safetensors_find(st, "w")->bytes, 24);
    od_safetensors_close(st);
}

static void test_round_trip(void **state)
{
    (void)state;
    char path[512];
    test_tmp_path(path, sizeof path, "round.safetensors");
    assert_int_equal(od_safetensors_write(path, written, 4, NULL), OD_OK);
    assert_reads_back(path);
}

static void test_write_refuses(void **state)
{
    (void)state;
    char path[512];
    od_error err = {0};
    test_tmp_path(path, sizeof path, "refused.safetensors");
    od_safetensors_entry twice[] = {written[3], written[3]};
    assert_int_equal(od_safetensors_write(path, twice, 2, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "'w'"));
    od_safetensors_entry text = {.name = "s", .dtype = OD_STRING};
    assert_int_equal(od_safetensors_write(path, &text, 1, &err), OD_ERR_ARG);
    assert_false(od_path_exists(path));
}

/* Every prefix of a file is refused; every failing write leaves the old file. */
static void test_truncation_and_short_writes(void **state)
{
    (void)state;
    char path[512];
    od_file_view view;
    od_safetensors *st;
    od_safetensors_entry larger[5];
    memcpy(larger, written, sizeof written);
    larger[4] = written[3];
    larger[4].name = "another";
    test_tmp_path(path, sizeof path, "cut.safetensors");
    assert_int_equal(od_safetensors_write(path, written, 4, NULL), OD_OK);
    assert_int_equal(od_file_view_open(&view, path, NULL), OD_OK);
    for (size_t n = 0; n < view.size; n++) {
        od_error err = {0};
        assert_int_equal(od_safetensors_parse(&st, path, view.data, n, &err), OD_ERR_FORMAT);
        od_file_fail_after((long long)n);
        assert_int_equal(od_safetensors_write(path, larger, 5, &err), OD_ERR_IO);
        od_file_fail_after(-1);
        assert_reads_back(path);
    }
    od_file_view_close(&view);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    char path[512];
    test_tmp_path(path, sizeof path, "alloc.safetensors");
    assert_int_equal(od_safetensors_write(path, written, 4, NULL), OD_OK);
    od_status status = OD_ERR_NOMEM;
    for (long n = 1; status != OD_OK; n++) {
        od_safetensors *st = NULL;
        od_error err = {0};
        od_alloc_fail_after(n);
        status = od_safetensors_open(&st, path, &err);
        od_alloc_fail_after(0);
        if (status != OD_OK) assert_int_equal(status, OD_ERR_NOMEM);
        od_safetensors_close(st);
        assert_true(n < 100);
    }
}

static void test_golden_files(void **state)
{
    (void)state;
    char path[512];
    od_safetensors *st;
    test_need_shared(path, "golden/ssd_mobilenet_v2_fpnlite_small/forward.safetensors");
    assert_int_equal(od_safetensors_open(&st, path, NULL), OD_OK);
    const od_safetensors_entry *image = od_safetensors_find(st, "image");
    assert_int_equal(image->dtype, OD_U8);
    assert_int_equal(image->bytes, 4 * 150 * 200 * 3);
    const od_safetensors_entry *shapes = od_safetensors_find(st, "true_image_shapes");
    assert_int_equal(shapes->dtype, OD_I32);
    assert_int_equal(((const int32_t *)shapes->data)[2], 3);
    od_safetensors_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_headers),
        cmocka_unit_test(test_unaligned_is_copied),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_write_refuses),
        cmocka_unit_test(test_truncation_and_short_writes),
        cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_golden_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
