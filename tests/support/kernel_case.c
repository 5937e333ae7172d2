/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel_case.h"

#include "test_support.h"
#include "util/rng.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const kernel_isas[KERNEL_ISAS] = {"ref", "avx2", "avx512"};
const uint32_t mat_canary = 0x7fc0dead;
static od_rng rng;

int64_t kernel_pick(int64_t low, int64_t high) /* both included */
{
    return od_rng_int(&rng, low, high + 1);
}

int kernel_coin(void)
{
    return kernel_pick(0, 1) != 0;
}

static float random_float(void)
{
    return (float)od_rng_uniform_range(&rng, -2.0f, 2.0f);
}

int64_t mat_count(const mat *m)
{
    return m->rows > 0 ? (m->rows - 1) * m->ld + m->cols : 0;
}

mat mat_create(int64_t rows, int64_t cols, int64_t ld)
{
    mat m = {.rows = rows, .cols = cols, .ld = ld};
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)mat_count(&m) * sizeof(float);
    size_t body = (bytes + page - 1) / page * page;
    m.map_size = body + 2 * page;
    char *map = mmap(NULL, m.map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + page, body, PROT_READ | PROT_WRITE), 0);
    m.map = map;
    m.p = (float *)(kernel_coin() ? map + page : map + page + body - bytes);
    for (int64_t i = 0; i < mat_count(&m); i++) memcpy(&m.p[i], &mat_canary, 4);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) m.p[r * ld + c] = random_float();
    return m;
}

mat mat_random(int64_t rows, int64_t cols)
{
    return mat_create(rows, cols, kernel_coin() ? cols : cols + kernel_pick(1, 9));
}

mat vec_random(int64_t n)
{
    return mat_create(1, n, n);
}

/* The same matrix elsewhere, for what a kernel is going to overwrite. */
mat mat_copy(const mat *m)
{
    mat copy = mat_create(m->rows, m->cols, m->ld);
    if (m->rows) memcpy(copy.p, m->p, (size_t)mat_count(m) * sizeof(float));
    return copy;
}

void mat_free(mat *m)
{
    if (m->map) munmap(m->map, m->map_size);
    m->map = NULL;
}

void mat_check_gaps(const mat *m)
{
    for (int64_t i = 0; i < mat_count(m); i++)
        if (i % m->ld >= m->cols) assert_memory_equal(&m->p[i], &mat_canary, 4);
}

float mat_at(const mat *m, int64_t r, int64_t c)
{
    return m->p[r * m->ld + c];
}

void kernel_check_value(const char *what, double got, double want, double tolerance)
{
    if (got == want || fabs(got - want) <= tolerance || (isnan(got) && isnan(want))) return;
    fail_msg("%s: %.9g, expected %.9g +- %.2g", what, got, want, tolerance);
}

double kernel_act(double x, od_act act)
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

double kernel_act_derivative(double x, od_act act)
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

od_act kernel_pick_act(void)
{
    return (od_act)kernel_pick(OD_ACT_NONE, OD_ACT_SIGMOID);
}

void kernel_aheads(od_ahead ahead[OD_AHEADS])
{
    static const float memory[1 << 14];
    for (int64_t i = 0, count = kernel_pick(0, OD_AHEADS); i < count; i++)
        ahead[i] = (od_ahead){memory + kernel_pick(0, 100), kernel_pick(1, kernel_coin() ? 100 : 1 << 13)};
}

post_case post_case_random(int64_t m, int64_t n, int with_residual)
{
    post_case p = {.used = kernel_pick(0, 3) != 0};
    if (!p.used) return p;
    p.post.act = kernel_pick_act();
    p.post.claims = kernel_coin();
    kernel_aheads(p.post.ahead);
    if (kernel_coin()) {
        int64_t lines = kernel_pick(1, kernel_coin() ? 20 : 600);
        p.behind_from = vec_random(16 * lines), p.behind_to = vec_random(16 * lines);
        p.post.behind = (od_behind){p.behind_from.p, p.behind_to.p, 16 * lines};
    }
    if (kernel_coin()) p.bias = vec_random(n), p.post.bias = p.bias.p;
    if (with_residual && kernel_coin()) {
        p.residual = mat_random(m, n);
        p.post.residual = p.residual.p, p.post.ldr = p.residual.ld;
        p.post.act_after = (od_act)kernel_pick(OD_ACT_NONE, OD_ACT_RELU6);
    }
    if (kernel_coin()) {
        p.sum = vec_random(n), p.sumsq = vec_random(n);
        p.sum0 = mat_copy(&p.sum), p.sumsq0 = mat_copy(&p.sumsq);
        p.post.sum = p.sum.p, p.post.sumsq = p.sumsq.p;
    }
    return p;
}

double post_case_apply(const post_case *p, double x, int64_t r, int64_t c)
{
    if (!p->used) return x;
    if (p->post.bias) x += p->bias.p[c];
    x = kernel_act(x, p->post.act);
    return p->post.residual ? kernel_act(x + mat_at(&p->residual, r, c), p->post.act_after) : x;
}

/* The sums are of the values stored: `c` is the kernel's own output. */
void post_case_check_sums(const post_case *p, const mat *c)
{
    if (!p->post.sum) return;
    for (int64_t j = 0; j < c->cols; j++) {
        double sum = p->sum0.p[j], sumsq = p->sumsq0.p[j], mag = fabs(sum), magsq = fabs(sumsq);
        for (int64_t i = 0; i < c->rows; i++) {
            double v = mat_at(c, i, j);
            sum += v, sumsq += v * v, mag += fabs(v), magsq += v * v;
        }
        kernel_check_value("column sum", p->sum.p[j], sum, 1e-6 * mag);
        kernel_check_value("column sum of squares", p->sumsq.p[j], sumsq, 1e-6 * magsq);
    }
}

void post_case_check_behind(const post_case *p)
{
    const od_behind *b = &p->post.behind;
    if (b->floats) assert_memory_equal(b->to, b->from, (size_t)b->floats * sizeof(float));
}

void post_case_free(post_case *p)
{
    mat *all[] = {&p->bias, &p->residual, &p->sum, &p->sumsq, &p->sum0, &p->sumsq0, &p->behind_from, &p->behind_to};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) mat_free(all[i]);
}

void kernel_on_every_isa(void **state)
{
    kernel_test test = *(kernel_test *)*state;
    for (int i = 0; i < KERNEL_ISAS; i++) {
        const od_kernels *t = od_kernels_for(kernel_isas[i]);
        if (!t) continue;
        print_message("  %s\n", kernel_isas[i]);
        od_rng_init(&rng, 7, 1);
        test(t);
    }
}
