/* SPDX-License-Identifier: Apache-2.0
 *
 * What drops or clips values: drop-connect, dropout, clip.
 */
#include "net_case.h"
#include "test_support.h"

#include <math.h>
#include <string.h>

/* Whole images are dropped or scaled; the draw depends on seed, step and layer only; inference has no such node. */
static void test_drop_connect(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 64, 2, 3, 2, &x);
    od_value y = od_graph_drop_connect(&f.g, x, .25f, "drop");
    assert_int_equal(y, x); /* not training */
    f.g.training = 1;
    y = od_graph_drop_connect(&f.g, x, .25f, "drop");
    od_value z = od_graph_drop_connect(&f.g, x, .25f, "another");
    net_case_finish(&f, y, z);
    od_net *net = net_case_net(&f, OD_NET_TRAIN, 0, 3);
    int kept[3][64], differ = 0, layers = 0, total = 0;
    for (int run = 0; run < 3; run++) {
        net->seed = 5;
        net->step = run == 1;
        od_net_forward(net, f.images);
        for (int n = 0; n < 64; n++) {
            kept[run][n] = od_net_value(net, y)[n * 12] != 0;
            for (int i = 0; i < 12; i++) {
                float want = kept[run][n] ? f.images[n * 12 + i] / .75f : 0;
                assert_true(fabs((double)od_net_value(net, y)[n * 12 + i] - want) <= 1e-6 * fabs(want));
            }
            layers += kept[run][n] != (od_net_value(net, z)[n * 12] != 0);
            total += kept[run][n];
        }
    }
    for (int n = 0; n < 64; n++) differ += kept[0][n] != kept[1][n];
    assert_memory_equal(kept[0], kept[2], sizeof kept[0]);
    assert_true(differ > 5 && layers > 15);
    assert_true(total > 3 * 64 * .6 && total < 3 * 64 * .9);
    od_net_free(net);
    net_case_end(&f);
}

/* Single values are dropped or scaled, as often as the rate says, anew each step; inference has no such node. */
static void test_dropout(void **state)
{
    (void)state;
    enum { values = 8 * 20 * 30 * 3 };
    net_case f;
    od_value x;
    net_case_begin(&f, 8, 20, 30, 3, &x);
    assert_int_equal(od_graph_dropout(&f.g, x, .25f, "drop"), x); /* not training */
    f.g.training = f.g.no_drop = 1;
    assert_int_equal(od_graph_dropout(&f.g, x, .25f, "drop"), x); /* training without drawing */
    f.g.no_drop = 0;
    od_value y = od_graph_dropout(&f.g, x, .25f, "drop");
    net_case_finish(&f, y, OD_NO_VALUE);
    static unsigned char kept[3][values];
    int total = 0, differ = 0;
    for (int run = 0; run < 3; run++) {
        od_net *net = net_case_net(&f, OD_NET_TRAIN, 0, run == 2 ? 1 : 3);
        net->seed = 5;
        net->step = run == 1;
        od_net_forward(net, f.images);
        for (int i = 0; i < values; i++) {
            float have = od_net_value(net, y)[i];
            kept[run][i] = have != 0;
            assert_true(have == 0 || fabs((double)(have - f.images[i] / .75f)) <= 1e-6 * fabs((double)have));
            total += kept[run][i];
        }
        od_net_free(net);
    }
    for (int i = 0; i < values; i++) differ += kept[0][i] != kept[1][i];
    assert_memory_equal(kept[0], kept[2], values); /* whatever the threads */
    assert_in_range(total, 3 * values * 74 / 100, 3 * values * 76 / 100);
    assert_in_range(differ, values * 36 / 100, values * 39 / 100); /* 2 * .25 * .75 */
    net_case_end(&f);
}

/* Dropout in a network: gradients by finite differences, fused against plain, threads. */
static void test_dropout_gradients(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 7, 9, 3, &x);
    f.g.training = 1;
    x = net_case_bn(&f, net_case_conv(&f, x, 6, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    net_case_finish(&f, net_case_conv(&f, od_graph_dropout(&f.g, x, .3f, "drop"), 4, 1, 1, OD_PAD_SAME, 1), net_case_conv(&f, x, 4, 1, 1, OD_PAD_SAME, 1));
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

/* A gradient of 1 passes where the value lies in the range: the bias before it gets as many. */
static void test_clip_gradient(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 9, 8, 3, &x);
    od_value before = net_case_conv(&f, x, 2, 1, 1, OD_PAD_SAME, 1), after = od_graph_clip(&f.g, before, -.4f, .3f, "clip");
    net_case_finish(&f, after, OD_NO_VALUE);
    od_net *net = net_case_net(&f, OD_NET_TRAIN, 0, 2);
    od_net_forward(net, f.images);
    for (int i = 0; i < 288; i++) od_net_grad(net, after)[i] = 1;
    od_net_backward(net);
    int inside[2] = {0, 0};
    for (int i = 0; i < 288; i++) inside[i % 2] += od_net_value(net, before)[i] >= -.4f && od_net_value(net, before)[i] <= .3f;
    for (int c = 0; c < 2; c++) {
        assert_in_range(inside[c], 10, 134);
        assert_true(od_variables_grad(&f.vars, 1)[c] == (float)inside[c]);
    }
    od_net_free(net);
    net_case_end(&f);
}

static void test_clip_values(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 1, 5, 4, 3, &x);
    od_value y = od_graph_clip(&f.g, x, -.5f, .25f, "clip");
    net_case_finish(&f, y, OD_NO_VALUE);
    od_net *net = net_case_net(&f, OD_NET_INFER, 0, 2);
    od_net_forward(net, f.images);
    for (int i = 0; i < 60; i++) {
        float v = f.images[i];
        assert_true(od_net_value(net, y)[i] == (v < -.5f ? -.5f : v > .25f ? .25f : v));
    }
    od_net_free(net);
    net_case_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drop_connect),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_dropout_gradients),
        cmocka_unit_test(test_clip_gradient),
        cmocka_unit_test(test_clip_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
