/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast each kernel is on one thread: GFLOP/s and percent of the peak of its instruction set (measured first, with
 * independent multiply-adds), GB/s of what must be read and written at least once. Data of a size that stays in the
 * second-level cache, unless --rows says otherwise; the best of many short repeats, because machines are shared.
 *
 *   bench_kernels [--isa=avx512] [--only=gemm] [--rows=256] [--ms=30] [--svg=roofline.svg]
 *
 * --svg draws the last instruction set's roofline.
 */
#include "kernels/kernels.h"
#include "roofline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct bench {
    const od_kernels *t;
    const char *only;
    int64_t rows; /* 0: by size */
    double budget, peak;
    float *pool; /* random numbers, 64-byte aligned */
    roofline *roof;
} bench;

enum { POOL = 24 << 20 };

static const int gemm_shapes[][2] = {
    {32, 16},    {16, 96},    {96, 24},  {24, 144}, {144, 24},  {144, 32},  {32, 192},  {192, 32},  {192, 64},
    {64, 384},   {384, 64},   {384, 96}, {96, 576}, {576, 96},  {576, 160}, {160, 960}, {960, 160}, {960, 320},
    {320, 1280}, {1280, 128}, {96, 128}, {32, 128}, {128, 128}, {128, 24},  {128, 12},  {27, 32},   {2304, 256},
};
enum { GEMM_SHAPES = sizeof gemm_shapes / sizeof *gemm_shapes };

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

typedef void (*work_fn)(const bench *b, const void *arg);

/* Seconds of the fastest repeat; each repeat runs long enough (50 us) for the clock. */
static double fastest(const bench *b, work_fn work, const void *arg)
{
    work(b, arg);
    double start = now();
    work(b, arg);
    double once = now() - start, best = 1e30;
    int inner = once < 5e-5 ? (int)(5e-5 / (once + 1e-9)) + 1 : 1;
    double end = now() + b->budget;
    do {
        double t0 = now();
        for (int i = 0; i < inner; i++) work(b, arg);
        double t = (now() - t0) / inner;
        if (t < best) best = t;
    } while (now() < end);
    return best;
}

static void report(const bench *b, const char *kernel, const char *shape, double seconds, double flops, double bytes)
{
    printf("%-7s %-22s %-24s %9.2f us", b->t->isa, kernel, shape, seconds * 1e6);
    if (flops > 0)
        printf("  %7.1f GFLOP/s %3.0f %%", flops / seconds * 1e-9, 100 * flops / seconds / b->peak);
    else
        printf("  %21s", "");
    printf("  %7.1f GB/s\n", bytes / seconds * 1e-9);
    fflush(stdout);
    if (flops > 0) roofline_add(b->roof, kernel, flops, bytes, seconds);
}

static int wanted(const bench *b, const char *kernel)
{
    return !b->only || strstr(kernel, b->only);
}

/* --- the peak ---------------------------------------------------------------------------------------------------- */

/* 10 independent chains of STEP(chain, x, y): chain = chain * x + y. */
#define PEAK(name, target, width, STEP)                                                                                \
    typedef float name##_vec __attribute__((vector_size(4 * width)));                                                  \
    target static double name(void)                                                                                    \
    {                                                                                                                  \
        name##_vec a0 = {0}, a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0, a8 = a0, a9 = a0;          \
        name##_vec x = a0 + 0.999f, y = a0 + 1e-3f;                                                                    \
        double best = 1e30;                                                                                            \
        for (int repeat = 0; repeat < 300; repeat++) {                                                                 \
            double t0 = now();                                                                                         \
            for (int n = 0; n < 2000; n++) {                                                                           \
                STEP(a0, x, y), STEP(a1, x, y), STEP(a2, x, y), STEP(a3, x, y), STEP(a4, x, y);                        \
                STEP(a5, x, y), STEP(a6, x, y), STEP(a7, x, y), STEP(a8, x, y), STEP(a9, x, y);                        \
            }                                                                                                          \
            double t = now() - t0;                                                                                     \
            if (t < best) best = t;                                                                                    \
        }                                                                                                              \
        volatile float keep = (a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9)[0];                                    \
        (void)keep;                                                                                                    \
        return 2.0 * width * 10 * 2000 / best;                                                                         \
    }

#if defined(__x86_64__)
#define FMA(a, x, y) ({ __asm__ volatile("vfmadd213ps %2, %1, %0" : "+v"(a) : "v"(x), "v"(y)); })
PEAK(peak_avx512, __attribute__((target("avx512f,fma"))), 16, FMA)
PEAK(peak_avx2, __attribute__((target("avx2,fma"))), 8, FMA)
#endif
#define MULTIPLY_ADD(a, x, y) (a = a * x + y)
PEAK(peak_ref, , 4, MULTIPLY_ADD)

static double peak_of(const char *isa)
{
#if defined(__x86_64__)
    if (!strcmp(isa, "avx512")) return peak_avx512();
    if (!strcmp(isa, "avx2")) return peak_avx2();
#endif
    (void)isa;
    return peak_ref();
}

/* --- products ----------------------------------------------------------------------------------------------------- */

typedef struct gemm_arg {
    int64_t m, n, k;
    const float *a, *b;
    float *c;
    const od_gemm_post *post;
} gemm_arg;

static void work_gemm(const bench *b, const void *arg)
{
    const gemm_arg *g = arg;
    b->t->gemm(g->m, g->n, g->k, g->a, g->k, g->b, g->c, g->n, 0, g->post);
}

static void work_gemm_tn(const bench *b, const void *arg)
{
    const gemm_arg *g = arg;
    b->t->gemm_tn(g->m, g->k, g->n, g->a, g->k, g->b, g->n, g->c, g->n, NULL);
}

/* Rows so that both matrices stay in 1 MB: what the layer code would take. */
static int64_t rows_for(const bench *b, int64_t floats_a_row)
{
    int64_t most = POOL / 2 / floats_a_row;
    if (b->rows) return b->rows < most ? b->rows : most;
    int64_t rows = (1 << 18) / floats_a_row / 8 * 8;
    return rows < 64 ? 64 : rows > 512 ? 512 : rows;
}

static float *align64(float *p)
{
    return p + (64 - (uintptr_t)p % 64) % 64 / sizeof *p;
}

static void bench_gemm_shape(const bench *b, int64_t k, int64_t n, int with_post)
{
    int64_t m = rows_for(b, k + n);
    float *a = b->pool, *weights = a + m * k, *packed = align64(weights + k * n);
    float *c = align64(packed + b->t->gemm_packed_size(k, n)), *vectors = c + m * n;
    char shape[64];
    b->t->gemm_pack_b(k, n, weights, n, 0, packed);
    od_gemm_post post = {.bias = vectors, .act = OD_ACT_RELU6, .sum = vectors + n, .sumsq = vectors + 2 * n};
    gemm_arg g = {m, n, k, a, packed, c, with_post ? &post : NULL};
    snprintf(shape, sizeof shape, "M %d K %d N %d", (int)m, (int)k, (int)n);
    report(b, with_post ? "gemm+bias+relu6+sums" : "gemm", shape, fastest(b, work_gemm, &g), 2.0 * (double)(m * n * k),
           4.0 * (double)(m * n + m * k + k * n));
}

/* A convolution's output row from its input rows: channels, outputs, kernel, stride, output width. */
static const int row_shapes[][5] = {{3, 32, 3, 2, 160}, {3, 64, 7, 2, 320}, {16, 32, 3, 1, 80}};

typedef struct segments_arg {
    gemm_arg g;
    int count;
    int64_t lda;
    const float *rows[8];
} segments_arg;

static void work_gemm_segments(const bench *b, const void *arg)
{
    const segments_arg *s = arg;
    b->t->gemm_segments(s->g.m, s->g.n, s->g.k, s->count, s->rows, s->lda, s->g.b, s->g.c, s->g.n, s->g.post);
}

static void bench_gemm_segments_shape(const bench *b, const int *p)
{
    int64_t c = p[0], n = p[1], kernel = p[2], m = p[4], k = kernel * c, floats = (m * p[3] + kernel) * c;
    segments_arg s = {.count = (int)kernel, .lda = p[3] * c};
    for (int i = 0; i < s.count; i++) s.rows[i] = b->pool + i * floats;
    float *weights = b->pool + kernel * floats, *packed = align64(weights + kernel * k * n);
    float *out = align64(packed + b->t->gemm_packed_size(kernel * k, n));
    b->t->gemm_pack_b(kernel * k, n, weights, n, 0, packed);
    od_gemm_post post = {.bias = out + m * n, .act = OD_ACT_RELU6};
    s.g = (gemm_arg){m, n, k, NULL, packed, out, &post};
    char shape[64];
    snprintf(shape, sizeof shape, "W %d C %d N %d %dx%d s%d", p[4], p[0], p[1], p[2], p[2], p[3]);
    report(b, "gemm_segments+relu6", shape, fastest(b, work_gemm_segments, &s), 2.0 * (double)(m * n * k * kernel),
           4.0 * (double)(kernel * floats + m * n + kernel * k * n));
}

static void bench_gemm_tn_shape(const bench *b, int64_t k, int64_t n)
{
    int64_t m = rows_for(b, k + n);
    float *a = b->pool, *d = align64(a + m * k), *c = align64(d + m * n);
    char shape[64];
    gemm_arg g = {m, n, k, a, d, c, NULL};
    snprintf(shape, sizeof shape, "M %d K %d N %d", (int)m, (int)k, (int)n);
    report(b, "gemm_tn", shape, fastest(b, work_gemm_tn, &g), 2.0 * (double)(m * n * k),
           4.0 * (double)(m * n + m * k + 2 * k * n));
}

static void bench_products(const bench *b)
{
    for (int post = 0; post < 2 && wanted(b, "gemm"); post++)
        for (int i = 0; i < GEMM_SHAPES; i++) bench_gemm_shape(b, gemm_shapes[i][0], gemm_shapes[i][1], post);
    for (size_t i = 0; i < sizeof row_shapes / sizeof *row_shapes && wanted(b, "gemm_segments"); i++)
        bench_gemm_segments_shape(b, row_shapes[i]);
    for (int i = 0; i < GEMM_SHAPES && wanted(b, "gemm_tn"); i++)
        bench_gemm_tn_shape(b, gemm_shapes[i][0], gemm_shapes[i][1]);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

typedef struct rows_arg {
    int64_t rows, c;
    float *x, *y, *z, *v;
    od_act act;
} rows_arg;

static void work_affine(const bench *b, const void *arg)
{
    const rows_arg *r = arg;
    b->t->rows_affine_act(r->rows, r->c, r->x, r->c, r->v, r->v + r->c, r->act, r->y, r->c);
}

static void work_affine_add(const bench *b, const void *arg)
{
    const rows_arg *r = arg;
    b->t->rows_affine_act_add(r->rows, r->c, r->x, r->c, r->v, r->v + r->c, r->act, r->z, r->c, r->y, r->c);
}

static void work_stats(const bench *b, const void *arg)
{
    const rows_arg *r = arg;
    b->t->rows_stats(r->rows, r->c, r->x, r->c, r->v + 3 * r->c, r->v + 4 * r->c);
}

static void work_act_grad(const bench *b, const void *arg)
{
    const rows_arg *r = arg;
    float *v = r->v;
    od_act_grad g = {r->x, r->c, v, v + r->c, v + 2 * r->c, r->act, v + 3 * r->c, v + 4 * r->c};
    b->t->rows_act_grad(r->rows, r->c, r->y, r->c, &g, r->z, r->c);
}

static void work_bn_grad(const bench *b, const void *arg)
{
    const rows_arg *r = arg;
    b->t->rows_bn_grad(r->rows, r->c, r->y, r->c, r->x, r->c, r->v, r->v + r->c, r->v + 2 * r->c, r->z, r->c);
}

static void work_add(const bench *b, const void *arg)
{
    const rows_arg *r = arg;
    b->t->add(r->rows * r->c, r->x, r->y);
}

static void work_momentum(const bench *b, const void *arg)
{
    const rows_arg *r = arg;
    b->t->momentum_update(r->rows * r->c, r->x, r->y, r->z, 0.01f, 0.9f, 1.0f);
}

static void work_squares(const bench *b, const void *arg)
{
    const rows_arg *r = arg;
    volatile double sum = b->t->sum_squares(r->rows * r->c, r->x);
    (void)sum;
}

static void bench_rows(const bench *b)
{
    static const struct {
        const char *name;
        work_fn work;
        int streams; /* matrices read or written */
        od_act act;
    } passes[] = {
        {"rows_affine relu6", work_affine, 2, OD_ACT_RELU6},
        {"rows_affine swish", work_affine, 2, OD_ACT_SWISH},
        {"rows_affine_add", work_affine_add, 3, OD_ACT_NONE},
        {"rows_stats", work_stats, 1, OD_ACT_NONE},
        {"rows_act_grad relu6", work_act_grad, 3, OD_ACT_RELU6},
        {"rows_act_grad swish", work_act_grad, 3, OD_ACT_SWISH},
        {"rows_bn_grad", work_bn_grad, 3, OD_ACT_NONE},
        {"add", work_add, 3, OD_ACT_NONE},
        {"momentum_update", work_momentum, 5, OD_ACT_NONE},
        {"sum_squares", work_squares, 1, OD_ACT_NONE},
    };
    static const int channels[] = {16, 24, 32, 96, 144, 384, 960};
    char shape[64];
    for (size_t p = 0; p < sizeof passes / sizeof *passes; p++)
        for (size_t i = 0; i < sizeof channels / sizeof *channels && wanted(b, passes[p].name); i++) {
            int64_t c = channels[i], rows = b->rows ? b->rows : (1 << 16) / c, size = (rows * c + 15) / 16 * 16;
            if (4 * size > POOL) continue;
            float *x = b->pool;
            rows_arg r = {rows, c, x, x + size, x + 2 * size, x + 3 * size, passes[p].act};
            snprintf(shape, sizeof shape, "rows %d C %d", (int)rows, (int)c);
            report(b, passes[p].name, shape, fastest(b, passes[p].work, &r), 0,
                   4.0 * passes[p].streams * (double)(rows * c));
        }
}

/* --- depthwise ---------------------------------------------------------------------------------------------------- */

typedef struct dw_arg {
    od_dw_shape s;
    const float *rows[5];
    float *weights, *out;
    const od_gemm_post *post;
    od_dw_grad grad;
} dw_arg;

static void work_dw(const bench *b, const void *arg)
{
    const dw_arg *d = arg;
    b->t->dw_row(&d->s, d->rows, d->weights, d->out, d->post);
}

static void work_dw_grad(const bench *b, const void *arg)
{
    const dw_arg *d = arg;
    b->t->dw_row_grad(&d->s, &d->grad);
}

/* A kernel's row of `width` columns: of 3 or 5 rows [in_row] one row [out_row]. */
static dw_arg dw_work(const bench *b, const int *p, int64_t in_row)
{
    dw_arg d = {.s = {p[0], p[1], p[1] / p[3], p[2], p[2], p[3], 1, (p[2] - p[3]) / 2}};
    for (int ky = 0; ky < p[2]; ky++) d.rows[ky] = b->pool + ky * in_row;
    d.weights = b->pool + p[2] * in_row, d.out = align64(d.weights + p[2] * p[2] * p[0]);
    return d;
}

static void bench_dw_shape(const bench *b, const char *name, int with_post, const int *p)
{
    int64_t c = p[0], out_row = p[1] / p[3] * c, in_row = p[1] * c;
    dw_arg d = dw_work(b, p, in_row);
    od_gemm_post post = {.sum = d.out + out_row, .sumsq = d.out + out_row + c};
    d.post = with_post ? &post : NULL;
    char shape[64];
    snprintf(shape, sizeof shape, "C %d W %d %dx%d s%d", p[0], p[1], p[2], p[2], p[3]);
    report(b, name, shape, fastest(b, work_dw, &d), 2.0 * (double)(p[2] * p[2] * out_row), 4.0 * (double)(p[2] * in_row + out_row));
}

/* An input row's gradients, through ReLU6 with batch norm's sums. With stride 2, one of two rows is under two tap rows, the other under
 * one: this is the first. */
static void bench_dw_grad_shape(const bench *b, const char *name, const int *p)
{
    int64_t c = p[0], out_row = p[1] / p[3] * c, in_row = p[1] * c;
    int taps = 0;
    dw_arg d = dw_work(b, p, out_row);
    float *x = align64(d.out + in_row), *dweights = align64(x + in_row), *vectors = dweights + p[2] * p[2] * c;
    for (int ky = 0; ky < p[2]; ky++) {
        if (ky % p[3]) d.rows[ky] = NULL;
        else taps++;
    }
    d.grad = (od_dw_grad){.drows = d.rows, .weights = d.weights, .through = 1, .dx = d.out, .dweights = dweights};
    d.grad.in = (od_act_grad){x, c, vectors, vectors + c, vectors + 2 * c, OD_ACT_RELU6, vectors + 3 * c, vectors + 4 * c};
    char shape[64];
    snprintf(shape, sizeof shape, "C %d W %d %dx%d s%d", p[0], p[1], p[2], p[2], p[3]);
    report(b, name, shape, fastest(b, work_dw_grad, &d), 4.0 * (double)(taps * p[2] * out_row), 4.0 * (double)(taps * out_row + 2 * in_row));
}

static void bench_dw(const bench *b)
{
    static const int shapes[][4] = {/* channels, width, kernel, stride */
                                    {32, 160, 3, 1}, {96, 160, 3, 2}, {144, 80, 3, 1}, {144, 80, 3, 2},
                                    {192, 40, 3, 1}, {192, 40, 3, 2}, {384, 20, 3, 1}, {576, 20, 3, 1},
                                    {576, 20, 3, 2}, {960, 10, 3, 1}, {128, 40, 3, 1}, {24, 80, 3, 1},
                                    {64, 20, 3, 1},  {16, 80, 3, 1},  {144, 80, 5, 2}, {240, 40, 5, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (wanted(b, "dw_row")) bench_dw_shape(b, "dw_row", 0, shapes[i]);
        if (wanted(b, "dw_row+sums")) bench_dw_shape(b, "dw_row+sums", 1, shapes[i]);
        if (wanted(b, "dw_row_grad")) bench_dw_grad_shape(b, "dw_row_grad", shapes[i]);
    }
}

/* Bytes a second of y += x on `floats` numbers each: twice read, once written. */
static double bandwidth(const bench *b, int64_t floats)
{
    rows_arg r = {.rows = floats, .c = 1, .x = b->pool, .y = b->pool + POOL / 2};
    return 12.0 * (double)floats / fastest(b, work_add, &r);
}

/* --- the program ----------------------------------------------------------------------------------------------------
 */

static float *pool_create(void)
{
    float *pool = aligned_alloc(64, sizeof(float) * POOL);
    uint32_t state = 1;
    for (int64_t i = 0; pool && i < POOL; i++) {
        state = state * 1664525u + 1013904223u;
        pool[i] = (float)(state >> 8) * (1.0f / (1 << 24)) - 0.5f;
    }
    return pool;
}

static const char *flag(int argc, char **argv, const char *name)
{
    size_t length = strlen(name);
    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], name, length)) return argv[i] + length;
    return NULL;
}

int main(int argc, char **argv)
{
    static const char *const isas[] = {"ref", "avx2", "avx512"};
    const char *isa = flag(argc, argv, "--isa="), *rows = flag(argc, argv, "--rows="), *ms = flag(argc, argv, "--ms="),
               *svg = flag(argc, argv, "--svg=");
    static roofline roof;
    bench b = {.only = flag(argc, argv, "--only="),
               .rows = rows ? atoll(rows) : 0,
               .budget = ms ? atof(ms) * 1e-3 : 0.03,
               .roof = &roof};
    od_error err = {0};
    bench drawn = {0};
    b.pool = pool_create();
    if (!b.pool) return 1;
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        b.t = od_kernels_for(isas[i]);
        if (!b.t || (isa && strcmp(isa, isas[i]))) continue;
        b.peak = peak_of(isas[i]);
        printf("%-7s peak %.1f GFLOP/s\n", isas[i], b.peak * 1e-9);
        memset(&roof, 0, sizeof roof);
        bench_products(&b);
        bench_rows(&b);
        bench_dw(&b);
        drawn = b;
    }
    if (svg && drawn.t) {
        enum { CACHED = 48 << 10 };
        od_status status = roofline_draw(&roof, drawn.t->isa, drawn.peak, bandwidth(&drawn, CACHED),
                                         bandwidth(&drawn, POOL / 2), svg, &err);
        if (status != OD_OK) fprintf(stderr, "bench_kernels: %s\n", err.message);
        if (status != OD_OK) return 1;
    }
    free(b.pool);
    return 0;
}
