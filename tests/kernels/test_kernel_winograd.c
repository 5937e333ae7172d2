/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's transforms.
 */
#include "kernel_case.h"
#include "test_support.h"

#include <string.h>

/* One tile through every transform: the 3x3 convolution of a 6x6 tile, with the epilogue, and both its gradients. */
static void check_winograd(const od_kernels *t, int64_t c)
{
    mat x = mat_create(6, 6 * c, 6 * c), w = mat_random(9, c), u = mat_random(36, c), v = mat_random(36, c), m = mat_random(36, c), y = mat_random(4, 4 * c);
    mat scale = vec_random(c), y0 = mat_copy(&y), dy = mat_create(4, 4 * c, 4 * c), d = mat_random(36, c), dw = mat_random(9, c), dw0 = mat_copy(&dw);
    int turned = kernel_coin(), rows = (int)kernel_pick(1, 4), columns = (int)kernel_pick(1, 4);
    post_case p = post_case_random(1, c, 0);
    t->winograd_input(c, x.p, x.ld, v.p, v.ld);
    t->winograd_weights(c, turned ? w.p + 8 * w.ld : w.p, turned ? -w.ld : w.ld, u.p, u.ld);
    t->winograd_output_grad(c, dy.p, dy.ld, d.p, d.ld);
    for (int64_t i = 0; i < 36; i++)
        for (int64_t k = 0; k < c; k++) {
            m.p[i * m.ld + k] = v.p[i * v.ld + k] * u.p[i * u.ld + k];
            d.p[i * d.ld + k] *= v.p[i * v.ld + k];
        }
    od_winograd_out o = {.y = y.p, .row_step = y.ld, .rows = rows, .columns = columns, .accumulate = kernel_coin(), .scale = p.used && kernel_coin() ? scale.p : NULL,
                         .post = p.used ? &p.post : NULL};
    t->winograd_output(c, m.p, m.ld, &o);
    t->winograd_weights_grad(c, d.p, d.ld, dw.p, dw.ld);
    mat stored = mat_create(16, c, c);
    memset(stored.p, 0, (size_t)(16 * c) * sizeof(float));
    for (int64_t i = 0; i < 16; i++)
        for (int64_t k = 0; k < c; k++) {
            double sum = 0;
            for (int64_t j = 0; j < 9; j++) sum += (double)mat_at(&x, i / 4 + j / 3, (i % 4 + j % 3) * c + k) * mat_at(&w, turned ? 8 - j : j, k);
            double before = mat_at(&y0, i / 4, i % 4 * c + k);
            int exists = i / 4 < rows && i % 4 < columns;
            if (o.accumulate) sum += before;
            if (o.scale) sum *= scale.p[k];
            kernel_check_value("Winograd's result", mat_at(&y, i / 4, i % 4 * c + k), exists ? post_case_apply(&p, sum, 0, k) : before, 1e-4);
            if (exists) stored.p[i * c + k] = mat_at(&y, i / 4, i % 4 * c + k);
        }
    if (p.used) post_case_check_sums(&p, &stored);
    for (int64_t j = 0; j < 9; j++)
        for (int64_t k = 0; k < c; k++) {
            double sum = mat_at(&dw0, j, k);
            for (int64_t i = 0; i < 16; i++) sum += (double)mat_at(&x, i / 4 + j / 3, (i % 4 + j % 3) * c + k) * mat_at(&dy, i / 4, i % 4 * c + k);
            kernel_check_value("Winograd's weight gradient", mat_at(&dw, j, k), sum, 1e-4);
        }
    mat *all[] = {&x, &w, &u, &v, &m, &y, &scale, &y0, &dy, &d, &dw, &dw0, &stored};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) mat_free(all[i]);
    post_case_free(&p);
}

static void test_winograd(const od_kernels *t)
{
    for (int64_t c = 1; c <= 80; c++) check_winograd(t, c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KERNEL_TEST(test_winograd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
