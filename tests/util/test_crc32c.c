/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32C: RFC 3720's vectors, both ways of computing, every length around the interleaving, chunks, masks.
 */
#include "test_support.h"
#include "util/crc32c.h"

#include <string.h>

static void test_published_vectors(void **state)
{
    (void)state;
    uint8_t bytes[32];
    memset(bytes, 0, 32);
    assert_int_equal(od_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(od_crc32c(0, bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
    assert_int_equal(od_crc32c(0, bytes, 32), 0x46dd794e);
    assert_int_equal(od_crc32c_portable(0, bytes, 32), 0x46dd794e);
    assert_int_equal(od_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(od_crc32c(0, "", 0), 0);
}

static void test_ways_agree_at_every_length(void **state)
{
    (void)state;
    static uint8_t bytes[20000];
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    for (size_t n = 0; n < sizeof bytes; n += n < 64 ? 1 : 61)
        assert_int_equal(od_crc32c(7, bytes, n), od_crc32c_portable(7, bytes, n));
    for (size_t n = 1; n < sizeof bytes; n += 997) {
        uint32_t head = od_crc32c(0, bytes, n);
        assert_int_equal(od_crc32c(head, bytes + n, sizeof bytes - n), od_crc32c(0, bytes, sizeof bytes));
    }
}

static void test_mask(void **state)
{
    (void)state;
    assert_int_equal(od_crc32c_mask(0), 0xa282ead8);
    assert_int_equal(od_crc32c_mask(0xe3069283), 0xc78ab0e5);
    for (uint32_t v = 1; v; v <<= 1) assert_int_equal(od_crc32c_unmask(od_crc32c_mask(v ^ 0x1234567)), v ^ 0x1234567);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_ways_agree_at_every_length),
        cmocka_unit_test(test_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
