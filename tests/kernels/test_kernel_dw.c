/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise rows.
 */
#include "kernel_case.h"
#include "test_support.h"

enum { MAX_KERNEL = 7 };

typedef struct dw_case {
    od_dw_shape s;
    mat rows[MAX_KERNEL], weights;
    const float *row[MAX_KERNEL];
} dw_case;

/* A random geometry; some tap rows are absent. */
static dw_case dw_random(int rows_are_outputs)
{
    static const int sizes[][2] = {{3, 3}, {5, 5}, {3, 3}, {5, 5}, {1, 1}, {2, 3}, {7, 7}, {3, 5}};
    int which = (int)kernel_pick(0, 7);
    dw_case d = {.s = {.kernel_h = sizes[which][0], .kernel_w = sizes[which][1]}};
    od_dw_shape *s = &d.s;
    s->channels = kernel_coin() ? kernel_pick(1, 70) : 16 * kernel_pick(1, 6);
    s->stride_w = kernel_pick(0, 5) ? (int)kernel_pick(1, 2) : 3;
    s->dilation_w = kernel_pick(0, 3) ? 1 : 2;
    s->pad_left = (int)kernel_pick(0, s->kernel_w - 1);
    s->in_width = kernel_pick(1, 24);
    int64_t span = (int64_t)(s->kernel_w - 1) * s->dilation_w + 1, pad_right = kernel_pick(0, s->kernel_w - 1);
    int64_t room = s->in_width + s->pad_left + pad_right - span;
    s->out_width = room < 0 ? 1 : room / s->stride_w + 1;
    d.weights = vec_random(s->kernel_h * s->kernel_w * s->channels);
    for (int ky = 0; ky < s->kernel_h; ky++)
        if (kernel_pick(0, 4)) {
            d.rows[ky] = vec_random((rows_are_outputs ? s->out_width : s->in_width) * s->channels);
            d.row[ky] = d.rows[ky].p;
        }
    return d;
}

static void dw_free(dw_case *d)
{
    for (int i = 0; i < MAX_KERNEL; i++) mat_free(&d->rows[i]);
    mat_free(&d->weights);
}

static int64_t dw_column(const od_dw_shape *s, int64_t x, int kx)
{
    return x * s->stride_w - s->pad_left + (int64_t)kx * s->dilation_w;
}

static double dw_tap(const dw_case *d, int ky, int kx, int64_t c)
{
    return d->weights.p[(ky * d->s.kernel_w + kx) * d->s.channels + c];
}

static double dw_double(const dw_case *d, int64_t x, int64_t c)
{
    double sum = 0;
    for (int ky = 0; ky < d->s.kernel_h; ky++)
        for (int kx = 0; d->row[ky] && kx < d->s.kernel_w; kx++) {
            int64_t column = dw_column(&d->s, x, kx);
            if (column >= 0 && column < d->s.in_width)
                sum += d->row[ky][column * d->s.channels + c] * dw_tap(d, ky, kx, c);
        }
    return sum;
}

static void test_dw_row(const od_kernels *t)
{
    for (int round = 0; round < 400; round++) {
        dw_case d = dw_random(0);
        mat out = mat_create(d.s.out_width, d.s.channels, d.s.channels);
        post_case p = post_case_random(d.s.out_width, d.s.channels, 0);
        t->dw_row(&d.s, d.row, d.weights.p, out.p, p.used ? &p.post : NULL);
        for (int64_t x = 0; x < d.s.out_width; x++)
            for (int64_t c = 0; c < d.s.channels; c++)
                kernel_check_value("dw_row", mat_at(&out, x, c), post_case_apply(&p, dw_double(&d, x, c), x, c), 1e-4);
        post_case_check_sums(&p, &out);
        post_case_free(&p), mat_free(&out), dw_free(&d);
    }
}

/* What the kernel makes of the gradient before the activation is what the pass over rows makes of it afterwards. */
static void check_grad_in_through(const od_kernels *t, const dw_case *d, const mat *dy)
{
    int64_t c = d->s.channels, w = d->s.in_width;
    mat dx = mat_create(w, c, c), dz = mat_create(w, c, c), packed = vec_random(w * c), vectors = vec_random(3 * c);
    mat sums = vec_random(2 * c), want = mat_copy(&sums);
    static const od_act acts[] = {OD_ACT_NONE, OD_ACT_RELU, OD_ACT_RELU6, OD_ACT_SWISH};
    int plain = kernel_coin(), products = kernel_coin(), sum = kernel_coin();
    od_act_grad g = {packed.p, c, plain ? NULL : vectors.p, plain ? NULL : vectors.p + c, products ? vectors.p + 2 * c : NULL, acts[kernel_pick(0, 3)],
                     sum ? sums.p : NULL, products ? sums.p + c : NULL};
    t->dw_row_grad_in(&d->s, d->row, d->weights.p, dx.p, &g);
    g.sum_dz = sum ? want.p : NULL, g.sum_dzx = products ? want.p + c : NULL;
    t->rows_act_grad(w, c, dy->p, c, &g, dz.p, c);
    for (int64_t i = 0; i < w * c; i++) kernel_check_value("dw_row_grad_in, through", dx.p[i], dz.p[i], 1e-6);
    for (int64_t i = 0; i < 2 * c; i++) kernel_check_value("dw_row_grad_in, sums", sums.p[i], want.p[i], 2e-4);
    mat_free(&dx), mat_free(&dz), mat_free(&packed), mat_free(&vectors), mat_free(&sums), mat_free(&want);
}

static void test_dw_row_grad_in(const od_kernels *t)
{
    for (int round = 0; round < 400; round++) {
        dw_case d = dw_random(1);
        mat dx = mat_create(d.s.in_width, d.s.channels, d.s.channels);
        t->dw_row_grad_in(&d.s, d.row, d.weights.p, dx.p, NULL);
        check_grad_in_through(t, &d, &dx);
        for (int64_t i = 0; i < d.s.in_width; i++)
            for (int64_t c = 0; c < d.s.channels; c++) {
                double sum = 0;
                for (int ky = 0; ky < d.s.kernel_h; ky++)
                    for (int kx = 0; d.row[ky] && kx < d.s.kernel_w; kx++)
                        for (int64_t x = 0; x < d.s.out_width; x++)
                            if (dw_column(&d.s, x, kx) == i) sum += d.row[ky][x * d.s.channels + c] * dw_tap(&d, ky, kx, c);
                kernel_check_value("dw_row_grad_in", mat_at(&dx, i, c), sum, 1e-4);
            }
        mat_free(&dx), dw_free(&d);
    }
}

static void test_dw_row_grad_weights(const od_kernels *t)
{
    for (int round = 0; round < 400; round++) {
        dw_case d = dw_random(0);
        mat drow = mat_create(d.s.out_width, d.s.channels, d.s.channels), g = mat_copy(&d.weights);
        t->dw_row_grad_weights(&d.s, d.row, drow.p, g.p, NULL);
        for (int ky = 0; ky < d.s.kernel_h; ky++)
            for (int kx = 0; kx < d.s.kernel_w; kx++)
                for (int64_t c = 0; c < d.s.channels; c++) {
                    double sum = dw_tap(&d, ky, kx, c);
                    for (int64_t x = 0; d.row[ky] && x < d.s.out_width; x++) {
                        int64_t column = dw_column(&d.s, x, kx);
                        if (column >= 0 && column < d.s.in_width)
                            sum += (double)d.row[ky][column * d.s.channels + c] * mat_at(&drow, x, c);
                    }
                    kernel_check_value("dw_row_grad_weights", g.p[(ky * d.s.kernel_w + kx) * d.s.channels + c], sum, 1e-4);
                }
        mat_free(&drow), mat_free(&g), dw_free(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KERNEL_TEST(test_dw_row),
        KERNEL_TEST(test_dw_row_grad_in),
        KERNEL_TEST(test_dw_row_grad_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
