/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows: normalisation, sums, their gradients.
 */
#include "kernel_case.h"
#include "test_support.h"

#include <math.h>

typedef struct rows_case {
    int64_t rows, c;
    mat x, scale, shift;
    od_act act;
} rows_case;

static rows_case rows_random(void)
{
    static const int64_t usual[] = {8, 12, 16, 24, 32, 40, 96, 144, 320};
    rows_case r = {.rows = kernel_pick(1, 70), .c = kernel_coin() ? kernel_pick(1, 70) : usual[kernel_pick(0, 8)], .act = kernel_pick_act()};
    r.x = mat_random(r.rows, r.c);
    if (kernel_pick(0, 3)) r.scale = vec_random(r.c);
    if (kernel_pick(0, 3)) r.shift = vec_random(r.c);
    return r;
}

static void rows_free(rows_case *r)
{
    mat_free(&r->x), mat_free(&r->scale), mat_free(&r->shift);
}

static double rows_z(const rows_case *r, const mat *x, int64_t i, int64_t j)
{
    return (double)mat_at(x, i, j) * (r->scale.p ? r->scale.p[j] : 1) + (r->shift.p ? r->shift.p[j] : 0);
}

static void test_rows_affine_act(const od_kernels *t)
{
    for (int round = 0; round < 300; round++) {
        rows_case r = rows_random();
        mat x0 = mat_copy(&r.x), residual = mat_random(r.rows, r.c), other = mat_random(r.rows, r.c);
        mat *y = kernel_coin() ? &r.x : &other;
        int with_add = kernel_coin();
        mat residual0 = mat_copy(&residual);
        if (with_add && kernel_coin()) y = &residual;
        if (with_add)
            t->rows_affine_act_add(r.rows, r.c, r.x.p, r.x.ld, r.scale.p, r.shift.p, r.act, residual.p, residual.ld, y->p,
                                   y->ld);
        else
            t->rows_affine_act(r.rows, r.c, r.x.p, r.x.ld, r.scale.p, r.shift.p, r.act, y->p, y->ld);
        for (int64_t i = 0; i < r.rows; i++)
            for (int64_t j = 0; j < r.c; j++) {
                double want = kernel_act(rows_z(&r, &x0, i, j), r.act) + (with_add ? mat_at(&residual0, i, j) : 0);
                kernel_check_value("rows_affine_act", mat_at(y, i, j), want, 2e-6);
            }
        mat_check_gaps(y);
        rows_free(&r);
        mat_free(&x0), mat_free(&residual), mat_free(&other), mat_free(&residual0);
    }
}

static void test_rows_stats(const od_kernels *t)
{
    for (int round = 0; round < 200; round++) {
        rows_case r = rows_random();
        mat sum = vec_random(r.c), sumsq = vec_random(r.c), sum0 = mat_copy(&sum), sumsq0 = mat_copy(&sumsq);
        t->rows_stats(r.rows, r.c, r.x.p, r.x.ld, sum.p, sumsq.p);
        for (int64_t j = 0; j < r.c; j++) {
            double s = sum0.p[j], q = sumsq0.p[j];
            for (int64_t i = 0; i < r.rows; i++) s += mat_at(&r.x, i, j), q += (double)mat_at(&r.x, i, j) * mat_at(&r.x, i, j);
            kernel_check_value("rows_stats sum", sum.p[j], s, 2e-5);
            kernel_check_value("rows_stats sumsq", sumsq.p[j], q, 1e-4);
        }
        rows_free(&r);
        mat_free(&sum), mat_free(&sumsq), mat_free(&sum0), mat_free(&sumsq0);
    }
}

/* A value so near to a corner of ReLU that rounding decides. */
static int at_corner(double z, od_act act)
{
    return (act == OD_ACT_RELU || act == OD_ACT_RELU6) && (fabs(z) < 1e-6 || fabs(z - 6) < 1e-5);
}

static void check_act_grad(const od_kernels *t)
{
    rows_case r = rows_random();
    mat dy = mat_random(r.rows, r.c), dy0 = mat_copy(&dy), other = mat_random(r.rows, r.c), mean = vec_random(r.c);
    mat sum = vec_random(r.c), sumx = vec_random(r.c), sum0 = mat_copy(&sum), sumx0 = mat_copy(&sumx);
    mat *dz = kernel_coin() ? &dy : &other;
    int with_sum = kernel_coin(), with_products = kernel_coin();
    od_act_grad g = {r.x.p, r.x.ld, r.scale.p, r.shift.p, with_products ? mean.p : NULL, r.act, with_sum ? sum.p : NULL, with_products ? sumx.p : NULL};
    t->rows_act_grad(r.rows, r.c, dy.p, dy.ld, &g, dz->p, dz->ld);
    for (int64_t j = 0; j < r.c; j++) {
        double s = sum0.p[j], sx = sumx0.p[j];
        for (int64_t i = 0; i < r.rows; i++) {
            double z = rows_z(&r, &r.x, i, j), v = mat_at(dz, i, j);
            double want = mat_at(&dy0, i, j) * kernel_act_derivative(z, r.act);
            if (!at_corner(z, r.act)) kernel_check_value("rows_act_grad", v, want, 2e-6);
            s += v, sx += v * ((double)mat_at(&r.x, i, j) - mean.p[j]);
        }
        kernel_check_value("rows_act_grad sum", sum.p[j], with_sum ? s : sum0.p[j], 5e-5);
        kernel_check_value("rows_act_grad sum of products", sumx.p[j], with_products ? sx : sumx0.p[j], 2e-4);
    }
    mat_check_gaps(dz);
    rows_free(&r);
    mat_free(&dy), mat_free(&dy0), mat_free(&other), mat_free(&mean);
    mat_free(&sum), mat_free(&sumx), mat_free(&sum0), mat_free(&sumx0);
}

static void test_rows_act_grad(const od_kernels *t)
{
    for (int round = 0; round < 300; round++) check_act_grad(t);
    float x[4] = {0.0f, 6.0f, 5.5f, -0.0f}, dy[4] = {1, 1, 1, 1}, dz[4];
    od_act_grad g = {.x = x, .ldx = 4, .act = OD_ACT_RELU6};
    t->rows_act_grad(1, 4, dy, 4, &g, dz, 4);
    assert_true(dz[0] == 0 && dz[1] == 0 && dz[2] == 1 && dz[3] == 0);
    g.act = OD_ACT_RELU;
    t->rows_act_grad(1, 4, dy, 4, &g, dz, 4);
    assert_true(dz[0] == 0 && dz[1] == 1 && dz[2] == 1 && dz[3] == 0);
}

static void test_rows_bn_grad(const od_kernels *t)
{
    for (int round = 0; round < 200; round++) {
        rows_case r = rows_random();
        mat dz = mat_random(r.rows, r.c), dz0 = mat_copy(&dz), other = mat_random(r.rows, r.c);
        mat a = vec_random(r.c), b = vec_random(r.c), c = vec_random(r.c);
        mat *dx = kernel_coin() ? &dz : &other;
        t->rows_bn_grad(r.rows, r.c, dz.p, dz.ld, r.x.p, r.x.ld, a.p, b.p, c.p, dx->p, dx->ld);
        for (int64_t i = 0; i < r.rows; i++)
            for (int64_t j = 0; j < r.c; j++) {
                double want = (double)a.p[j] * mat_at(&dz0, i, j) + (double)b.p[j] * mat_at(&r.x, i, j) + c.p[j];
                kernel_check_value("rows_bn_grad", mat_at(dx, i, j), want, 3e-6);
            }
        mat_check_gaps(dx);
        rows_free(&r);
        mat_free(&dz), mat_free(&dz0), mat_free(&other), mat_free(&a), mat_free(&b), mat_free(&c);
    }
}

static void test_copy_past(const od_kernels *t)
{
    for (int64_t lines = 0; lines < 70; lines++) {
        mat from = vec_random(16 * lines), to = vec_random(16 * lines);
        t->copy_past(16 * lines, from.p, to.p);
        assert_memory_equal(to.p, from.p, (size_t)(16 * lines) * sizeof(float));
        mat_free(&from), mat_free(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KERNEL_TEST(test_rows_affine_act),
        KERNEL_TEST(test_rows_stats),
        KERNEL_TEST(test_rows_act_grad),
        KERNEL_TEST(test_rows_bn_grad),
        KERNEL_TEST(test_copy_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
