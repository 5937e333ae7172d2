/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions: strides and paddings, Winograd, transposed, dense layers.
 */
#include "net_case.h"
#include "test_support.h"

#include <math.h>

static void test_convolutions_strides_and_paddings(void **state)
{
    (void)state;
    static const struct {
        int k, stride;
        od_padding pad;
    } cases[] = {{3, 1, OD_PAD_SAME}, {3, 2, OD_PAD_SAME},  {3, 2, OD_PAD_EXPLICIT},
                 {1, 2, OD_PAD_SAME}, {5, 1, OD_PAD_VALID}, {7, 2, OD_PAD_EXPLICIT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net_case f;
        od_value x;
        net_case_begin(&f, 2, 13, 10, 5, &x);
        x = net_case_bn(&f, net_case_conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_SIGMOID, 0);
        od_value y = net_case_conv(&f, x, 7, cases[i].k, cases[i].stride, cases[i].pad, 1);
        y = od_graph_activation(&f.g, y, OD_ACT_SWISH, "act");
        od_value z = net_case_bn(&f, net_case_dw(&f, x, cases[i].k, cases[i].stride, cases[i].pad, 1), OD_ACT_SWISH, 1);
        net_case_finish(&f, y, z);
        net_case_check(&f, 2e-2);
        net_case_end(&f);
    }
}

/* Large enough for Winograd's tiles: partial tiles at the edges, batch norm read on load and summed on store, one
 * kernel at two sizes, a bias. And a residual block whose activation follows the addition, with strided 1x1
 * convolutions. */
static void test_winograd(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 18, 23, 3, &x);
    x = net_case_bn(&f, net_case_conv(&f, x, 17, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_value y = net_case_bn(&f, net_case_conv(&f, x, 17, 3, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    x = od_graph_add_act(&f.g, x, y, OD_ACT_RELU, "residual");
    od_conv_attrs a = {.kernel_h = 3, .kernel_w = 3, .stride = 1, .dilation = 1, .padding = OD_PAD_EXPLICIT};
    od_var shared = net_case_variable(&f, 4, 3, 3, 17, 17, 1, (od_init){.kind = OD_INIT_VARIANCE_SCALING, .a = 1});
    od_value fine = od_graph_conv2d(&f.g, x, shared, OD_NO_VAR, &a, "shared");
    /* One after another: arguments are evaluated in an order of the compiler's, and with it go the random values. */
    od_value right = net_case_bn(&f, net_case_conv(&f, x, 17, 1, 2, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    x = od_graph_add_act(&f.g, net_case_conv(&f, x, 17, 1, 2, OD_PAD_SAME, 0), right, OD_ACT_RELU6, "end");
    od_value coarse =
        od_graph_conv2d(&f.g, x, shared, net_case_variable(&f, 1, 17, 0, 0, 0, 1, net_case_small), &a, "shared");
    net_case_finish(&f, fine, coarse);
    net_case_check(&f, 4e-2); /* a step crosses some of the many corners of ReLU */
    net_case_end(&f);
}

static od_value conv_transpose(net_case *f, od_value x, int64_t out, int k, int stride, int bias)
{
    od_conv_attrs a = {.kernel_h = k, .kernel_w = k, .stride = stride, .dilation = 1, .padding = OD_PAD_SAME};
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1};
    od_var w = net_case_variable(f, 4, k, k, out, f->g.values[x].shape.c, 1, init),
           b = bias ? net_case_variable(f, 1, out, 0, 0, 0, 1, net_case_small) : OD_NO_VAR;
    return od_graph_conv2d_transpose(&f->g, x, w, b, &a, "deconv");
}

static void test_transposed_convolutions(void **state)
{
    (void)state;
    static const struct {
        int k, stride;
    } cases[] = {{3, 2}, {2, 2}, {4, 2}, {5, 3}, {3, 1}, {7, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net_case f;
        od_value x;
        net_case_begin(&f, 2, 5, 7, 5, &x);
        x = net_case_bn(&f, net_case_conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_SIGMOID, 0);
        od_value y = conv_transpose(&f, x, 4, cases[i].k, cases[i].stride, 0);
        assert_int_equal(f.g.values[y].shape.h, 5 * cases[i].stride);
        y = net_case_bn(&f, y, OD_ACT_SWISH, 0);
        y = net_case_conv(&f, y, 3, 1, 1, OD_PAD_SAME, 0);
        net_case_finish(&f, y, conv_transpose(&f, x, 3, cases[i].k, cases[i].stride, 1));
        net_case_check(&f, 2e-2);
        net_case_end(&f);
    }
}

/* out[s*i + k - pad] += in[i] * w[k], pad as that of the strided convolution from the output's size. */
static void test_transposed_convolution_values(void **state)
{
    (void)state;
    static const struct {
        int k, stride, pad;
    } cases[] = {{3, 2, 0}, {4, 2, 1}, {5, 3, 1}, {2, 2, 0}, {3, 1, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int k = cases[c].k, s = cases[c].stride, h = 3, w = 4;
        net_case f;
        od_value x;
        net_case_begin(&f, 1, h, w, 2, &x);
        net_case_finish(&f, conv_transpose(&f, x, 3, k, s, 0), OD_NO_VALUE);
        od_net *net = net_case_net(&f, OD_NET_INFER, 0, 2);
        od_net_forward(net, f.images);
        const float *kernel = od_variables_value(&f.vars, 0);
        double want[9 * 12 * 3] = {0};
        for (int i = 0; i < h * w * k * k; i++) {
            int iy = i / (w * k * k), ix = i / (k * k) % w, oy = iy * s + i / k % k - cases[c].pad,
                ox = ix * s + i % k - cases[c].pad;
            if (oy < 0 || oy >= h * s || ox < 0 || ox >= w * s) continue;
            for (int o = 0; o < 3; o++)
                for (int in = 0; in < 2; in++)
                    want[(oy * w * s + ox) * 3 + o] +=
                        (double)f.images[(iy * w + ix) * 2 + in] * kernel[((i / k % k * k + i % k) * 3 + o) * 2 + in];
        }
        for (int i = 0; i < h * s * w * s * 3; i++) assert_true(fabs(od_net_value(net, f.out[0])[i] - want[i]) < 1e-5);
        od_net_free(net);
        net_case_end(&f);
    }
}

/* A network on the first channel of three, twice, as the gradient of the others must be 0 and what was there must stay. */
static void test_first_channel(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 6, 5, 3, 2, &x);
    od_value y = net_case_bn(&f, net_case_conv(&f, x, 3, 1, 1, OD_PAD_SAME, 0), OD_ACT_RELU6, 0);
    od_value one = od_graph_first_channel(&f.g, y, "first");
    assert_int_equal(f.g.values[one].shape.c, 1);
    od_value z = od_graph_add(&f.g, net_case_conv(&f, one, 4, 3, 1, OD_PAD_SAME, 0), net_case_conv(&f, y, 4, 1, 1, OD_PAD_SAME, 0), "sum");
    net_case_finish(&f, z, one);
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

static void test_dense_gradients(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 5, 3, 2, 4, &x);
    od_value y = od_graph_flatten(&f.g, net_case_bn(&f, net_case_conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_RELU6, 0),
                                  "flatten");
    assert_int_equal(f.g.values[y].shape.c, 36);
    od_conv_attrs a = {.kernel_h = 1, .kernel_w = 1, .stride = 1, .dilation = 1};
    od_var w = net_case_variable(&f, 2, 36, 7, 0, 0, 1, net_case_small),
           b = net_case_variable(&f, 1, 7, 0, 0, 0, 1, net_case_small);
    od_value z = od_graph_activation(&f.g, od_graph_conv2d(&f.g, y, w, b, &a, "dense"), OD_ACT_SWISH, "act");
    net_case_finish(&f, z, y);
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

static void check_late(const od_net *net, od_value v, int owner, int first_backward)
{
    const od_graph *g = net->graph;
    int node = g->values[v].producer;
    const od_packing *p = &net->packing[node], *o = &net->packing[p->owner];
    const float *end = net->arena + net->arena_bytes / sizeof(float);
    assert_int_equal(p->owner, owner);
    assert_int_equal(o->first_backward, first_backward);
    assert_int_equal(o->late, 1);
    assert_ptr_equal(net->packed[node], net->packed[owner]);
    assert_ptr_equal(net->packed_t[node], net->packed_t[owner]);
    assert_true(net->packed[node] >= net->arena && net->packed[node] < end);
    assert_true(first_backward < 0 ? !net->packed_t[node]
                                   : net->packed_t[node] >= net->arena && net->packed_t[node] < end);
}

/* Kernels of 2^18 floats and more: 3x3 by Winograd at two sizes from one kernel, 1x1, 3x3 with a stride; one whose
 * input needs no gradient. */
static void test_late_packing(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 17, 22, 180, &x);
    od_value first = net_case_conv(&f, x, 170, 3, 1, OD_PAD_SAME, 0);
    x = net_case_bn(&f, first, OD_ACT_SWISH, 0);
    od_conv_attrs a = {.kernel_h = 3, .kernel_w = 3, .stride = 1, .dilation = 1, .padding = OD_PAD_SAME};
    od_var shared = net_case_variable(&f, 4, 3, 3, 170, 173, 1, (od_init){.kind = OD_INIT_VARIANCE_SCALING, .a = 1});
    od_value fine = od_graph_conv2d(&f.g, x, shared, OD_NO_VAR, &a, "shared"),
             y = net_case_bn(&f, fine, OD_ACT_SWISH, 0);
    od_value wide = net_case_conv(&f, y, 1600, 1, 2, OD_PAD_SAME, 0),
             narrow = net_case_conv(&f, net_case_bn(&f, wide, OD_ACT_SWISH, 0), 170, 1, 1, OD_PAD_SAME, 0);
    od_value coarse =
        od_graph_conv2d(&f.g, narrow, shared, net_case_variable(&f, 1, 173, 0, 0, 0, 1, net_case_small), &a, "shared");
    od_value strided = net_case_conv(&f, y, 175, 3, 2, OD_PAD_SAME, 1),
             tiny = net_case_conv(&f, strided, 9, 1, 4, OD_PAD_SAME, 0);
    net_case_finish(&f, coarse, tiny);
    od_net *net = net_case_net(&f, OD_NET_TRAIN, 0, 2);
    int of_fine = f.g.values[fine].producer, of_coarse = f.g.values[coarse].producer,
        of_wide = f.g.values[wide].producer;
    check_late(net, first, 0, -1);
    check_late(net, fine, of_fine, of_coarse);
    check_late(net, coarse, of_fine, of_coarse);
    check_late(net, wide, of_wide, of_wide);
    check_late(net, strided, f.g.values[strided].producer, f.g.values[strided].producer);
    assert_int_equal(net->packing[f.g.values[tiny].producer].late, 0);
    od_net_free(net);
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions_strides_and_paddings),
        cmocka_unit_test(test_winograd),
        cmocka_unit_test(test_transposed_convolutions),
        cmocka_unit_test(test_transposed_convolution_values),
        cmocka_unit_test(test_first_channel),
        cmocka_unit_test(test_dense_gradients),
        cmocka_unit_test(test_late_packing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
