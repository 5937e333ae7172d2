/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables, activations, optimisers.
 */
#include "kernel_case.h"
#include "test_support.h"

#include <math.h>

static void test_tables(void **state)
{
    (void)state;
    const od_kernels *t = od_kernels_get();
    assert_non_null(t);
    assert_ptr_equal(od_kernels_for(t->isa), t);
    assert_non_null(od_kernels_for("ref"));
    assert_null(od_kernels_for("mmx"));
    for (int i = 0; i < KERNEL_ISAS; i++) {
        const od_kernels *one = od_kernels_for(kernel_isas[i]);
        if (!one) continue;
        assert_string_equal(one->isa, kernel_isas[i]);
        void *const *entries = (void *const *)one;
        for (size_t e = 0; e < sizeof *one / sizeof(void *); e++) assert_non_null(entries[e]);
    }
}

/* Activations over their whole range, the ends and NaN included. */
static void test_activations(const od_kernels *t)
{
    for (double v = -110; v <= 110; v += 0.037) {
        float x = (float)v, y;
        for (int act = OD_ACT_NONE; act <= OD_ACT_SIGMOID; act++) {
            double want = kernel_act(x, (od_act)act);
            t->rows_affine_act(1, 1, &x, 1, NULL, NULL, (od_act)act, &y, 1);
            kernel_check_value("activation", y, want, 4e-7 * fabs(want) + 1e-35);
        }
    }
    for (int act = OD_ACT_NONE; act <= OD_ACT_SIGMOID; act++) {
        float x[3] = {NAN, INFINITY, -INFINITY}, y[3], one[3] = {1, 1, 1}, zero[3] = {0};
        t->rows_affine_act(1, 3, x, 3, one, zero, (od_act)act, y, 3);
        assert_true(isnan(y[0]));
        kernel_check_value("activation of infinity", y[1], act == OD_ACT_RELU6 ? 6 : act == OD_ACT_SIGMOID ? 1 : INFINITY, 0);
        if (act == OD_ACT_SIGMOID || act == OD_ACT_RELU) kernel_check_value("activation of -infinity", y[2], 0, 1e-35);
    }
}

static void test_add(const od_kernels *t)
{
    for (int64_t n = 1; n < 200; n++) {
        mat x = vec_random(n), y = vec_random(n), y0 = mat_copy(&y);
        t->add(n, x.p, y.p);
        for (int64_t i = 0; i < n; i++) assert_true(y.p[i] == x.p[i] + y0.p[i]);
        mat_free(&x), mat_free(&y), mat_free(&y0);
    }
}

static void test_optimiser(const od_kernels *t)
{
    for (int64_t n = 1; n < 200; n++) {
        mat w = vec_random(n), v = vec_random(n), g = vec_random(n), w0 = mat_copy(&w), v0 = mat_copy(&v);
        const float lr = 0.08f, momentum = 0.9f, scale = 0.37f;
        t->momentum_update(n, w.p, v.p, g.p, lr, momentum, scale);
        double squares = 0;
        for (int64_t i = 0; i < n; i++) {
            double step = (double)momentum * v0.p[i] - (double)lr * scale * g.p[i];
            kernel_check_value("momentum", v.p[i], step, 4e-7);
            kernel_check_value("weight", w.p[i], w0.p[i] + step, 6e-7);
            squares += (double)g.p[i] * g.p[i];
        }
        kernel_check_value("sum_squares", t->sum_squares(n, g.p), squares, 1e-13 * squares);
        mat_free(&w), mat_free(&v), mat_free(&g), mat_free(&w0), mat_free(&v0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        KERNEL_TEST(test_activations),
        KERNEL_TEST(test_add),
        KERNEL_TEST(test_optimiser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
