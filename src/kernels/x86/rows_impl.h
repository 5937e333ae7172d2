/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes over rows and the optimiser's update in the vector vocabulary of the including file.
 *
 * Each pass goes over ROW_GROUP rows side by side, so that the channel vectors (scale, shift, sums) are loaded once for
 * several rows while every row is still read as a stream. Contiguous rows of few channels are first folded: rows
 * [R, C] are also rows [R / f, C * f] with each channel vector repeated f times, which fills whole vectors.
 */
#ifndef OD_KERNELS_X86_ROWS_IMPL_H
#define OD_KERNELS_X86_ROWS_IMPL_H

#include "kernels/x86/fetch.h"

enum { ROW_GROUP = 4, FOLD_WANTED = 256, FOLD_MAX = 512 };

/* A load or store that is masked only where `masked`, a constant, says so. */
INLINE vf ld(const int masked, const float *p, vmask m)
{
    return masked ? v_loadm(p, m) : v_load(p);
}

INLINE void st(const int masked, float *p, vf x, vmask m)
{
    if (masked) v_storem(p, x, m);
    else v_store(p, x);
}

/* A pass over memory that isn't in cache waits for it row after row: what the next group of rows reads is fetched meanwhile. */
INLINE void fetch_group(const int rows, const float *x, int64_t ldx)
{
    UNROLL
    for (int i = 0; i < rows; i++) __builtin_prefetch(x + (rows + i) * ldx, 0, 3);
}

/* --- folding ------------------------------------------------------------------------------------------------------- */

/* How many rows make one folded row; 1: don't. */
static int64_t fold_factor(int64_t rows, int64_t c, int contiguous)
{
    if (!contiguous || c >= FOLD_WANTED) return 1;
    int64_t unit = 1;
    while (unit * c % VL) unit *= 2;
    int64_t factor = unit * c >= FOLD_WANTED ? unit : FOLD_WANTED / (unit * c) * unit;
    return factor * c > FOLD_MAX || factor > rows ? 1 : factor;
}

/* v [c] repeated into out [c * factor]; NULL stays NULL. */
static const float *fold_repeat(int64_t c, int64_t factor, const float *v, float *out)
{
    if (!v) return NULL;
    for (int64_t i = 0; i < c * factor; i++) out[i] = i < c ? v[i] : out[i - c];
    return out;
}

static void fold_sum(int64_t c, int64_t factor, const float *folded, float *sum)
{
    for (int64_t f = 0; f < factor; f++)
        for (int64_t i = 0; i < c; i++) sum[i] += folded[f * c + i];
}

/* --- affine + activation + addition ---------------------------------------------------------------------------------- */

typedef struct affine_job {
    int64_t rows, c;
    const float *x;
    int64_t ldx;
    const float *scale, *shift, *residual;
    int64_t ldr;
    float *y;
    int64_t ldy;
} affine_job;

INLINE void affine_vector(const int masked, const int rows, const od_act act, const affine_job *job, int64_t r, int64_t j,
                          vmask m)
{
    vf scale = job->scale ? ld(masked, job->scale + j, m) : v_set1(1.0f);
    vf shift = job->shift ? ld(masked, job->shift + j, m) : v_zero(), y[ROW_GROUP];
    const float *x = job->x + r * job->ldx + j;
    UNROLL
    for (int i = 0; i < rows; i++) y[i] = v_act(v_fma(ld(masked, x + i * job->ldx, m), scale, shift), act);
    if (rows == ROW_GROUP) fetch_group(rows, x, job->ldx);
    if (job->residual) {
        const float *residual = job->residual + r * job->ldr + j;
        UNROLL
        for (int i = 0; i < rows; i++) y[i] = v_add(y[i], ld(masked, residual + i * job->ldr, m));
    }
    UNROLL
    for (int i = 0; i < rows; i++) st(masked, job->y + (r + i) * job->ldy + j, y[i], m);
}

INLINE void affine_rows(const int rows, const od_act act, const affine_job *job, int64_t r)
{
    int64_t j = 0;
    for (; j + VL <= job->c; j += VL) affine_vector(0, rows, act, job, r, j, v_first(VL));
    if (j < job->c) affine_vector(1, rows, act, job, r, j, v_first(job->c - j));
}

INLINE void affine_all(const od_act act, const affine_job *job)
{
    int64_t r = 0;
    for (; r + ROW_GROUP <= job->rows; r += ROW_GROUP) affine_rows(ROW_GROUP, act, job, r);
    for (; r < job->rows; r++) affine_rows(1, act, job, r);
}

static void affine(const affine_job *job, od_act act)
{
    switch (act) {
    case OD_ACT_NONE: affine_all(OD_ACT_NONE, job); break;
    case OD_ACT_RELU: affine_all(OD_ACT_RELU, job); break;
    case OD_ACT_RELU6: affine_all(OD_ACT_RELU6, job); break;
    case OD_ACT_SWISH: affine_all(OD_ACT_SWISH, job); break;
    case OD_ACT_SIGMOID: affine_all(OD_ACT_SIGMOID, job); break;
    }
}

static void affine_folded(affine_job job, od_act act)
{
    float scale[FOLD_MAX], shift[FOLD_MAX];
    int contiguous = job.ldx == job.c && job.ldy == job.c && (!job.residual || job.ldr == job.c);
    int64_t factor = fold_factor(job.rows, job.c, contiguous);
    if (factor > 1) {
        int64_t c = job.c * factor, rows = job.rows / factor, done = rows * c;
        affine_job folded = {rows, c, job.x, c, fold_repeat(job.c, factor, job.scale, scale),
                             fold_repeat(job.c, factor, job.shift, shift), job.residual, c, job.y, c};
        affine(&folded, act);
        job.rows -= rows * factor, job.x += done, job.y += done;
        if (job.residual) job.residual += done;
    }
    affine(&job, act);
}

static void rows_affine_act(int64_t rows, int64_t c, const float *x, int64_t ldx, const float *scale,
                            const float *shift, od_act act, float *y, int64_t ldy)
{
    affine_folded((affine_job){rows, c, x, ldx, scale, shift, NULL, 0, y, ldy}, act);
}

static void rows_affine_act_add(int64_t rows, int64_t c, const float *x, int64_t ldx, const float *scale,
                                const float *shift, od_act act, const float *residual, int64_t ldr, float *y,
                                int64_t ldy)
{
    affine_folded((affine_job){rows, c, x, ldx, scale, shift, residual, ldr, y, ldy}, act);
}

/* --- statistics ------------------------------------------------------------------------------------------------------ */

INLINE void stats_vector(const int masked, const int rows, const float *x, int64_t ldx, float *sum, float *sumsq, vmask m)
{
    vf s[2] = {v_zero(), v_zero()}, q[2] = {v_zero(), v_zero()};
    UNROLL
    for (int i = 0; i < rows; i++) {
        vf v = ld(masked, x + i * ldx, m);
        s[i % 2] = v_add(s[i % 2], v), q[i % 2] = v_fma(v, v, q[i % 2]);
    }
    st(masked, sum, v_add(ld(masked, sum, m), v_add(s[0], s[1])), m);
    st(masked, sumsq, v_add(ld(masked, sumsq, m), v_add(q[0], q[1])), m);
}

INLINE void stats_rows(const int rows, int64_t c, const float *x, int64_t ldx, float *sum, float *sumsq)
{
    int64_t j = 0;
    for (; j + VL <= c; j += VL) stats_vector(0, rows, x + j, ldx, sum + j, sumsq + j, v_first(VL));
    if (j < c) stats_vector(1, rows, x + j, ldx, sum + j, sumsq + j, v_first(c - j));
}

static void stats(int64_t rows, int64_t c, const float *x, int64_t ldx, float *sum, float *sumsq)
{
    int64_t r = 0;
    for (; r + 8 <= rows; r += 8) stats_rows(8, c, x + r * ldx, ldx, sum, sumsq);
    for (; r < rows; r++) stats_rows(1, c, x + r * ldx, ldx, sum, sumsq);
}

static void rows_stats(int64_t rows, int64_t c, const float *x, int64_t ldx, float *sum, float *sumsq)
{
    int64_t factor = fold_factor(rows, c, ldx == c);
    if (factor > 1) {
        float s[FOLD_MAX] = {0}, q[FOLD_MAX] = {0};
        int64_t wide = c * factor, folded = rows / factor;
        stats(folded, wide, x, wide, s, q);
        fold_sum(c, factor, s, sum), fold_sum(c, factor, q, sumsq);
        rows -= folded * factor, x += folded * wide;
    }
    stats(rows, c, x, ldx, sum, sumsq);
}

/* --- gradients --------------------------------------------------------------------------------------------------------- */

typedef struct grad_job {
    int64_t rows, c;
    const float *dy;
    int64_t lddy;
    od_act_grad g;
    float *dz;
    int64_t lddz;
} grad_job;

INLINE void grad_vector(const int masked, const int rows, const od_act act, const grad_job *job, int64_t r, int64_t j,
                        vmask m)
{
    const od_act_grad *g = &job->g;
    const float *from = g->x + r * g->ldx + j;
    vf scale = g->scale ? ld(masked, g->scale + j, m) : v_set1(1.0f);
    vf shift = g->shift ? ld(masked, g->shift + j, m) : v_zero(), x[ROW_GROUP], dz[ROW_GROUP];
    UNROLL
    for (int i = 0; i < rows; i++) {
        x[i] = ld(masked, from + i * g->ldx, m);
        dz[i] = v_act_grad(ld(masked, job->dy + (r + i) * job->lddy + j, m), v_fma(x[i], scale, shift), act);
    }
    if (rows == ROW_GROUP) fetch_group(rows, from, g->ldx);
    UNROLL
    for (int i = 0; i < rows; i++) st(masked, job->dz + (r + i) * job->lddz + j, dz[i], m);
    if (g->sum_dz) {
        vf s = dz[0];
        UNROLL
        for (int i = 1; i < rows; i++) s = v_add(s, dz[i]);
        st(masked, g->sum_dz + j, v_add(ld(masked, g->sum_dz + j, m), s), m);
    }
    if (g->sum_dzx) {
        vf mean = ld(masked, g->mean + j, m), p = v_mul(dz[0], v_sub(x[0], mean));
        UNROLL
        for (int i = 1; i < rows; i++) p = v_fma(dz[i], v_sub(x[i], mean), p);
        st(masked, g->sum_dzx + j, v_add(ld(masked, g->sum_dzx + j, m), p), m);
    }
}

INLINE void grad_rows(const int rows, const od_act act, const grad_job *job, int64_t r)
{
    int64_t j = 0;
    for (; j + VL <= job->c; j += VL) grad_vector(0, rows, act, job, r, j, v_first(VL));
    if (j < job->c) grad_vector(1, rows, act, job, r, j, v_first(job->c - j));
}

INLINE void grad_all(const od_act act, const grad_job *job)
{
    int64_t r = 0;
    for (; r + ROW_GROUP <= job->rows; r += ROW_GROUP) grad_rows(ROW_GROUP, act, job, r);
    for (; r < job->rows; r++) grad_rows(1, act, job, r);
}

static void grad(const grad_job *job, od_act act)
{
    switch (act) {
    case OD_ACT_NONE: grad_all(OD_ACT_NONE, job); break;
    case OD_ACT_RELU: grad_all(OD_ACT_RELU, job); break;
    case OD_ACT_RELU6: grad_all(OD_ACT_RELU6, job); break;
    case OD_ACT_SWISH: grad_all(OD_ACT_SWISH, job); break;
    case OD_ACT_SIGMOID: grad_all(OD_ACT_SIGMOID, job); break;
    }
}

static void rows_act_grad(int64_t rows, int64_t c, const float *dy, int64_t lddy, const od_act_grad *g, float *dz, int64_t lddz)
{
    grad_job job = {rows, c, dy, lddy, *g, dz, lddz};
    int64_t factor = fold_factor(rows, c, lddy == c && g->ldx == c && lddz == c);
    if (factor > 1) {
        float buffers[3][FOLD_MAX], s[FOLD_MAX] = {0}, p[FOLD_MAX] = {0};
        int64_t wide = c * factor, folded = rows / factor, done = folded * wide;
        od_act_grad wider = {g->x, wide, fold_repeat(c, factor, g->scale, buffers[0]), fold_repeat(c, factor, g->shift, buffers[1]),
                             g->sum_dzx ? fold_repeat(c, factor, g->mean, buffers[2]) : NULL, g->act, g->sum_dz ? s : NULL, g->sum_dzx ? p : NULL};
        grad_job f = {folded, wide, dy, wide, wider, dz, wide};
        grad(&f, g->act);
        if (g->sum_dz) fold_sum(c, factor, s, g->sum_dz);
        if (g->sum_dzx) fold_sum(c, factor, p, g->sum_dzx);
        job.rows -= folded * factor, job.dy += done, job.g.x += done, job.dz += done;
    }
    grad(&job, g->act);
}

typedef struct bn_job {
    int64_t rows, c;
    const float *dz;
    int64_t lddz;
    const float *x;
    int64_t ldx;
    const float *a, *b, *cc;
    float *dx;
    int64_t lddx;
} bn_job;

INLINE void bn_vector(const int masked, const int rows, const bn_job *job, int64_t r, int64_t j, vmask m)
{
    vf a = ld(masked, job->a + j, m), b = ld(masked, job->b + j, m), c = ld(masked, job->cc + j, m), y[ROW_GROUP];
    UNROLL
    for (int i = 0; i < rows; i++) {
        vf x = ld(masked, job->x + (r + i) * job->ldx + j, m);
        y[i] = v_fma(a, ld(masked, job->dz + (r + i) * job->lddz + j, m), v_fma(b, x, c));
    }
    if (rows == ROW_GROUP) fetch_group(rows, job->x + r * job->ldx + j, job->ldx), fetch_group(rows, job->dz + r * job->lddz + j, job->lddz);
    UNROLL
    for (int i = 0; i < rows; i++) st(masked, job->dx + (r + i) * job->lddx + j, y[i], m);
}

INLINE void bn_rows(const int rows, const bn_job *job, int64_t r)
{
    int64_t j = 0;
    for (; j + VL <= job->c; j += VL) bn_vector(0, rows, job, r, j, v_first(VL));
    if (j < job->c) bn_vector(1, rows, job, r, j, v_first(job->c - j));
}

static void bn(const bn_job *job)
{
    int64_t r = 0;
    for (; r + ROW_GROUP <= job->rows; r += ROW_GROUP) bn_rows(ROW_GROUP, job, r);
    for (; r < job->rows; r++) bn_rows(1, job, r);
}

static void rows_bn_grad(int64_t rows, int64_t c, const float *dz, int64_t lddz, const float *x, int64_t ldx,
                         const float *a, const float *b, const float *cc, float *dx, int64_t lddx)
{
    bn_job job = {rows, c, dz, lddz, x, ldx, a, b, cc, dx, lddx};
    int64_t factor = fold_factor(rows, c, lddz == c && ldx == c && lddx == c);
    if (factor > 1) {
        float buffers[3][FOLD_MAX];
        int64_t wide = c * factor, folded = rows / factor, done = folded * wide;
        bn_job f = {folded, wide, dz, wide, x, wide, fold_repeat(c, factor, a, buffers[0]),
                    fold_repeat(c, factor, b, buffers[1]), fold_repeat(c, factor, cc, buffers[2]), dx, wide};
        bn(&f);
        job.rows -= folded * factor, job.dz += done, job.x += done, job.dx += done;
    }
    bn(&job);
}

/* --- flat arrays --------------------------------------------------------------------------------------------------------- */

static void copy_past(int64_t n, const float *from, float *to)
{
    write_lines((od_behind){from, to, n});
    _mm_sfence();
}

static void add(int64_t n, const float *x, float *y)
{
    int64_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL) {
        UNROLL
        for (int u = 0; u < 4; u++) v_store(y + i + u * VL, v_add(v_load(y + i + u * VL), v_load(x + i + u * VL)));
    }
    for (; i < n; i += VL) {
        vmask m = v_first(n - i);
        v_storem(y + i, v_add(v_loadm(y + i, m), v_loadm(x + i, m)), m);
    }
}

INLINE void momentum_vector(const int masked, float *w, float *v, const float *g, vf lr, vf momentum, vf scale, vmask m)
{
    vf step = v_mul(lr, v_mul(scale, ld(masked, g, m)));
    vf speed = v_sub(v_mul(momentum, ld(masked, v, m)), step);
    st(masked, v, speed, m);
    st(masked, w, v_add(ld(masked, w, m), speed), m);
}

static void momentum_update(int64_t n, float *w, float *v, const float *g, float lr, float momentum, float grad_scale)
{
    vf l = v_set1(lr), mo = v_set1(momentum), s = v_set1(grad_scale);
    int64_t i = 0;
    for (; i + VL <= n; i += VL) momentum_vector(0, w + i, v + i, g + i, l, mo, s, v_first(VL));
    if (i < n) momentum_vector(1, w + i, v + i, g + i, l, mo, s, v_first(n - i));
}

static double sum_squares(int64_t n, const float *x)
{
    vd acc[4] = {vd_zero(), vd_zero(), vd_zero(), vd_zero()};
    int64_t i = 0;
    for (; i + 2 * VL <= n; i += 2 * VL) vd_squares(v_load(x + i), acc), vd_squares(v_load(x + i + VL), acc + 2);
    for (; i < n; i += VL) vd_squares(v_loadm(x + i, v_first(n - i)), acc);
    return vd_total(vd_add(vd_add(acc[0], acc[1]), vd_add(acc[2], acc[3])));
}

#endif
