/* SPDX-License-Identifier: Apache-2.0
 *
 * Upsampling and resizing.
 */
#include "net_case.h"
#include "test_support.h"

#include <math.h>

/* 1 and 3 in a row become 1, 1.5, 2.5, 3; a column of two rows likewise. */
static void test_bilinear_values(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    od_net *net;
    net_case_begin(&f, 1, 2, 2, 1, &x);
    net_case_finish(&f, od_graph_upsample2x_bilinear(&f.g, x, "up"), OD_NO_VALUE);
    assert_int_equal(od_net_create(&net, &f.g, OD_NET_INFER, NULL, NULL), OD_OK);
    const float images[] = {1, 3, 5, 7};
    static const float rows[] = {1, 1.5f, 2.5f, 3}, down[] = {0, 1, 3, 4};
    od_net_forward(net, images);
    for (int i = 0; i < 16; i++) assert_true(fabsf(od_net_value(net, f.out[0])[i] - (rows[i % 4] + down[i / 4])) < 1e-6f);
    od_net_free(net);
    net_case_end(&f);
}

static void test_bilinear(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 5, 7, 3, &x);
    x = net_case_bn(&f, net_case_conv(&f, x, 6, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_value up = od_graph_upsample2x_bilinear(&f.g, x, "up");
    od_value y = od_graph_upsample2x(&f.g, x, 10, 14, "nearest"); /* two readers: the gradient is added */
    net_case_finish(&f, net_case_bn(&f, net_case_conv(&f, od_graph_add(&f.g, up, y, "sum"), 5, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0), OD_NO_VALUE);
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

/* 1 and 3 in a row become 1, 2, 3; and the pixels repeated. */
static void test_resize_values(void **state)
{
    (void)state;
    static const float corners[] = {1, 2, 3}, down[] = {0, 4.0f / 3, 8.0f / 3, 4}, repeated[] = {1, 1, 3, 3, 1, 1, 3, 3, 1, 1, 3, 3, 5, 5, 7, 7, 5, 5, 7, 7, 5, 5, 7, 7};
    for (int repeat = 0; repeat < 2; repeat++) {
        net_case f;
        od_value x;
        od_net *net;
        net_case_begin(&f, 1, 2, 2, 1, &x);
        net_case_finish(&f, od_graph_resize(&f.g, x, &(od_resize_attrs){repeat ? 6 : 4, repeat ? 4 : 3, repeat}, "resize"), OD_NO_VALUE);
        assert_int_equal(od_net_create(&net, &f.g, OD_NET_INFER, NULL, NULL), OD_OK);
        od_net_forward(net, (const float[]){1, 3, 5, 7});
        for (int i = 0; i < (repeat ? 24 : 12); i++)
            assert_true(fabsf(od_net_value(net, f.out[0])[i] - (repeat ? repeated[i] : corners[i % 3] + down[i / 3])) < 1e-6f);
        od_net_free(net);
        net_case_end(&f);
    }
}

static void test_resize_gradients(void **state)
{
    (void)state;
    static const od_resize_attrs sizes[] = {{9, 13, 0}, {4, 1, 0}, {10, 21, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        net_case f;
        od_value x;
        net_case_begin(&f, 3, 5, 7, 3, &x);
        x = net_case_bn(&f, net_case_conv(&f, x, 6, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        od_value a = od_graph_resize(&f.g, x, &sizes[i], "resize"), b = od_graph_resize(&f.g, net_case_conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), &sizes[i], "again"); /* x has two readers */
        net_case_finish(&f, net_case_bn(&f, net_case_conv(&f, od_graph_add(&f.g, a, b, "sum"), 5, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0), OD_NO_VALUE);
        net_case_check(&f, 2e-2);
        net_case_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bilinear_values),
        cmocka_unit_test(test_bilinear),
        cmocka_unit_test(test_resize_values),
        cmocka_unit_test(test_resize_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
