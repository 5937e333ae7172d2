/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph engine: fused blocks against plain ones, pruning, moving statistics, errors.
 */
#include "net_case.h"
#include "nn/expand.h"
#include "test_support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

static void test_inverted_residual(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 3, 9, 7, 3, &x);
    x = net_case_bn(&f, net_case_conv(&f, x, 8, 3, 2, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    for (int i = 0; i < 2; i++) {
        od_value y = net_case_bn(&f, net_case_conv(&f, x, 20, 1, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        y = net_case_bn(&f, net_case_dw(&f, y, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        y = net_case_bn(&f, net_case_conv(&f, y, 8, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
        x = od_graph_add(&f.g, x, y, "add");
    }
    od_value z = net_case_bn(&f, net_case_dw(&f, x, 3, 2, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    net_case_finish(&f, z, x);
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

/* Fused expansions in every variety: the stem, ReLU6 and swish, strides that leave rows without an output, a frozen batch norm,
 * an input that another node reads, one whose batch norm isn't stored. */
static void test_expansions(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 3, 21, 17, 3, &x);
    x = net_case_bn(&f, net_case_conv(&f, x, 28, 3, 2, OD_PAD_SAME, 0), OD_ACT_RELU6, 0);
    x = net_case_bn(&f, net_case_dw(&f, x, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    x = net_case_bn(&f, net_case_conv(&f, x, 8, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    od_value y = net_case_bn(&f, net_case_conv(&f, x, 20, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    y = net_case_bn(&f, net_case_conv(&f, net_case_bn(&f, net_case_dw(&f, y, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0), 8, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    x = od_graph_add(&f.g, x, y, "add");
    y = net_case_bn(&f, net_case_conv(&f, x, 19, 1, 1, OD_PAD_SAME, 0), OD_ACT_RELU6, 1);
    y = net_case_bn(&f, net_case_dw(&f, y, 1, 2, OD_PAD_VALID, 0), OD_ACT_NONE, 0);
    od_value z = net_case_bn(&f, net_case_conv(&f, x, 24, 1, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    z = net_case_bn(&f, net_case_dw(&f, z, 5, 4, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    net_case_finish(&f, y, z);
    od_net *net = net_case_net(&f, OD_NET_TRAIN, 0, 2);
    int fused = 0;
    for (size_t i = 0; i < f.g.node_count; i++) fused += net->expand[i].depthwise >= 0;
    assert_int_equal(fused, 4);
    od_net_free(net);
    net_case_check(&f, .15); /* ReLU6's corners: differences are only roughly right */
    net_case_end(&f);
}

/* A pre-activation block: a batch norm whose input has other readers, too. */
static void test_preactivation(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 9, 8, 3, &x);
    x = net_case_conv(&f, x, 6, 3, 1, OD_PAD_SAME, 1);
    for (int i = 0; i < 2; i++) {
        od_value y = net_case_conv(&f, net_case_bn(&f, x, OD_ACT_SWISH, i), 6, 3, 1, OD_PAD_SAME, 0);
        x = od_graph_add(&f.g, x, net_case_conv(&f, net_case_bn(&f, y, OD_ACT_SWISH, 0), 6, 1, 1, OD_PAD_SAME, 1), "add");
    }
    net_case_finish(&f, net_case_bn(&f, x, OD_ACT_NONE, 0), x);
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

static void test_pyramid(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 14, 10, 3, &x);
    x = od_graph_pad_to_multiple(&f.g, x, 8, "pad");
    x = net_case_bn(&f, net_case_conv(&f, x, 8, 3, 2, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_conv_attrs pool = {.kernel_h = 3, .kernel_w = 3, .stride = 2, .padding = OD_PAD_SAME};
    od_value c4 = od_graph_max_pool(&f.g, x, &pool, "pool");
    od_value p4 = net_case_conv(&f, c4, 6, 1, 1, OD_PAD_SAME, 1), lateral = net_case_conv(&f, x, 6, 1, 1, OD_PAD_SAME, 1);
    od_value p3 = od_graph_add(&f.g, lateral, od_graph_upsample2x(&f.g, p4, 8, 8, "up"), "sum");
    p3 = net_case_bn(&f, net_case_dw(&f, p3, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_value levels[2] = {net_case_conv(&f, p3, 8, 1, 1, OD_PAD_SAME, 1), net_case_conv(&f, p4, 8, 1, 1, OD_PAD_SAME, 1)};
    net_case_finish(&f, od_graph_concat_predictions(&f.g, levels, 2, 4, "concat"), OD_NO_VALUE);
    assert_int_equal(f.g.values[f.out[0]].shape.h, 2 * (8 * 8 + 4 * 4));
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

static void test_pruning(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 9, 7, 3, &x);
    od_value unused = net_case_bn(&f, net_case_conv(&f, x, 4, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    x = net_case_bn(&f, net_case_conv(&f, x, 4, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    net_case_conv(&f, x, 5, 3, 1, OD_PAD_SAME, 0);
    od_value y = net_case_conv(&f, x, 5, 3, 1, OD_PAD_SAME, 0);
    od_graph_add(&f.g, unused, x, "unused");
    net_case_finish(&f, y, OD_NO_VALUE);
    od_graph_prune(&f.g);
    assert_int_equal(f.g.node_count, 3);
    assert_int_equal(f.g.values[y].producer, 2);
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

static void test_moving_statistics(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 3, 3, 1, &x);
    x = net_case_bn(&f, x, OD_ACT_NONE, 0);
    net_case_finish(&f, x, OD_NO_VALUE);
    double mean = 0, squares = 0;
    for (int i = 0; i < 18; i++) mean += f.images[i] / 18.0, squares += (double)f.images[i] * f.images[i] / 18;
    od_net *net = net_case_net(&f, OD_NET_TRAIN, 0, 2);
    od_net_forward(net, f.images);
    float moving_mean = od_variables_value(&f.vars, 2)[0], moving_variance = od_variables_value(&f.vars, 3)[0];
    assert_true(fabs(moving_mean - .1 * mean) < 1e-6);
    assert_true(fabs(moving_variance - (.9 + .1 * (squares - mean * mean) * 18 / 17)) < 1e-6);
    /* a limit of 0 takes the batch's statistics as they are */
    net->bn_momentum_limit = 0;
    od_net_forward(net, f.images);
    assert_true(fabs(od_variables_value(&f.vars, 2)[0] - mean) < 1e-6);
    od_net_free(net);
    net_case_end(&f);
}

static void test_bad_shapes_are_errors(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    od_error err = {0};
    net_case_begin(&f, 1, 8, 8, 3, &x);
    od_value a = net_case_conv(&f, x, 4, 3, 1, OD_PAD_SAME, 0), b = net_case_conv(&f, x, 4, 3, 2, OD_PAD_SAME, 0);
    assert_int_equal(od_graph_add(&f.g, a, b, "sum"), OD_NO_VALUE);
    assert_int_equal(od_graph_check(&f.g, &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "sum: can't add [1,8,8,4] and [1,4,4,4]"));
    net_case_end(&f);
}

static void test_allocation_failures_leave_nothing(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 1, 8, 8, 3, &x);
    x = net_case_bn(&f, net_case_conv(&f, x, 4, 3, 1, OD_PAD_SAME, 0), OD_ACT_RELU6, 0);
    net_case_finish(&f, x, OD_NO_VALUE);
    int failures = 0;
    for (long n = 1; n < 100; n++) {
        od_net *net = NULL;
        od_error err = {0};
        od_alloc_fail_after(n);
        od_status status = od_net_create(&net, &f.g, OD_NET_TRAIN, NULL, &err);
        od_alloc_fail_after(0);
        od_net_free(net);
        if (status == OD_OK) break;
        assert_int_equal(status, OD_ERR_NOMEM);
        failures++;
    }
    assert_true(failures > 10);
    net_case_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inverted_residual),
        cmocka_unit_test(test_expansions),
        cmocka_unit_test(test_preactivation),
        cmocka_unit_test(test_pyramid),
        cmocka_unit_test(test_pruning),
        cmocka_unit_test(test_moving_statistics),
        cmocka_unit_test(test_bad_shapes_are_errors),
        cmocka_unit_test(test_allocation_failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
