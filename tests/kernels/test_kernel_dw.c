/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise rows.
 */
#include "kernel_case.h"
#include "test_support.h"

#include <math.h>

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
        post_case_check_behind(&p);
        post_case_free(&p), mat_free(&out), dw_free(&d);
    }
}

/* The gradients' kernel on a random row. */
typedef struct grad_case {
    dw_case d;
    mat x, vectors, sums, dx, dweights;
    od_dw_grad g;
} grad_case;

/* The kernel's job points into `t`. */
static void grad_random(grad_case *t)
{
    static const od_act acts[] = {OD_ACT_NONE, OD_ACT_RELU, OD_ACT_RELU6};
    *t = (grad_case){.d = dw_random(1)};
    const od_dw_shape *s = &t->d.s;
    int64_t c = s->channels, w = s->in_width;
    t->x = vec_random(w * c), t->vectors = vec_random(3 * c), t->sums = vec_random(2 * c);
    t->dx = vec_random(w * c), t->dweights = vec_random(s->kernel_h * s->kernel_w * c);
    int plain = kernel_coin(), products = kernel_coin(), sum = kernel_coin();
    t->g = (od_dw_grad){.drows = t->d.row, .weights = t->d.weights.p, .through = kernel_coin(), .claims = kernel_coin(), .dx = t->dx.p, .dweights = t->dweights.p};
    t->g.in = (od_act_grad){t->x.p, c, plain ? NULL : t->vectors.p, plain ? NULL : t->vectors.p + c, products ? t->vectors.p + 2 * c : NULL,
                           acts[kernel_pick(0, 2)], sum ? t->sums.p : NULL, products ? t->sums.p + c : NULL};
}

static void grad_free(grad_case *t)
{
    dw_free(&t->d), mat_free(&t->x), mat_free(&t->vectors), mat_free(&t->sums), mat_free(&t->dx), mat_free(&t->dweights);
}

/* Column i before the activation and after it. */
static double grad_before(const grad_case *t, int64_t i, int64_t c)
{
    const od_act_grad *in = &t->g.in;
    double x = t->x.p[i * t->d.s.channels + c];
    return in->scale ? x * in->scale[c] + in->shift[c] : x;
}

static double grad_input(const grad_case *t, int64_t i, int64_t c)
{
    double z = grad_before(t, i, c);
    if (t->g.in.act != OD_ACT_NONE && z < 0) z = 0;
    return t->g.in.act == OD_ACT_RELU6 && z > 6 ? 6 : z;
}

/* dx before the activation's derivative. */
static double grad_plain(const grad_case *t, int64_t i, int64_t c)
{
    const dw_case *d = &t->d;
    double sum = 0;
    for (int ky = 0; ky < d->s.kernel_h; ky++)
        for (int kx = 0; d->row[ky] && kx < d->s.kernel_w; kx++)
            for (int64_t x = 0; x < d->s.out_width; x++)
                if (dw_column(&d->s, x, kx) == i) sum += d->row[ky][x * d->s.channels + c] * dw_tap(d, ky, kx, c);
    return sum;
}

static int at_corner(const grad_case *t, double z)
{
    return fabs(z) < 1e-6 || (t->g.in.act == OD_ACT_RELU6 && fabs(z - 6) < 1e-6);
}

/* dx, and the sums of it that are wanted. */
static void check_grad_in(const grad_case *t, const mat *before)
{
    int64_t c = t->d.s.channels;
    for (int64_t j = 0; j < c; j++) {
        double sum = 0, product = 0;
        for (int64_t i = 0; i < t->d.s.in_width; i++) {
            double z = grad_before(t, i, j), want = grad_plain(t, i, j), got = t->dx.p[i * c + j];
            if (t->g.through && t->g.in.act != OD_ACT_NONE && (z <= 0 || (t->g.in.act == OD_ACT_RELU6 && z >= 6))) want = 0;
            if (!t->g.through || !at_corner(t, z)) kernel_check_value("dw_row_grad, dx", got, want, 1e-4);
            sum += got;
            if (t->g.in.mean) product += got * (t->x.p[i * c + j] - t->g.in.mean[j]);
        }
        kernel_check_value("dw_row_grad, sum", t->sums.p[j], before->p[j] + (t->g.through && t->g.in.sum_dz ? sum : 0), 2e-4);
        kernel_check_value("dw_row_grad, products", t->sums.p[c + j], before->p[c + j] + (t->g.through && t->g.in.sum_dzx ? product : 0), 2e-4);
    }
}

static void check_grad_weights(const grad_case *t, const mat *before)
{
    const od_dw_shape *s = &t->d.s;
    for (int ky = 0; ky < s->kernel_h; ky++)
        for (int kx = 0; kx < s->kernel_w; kx++)
            for (int64_t c = 0; c < s->channels; c++) {
                int64_t at = (ky * s->kernel_w + kx) * s->channels + c;
                double sum = before->p[at];
                for (int64_t x = 0; t->d.row[ky] && x < s->out_width; x++) {
                    int64_t column = dw_column(s, x, kx);
                    if (column >= 0 && column < s->in_width) sum += grad_input(t, column, c) * t->d.row[ky][x * s->channels + c];
                }
                kernel_check_value("dw_row_grad, dweights", t->dweights.p[at], sum, 1e-4);
            }
}

static void test_dw_row_grad(const od_kernels *k)
{
    for (int round = 0; round < 800; round++) {
        grad_case t;
        grad_random(&t);
        mat sums = mat_copy(&t.sums), dweights = mat_copy(&t.dweights);
        k->dw_row_grad(&t.d.s, &t.g);
        check_grad_in(&t, &sums);
        check_grad_weights(&t, &dweights);
        mat_free(&sums), mat_free(&dweights), grad_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KERNEL_TEST(test_dw_row),
        KERNEL_TEST(test_dw_row_grad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
