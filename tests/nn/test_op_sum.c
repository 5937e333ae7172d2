/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums, weighted and scaled, concatenated channels, pooling, squeeze-and-excitation.
 */
#include "net_case.h"
#include "test_support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

static od_value squeeze_excite(net_case *f, od_value x, int64_t reduced)
{
    int64_t c = f->g.values[x].shape.c;
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 3};
    od_var w1 = net_case_variable(f, 4, 1, 1, c, reduced, 1, init), b1 = net_case_variable(f, 1, reduced, 0, 0, 0, 1, net_case_small);
    od_var w2 = net_case_variable(f, 4, 1, 1, reduced, c, 1, init), b2 = net_case_variable(f, 1, c, 0, 0, 0, 1, net_case_small);
    return od_graph_squeeze_excite(&f->g, x, w1, b1, w2, b2, "se");
}

/* EfficientNet's block: with the batch norm before squeeze-excite virtual, and without one; 700 pixels make several blocks. */
static void test_squeeze_excite(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 3, 28, 25, 3, &x);
    f.g.training = 1;
    x = net_case_bn(&f, net_case_conv(&f, x, 8, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_value y = net_case_bn(&f, net_case_dw(&f, x, 5, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    y = squeeze_excite(&f, y, 2);
    y = net_case_bn(&f, net_case_conv(&f, y, 8, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    x = od_graph_add(&f.g, od_graph_drop_connect(&f.g, y, .4f, "drop"), x, "add");
    od_value z = squeeze_excite(&f, net_case_conv(&f, x, 5, 1, 2, OD_PAD_SAME, 1), 3);
    net_case_finish(&f, z, x);
    net_case_check(&f, 2e-2);
    net_case_end(&f);
}

static void test_squeeze_excite_values(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 3, 2, 2, &x);
    net_case_finish(&f, squeeze_excite(&f, x, 1), OD_NO_VALUE);
    od_net *net = net_case_net(&f, OD_NET_INFER, 0, 2);
    od_net_forward(net, f.images);
    const float *w1 = od_variables_value(&f.vars, 0), *b1 = od_variables_value(&f.vars, 1), *w2 = od_variables_value(&f.vars, 2);
    const float *b2 = od_variables_value(&f.vars, 3);
    for (int n = 0; n < 2; n++) {
        double mean[2] = {0}, hidden = b1[0];
        for (int i = 0; i < 12; i++) mean[i % 2] += f.images[n * 12 + i] / 6.0;
        for (int c = 0; c < 2; c++) hidden += mean[c] * w1[c];
        hidden /= 1 + exp(-hidden);
        for (int i = 0; i < 12; i++) {
            double gate = 1 / (1 + exp(-(hidden * w2[i % 2] + b2[i % 2])));
            assert_true(fabs(od_net_value(net, f.out[0])[n * 12 + i] - gate * f.images[n * 12 + i]) < 1e-5);
        }
    }
    od_net_free(net);
    net_case_end(&f);
}

static void test_weighted_sums(void **state)
{
    (void)state;
    static const od_sum_weights kinds[] = {OD_SUM_PLAIN, OD_SUM_WEIGHTED, OD_SUM_FAST_ATTENTION, OD_SUM_ATTENTION};
    for (int k = 0; k < 4; k++) {
        net_case f;
        od_value x;
        net_case_begin(&f, 2, 12, 13, 3, &x);
        od_value in[3] = {net_case_bn(&f, net_case_conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0), net_case_bn(&f, net_case_conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0),
                          net_case_conv(&f, x, 6, 3, 1, OD_PAD_SAME, 1)};
        od_var w3 = kinds[k] == OD_SUM_PLAIN ? OD_NO_VAR : net_case_variable(&f, 2, 3, 1, 0, 0, 1, net_case_near_one);
        od_var w2 = kinds[k] == OD_SUM_PLAIN ? OD_NO_VAR : net_case_variable(&f, 2, 2, 1, 0, 0, 1, net_case_near_one);
        od_value y = od_graph_weighted_sum(&f.g, in, 3, kinds[k], w3, OD_ACT_SWISH, "sum3");
        y = net_case_bn(&f, net_case_dw(&f, y, 3, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
        od_value z = od_graph_weighted_sum(&f.g, (od_value[]){y, in[0]}, 2, kinds[k], w2, OD_ACT_NONE, "sum2");
        net_case_finish(&f, y, z);
        net_case_check(&f, 2e-2);
        net_case_end(&f);
    }
}

/* relu(w) / (sum + 1e-4): a negative weight takes its input out, with a gradient of 0; "attention" weighs nothing. */
static void test_weighted_sum_values(void **state)
{
    (void)state;
    for (int kind = OD_SUM_PLAIN; kind <= OD_SUM_ATTENTION; kind++) {
        net_case f;
        od_value x;
        net_case_begin(&f, 1, 2, 2, 2, &x);
        od_value in[3] = {net_case_conv(&f, x, 2, 1, 1, OD_PAD_SAME, 0), net_case_conv(&f, x, 2, 1, 1, OD_PAD_SAME, 0), net_case_conv(&f, x, 2, 1, 1, OD_PAD_SAME, 0)};
        od_var w = net_case_variable(&f, 2, 3, 1, 0, 0, 1, net_case_ones);
        net_case_finish(&f, od_graph_weighted_sum(&f.g, in, 3, (od_sum_weights)kind, w, OD_ACT_NONE, "sum"), OD_NO_VALUE);
        for (int i = 0; i < 3; i++) od_graph_mark_output(&f.g, in[i]);
        memcpy(od_variables_value(&f.vars, w), (float[]){2, -1, .5f}, 3 * sizeof(float));
        od_net *net = net_case_net(&f, OD_NET_TRAIN, 0, 2);
        od_net_forward(net, f.images);
        static const double weights[4][3] = {{1, 1, 1}, {2, -1, .5}, {2 / 2.5001, 0, .5 / 2.5001}, {1, 1, 1}};
        for (int i = 0; i < 8; i++) {
            double want = 0;
            for (int j = 0; j < 3; j++) want += weights[kind][j] * od_net_value(net, in[j])[i];
            assert_true(fabs(od_net_value(net, f.out[0])[i] - want) < 1e-5);
            od_net_grad(net, f.out[0])[i] = 1;
            for (int j = 0; j < 3; j++) od_net_grad(net, in[j])[i] = 0;
        }
        od_net_backward(net);
        float *g = od_variables_grad(&f.vars, w);
        if (kind == OD_SUM_PLAIN || kind == OD_SUM_ATTENTION) assert_true(g[0] == 0 && g[1] == 0 && g[2] == 0);
        if (kind == OD_SUM_FAST_ATTENTION) assert_true(g[0] != 0 && g[1] == 0 && g[2] != 0);
        od_net_free(net);
        net_case_end(&f);
    }
}

static od_value wide_conv(net_case *f, od_value x, int64_t out, int kernel_h, int kernel_w, int stride, int dilation, od_padding pad)
{
    od_conv_attrs a = {.kernel_h = kernel_h, .kernel_w = kernel_w, .stride = stride, .dilation = dilation, .padding = pad};
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1};
    od_var w = net_case_variable(f, 4, kernel_h, kernel_w, f->g.values[x].shape.c, out, 1, init);
    return od_graph_conv2d(&f->g, x, w, OD_NO_VAR, &a, "wide");
}

/* Kernels that aren't square (dilated, strided, VALID), average and maximum pooling of one value, channels side by side with
 * and without a batch norm before, scaled residuals: Inception-ResNet's modules. */
static void test_inception_resnet(void **state)
{
    (void)state;
    for (int valid = 0; valid < 2; valid++) {
        od_padding pad = valid ? OD_PAD_VALID : OD_PAD_SAME;
        net_case f;
        od_value x;
        net_case_begin(&f, 2, 17, 19, 3, &x);
        x = net_case_bn(&f, net_case_conv(&f, x, 6, 3, 2, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        od_conv_attrs pool = {.kernel_h = 3, .kernel_w = 2, .stride = 1 + valid, .dilation = 1, .padding = pad};
        od_value in[4] = {net_case_bn(&f, net_case_conv(&f, x, 4, 1, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, valid), od_graph_avg_pool(&f.g, x, &pool, "avg")};
        in[0] = net_case_bn(&f, wide_conv(&f, in[0], 5, valid ? 2 : 1, valid ? 1 : 7, 1, 1, OD_PAD_SAME), OD_ACT_SWISH, 0);
        in[0] = net_case_bn(&f, wide_conv(&f, in[0], 5, valid ? 3 : 7, valid ? 2 : 1, 1 + valid, 2 - valid, pad), OD_ACT_NONE, 0);
        in[2] = net_case_bn(&f, wide_conv(&f, x, 3, 3, valid ? 2 : 1, 1 + valid, 1, pad), OD_ACT_SWISH, 1);
        in[3] = valid ? in[1] : wide_conv(&f, x, 2, 1, 3, 1, 2, pad);
        od_value mixed = od_graph_concat_channels(&f.g, in, 4, "mixed");
        od_value up = net_case_conv(&f, mixed, f.g.values[mixed].shape.c, 1, 1, OD_PAD_SAME, 1);
        od_value y = od_graph_add_scaled(&f.g, mixed, up, .17f, OD_ACT_NONE, "residual");
        od_value z = od_graph_add_scaled(&f.g, net_case_conv(&f, y, 3, 1, 1, OD_PAD_SAME, 0), net_case_conv(&f, y, 3, 3, 1, OD_PAD_SAME, 1), -2, OD_ACT_SWISH, "last");
        net_case_finish(&f, z, y);
        net_case_check(&f, 2e-2);
        net_case_end(&f);
    }
}

/* Differences say little at the corners of ReLU and ReLU6: the activation in the sum against one behind it, which must give the same. */
static void test_add_scaled_activations(void **state)
{
    (void)state;
    for (od_act act = OD_ACT_RELU; act <= OD_ACT_RELU6; act++) {
        float *grads[2];
        double loss[2];
        size_t count = 0;
        for (int apart = 0; apart < 2; apart++) {
            net_case f;
            od_value x;
            net_case_begin(&f, 2, 9, 8, 3, &x);
            x = net_case_conv(&f, x, 7, 3, 1, OD_PAD_SAME, 1);
            od_value y = net_case_conv(&f, x, 7, 1, 1, OD_PAD_SAME, 1);
            y = od_graph_activation(&f.g, od_graph_add_scaled(&f.g, x, y, 3, apart ? OD_ACT_NONE : act, "sum"), apart ? act : OD_ACT_NONE, "act");
            net_case_finish(&f, od_graph_add_scaled(&f.g, y, x, .5f, OD_ACT_NONE, "last"), OD_NO_VALUE);
            grads[apart] = net_case_gradients(&f, 0, 2, &loss[apart]);
            count = f.vars.elements;
            net_case_end(&f);
        }
        assert_true(fabs(loss[0] - loss[1]) <= 1e-5 * (1 + fabs(loss[0])));
        net_case_check_close(grads[0], grads[1], count, 1e-5);
        od_free(grads[0]);
        od_free(grads[1]);
    }
}

/* A 1x2 and a 2x1 kernel, a 2x3 average and their concatenation by hand. */
static void test_inception_values(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 1, 2, 3, 1, &x);
    od_conv_attrs pool = {.kernel_h = 2, .kernel_w = 3, .stride = 1, .dilation = 1, .padding = OD_PAD_SAME};
    od_value in[3] = {wide_conv(&f, x, 1, 1, 2, 1, 1, OD_PAD_SAME), wide_conv(&f, x, 1, 2, 1, 1, 1, OD_PAD_SAME), od_graph_avg_pool(&f.g, x, &pool, "avg")};
    od_value mixed = od_graph_concat_channels(&f.g, in, 3, "mixed");
    net_case_finish(&f, od_graph_add_scaled(&f.g, mixed, mixed, .5f, OD_ACT_NONE, "twice"), mixed);
    memcpy(f.images, (float[]){1, 2, 3, 4, 5, 6}, 6 * sizeof(float));
    memcpy(od_variables_value(&f.vars, 0), (float[]){1, 10}, 2 * sizeof(float));
    memcpy(od_variables_value(&f.vars, 1), (float[]){1, 100}, 2 * sizeof(float));
    static const float want[6][3] = {{21, 401, 3}, {32, 502, 3.5f}, {3, 603, 4}, {54, 4, 4.5f}, {65, 5, 5}, {6, 6, 5.5f}};
    od_net *net = net_case_net(&f, OD_NET_INFER, 0, 2);
    od_net_forward(net, f.images);
    for (int i = 0; i < 18; i++) {
        assert_true(fabsf(od_net_value(net, f.out[1])[i] - want[i / 3][i % 3]) < 1e-4f);
        assert_true(fabsf(od_net_value(net, f.out[0])[i] - 1.5f * want[i / 3][i % 3]) < 1e-3f);
    }
    od_net_free(net);
    net_case_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_squeeze_excite),
        cmocka_unit_test(test_squeeze_excite_values),
        cmocka_unit_test(test_weighted_sums),
        cmocka_unit_test(test_weighted_sum_values),
        cmocka_unit_test(test_inception_resnet),
        cmocka_unit_test(test_add_scaled_activations),
        cmocka_unit_test(test_inception_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
