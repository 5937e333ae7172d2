/* SPDX-License-Identifier: Apache-2.0
 *
 * TFRecord framing: known bytes, every cut and every flipped bit of a record is noticed.
 */
#include "test_support.h"
#include "util/alloc.h"
#include "util/record.h"

#include <string.h>

/* What tf.io.TFRecordWriter (TensorFlow 2.15) writes for b"hello". */
static const uint8_t hello[] = {0x05, 0,   0,   0,   0,   0,   0,    0,    0xea, 0xb2, 0x04,
                                0x3e, 'h', 'e', 'l', 'l', 'o', 0xbb, 0x1f, 0x1c, 0x19};

static void test_known_bytes(void **state)
{
    (void)state;
    od_strbuf b = {0};
    od_record_append(&b, "hello", 5);
    assert_int_equal(b.size, sizeof hello);
    assert_memory_equal(b.data, hello, sizeof hello);
    od_strbuf_deinit(&b);
}

static void test_reads_in_order(void **state)
{
    (void)state;
    od_strbuf b = {0};
    const uint8_t *p;
    size_t n, offset = 0;
    od_record_append(&b, "hello", 5);
    od_record_append(&b, "", 0);
    od_record_append(&b, "xy", 2);
    const uint8_t *data = (const uint8_t *)b.data;
    assert_int_equal(od_record_next(data, b.size, &offset, &p, &n), OD_RECORD_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(p, "hello", 5);
    assert_int_equal(offset, 21);
    assert_int_equal(od_record_next(data, b.size, &offset, &p, &n), OD_RECORD_OK);
    assert_int_equal(n, 0);
    assert_int_equal(od_record_next(data, b.size, &offset, &p, &n), OD_RECORD_OK);
    assert_memory_equal(p, "xy", 2);
    assert_int_equal(od_record_next(data, b.size, &offset, &p, &n), OD_RECORD_END);
    od_strbuf_deinit(&b);
}

static void test_every_cut_and_flip(void **state)
{
    (void)state;
    const uint8_t *p;
    size_t n;
    for (size_t cut = 1; cut < sizeof hello; cut++) {
        size_t offset = 0;
        assert_int_equal(od_record_next(hello, cut, &offset, &p, &n), OD_RECORD_TRUNCATED);
        assert_int_equal(offset, 0);
    }
    for (size_t bit = 0; bit < 8 * sizeof hello; bit++) {
        uint8_t bad[sizeof hello];
        size_t offset = 0;
        memcpy(bad, hello, sizeof hello);
        bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        od_record_result result = od_record_next(bad, sizeof bad, &offset, &p, &n);
        assert_int_equal(result, bit < 8 * OD_RECORD_HEADER_SIZE ? OD_RECORD_BAD_LENGTH : OD_RECORD_BAD_DATA);
        assert_int_equal(offset, 0);
    }
}

static void test_huge_length_is_truncation(void **state)
{
    (void)state;
    uint8_t record[32] = {0};
    const uint8_t *p;
    size_t n, offset = 0;
    od_record_header_format(record, UINT64_MAX);
    assert_int_equal(od_record_next(record, sizeof record, &offset, &p, &n), OD_RECORD_TRUNCATED);
    od_record_header_format(record, sizeof record - OD_RECORD_HEADER_SIZE);
    assert_int_equal(od_record_next(record, sizeof record, &offset, &p, &n), OD_RECORD_TRUNCATED);
}

static void test_failed_allocation_is_kept(void **state)
{
    (void)state;
    od_strbuf b = {0};
    od_alloc_fail_after(1);
    od_record_append(&b, "hello", 5);
    assert_true(od_strbuf_failed(&b));
    od_strbuf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_reads_in_order),
        cmocka_unit_test(test_every_cut_and_flip),
        cmocka_unit_test(test_huge_length_is_truncation),
        cmocka_unit_test(test_failed_allocation_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
