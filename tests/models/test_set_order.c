/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of small sets of ints, as CPython 3.11 printed it: list(set(values)).
 */
#include "models/set_order.h"
#include "test_support.h"

static void expect(const int64_t *values, int count, const int64_t *order, int different)
{
    int64_t found[OD_SET_ORDER_MAX];
    assert_int_equal(od_set_order(values, count, found), different);
    for (int i = 0; i < different; i++) assert_int_equal(found[i], order[i]);
}

#define EXPECT(different, values, ...) expect((int64_t[])values, sizeof((int64_t[])values) / sizeof(int64_t), (int64_t[]){__VA_ARGS__}, different)
#define LIST(...) {__VA_ARGS__}

static void test_orders(void **state)
{
    (void)state;
    EXPECT(1, LIST(7, 7), 7);
    EXPECT(4, LIST(512, 1024, 512, 256, 256, 128), 512, 1024, 128, 256);
    EXPECT(5, LIST(576, 1280, 512, 256, 256, 128), 576, 1280, 128, 512, 256);
    EXPECT(5, LIST(96, 320, 32, 24, 16), 96, 32, 320, 16, 24);
    EXPECT(4, LIST(288, 512, 128, 128, 64, 64), 288, 512, 64, 128);
    EXPECT(4, LIST(256, 512, 1024, 2048, 256), 256, 512, 2048, 1024);
    EXPECT(11, LIST(3, 40, 24, 40, 112, 320, 1280, 16, 96, 9, 17, 33), 320, 1280, 96, 3, 33, 40, 9, 112, 16, 17, 24);
    EXPECT(13, LIST(1000, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96), 32, 64, 96, 1000, 8, 40, 72, 16, 48, 80, 24, 56, 88);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_orders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
