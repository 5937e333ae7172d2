/* SPDX-License-Identifier: Apache-2.0
 *
 * TFRecord files: round trips, every kind of damage, packed files, memory, failures while writing; tf.Example messages.
 */
#include "data/dataset.h"
#include "data/sha256.h"
#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/record.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

enum { RECORDS = 40 };

/* Record i: 100 * i bytes that depend on i. */
static void fill_record(uint8_t *bytes, int i)
{
    uint32_t x = (uint32_t)i * 2654435761u + 1;
    for (int k = 0; k < 100 * i; k++) bytes[k] = (uint8_t)((x = x * 1664525 + 1013904223) >> 28);
}

static void write_records(const char *path, int count)
{
    uint8_t bytes[100 * RECORDS];
    od_tfrecord_writer *w;
    assert_int_equal(od_tfrecord_writer_create(&w, path, NULL), OD_OK);
    for (int i = 0; i < count; i++) {
        fill_record(bytes, i);
        assert_int_equal(od_tfrecord_writer_write(w, bytes, (size_t)(100 * i), NULL), OD_OK);
    }
    assert_int_equal(od_tfrecord_writer_commit(w, NULL), OD_OK);
}

static void expect_record(const od_tfrecord *f, int i)
{
    uint8_t wanted[100 * RECORDS], *bytes;
    size_t size;
    od_error err = {0};
    if (od_tfrecord_read(f, i, &bytes, &size, &err) != OD_OK) fail_msg("%s", err.message);
    fill_record(wanted, i);
    assert_int_equal(size, 100 * i);
    assert_memory_equal(bytes, wanted, size);
    od_free(bytes);
}

static void expect_damage(const od_tfrecord *f, int64_t i, const char *part)
{
    uint8_t *bytes;
    size_t size;
    od_error err = {0};
    assert_int_equal(od_tfrecord_read(f, i, &bytes, &size, &err), OD_ERR_FORMAT);
    if (!strstr(err.message, part)) fail_msg("\"%s\" doesn't hold \"%s\"", err.message, part);
}

static od_tfrecord *open_ok(const char *path)
{
    od_tfrecord *f = NULL;
    od_error err = {0};
    if (od_tfrecord_open(&f, path, &err) != OD_OK) fail_msg("%s", err.message);
    return f;
}

/* Where record i begins. */
static long offset_of(int i)
{
    return 16L * i + 50L * i * (i - 1);
}

static void test_round_trip_in_any_order(void **state)
{
    (void)state;
    char path[300];
    test_tmp_path(path, sizeof path, "plain.record");
    write_records(path, RECORDS);
    od_tfrecord *f = open_ok(path);
    assert_int_equal(od_tfrecord_count(f), RECORDS);
    assert_string_equal(od_tfrecord_path(f), path);
    for (int i = 0; i < RECORDS; i++) expect_record(f, (i * 7) % RECORDS);
    uint8_t *bytes;
    size_t size;
    assert_int_equal(od_tfrecord_read(f, RECORDS, &bytes, &size, NULL), OD_ERR_ARG);
    assert_int_equal(od_tfrecord_read(f, -1, &bytes, &size, NULL), OD_ERR_ARG);
    od_tfrecord_free(f);
}

static void copy_with(const char *from, const char *to, long keep, long flip, int bit)
{
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, from, NULL), OD_OK);
    uint8_t *bytes = malloc(view.size);
    assert_non_null(bytes);
    memcpy(bytes, view.data, view.size);
    if (flip >= 0) bytes[flip] ^= (uint8_t)(1 << bit);
    assert_int_equal(od_file_write_all(to, bytes, keep < 0 ? view.size : (size_t)keep, NULL), OD_OK);
    free(bytes);
    od_file_view_close(&view);
}

static void test_cut_files_keep_their_whole_records(void **state)
{
    (void)state;
    char path[300], cut[300], text[100];
    test_tmp_path(path, sizeof path, "whole.record");
    test_tmp_path(cut, sizeof cut, "cut.record");
    write_records(path, 12);
    for (int i = 1; i < 12; i++) {
        long start = offset_of(i), length = 16 + 100L * i;
        const long cuts[] = {start + 1, start + 11, start + 12, start + length - 1};
        for (int k = 0; k < 4; k++) {
            copy_with(path, cut, cuts[k], -1, 0);
            od_tfrecord *f = open_ok(cut);
            assert_int_equal(od_tfrecord_count(f), i + 1);
            expect_record(f, i - 1);
            snprintf(text, sizeof text, "cut.record: record %d at offset %ld: the file is cut off", i, start);
            expect_damage(f, i, text);
            od_tfrecord_free(f);
        }
        copy_with(path, cut, start, -1, 0); /* between two records: a shorter file that is sound */
        od_tfrecord *f = open_ok(cut);
        assert_int_equal(od_tfrecord_count(f), i);
        od_tfrecord_free(f);
    }
}

static void test_flipped_bits_are_found(void **state)
{
    (void)state;
    char path[300], bad[300], text[100];
    test_tmp_path(path, sizeof path, "sound.record");
    test_tmp_path(bad, sizeof bad, "bad.record");
    write_records(path, 6);
    long start = offset_of(3), end = offset_of(4);
    for (long at = start; at < end; at += at < start + 16 || at > end - 8 ? 1 : 37) {
        copy_with(path, bad, -1, at, (int)(at % 8));
        od_tfrecord *f = open_ok(bad);
        expect_record(f, 2);
        if (at < start + 12) { /* the length, or its checksum: nothing behind can be found */
            assert_int_equal(od_tfrecord_count(f), 4);
            snprintf(text, sizeof text, "bad.record: record 3 at offset %ld: the length's checksum is wrong", start);
        } else {
            assert_int_equal(od_tfrecord_count(f), 6);
            expect_record(f, 4);
            snprintf(text, sizeof text, "bad.record: record 3 at offset %ld: the data's checksum is wrong", start);
        }
        expect_damage(f, 3, text);
        od_tfrecord_free(f);
    }
    copy_with(path, bad, -1, 3, 0);
    od_tfrecord *f = NULL;
    od_error err = {0};
    assert_int_equal(od_tfrecord_open(&f, bad, &err), OD_ERR_FORMAT);
    assert_non_null(strstr(err.message, "is not a TFRecord file"));
}

static void test_a_sound_header_of_an_absurd_length(void **state)
{
    (void)state;
    char path[300];
    uint8_t bytes[20] = {0};
    const uint64_t lengths[] = {9, UINT64_MAX, UINT64_MAX - 15, (uint64_t)1 << 62};
    for (int i = 0; i < 4; i++) {
        test_tmp_path(path, sizeof path, "absurd.record");
        od_record_header_format(bytes, lengths[i]);
        assert_int_equal(od_file_write_all(path, bytes, sizeof bytes, NULL), OD_OK);
        od_tfrecord *f = open_ok(path);
        assert_int_equal(od_tfrecord_count(f), 1);
        expect_damage(f, 0, "record 0 at offset 0: the file is cut off");
        od_tfrecord_free(f);
    }
    assert_int_equal(od_file_write_all(path, bytes, 0, NULL), OD_OK);
    od_tfrecord *f = open_ok(path);
    assert_int_equal(od_tfrecord_count(f), 0);
    od_tfrecord_free(f);
}

/* `bits` 31: gzip, 15: zlib. */
static void pack(const char *from, const char *to, int bits)
{
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, from, NULL), OD_OK);
    z_stream z = {.next_in = (Bytef *)view.data, .avail_in = (uInt)view.size};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uLong bound = deflateBound(&z, view.size);
    uint8_t *out = malloc(bound);
    assert_non_null(out);
    z.next_out = out;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(od_file_write_all(to, out, z.total_out, NULL), OD_OK);
    deflateEnd(&z);
    free(out);
    od_file_view_close(&view);
}

static void test_packed_files_read_the_same(void **state)
{
    (void)state;
    char path[300], packed[300];
    test_tmp_path(path, sizeof path, "unpacked.record");
    test_tmp_path(packed, sizeof packed, "packed.record");
    write_records(path, RECORDS);
    for (int bits = 15; bits <= 31; bits += 16) {
        pack(path, packed, bits);
        od_tfrecord *f = open_ok(packed);
        assert_int_equal(od_tfrecord_count(f), RECORDS);
        for (int i = 0; i < RECORDS; i++) expect_record(f, (i * 11) % RECORDS);
        od_tfrecord_free(f);
        char cut[300];
        test_tmp_path(cut, sizeof cut, "packed_cut.record");
        copy_with(packed, cut, 9000, -1, 0);
        f = open_ok(cut);
        int64_t n = od_tfrecord_count(f);
        assert_in_range(n, 3, RECORDS - 1);
        for (int i = 0; i < n - 1; i++) expect_record(f, i);
        expect_damage(f, n - 1, "(unpacked): the packed data is cut off");
        od_tfrecord_free(f);
    }
}

/* More than one restart point: 24 MB that hardly shrink, read back to front and in the middle. */
static void test_large_packed_file(void **state)
{
    (void)state;
    char path[300], packed[300];
    enum { SIZE = 300000, COUNT = 80 };
    static uint8_t block[SIZE];
    uint32_t x = 5;
    test_tmp_path(path, sizeof path, "large.record");
    test_tmp_path(packed, sizeof packed, "large.record.gz");
    od_tfrecord_writer *w;
    assert_int_equal(od_tfrecord_writer_create(&w, path, NULL), OD_OK);
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < SIZE; k++) block[k] = (uint8_t)((x = x * 1664525 + 1013904223) >> 26);
        memcpy(block, &i, sizeof i);
        assert_int_equal(od_tfrecord_writer_write(w, block, SIZE, NULL), OD_OK);
    }
    assert_int_equal(od_tfrecord_writer_commit(w, NULL), OD_OK);
    pack(path, packed, 31);
    od_tfrecord *a = open_ok(path), *b = open_ok(packed);
    assert_int_equal(od_tfrecord_count(b), COUNT);
    for (int i = COUNT - 1; i >= 0; i -= 3) {
        uint8_t *p, *q;
        size_t n, m;
        assert_int_equal(od_tfrecord_read(a, i, &p, &n, NULL), OD_OK);
        assert_int_equal(od_tfrecord_read(b, i, &q, &m, NULL), OD_OK);
        assert_int_equal(n, m);
        assert_memory_equal(p, q, n);
        od_free(p);
        od_free(q);
    }
    od_tfrecord_free(a);
    od_tfrecord_free(b);
}

static void test_a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    char path[300];
    test_tmp_path(path, sizeof path, "full.record");
    write_records(path, 3);
    od_tfrecord_writer *w;
    od_error err = {0};
    assert_int_equal(od_tfrecord_writer_create(&w, path, NULL), OD_OK);
    od_file_fail_after(20);
    od_status status = od_tfrecord_writer_write(w, "0123456789", 10, &err);
    od_file_fail_after(-1);
    assert_int_equal(status, OD_ERR_IO);
    assert_non_null(strstr(err.message, "full.record"));
    od_tfrecord_writer_abort(w);
    od_tfrecord *f = open_ok(path);
    assert_int_equal(od_tfrecord_count(f), 3);
    od_tfrecord_free(f);
}

static long peak_rss_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* 120,000 records of 2 KB, opened twice: only the index may stay in memory. */
static void test_large_files_open_in_little_memory(void **state)
{
    (void)state;
    enum { COUNT = 120000, SIZE = 2048 };
    char path[300];
    static char image[SIZE];
    test_tmp_path(path, sizeof path, "many.record");
    od_object object = {.box = {0.1f, 0.2f, 0.3f, 0.4f}, .label = 1, .weight = 1, .class_text = "cat"};
    od_example e = {.filename = (char *)"x.jpg", .source_id = (char *)"1", .encoded = (uint8_t *)image, .encoded_size = SIZE,
                    .width = 4, .height = 4, .objects = &object, .object_count = 1};
    od_strbuf bytes = {0};
    assert_int_equal(od_tf_example_format(&e, &bytes, NULL), OD_OK);
    od_tfrecord_writer *w;
    assert_int_equal(od_tfrecord_writer_create(&w, path, NULL), OD_OK);
    for (int i = 0; i < COUNT; i++) assert_int_equal(od_tfrecord_writer_write(w, bytes.data, bytes.size, NULL), OD_OK);
    assert_int_equal(od_tfrecord_writer_commit(w, NULL), OD_OK);
    od_strbuf_deinit(&bytes);
    long before = peak_rss_kib();
    od_dataset *views[2];
    const char *paths[] = {path};
    for (int i = 0; i < 2; i++) assert_int_equal(od_dataset_open(&views[i], paths, 1, NULL, NULL), OD_OK);
    for (int i = 0; i < 2; i++) {
        od_example got = {0};
        assert_int_equal(od_dataset_size(views[i]), COUNT);
        assert_int_equal(od_dataset_read(views[i], COUNT - 1, &got, NULL), OD_OK);
        assert_int_equal(got.object_count, 1);
        od_example_deinit(&got);
    }
    long grown = peak_rss_kib() - before;
    for (int i = 0; i < 2; i++) od_dataset_free(views[i]);
    unlink(path);
    print_message("two views of 120000 records: %ld KiB\n", grown);
    assert_true(grown < 16 * 1024); /* the data: 276 MB; the two indexes: 2 MB, doubling while they grow */
}

static void test_example_round_trip(void **state)
{
    (void)state;
    od_object objects[2] = {
        {.box = {0.1f, 0.2f, 0.3f, 0.4f}, .label = 3, .weight = 0.5f, .area = 12.5f, .flags = OD_OBJECT_CROWD, .class_text = "a"},
        {.box = {0, 0, 1, 1}, .label = 4, .weight = 1, .flags = OD_OBJECT_DIFFICULT | OD_OBJECT_GROUP_OF | OD_OBJECT_TRUNCATED,
         .class_text = "b \xc3\xa9", .pose = "Left"}};
    od_example e = {.filename = (char *)"x.png", .source_id = (char *)"17", .encoded = (uint8_t *)"\x89PNG1234", .encoded_size = 8,
                    .width = 30, .height = 20, .objects = objects, .object_count = 2};
    for (int count = 2; count >= 0; count -= 2) {
        od_strbuf bytes = {0};
        od_example got = {0};
        od_error err = {0};
        e.object_count = count;
        assert_int_equal(od_tf_example_format(&e, &bytes, &err), OD_OK);
        assert_int_equal(od_tf_example_parse((uint8_t *)bytes.data, bytes.size, &got, &err), OD_OK);
        assert_string_equal(got.filename, "x.png");
        assert_string_equal(got.source_id, "17");
        assert_int_equal(got.width, 30);
        assert_int_equal(got.height, 20);
        assert_int_equal(got.encoded_size, 8);
        assert_memory_equal(got.encoded, e.encoded, 8);
        assert_int_equal(got.object_count, count);
        for (int i = 0; i < count; i++) {
            assert_memory_equal(got.objects[i].box, objects[i].box, sizeof objects[i].box);
            assert_int_equal(got.objects[i].label, objects[i].label);
            assert_int_equal(got.objects[i].flags, objects[i].flags);
            assert_true(got.objects[i].weight == objects[i].weight && got.objects[i].area == objects[i].area);
            assert_string_equal(got.objects[i].class_text, objects[i].class_text);
        }
        if (count) assert_string_equal(got.objects[1].pose, "Left");
        od_example_deinit(&got);
        /* Every cut is an error or another message, never a crash; most are errors. */
        int refused = 0;
        for (size_t cut = 0; cut < bytes.size; cut++) {
            od_status status = od_tf_example_parse((uint8_t *)bytes.data, cut, &got, NULL);
            refused += status == OD_ERR_FORMAT;
            od_example_deinit(&got);
        }
        assert_int_equal(refused, bytes.size);
        od_strbuf_deinit(&bytes);
    }
}

static void test_sha256(void **state)
{
    (void)state;
    char hex[65];
    assert_int_equal(od_sha256_hex("abc", 3, hex, NULL), OD_OK); /* FIPS 180-2 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(od_sha256_hex("", 0, hex, NULL), OD_OK);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_files_open_in_little_memory), /* first: it looks at the peak of memory */
        cmocka_unit_test(test_round_trip_in_any_order),
        cmocka_unit_test(test_cut_files_keep_their_whole_records),
        cmocka_unit_test(test_flipped_bits_are_found),
        cmocka_unit_test(test_a_sound_header_of_an_absurd_length),
        cmocka_unit_test(test_packed_files_read_the_same),
        cmocka_unit_test(test_large_packed_file),
        cmocka_unit_test(test_a_full_disk_leaves_the_old_file),
        cmocka_unit_test(test_example_round_trip),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
