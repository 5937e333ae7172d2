/* SPDX-License-Identifier: Apache-2.0
 *
 * Every kernel of every instruction set that this machine has against a version in double precision, on random
 * shapes with odd sizes, distant rows, unaligned pointers and absent options. Every matrix lies against a page that
 * cannot be touched (before or behind it), and what lies between its rows must come back unchanged.
 */
#include "kernels/kernels.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/rng.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const isas[] = {"ref", "avx2", "avx512"};
static od_rng rng;

static int64_t pick(int64_t low, int64_t high) /* both included */
{
    return od_rng_int(&rng, low, high + 1);
}

static int coin(void)
{
    return pick(0, 1) != 0;
}

/* --- guarded matrices ------------------------------------------------------------------------------------------- */

/* A matrix [rows, cols] with row distance ld, against an unreadable page; between its rows lie NaNs of one pattern. */
typedef struct mat {
    float *p;
    int64_t rows, cols, ld;
    void *map;
    size_t map_size;
} mat;

static const uint32_t canary = 0x7fc0dead;

static float random_float(void)
{
    return (float)od_rng_uniform_range(&rng, -2.0f, 2.0f);
}

static int64_t mat_count(const mat *m)
{
    return m->rows > 0 ? (m->rows - 1) * m->ld + m->cols : 0;
}

static mat mat_create(int64_t rows, int64_t cols, int64_t ld)
{
    mat m = {.rows = rows, .cols = cols, .ld = ld};
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)mat_count(&m) * sizeof(float);
    size_t body = (bytes + page - 1) / page * page;
    m.map_size = body + 2 * page;
    char *map = mmap(NULL, m.map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + page, body, PROT_READ | PROT_WRITE), 0);
    m.map = map;
    m.p = (float *)(coin() ? map + page : map + page + body - bytes);
    for (int64_t i = 0; i < mat_count(&m); i++) memcpy(&m.p[i], &canary, 4);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) m.p[r * ld + c] = random_float();
    return m;
}

static mat mat_random(int64_t rows, int64_t cols)
{
    return mat_create(rows, cols, coin() ? cols : cols + pick(1, 9));
}

static mat vec_random(int64_t n)
{
    return mat_create(1, n, n);
}

/* The same matrix elsewhere, for what a kernel is going to overwrite. */
static mat mat_copy(const mat *m)
{
    mat copy = mat_create(m->rows, m->cols, m->ld);
    if (m->rows) memcpy(copy.p, m->p, (size_t)mat_count(m) * sizeof(float));
    return copy;
}

static void mat_free(mat *m)
{
    if (m->map) munmap(m->map, m->map_size);
    m->map = NULL;
}

static void mat_check_gaps(const mat *m)
{
    for (int64_t i = 0; i < mat_count(m); i++)
        if (i % m->ld >= m->cols) assert_memory_equal(&m->p[i], &canary, 4);
}

static float at(const mat *m, int64_t r, int64_t c)
{
    return m->p[r * m->ld + c];
}

static void check_value(const char *what, double got, double want, double tolerance)
{
    if (got == want || fabs(got - want) <= tolerance || (isnan(got) && isnan(want))) return;
    fail_msg("%s: %.9g, expected %.9g +- %.2g", what, got, want, tolerance);
}

/* --- the same in double ----------------------------------------------------------------------------------------- */

static double act_double(double x, od_act act)
{
    switch (act) {
    case OD_ACT_NONE: return x;
    case OD_ACT_RELU: return x < 0 ? 0 : x;
    case OD_ACT_RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
    case OD_ACT_SWISH: return x / (1 + exp(-x));
    case OD_ACT_SIGMOID: return 1 / (1 + exp(-x));
    }
    return 0;
}

static double act_derivative_double(double x, od_act act)
{
    double s = 1 / (1 + exp(-x));
    switch (act) {
    case OD_ACT_NONE: return 1;
    case OD_ACT_RELU: return x > 0;
    case OD_ACT_RELU6: return x > 0 && x < 6;
    case OD_ACT_SWISH: return s * (1 + x * (1 - s));
    case OD_ACT_SIGMOID: return s * (1 - s);
    }
    return 0;
}

static od_act pick_act(void)
{
    return (od_act)pick(OD_ACT_NONE, OD_ACT_SIGMOID);
}

/* --- post-operations, shared by the products and the depthwise rows --------------------------------------------- */

typedef struct post_case {
    mat bias, residual, sum, sumsq, sum0, sumsq0;
    od_gemm_post post;
    int used;
} post_case;

static post_case post_random(int64_t m, int64_t n, int with_residual)
{
    post_case p = {.used = pick(0, 3) != 0};
    if (!p.used) return p;
    p.post.act = pick_act();
    if (coin()) p.bias = vec_random(n), p.post.bias = p.bias.p;
    if (with_residual && coin()) {
        p.residual = mat_random(m, n);
        p.post.residual = p.residual.p, p.post.ldr = p.residual.ld;
        p.post.act_after = (od_act)pick(OD_ACT_NONE, OD_ACT_RELU6);
    }
    if (coin()) {
        p.sum = vec_random(n), p.sumsq = vec_random(n);
        p.sum0 = mat_copy(&p.sum), p.sumsq0 = mat_copy(&p.sumsq);
        p.post.sum = p.sum.p, p.post.sumsq = p.sumsq.p;
    }
    return p;
}

static double post_double(const post_case *p, double x, int64_t r, int64_t c)
{
    if (!p->used) return x;
    if (p->post.bias) x += p->bias.p[c];
    x = act_double(x, p->post.act);
    return p->post.residual ? act_double(x + at(&p->residual, r, c), p->post.act_after) : x;
}

/* The sums are of the values stored: `c` is the kernel's own output. */
static void post_check_sums(const post_case *p, const mat *c)
{
    if (!p->post.sum) return;
    for (int64_t j = 0; j < c->cols; j++) {
        double sum = p->sum0.p[j], sumsq = p->sumsq0.p[j], mag = fabs(sum), magsq = fabs(sumsq);
        for (int64_t i = 0; i < c->rows; i++) {
            double v = at(c, i, j);
            sum += v, sumsq += v * v, mag += fabs(v), magsq += v * v;
        }
        check_value("column sum", p->sum.p[j], sum, 1e-6 * mag);
        check_value("column sum of squares", p->sumsq.p[j], sumsq, 1e-6 * magsq);
    }
}

static void post_free(post_case *p)
{
    mat *all[] = {&p->bias, &p->residual, &p->sum, &p->sumsq, &p->sum0, &p->sumsq0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) mat_free(all[i]);
}

/* --- products ----------------------------------------------------------------------------------------------------- */

static float *pack(const od_kernels *t, const mat *b, float **to_free)
{
    int transposed = coin();
    int64_t k = b->rows, n = b->cols;
    size_t count = t->gemm_packed_size(k, n);
    float *memory = aligned_alloc(64, (count * sizeof(float) + 4 + 63) / 64 * 64);
    assert_non_null(memory);
    memcpy(memory + count, &canary, 4);
    mat source = transposed ? mat_random(n, k) : mat_random(k, n);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < n; j++) source.p[transposed ? j * source.ld + i : i * source.ld + j] = at(b, i, j);
    t->gemm_pack_b(k, n, source.p, source.ld, transposed, memory);
    assert_memory_equal(memory + count, &canary, 4);
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
    post_case p = post_random(m, n, 1);
    int accumulate = coin();
    float *packed_memory, *packed = pack(t, &b, &packed_memory);
    t->gemm(m, n, k, a.p, a.ld, packed, c.p, c.ld, accumulate, p.used ? &p.post : NULL);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = accumulate ? at(&c0, i, j) : 0, mag = fabs(sum) + 4;
            for (int64_t q = 0; q < k; q++) {
                double product = (double)at(&a, i, q) * at(&b, q, j);
                sum += product, mag += fabs(product);
            }
            check_value("gemm", at(&c, i, j), post_double(&p, sum, i, j), product_tolerance(k, mag));
        }
    mat_check_gaps(&c);
    post_check_sums(&p, &c);
    free(packed_memory);
    post_free(&p);
    mat_free(&a), mat_free(&b), mat_free(&c), mat_free(&c0);
}

static void test_gemm(const od_kernels *t)
{
    for (int64_t n = 1; n <= 140; n++) check_gemm(t, pick(1, 20), n, pick(1, 30));
    for (int i = 0; i < 200; i++) check_gemm(t, pick(1, 70), pick(1, 70), pick(1, 70));
    check_gemm(t, 33, 96, 16), check_gemm(t, 50, 24, 144), check_gemm(t, 17, 12, 128);
    check_gemm(t, 9, 320, 257), check_gemm(t, 5, 50, 2303), check_gemm(t, 14, 1280, 20);
}

/* The segments are pieces of one matrix's rows, some of them absent. */
static void check_gemm_segments(const od_kernels *t, int64_t m, int64_t n, int64_t k, int count)
{
    mat a[5], b = mat_create(k * count, n, n), c = mat_random(m, n);
    const float *segments[5];
    int64_t lda = pick(1, k + 3); /* rows may overlap, as a convolution's do */
    for (int s = 0; s < count; s++) {
        a[s] = mat_create(1, (m - 1) * lda + k, (m - 1) * lda + k);
        segments[s] = pick(0, 3) ? a[s].p : NULL;
    }
    post_case p = post_random(m, n, 1);
    float *packed_memory, *packed = pack(t, &b, &packed_memory);
    t->gemm_segments(m, n, k, count, segments, lda, packed, c.p, c.ld, p.used ? &p.post : NULL);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0, mag = 4;
            for (int64_t q = 0; q < k * count; q++) {
                double x = segments[q / k] ? a[q / k].p[i * lda + q % k] : 0, product = x * at(&b, q, j);
                sum += product, mag += fabs(product);
            }
            check_value("gemm_segments", at(&c, i, j), post_double(&p, sum, i, j), product_tolerance(k * count, mag));
        }
    mat_check_gaps(&c);
    post_check_sums(&p, &c);
    free(packed_memory);
    post_free(&p);
    for (int s = 0; s < count; s++) mat_free(&a[s]);
    mat_free(&b), mat_free(&c);
}

static void test_gemm_segments(const od_kernels *t)
{
    for (int64_t n = 1; n <= 140; n++) check_gemm_segments(t, pick(1, 20), n, pick(1, 12), (int)pick(1, 5));
    for (int i = 0; i < 100; i++) check_gemm_segments(t, pick(1, 70), pick(1, 70), pick(1, 20), (int)pick(1, 5));
    check_gemm_segments(t, 160, 32, 9, 3);
}

static void check_gemm_tn(const od_kernels *t, int64_t m, int64_t k, int64_t n)
{
    mat a = mat_random(m, k), d = mat_random(m, n), g = mat_random(k, n), g0 = mat_copy(&g);
    t->gemm_tn(m, k, n, a.p, a.ld, d.p, d.ld, g.p, g.ld);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = at(&g0, i, j), mag = fabs(sum) + 1;
            for (int64_t r = 0; r < m; r++) {
                double product = (double)at(&a, r, i) * at(&d, r, j);
                sum += product, mag += fabs(product);
            }
            check_value("gemm_tn", at(&g, i, j), sum, product_tolerance(m, mag));
        }
    mat_check_gaps(&g);
    mat_free(&a), mat_free(&d), mat_free(&g), mat_free(&g0);
}

static void test_gemm_tn(const od_kernels *t)
{
    for (int64_t n = 1; n <= 120; n++) check_gemm_tn(t, pick(1, 40), pick(1, 40), n);
    for (int i = 0; i < 100; i++) check_gemm_tn(t, pick(1, 70), pick(1, 70), pick(1, 70));
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
        t->gemm_tn(61, 200, 61, copy.p, copy.ld, copy.p, copy.ld, g.p, g.ld);
        if (!i) memcpy(first.p, c.p, 61 * 77 * 4), memcpy(g_first.p, g.p, 200 * 61 * 4);
        assert_memory_equal(first.p, c.p, 61 * 77 * 4);
        assert_memory_equal(g_first.p, g.p, 200 * 61 * 4);
        mat_free(&copy), mat_free(&c), mat_free(&g);
    }
    free(memory);
    mat_free(&a), mat_free(&b), mat_free(&first), mat_free(&g_first);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

typedef struct rows_case {
    int64_t rows, c;
    mat x, scale, shift;
    od_act act;
} rows_case;

static rows_case rows_random(void)
{
    static const int64_t usual[] = {8, 12, 16, 24, 32, 40, 96, 144, 320};
    rows_case r = {.rows = pick(1, 70), .c = coin() ? pick(1, 70) : usual[pick(0, 8)], .act = pick_act()};
    r.x = mat_random(r.rows, r.c);
    if (pick(0, 3)) r.scale = vec_random(r.c);
    if (pick(0, 3)) r.shift = vec_random(r.c);
    return r;
}

static void rows_free(rows_case *r)
{
    mat_free(&r->x), mat_free(&r->scale), mat_free(&r->shift);
}

static double rows_z(const rows_case *r, const mat *x, int64_t i, int64_t j)
{
    return (double)at(x, i, j) * (r->scale.p ? r->scale.p[j] : 1) + (r->shift.p ? r->shift.p[j] : 0);
}

static void test_rows_affine_act(const od_kernels *t)
{
    for (int round = 0; round < 300; round++) {
        rows_case r = rows_random();
        mat x0 = mat_copy(&r.x), residual = mat_random(r.rows, r.c), other = mat_random(r.rows, r.c);
        mat *y = coin() ? &r.x : &other;
        int with_add = coin();
        mat residual0 = mat_copy(&residual);
        if (with_add && coin()) y = &residual;
        if (with_add)
            t->rows_affine_act_add(r.rows, r.c, r.x.p, r.x.ld, r.scale.p, r.shift.p, r.act, residual.p, residual.ld, y->p,
                                   y->ld);
        else
            t->rows_affine_act(r.rows, r.c, r.x.p, r.x.ld, r.scale.p, r.shift.p, r.act, y->p, y->ld);
        for (int64_t i = 0; i < r.rows; i++)
            for (int64_t j = 0; j < r.c; j++) {
                double want = act_double(rows_z(&r, &x0, i, j), r.act) + (with_add ? at(&residual0, i, j) : 0);
                check_value("rows_affine_act", at(y, i, j), want, 2e-6);
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
            for (int64_t i = 0; i < r.rows; i++) s += at(&r.x, i, j), q += (double)at(&r.x, i, j) * at(&r.x, i, j);
            check_value("rows_stats sum", sum.p[j], s, 2e-5);
            check_value("rows_stats sumsq", sumsq.p[j], q, 1e-4);
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
    mat *dz = coin() ? &dy : &other;
    int with_sums = coin();
    t->rows_act_grad(r.rows, r.c, dy.p, dy.ld, r.x.p, r.x.ld, r.scale.p, r.shift.p, with_sums ? mean.p : NULL, r.act,
                     dz->p, dz->ld, with_sums ? sum.p : NULL, with_sums ? sumx.p : NULL);
    for (int64_t j = 0; j < r.c; j++) {
        double s = sum0.p[j], sx = sumx0.p[j];
        for (int64_t i = 0; i < r.rows; i++) {
            double z = rows_z(&r, &r.x, i, j), v = at(dz, i, j);
            double want = at(&dy0, i, j) * act_derivative_double(z, r.act);
            if (!at_corner(z, r.act)) check_value("rows_act_grad", v, want, 2e-6);
            s += v, sx += v * ((double)at(&r.x, i, j) - mean.p[j]);
        }
        check_value("rows_act_grad sum", sum.p[j], with_sums ? s : sum0.p[j], 5e-5);
        check_value("rows_act_grad sum of products", sumx.p[j], with_sums ? sx : sumx0.p[j], 2e-4);
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
    t->rows_act_grad(1, 4, dy, 4, x, 4, NULL, NULL, NULL, OD_ACT_RELU6, dz, 4, NULL, NULL);
    assert_true(dz[0] == 0 && dz[1] == 0 && dz[2] == 1 && dz[3] == 0);
    t->rows_act_grad(1, 4, dy, 4, x, 4, NULL, NULL, NULL, OD_ACT_RELU, dz, 4, NULL, NULL);
    assert_true(dz[0] == 0 && dz[1] == 1 && dz[2] == 1 && dz[3] == 0);
}

static void test_rows_bn_grad(const od_kernels *t)
{
    for (int round = 0; round < 200; round++) {
        rows_case r = rows_random();
        mat dz = mat_random(r.rows, r.c), dz0 = mat_copy(&dz), other = mat_random(r.rows, r.c);
        mat a = vec_random(r.c), b = vec_random(r.c), c = vec_random(r.c);
        mat *dx = coin() ? &dz : &other;
        t->rows_bn_grad(r.rows, r.c, dz.p, dz.ld, r.x.p, r.x.ld, a.p, b.p, c.p, dx->p, dx->ld);
        for (int64_t i = 0; i < r.rows; i++)
            for (int64_t j = 0; j < r.c; j++) {
                double want = (double)a.p[j] * at(&dz0, i, j) + (double)b.p[j] * at(&r.x, i, j) + c.p[j];
                check_value("rows_bn_grad", at(dx, i, j), want, 3e-6);
            }
        mat_check_gaps(dx);
        rows_free(&r);
        mat_free(&dz), mat_free(&dz0), mat_free(&other), mat_free(&a), mat_free(&b), mat_free(&c);
    }
}

/* Activations over their whole range, the ends and NaN included. */
static void test_activations(const od_kernels *t)
{
    for (double v = -110; v <= 110; v += 0.037) {
        float x = (float)v, y;
        for (int act = OD_ACT_NONE; act <= OD_ACT_SIGMOID; act++) {
            double want = act_double(x, (od_act)act);
            t->rows_affine_act(1, 1, &x, 1, NULL, NULL, (od_act)act, &y, 1);
            check_value("activation", y, want, 4e-7 * fabs(want) + 1e-35);
        }
    }
    for (int act = OD_ACT_NONE; act <= OD_ACT_SIGMOID; act++) {
        float x[3] = {NAN, INFINITY, -INFINITY}, y[3], one[3] = {1, 1, 1}, zero[3] = {0};
        t->rows_affine_act(1, 3, x, 3, one, zero, (od_act)act, y, 3);
        assert_true(isnan(y[0]));
        check_value("activation of infinity", y[1], act == OD_ACT_RELU6 ? 6 : act == OD_ACT_SIGMOID ? 1 : INFINITY, 0);
        if (act == OD_ACT_SIGMOID || act == OD_ACT_RELU) check_value("activation of -infinity", y[2], 0, 1e-35);
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
            check_value("momentum", v.p[i], step, 4e-7);
            check_value("weight", w.p[i], w0.p[i] + step, 6e-7);
            squares += (double)g.p[i] * g.p[i];
        }
        check_value("sum_squares", t->sum_squares(n, g.p), squares, 1e-13 * squares);
        mat_free(&w), mat_free(&v), mat_free(&g), mat_free(&w0), mat_free(&v0);
    }
}

/* --- depthwise ---------------------------------------------------------------------------------------------------- */

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
    int which = (int)pick(0, 7);
    dw_case d = {.s = {.kernel_h = sizes[which][0], .kernel_w = sizes[which][1]}};
    od_dw_shape *s = &d.s;
    s->channels = coin() ? pick(1, 70) : 16 * pick(1, 6);
    s->stride_w = pick(0, 5) ? (int)pick(1, 2) : 3;
    s->dilation_w = pick(0, 3) ? 1 : 2;
    s->pad_left = (int)pick(0, s->kernel_w - 1);
    s->in_width = pick(1, 24);
    int64_t span = (int64_t)(s->kernel_w - 1) * s->dilation_w + 1, pad_right = pick(0, s->kernel_w - 1);
    int64_t room = s->in_width + s->pad_left + pad_right - span;
    s->out_width = room < 0 ? 1 : room / s->stride_w + 1;
    d.weights = vec_random(s->kernel_h * s->kernel_w * s->channels);
    for (int ky = 0; ky < s->kernel_h; ky++)
        if (pick(0, 4)) {
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
        post_case p = post_random(d.s.out_width, d.s.channels, 0);
        t->dw_row(&d.s, d.row, d.weights.p, out.p, p.used ? &p.post : NULL);
        for (int64_t x = 0; x < d.s.out_width; x++)
            for (int64_t c = 0; c < d.s.channels; c++)
                check_value("dw_row", at(&out, x, c), post_double(&p, dw_double(&d, x, c), x, c), 1e-4);
        post_check_sums(&p, &out);
        post_free(&p), mat_free(&out), dw_free(&d);
    }
}

static void test_dw_row_grad_in(const od_kernels *t)
{
    for (int round = 0; round < 400; round++) {
        dw_case d = dw_random(1);
        mat dx = mat_create(d.s.in_width, d.s.channels, d.s.channels);
        t->dw_row_grad_in(&d.s, d.row, d.weights.p, dx.p);
        for (int64_t i = 0; i < d.s.in_width; i++)
            for (int64_t c = 0; c < d.s.channels; c++) {
                double sum = 0;
                for (int ky = 0; ky < d.s.kernel_h; ky++)
                    for (int kx = 0; d.row[ky] && kx < d.s.kernel_w; kx++)
                        for (int64_t x = 0; x < d.s.out_width; x++)
                            if (dw_column(&d.s, x, kx) == i) sum += d.row[ky][x * d.s.channels + c] * dw_tap(&d, ky, kx, c);
                check_value("dw_row_grad_in", at(&dx, i, c), sum, 1e-4);
            }
        mat_free(&dx), dw_free(&d);
    }
}

static void test_dw_row_grad_weights(const od_kernels *t)
{
    for (int round = 0; round < 400; round++) {
        dw_case d = dw_random(0);
        mat drow = mat_create(d.s.out_width, d.s.channels, d.s.channels), g = mat_copy(&d.weights);
        t->dw_row_grad_weights(&d.s, d.row, drow.p, g.p);
        for (int ky = 0; ky < d.s.kernel_h; ky++)
            for (int kx = 0; kx < d.s.kernel_w; kx++)
                for (int64_t c = 0; c < d.s.channels; c++) {
                    double sum = dw_tap(&d, ky, kx, c);
                    for (int64_t x = 0; d.row[ky] && x < d.s.out_width; x++) {
                        int64_t column = dw_column(&d.s, x, kx);
                        if (column >= 0 && column < d.s.in_width)
                            sum += (double)d.row[ky][column * d.s.channels + c] * at(&drow, x, c);
                    }
                    check_value("dw_row_grad_weights", g.p[(ky * d.s.kernel_w + kx) * d.s.channels + c], sum, 1e-4);
                }
        mat_free(&drow), mat_free(&g), dw_free(&d);
    }
}

/* --- every instruction set ---------------------------------------------------------------------------------------- */

typedef void (*kernel_test)(const od_kernels *t);

static void on_every_isa(void **state)
{
    kernel_test test = *(kernel_test *)*state;
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        const od_kernels *t = od_kernels_for(isas[i]);
        if (!t) continue;
        print_message("  %s\n", isas[i]);
        od_rng_init(&rng, 7, 1);
        test(t);
    }
}

static void test_tables(void **state)
{
    (void)state;
    const od_kernels *t = od_kernels_get();
    assert_non_null(t);
    assert_ptr_equal(od_kernels_for(t->isa), t);
    assert_non_null(od_kernels_for("ref"));
    assert_null(od_kernels_for("mmx"));
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        const od_kernels *one = od_kernels_for(isas[i]);
        if (!one) continue;
        assert_string_equal(one->isa, isas[i]);
        void *const *entries = (void *const *)one;
        for (size_t e = 0; e < sizeof *one / sizeof(void *); e++) assert_non_null(entries[e]);
    }
}

#define KERNEL_TEST(f) {#f, on_every_isa, NULL, NULL, (void *)&(kernel_test){f}}

/* --- Winograd ------------------------------------------------------------------------------------------------------- */

/* One tile through every transform: the 3x3 convolution of a 6x6 tile, with the epilogue, and both its gradients. */
static void check_winograd(const od_kernels *t, int64_t c)
{
    mat x = mat_create(6, 6 * c, 6 * c), w = mat_random(9, c), u = mat_random(36, c), v = mat_random(36, c), m = mat_random(36, c), y = mat_random(4, 4 * c);
    mat scale = vec_random(c), y0 = mat_copy(&y), dy = mat_create(4, 4 * c, 4 * c), d = mat_random(36, c), dw = mat_random(9, c), dw0 = mat_copy(&dw);
    int turned = coin(), rows = (int)pick(1, 4), columns = (int)pick(1, 4);
    post_case p = post_random(1, c, 0);
    t->winograd_input(c, x.p, x.ld, v.p, v.ld);
    t->winograd_weights(c, turned ? w.p + 8 * w.ld : w.p, turned ? -w.ld : w.ld, u.p, u.ld);
    t->winograd_output_grad(c, dy.p, dy.ld, d.p, d.ld);
    for (int64_t i = 0; i < 36; i++)
        for (int64_t k = 0; k < c; k++) {
            m.p[i * m.ld + k] = v.p[i * v.ld + k] * u.p[i * u.ld + k];
            d.p[i * d.ld + k] *= v.p[i * v.ld + k];
        }
    od_winograd_out o = {.y = y.p, .row_step = y.ld, .rows = rows, .columns = columns, .accumulate = coin(), .scale = p.used && coin() ? scale.p : NULL,
                         .post = p.used ? &p.post : NULL};
    t->winograd_output(c, m.p, m.ld, &o);
    t->winograd_weights_grad(c, d.p, d.ld, dw.p, dw.ld);
    mat stored = mat_create(16, c, c);
    memset(stored.p, 0, (size_t)(16 * c) * sizeof(float));
    for (int64_t i = 0; i < 16; i++)
        for (int64_t k = 0; k < c; k++) {
            double sum = 0;
            for (int64_t j = 0; j < 9; j++) sum += (double)at(&x, i / 4 + j / 3, (i % 4 + j % 3) * c + k) * at(&w, turned ? 8 - j : j, k);
            double before = at(&y0, i / 4, i % 4 * c + k);
            int exists = i / 4 < rows && i % 4 < columns;
            if (o.accumulate) sum += before;
            if (o.scale) sum *= scale.p[k];
            check_value("Winograd's result", at(&y, i / 4, i % 4 * c + k), exists ? post_double(&p, sum, 0, k) : before, 1e-4);
            if (exists) stored.p[i * c + k] = at(&y, i / 4, i % 4 * c + k);
        }
    if (p.used) post_check_sums(&p, &stored);
    for (int64_t j = 0; j < 9; j++)
        for (int64_t k = 0; k < c; k++) {
            double sum = at(&dw0, j, k);
            for (int64_t i = 0; i < 16; i++) sum += (double)at(&x, i / 4 + j / 3, (i % 4 + j % 3) * c + k) * at(&dy, i / 4, i % 4 * c + k);
            check_value("Winograd's weight gradient", at(&dw, j, k), sum, 1e-4);
        }
    mat *all[] = {&x, &w, &u, &v, &m, &y, &scale, &y0, &dy, &d, &dw, &dw0, &stored};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) mat_free(all[i]);
    post_free(&p);
}

static void test_winograd(const od_kernels *t)
{
    for (int64_t c = 1; c <= 80; c++) check_winograd(t, c);
}

static void test_matmul_double(const od_kernels *t)
{
    for (int i = 0; i < 60; i++) {
        int64_t m = pick(1, 20), n = pick(1, 70), k = pick(1, 30);
        mat b = mat_random(k, n);
        double *a = malloc((size_t)(m * (k + 1)) * sizeof *a), *c = malloc((size_t)(m * n + 1) * sizeof *c);
        for (int64_t j = 0; j < m * (k + 1); j++) a[j] = 1e8 + (double)(j % 7); /* float could not hold it */
        c[m * n] = 7;
        t->matmul_double(m, n, k, a, k + 1, b.p, b.ld, c, n);
        for (int64_t r = 0; r < m; r++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t p = 0; p < k; p++) sum += a[r * (k + 1) + p] * (double)b.p[p * b.ld + j];
                check_value("matmul_double", c[r * n + j], sum, 1e-6);
            }
        assert_true(c[m * n] == 7);
        free(a), free(c), mat_free(&b);
    }
}

/* Rows packed a few at a time make the same matrix as all at once. */
static void test_gemm_pack_rows(const od_kernels *t)
{
    for (int64_t n = 1; n <= 140; n += 7) {
        int64_t k = pick(1, 40), half = k / 2;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),       KERNEL_TEST(test_gemm),           KERNEL_TEST(test_gemm_tn),
        KERNEL_TEST(test_gemm_segments),
        KERNEL_TEST(test_gemm_repeats),      KERNEL_TEST(test_activations),    KERNEL_TEST(test_rows_affine_act),
        KERNEL_TEST(test_rows_stats),        KERNEL_TEST(test_rows_act_grad),  KERNEL_TEST(test_rows_bn_grad),
        KERNEL_TEST(test_add),               KERNEL_TEST(test_optimiser),      KERNEL_TEST(test_dw_row),
        KERNEL_TEST(test_dw_row_grad_in),    KERNEL_TEST(test_dw_row_grad_weights), KERNEL_TEST(test_winograd),
        KERNEL_TEST(test_gemm_pack_rows),
        KERNEL_TEST(test_matmul_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
