/* SPDX-License-Identifier: Apache-2.0
 *
 * C = A B in the vector vocabulary of the including file, which also names the register tile: TILE_ROWS(nv) rows by
 * nv vectors, nv <= TILE_NV_MAX, and PANEL_NV(left), the width of the next panel when `left` vectors remain.
 *
 * B is packed in panels: [panel][K][nv * VL], zeros beyond column N. A panel's piece of K_BLOCK rows lies in the first-level
 * cache while all rows of A pass by; A is read in place, a broadcast element at a time. The epilogue works
 * on the registers, except for what is rare or would not fit (exponentials; a partial last vector where masks cost, that is
 * without MASKED_TILES): that goes through a buffer that stays in the first-level cache.
 */
#ifndef OD_KERNELS_X86_GEMM_IMPL_H
#define OD_KERNELS_X86_GEMM_IMPL_H

#include "kernels/x86/fetch.h"

typedef struct tile_out {
    float *c; /* the tile's corner */
    int64_t ldc;
    int accumulate;
    int64_t cols;             /* columns of the tile that exist: fewer than its vectors hold in the last panel */
    const od_gemm_post *post; /* NULL: none */
    int64_t row, col;         /* the tile's place in C, for what post points to */
    const char *fetch;        /* fetch_lines lines from here on are fetched meanwhile */
    int64_t fetch_lines;
    od_behind behind;   /* written meanwhile */
} tile_out;

static size_t gemm_packed_size(int64_t k, int64_t n)
{
    return (size_t)k * (size_t)vectors_in(n) * VL;
}

static void pack_row(const float *b, int64_t count, int64_t width, float *out)
{
    for (int64_t j = 0; j < width; j += VL) v_store(out + j, v_loadm(b + j, v_first(count > j ? count - j : 0)));
}

/* A panel of columns from B^T: b points to the panel's first column, which is a row there. */
static void pack_turned(int64_t k, int64_t count, int64_t width, const float *b, int64_t ldb, float *out)
{
    for (int64_t j = 0; j < width; j += VL)
        for (int64_t p = 0; p < k; p += VL) {
            vf block[VL];
            vmask m = v_first(k - p);
            UNROLL
            for (int i = 0; i < VL; i++) block[i] = j + i < count ? v_loadm(b + (j + i) * ldb + p, m) : v_zero();
            v_transpose(block);
            int64_t rows = k - p < VL ? k - p : VL;
            for (int64_t i = 0; i < rows; i++) v_store(out + (p + i) * width + j, block[i]);
        }
}

static void gemm_pack_rows(int64_t k, int64_t n, int64_t first, int64_t rows, const float *b, int64_t ldb, int transposed, float *packed)
{
    int64_t nv;
    for (int64_t v = 0, vectors = vectors_in(n); v < vectors; v += nv) {
        nv = PANEL_NV(vectors - v);
        int64_t col = v * VL, width = nv * VL, count = n - col < width ? n - col : width;
        float *to = packed + first * width;
        if (transposed) pack_turned(rows, count, width, b + col * ldb, ldb, to);
        else
            for (int64_t p = 0; p < rows; p++) pack_row(b + p * ldb + col, count, width, to + p * width);
        packed += k * width;
    }
}

static void gemm_pack_b(int64_t k, int64_t n, const float *b, int64_t ldb, int transposed, float *packed)
{
    gemm_pack_rows(k, n, 0, k, b, ldb, transposed, packed);
}

/* --- the epilogue ------------------------------------------------------------------------------------------------- */

/* For one row of `cols` columns that lies in `from`. */
static void post_row(const float *from, int64_t cols, const tile_out *o, int64_t row)
{
    const od_gemm_post *post = o->post;
    float *c = o->c + row * o->ldc;
    const float *residual = post && post->residual ? post->residual + (o->row + row) * post->ldr + o->col : NULL;
    for (int64_t j = 0; j < cols; j += VL) {
        vmask m = v_first(cols - j);
        vf x = v_loadm(from + j, m);
        if (o->accumulate) x = v_add(x, v_loadm(c + j, m));
        if (post && post->bias) x = v_add(x, v_loadm(post->bias + o->col + j, m));
        if (post) x = v_act(x, post->act);
        if (residual) x = v_act(v_add(x, v_loadm(residual + j, m)), post->act_after);
        v_storem(c + j, x, m);
        if (!post || !post->sum) continue;
        float *sum = post->sum + o->col + j, *sumsq = post->sumsq + o->col + j;
        v_storem(sum, v_add(v_loadm(sum, m), x), m);
        v_storem(sumsq, v_fma(x, x, v_loadm(sumsq, m)), m);
    }
}

NOINLINE void post_buffer(int64_t rows, const float *buffer, int64_t width, const tile_out *o)
{
    for (int64_t i = 0; i < rows; i++) post_row(buffer + i * width, o->cols, o, i);
}

typedef vf tile_acc[TILE_ROWS_MAX][TILE_NV_MAX];

/* Vector v of nv at p: the last one is masked with MASKED_TILES. */
INLINE vf load_vector(const int v, const int nv, const float *p, vmask last)
{
    return MASKED_TILES && v == nv - 1 ? v_loadm(p + v * VL, last) : v_load(p + v * VL);
}

INLINE void store_vector(const int v, const int nv, float *p, vf x, vmask last)
{
    if (MASKED_TILES && v == nv - 1) v_storem(p + v * VL, x, last);
    else v_store(p + v * VL, x);
}

INLINE void acc_store(const int mr, const int nv, tile_acc acc, float *c, int64_t ldc, vmask last)
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int v = 0; v < nv; v++) store_vector(v, nv, c + i * ldc, acc[i][v], last);
    }
}

INLINE void acc_add(const int mr, const int nv, tile_acc acc, const float *c, int64_t ldc, vmask last)
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int v = 0; v < nv; v++) acc[i][v] = v_add(acc[i][v], load_vector(v, nv, c + i * ldc, last));
    }
}

INLINE void acc_bias(const int mr, const int nv, tile_acc acc, const float *bias, vmask last)
{
    UNROLL
    for (int v = 0; v < nv; v++) {
        vf b = load_vector(v, nv, bias, last);
        UNROLL
        for (int i = 0; i < mr; i++) acc[i][v] = v_add(acc[i][v], b);
    }
}

INLINE void acc_relu(const int mr, const int nv, tile_acc acc, od_act act)
{
    vf top = v_set1(act == OD_ACT_RELU6 ? 6.0f : INFINITY);
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int v = 0; v < nv; v++) acc[i][v] = v_min(top, v_max(v_zero(), acc[i][v]));
    }
}

INLINE void acc_sums(const int mr, const int nv, tile_acc acc, float *sum, float *sumsq, vmask last)
{
    UNROLL
    for (int v = 0; v < nv; v++) {
        vf s = acc[0][v], q = v_mul(s, s);
        UNROLL
        for (int i = 1; i < mr; i++) s = v_add(s, acc[i][v]), q = v_fma(acc[i][v], acc[i][v], q);
        store_vector(v, nv, sum, v_add(load_vector(v, nv, sum, last), s), last);
        store_vector(v, nv, sumsq, v_add(load_vector(v, nv, sumsq, last), q), last);
    }
}

INLINE void tile_finish(const int mr, const int nv, tile_acc acc, const tile_out *o)
{
    const od_gemm_post *post = o->post;
    if ((!MASKED_TILES && o->cols < nv * VL) || (post && post->act > OD_ACT_RELU6)) {
        float buffer[TILE_ROWS_MAX * TILE_NV_MAX * VL] __attribute__((aligned(64)));
        acc_store(mr, nv, acc, buffer, nv * VL, v_first(VL));
        post_buffer(mr, buffer, nv * VL, o);
        return;
    }
    vmask last = v_first(o->cols - (nv - 1) * VL);
    if (o->accumulate) acc_add(mr, nv, acc, o->c, o->ldc, last);
    if (post) {
        if (post->bias) acc_bias(mr, nv, acc, post->bias + o->col, last);
        if (post->act != OD_ACT_NONE) acc_relu(mr, nv, acc, post->act);
        if (post->residual) acc_add(mr, nv, acc, post->residual + o->row * post->ldr + o->col, post->ldr, last);
        if (post->residual && post->act_after != OD_ACT_NONE) acc_relu(mr, nv, acc, post->act_after);
        if (post->sum) acc_sums(mr, nv, acc, post->sum + o->col, post->sumsq + o->col, last);
    }
    acc_store(mr, nv, acc, o->c, o->ldc, last);
}

/* --- the register tile --------------------------------------------------------------------------------------------- */

/* p, of unknown origin to the compiler: it would reach all rows from one pointer, with a distance in a register for each, and run out of them. */
INLINE const float *opaque(const float *p)
{
    __asm__("" : "+r"(p));
    return p;
}

/* Where a product stands: A's every fourth row (the others are reached by one or two and a third distance from it), B's row. */
typedef struct tile_place {
    const float *fours[TILE_ROWS_MAX / 4 + 1], *b;
} tile_place;

/* The next `rows` rows of B, a constant: for all of them the pointers advance once. */
INLINE void tile_step(const int mr, const int nv, const int rows, int64_t lda, tile_place *t, tile_acc acc)
{
    UNROLL
    for (int p = 0; p < rows; p++) {
        vf row[TILE_NV_MAX];
        UNROLL
        for (int v = 0; v < nv; v++) row[v] = v_load(t->b + (p * nv + v) * VL);
        UNROLL
        for (int i = 0; i < mr; i++) {
            vf x = v_set1(t->fours[i / 4][i % 4 * lda + p]);
            UNROLL
            for (int v = 0; v < nv; v++) acc[i][v] = v_fma(x, row[v], acc[i][v]);
        }
    }
    t->b += rows * nv * VL;
    UNROLL
    for (int i = 0; i < mr; i += 4) t->fours[i / 4] = opaque(t->fours[i / 4] + rows);
}

INLINE void tile_steps(const int mr, const int nv, int64_t k, int64_t lda, tile_place *t, tile_acc acc)
{
    for (; k >= K_STEP; k -= K_STEP) tile_step(mr, nv, K_STEP, lda, t, acc);
    for (; K_STEP > 1 && k > 0; k--) tile_step(mr, nv, 1, lda, t, acc);
}

/* What a tile does for later ones in pauses between its steps: a burst of more lines than the processor keeps on their way (16 on Intel's)
 * would stop it until they are there. */
typedef struct tile_errands {
    const char *fetch;
    int64_t lines, at_once; /* to fetch: in all, in a pause */
    float *claim;           /* C's row below the tile: lines to be claimed, one row in a pause */
    int64_t rows, pauses;   /* left */
    write_on behind;
} tile_errands;

INLINE tile_errands errands_of(const int mr, int64_t k, const tile_out *o)
{
    tile_errands e = {o->fetch, o->fetch_lines, 1, o->c + mr * o->ldc, o->post && o->post->claims ? mr : 0, 0, {{0}, 0}};
    int64_t most = k < K_STEP ? 1 : k / K_STEP, wanted = e.lines > e.rows ? e.lines : e.rows, written = o->behind.floats / LINE_FLOATS;
    if (written > wanted) wanted = written;
    e.pauses = wanted < most ? wanted : most;
    if (e.lines > e.pauses) e.at_once = (e.lines + e.pauses - 1) / e.pauses;
    if (written) e.behind = write_on_of(o->behind, e.pauses);
    return e;
}

INLINE void run_errands(const int nv, int64_t ldc, tile_errands *e)
{
    for (int64_t i = 0; i < e->at_once && e->lines > 0; i++, e->lines--, e->fetch += CACHE_LINE) fetch_line(e->fetch);
    if (e->behind.left.floats) write_lines(write_take(&e->behind));
    if (e->rows-- <= 0) return;
    UNROLL
    for (int v = 0; v < nv; v++) claim_line(e->claim + v * VL);
    e->claim += ldc;
}

INLINE void tile_product(const int mr, const int nv, int64_t k, const float *a, int64_t lda, const float *b, const tile_out *o, tile_acc acc)
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int v = 0; v < nv; v++) acc[i][v] = v_zero();
    }
    tile_place t = {.b = b};
    UNROLL
    for (int i = 0; i < mr; i += 4) t.fours[i / 4] = a + i * lda;
    tile_errands e = errands_of(mr, k, o);
    for (int64_t each = e.pauses ? k / e.pauses : 0; e.pauses; k -= each, e.pauses--) {
        run_errands(nv, o->ldc, &e);
        tile_steps(mr, nv, each, lda, &t, acc);
    }
    tile_steps(mr, nv, k, lda, &t, acc);
}

typedef void (*tile_fn)(int64_t k, const float *a, int64_t lda, const float *b, const tile_out *o);

#define TILE(mr, nv)                                                                                                   \
    static void tile_##mr##x##nv(int64_t k, const float *a, int64_t lda, const float *b, const tile_out *o)            \
    {                                                                                                                  \
        tile_acc acc;                                                                                                  \
        tile_product(mr, nv, k, a, lda, b, o, acc);                                                                    \
        tile_finish(mr, nv, acc, o);                                                                                   \
    }
TILE_LIST(TILE)
#undef TILE

#define TILE(mr, nv) [nv][mr] = tile_##mr##x##nv,
static const tile_fn tiles[TILE_NV_MAX + 1][TILE_ROWS_MAX + 1] = {TILE_LIST(TILE)};
#undef TILE

/* What the product does for its caller, spread over its tiles (where B has several pieces of K_BLOCK rows, over the first one's). */
typedef struct gemm_errands {
    fetch ahead;
    write_on behind;
} gemm_errands;

static gemm_errands errands_during(int64_t m, int64_t n, const od_gemm_post *post)
{
    int64_t tiles_in_all = 0, nv;
    if (!post || (!post->ahead[0].floats && !post->behind.floats)) return (gemm_errands){0};
    for (int64_t v = 0, vectors = vectors_in(n); v < vectors; v += nv) {
        nv = PANEL_NV(vectors - v);
        tiles_in_all += (m + TILE_ROWS(nv) - 1) / TILE_ROWS(nv);
    }
    return (gemm_errands){fetch_of(post->ahead, tiles_in_all), write_on_of(post->behind, tiles_in_all)};
}

/* All rows of A against one panel's piece of kc rows. */
static void panel_product(int64_t m, int64_t nv, int64_t kc, const float *a, int64_t lda, const float *b, tile_out o, gemm_errands *e)
{
    int64_t step = TILE_ROWS(nv);
    for (int64_t i = 0; i < m; i += step) {
        int64_t rows = m - i < step ? m - i : step;
        o.fetch_lines = fetch_take(&e->ahead, &o.fetch);
        if (e->behind.a_step) o.behind = write_take(&e->behind);
        tiles[nv][rows](kc, a + i * lda, lda, b, &o);
        o.c += rows * o.ldc, o.row += rows;
    }
}

static void gemm(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed_b, float *c,
                 int64_t ldc, int accumulate, const od_gemm_post *post)
{
    gemm_errands errands = errands_during(m, n, post);
    for (int64_t k0 = 0; k0 < k; k0 += K_BLOCK) {
        int64_t kc = k - k0 < K_BLOCK ? k - k0 : K_BLOCK, nv;
        for (int64_t v = 0, vectors = vectors_in(n); v < vectors; v += nv) {
            nv = PANEL_NV(vectors - v);
            int64_t col = v * VL, left = n - col;
            tile_out o = {.c = c + col, .ldc = ldc, .accumulate = accumulate || k0, .cols = left, .col = col,
                          .post = k0 + kc == k ? post : NULL};
            if (left > nv * VL) o.cols = nv * VL;
            panel_product(m, nv, kc, a + k0, lda, packed_b + col * k + k0 * nv * VL, o, &errands);
        }
    }
}

#endif
