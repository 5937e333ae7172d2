/* SPDX-License-Identifier: Apache-2.0
 *
 * Products.
 */
#include "kernel_case.h"
#include "test_support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

static float *pack(const od_kernels *t, const mat *b, float **to_free)
{
    int transposed = kernel_coin();
    int64_t k = b->rows, n = b->cols;
    size_t count = t->gemm_packed_size(k, n);
    float *memory = aligned_alloc(64, (count * sizeof(float) + 4 + 63) / 64 * 64);
    assert_non_null(memory);
    memcpy(memory + count, &mat_canary, 4);
    mat source = transposed ? mat_random(n, k) : mat_random(k, n);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < n; j++) source.p[transposed ? j * source.ld + i : i * source.ld + j] = mat_at(b, i, j);
    t->gemm_pack_b(k, n, source.p, source.ld, transposed, memory);
    assert_memory_equal(memory + count, &mat_canary, 4);
    mat_free(&source);
    *to_free = memory;
    return memory;
}

static double product_tolerance(int64_t k, double magnitude)
{
    return 6e-8 * (4 + 2 * sqrt((double)k)) * magnitude;
}

static void check_gemm(const od_kernels *t, int64_t m, int64_t n, int64_t k)
{
    mat a = mat_random(m, k), b = mat_create(k, n, n), c = mat_random(m, n), c0 = mat_copy(&c);
    post_case p = post_case_random(m, n, 1);
    int accumulate = kernel_coin();
    float *packed_memory, *packed = pack(t, &b, &packed_memory);
    t->gemm(m, n, k, a.p, a.ld, packed, c.p, c.ld, accumulate, p.used ? &p.post : NULL);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = accumulate ? mat_at(&c0, i, j) : 0, mag = fabs(sum) + 4;
            for (int64_t q = 0; q < k; q++) {
                double product = (double)mat_at(&a, i, q) * mat_at(&b, q, j);
                sum += product, mag += fabs(product);
            }
            kernel_check_value("gemm", mat_at(&c, i, j), post_case_apply(&p, sum, i, j), product_tolerance(k, mag));
        }
    mat_check_gaps(&c);
    post_case_check_sums(&p, &c);
    post_case_check_behind(&p);
    free(packed_memory);
    post_case_free(&p);
    mat_free(&a), mat_free(&b), mat_free(&c), mat_free(&c0);
}

static void test_gemm(const od_kernels *t)
{
    for (int64_t n = 1; n <= 140; n++) check_gemm(t, kernel_pick(1, 20), n, kernel_pick(1, 30));
    for (int i = 0; i < 200; i++) check_gemm(t, kernel_pick(1, 70), kernel_pick(1, 70), kernel_pick(1, 70));
    check_gemm(t, 33, 96, 16), check_gemm(t, 50, 24, 144), check_gemm(t, 17, 12, 128);
    check_gemm(t, 9, 320, 257), check_gemm(t, 5, 50, 2303), check_gemm(t, 14, 1280, 20);
}

/* The segments are pieces of one matrix's rows, some of them absent. */
static void check_gemm_segments(const od_kernels *t, int64_t m, int64_t n, int64_t k, int count)
{
    mat a[5], b = mat_create(k * count, n, n), c = mat_random(m, n);
    const float *segments[5];
    int64_t lda = kernel_pick(1, k + 3); /* rows may overlap, as a convolution's do */
    for (int s = 0; s < count; s++) {
        a[s] = mat_create(1, (m - 1) * lda + k, (m - 1) * lda + k);
        segments[s] = kernel_pick(0, 3) ? a[s].p : NULL;
    }
    post_case p = post_case_random(m, n, 1);
    float *packed_memory, *packed = pack(t, &b, &packed_memory);
    t->gemm_segments(m, n, k, count, segments, lda, packed, c.p, c.ld, p.used ? &p.post : NULL);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0, mag = 4;
            for (int64_t q = 0; q < k * count; q++) {
                double x = segments[q / k] ? a[q / k].p[i * lda + q % k] : 0, product = x * mat_at(&b, q, j);
                sum += product, mag += fabs(product);
            }
            kernel_check_value("gemm_segments", mat_at(&c, i, j), post_case_apply(&p, sum, i, j),
                               product_tolerance(k * count, mag));
        }
    mat_check_gaps(&c);
    post_case_check_sums(&p, &c);
    free(packed_memory);
    post_case_free(&p);
    for (int s = 0; s < count; s++) mat_free(&a[s]);
    mat_free(&b), mat_free(&c);
}

static void test_gemm_segments(const od_kernels *t)
{
    for (int64_t n = 1; n <= 140; n++)
        check_gemm_segments(t, kernel_pick(1, 20), n, kernel_pick(1, 12), (int)kernel_pick(1, 5));
    for (int i = 0; i < 100; i++)
        check_gemm_segments(t, kernel_pick(1, 70), kernel_pick(1, 70), kernel_pick(1, 20), (int)kernel_pick(1, 5));
    check_gemm_segments(t, 160, 32, 9, 3);
}

static void check_gemm_tn(const od_kernels *t, int64_t m, int64_t k, int64_t n)
{
    mat a = mat_random(m, k), d = mat_random(m, n), g = mat_random(k, n), g0 = mat_copy(&g);
    od_ahead ahead[OD_AHEADS] = {{0}};
    kernel_aheads(ahead);
    t->gemm_tn(m, k, n, a.p, a.ld, d.p, d.ld, g.p, g.ld, kernel_coin() ? ahead : NULL);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = mat_at(&g0, i, j), mag = fabs(sum) + 1;
            for (int64_t r = 0; r < m; r++) {
                double product = (double)mat_at(&a, r, i) * mat_at(&d, r, j);
                sum += product, mag += fabs(product);
            }
            kernel_check_value("gemm_tn", mat_at(&g, i, j), sum, product_tolerance(m, mag));
        }
    mat_check_gaps(&g);
    mat_free(&a), mat_free(&d), mat_free(&g), mat_free(&g0);
}

static void test_gemm_tn(const od_kernels *t)
{
    for (int64_t n = 1; n <= 120; n++) check_gemm_tn(t, kernel_pick(1, 40), kernel_pick(1, 40), n);
    for (int i = 0; i < 100; i++) check_gemm_tn(t, kernel_pick(1, 70), kernel_pick(1, 70), kernel_pick(1, 70));
    check_gemm_tn(t, 300, 24, 144), check_gemm_tn(t, 515, 30, 49), check_gemm_tn(t, 64, 320, 100);
}

/* The same input gives the same bits, wherever it lies in memory. */
static void test_gemm_repeats(const od_kernels *t)
{
    mat a = mat_create(61, 200, 203), b = mat_create(200, 77, 77);
    float *memory, *packed = pack(t, &b, &memory);
    mat first = mat_create(61, 77, 77), g_first = mat_create(200, 61, 61);
    for (int i = 0; i < 4; i++) {
        mat copy = mat_copy(&a), c = mat_create(61, 77, 77), g = mat_create(200, 61, 61);
        memset(g.p, 0, (size_t)mat_count(&g) * 4);
        t->gemm(61, 77, 200, copy.p, copy.ld, packed, c.p, c.ld, 0, NULL);
        t->gemm_tn(61, 200, 61, copy.p, copy.ld, copy.p, copy.ld, g.p, g.ld, NULL);
        if (!i) memcpy(first.p, c.p, 61 * 77 * 4), memcpy(g_first.p, g.p, 200 * 61 * 4);
        assert_memory_equal(first.p, c.p, 61 * 77 * 4);
        assert_memory_equal(g_first.p, g.p, 200 * 61 * 4);
        mat_free(&copy), mat_free(&c), mat_free(&g);
    }
    free(memory);
    mat_free(&a), mat_free(&b), mat_free(&first), mat_free(&g_first);
}

/* Rows packed a few at a time make the same matrix as all at once. */
static void test_gemm_pack_rows(const od_kernels *t)
{
    for (int64_t n = 1; n <= 140; n += 7) {
        int64_t k = kernel_pick(1, 40), half = k / 2;
        mat b = mat_random(k, n);
        size_t size = t->gemm_packed_size(k, n) * sizeof(float);
        float *whole = od_aligned_malloc(size, 1), *parts = od_aligned_malloc(size, 1);
        memset(whole, 0, size), memset(parts, 0, size);
        t->gemm_pack_b(k, n, b.p, b.ld, 0, whole);
        t->gemm_pack_rows(k, n, half, k - half, b.p + half * b.ld, b.ld, 0, parts);
        if (half) t->gemm_pack_rows(k, n, 0, half, b.p, b.ld, 0, parts);
        assert_memory_equal(whole, parts, size);
        mat turned = mat_random(n, k);
        for (int64_t i = 0; i < n * k; i++) turned.p[i / k * turned.ld + i % k] = b.p[i % k * b.ld + i / k];
        memset(parts, 0, size);
        t->gemm_pack_rows(k, n, half, k - half, turned.p + half, turned.ld, 1, parts);
        if (half) t->gemm_pack_rows(k, n, 0, half, turned.p, turned.ld, 1, parts);
        assert_memory_equal(whole, parts, size);
        od_aligned_free(whole), od_aligned_free(parts), mat_free(&b), mat_free(&turned);
    }
}

static void test_matmul_double(const od_kernels *t)
{
    for (int i = 0; i < 60; i++) {
        int64_t m = kernel_pick(1, 20), n = kernel_pick(1, 70), k = kernel_pick(1, 30);
        mat b = mat_random(k, n);
        double *a = malloc((size_t)(m * (k + 1)) * sizeof *a), *c = malloc((size_t)(m * n + 1) * sizeof *c);
        for (int64_t j = 0; j < m * (k + 1); j++) a[j] = 1e8 + (double)(j % 7); /* float could not hold it */
        c[m * n] = 7;
        t->matmul_double(m, n, k, a, k + 1, b.p, b.ld, c, n);
        for (int64_t r = 0; r < m; r++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t p = 0; p < k; p++) sum += a[r * (k + 1) + p] * (double)b.p[p * b.ld + j];
                kernel_check_value("matmul_double", c[r * n + j], sum, 1e-6);
            }
        assert_true(c[m * n] == 7);
        free(a), free(c), mat_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KERNEL_TEST(test_gemm),         KERNEL_TEST(test_gemm_segments),  KERNEL_TEST(test_gemm_tn),
        KERNEL_TEST(test_gemm_repeats), KERNEL_TEST(test_gemm_pack_rows), KERNEL_TEST(test_matmul_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
