/* SPDX-License-Identifier: Apache-2.0
 *
 * G += A^T D in the vector vocabulary of the including file, which also names the register tile as for gemm_impl.h.
 *
 * A tile of G stays in registers while M_BLOCK rows of A and D pass by: elements of A's row are broadcast, D's row is
 * read as vectors. D's columns of one panel are first copied together (M_BLOCK x panel floats, on the stack, in the
 * first-level cache) unless few tiles would use the copy: rows far apart share few cache sets and many pages.
 */
#ifndef OD_KERNELS_X86_GEMM_TN_IMPL_H
#define OD_KERNELS_X86_GEMM_TN_IMPL_H

#include "kernels/x86/fetch.h"

typedef vf tile_acc[TILE_ROWS_MAX][TILE_NV_MAX];

/* G's tile += acc, where only `cols` columns exist. */
NOINLINE void add_part(int64_t rows, int64_t cols, const float *buffer, int64_t width, float *g, int64_t ldg)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j += VL) {
            vmask m = v_first(cols - j);
            v_storem(g + i * ldg + j, v_add(v_loadm(g + i * ldg + j, m), v_load(buffer + i * width + j)), m);
        }
}

INLINE void tile_add(const int mr, const int nv, tile_acc acc, int64_t cols, float *g, int64_t ldg)
{
    if (cols < nv * VL) {
        float buffer[TILE_ROWS_MAX * TILE_NV_MAX * VL] __attribute__((aligned(64)));
        UNROLL
        for (int i = 0; i < mr; i++) {
            UNROLL
            for (int v = 0; v < nv; v++) v_store(buffer + (i * nv + v) * VL, acc[i][v]);
        }
        add_part(mr, cols, buffer, nv * VL, g, ldg);
        return;
    }
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int v = 0; v < nv; v++) v_store(g + i * ldg + v * VL, v_add(v_load(g + i * ldg + v * VL), acc[i][v]));
    }
}

/* Lines that a tile fetches meanwhile, a few a row. */
typedef struct tile_fetch {
    const char *from;
    int64_t lines;
} tile_fetch;

INLINE void outer_rows(const int mr, const int nv, int64_t m, const float **a, int64_t lda, const float **d, int64_t ldd, tile_fetch f, tile_acc acc)
{
    int64_t at_once = f.lines > m ? (f.lines + m - 1) / m : 1;
    for (int64_t p = 0; p < m; p++, *a += lda, *d += ldd) {
        for (int64_t i = 0; i < at_once && f.lines > 0; i++, f.lines--, f.from += CACHE_LINE) fetch_line(f.from);
        vf row[TILE_NV_MAX];
        UNROLL
        for (int v = 0; v < nv; v++) row[v] = v_load(*d + v * VL);
        UNROLL
        for (int i = 0; i < mr; i++) {
            vf x = v_set1((*a)[i]);
            UNROLL
            for (int v = 0; v < nv; v++) acc[i][v] = v_fma(x, row[v], acc[i][v]);
        }
    }
}

INLINE void tile_outer(const int mr, const int nv, int64_t m, const float *a, int64_t lda, const float *d, int64_t ldd, tile_fetch f,
                       tile_acc acc)
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int v = 0; v < nv; v++) acc[i][v] = v_zero();
    }
    int64_t fetching = f.lines < m ? f.lines : m;
    if (fetching) outer_rows(mr, nv, fetching, &a, lda, &d, ldd, f, acc);
    outer_rows(mr, nv, m - fetching, &a, lda, &d, ldd, (tile_fetch){0}, acc);
}

typedef void (*tile_fn)(int64_t m, const float *a, int64_t lda, const float *d, int64_t ldd, int64_t cols, float *g,
                        int64_t ldg, tile_fetch f);

#define TILE(mr, nv)                                                                                                   \
    static void tile_##mr##x##nv(int64_t m, const float *a, int64_t lda, const float *d, int64_t ldd, int64_t cols,    \
                                 float *g, int64_t ldg, tile_fetch f)                                                  \
    {                                                                                                                  \
        tile_acc acc;                                                                                                  \
        tile_outer(mr, nv, m, a, lda, d, ldd, f, acc);                                                                 \
        tile_add(mr, nv, acc, cols, g, ldg);                                                                           \
    }
TILE_LIST(TILE)
#undef TILE

#define TILE(mr, nv) [nv][mr] = tile_##mr##x##nv,
static const tile_fn tiles[TILE_NV_MAX + 1][TILE_ROWS_MAX + 1] = {TILE_LIST(TILE)};
#undef TILE

/* m rows of `cols` columns side by side in rows of `width`, zeros behind. */
static void copy_panel(int64_t m, int64_t cols, const float *d, int64_t ldd, float *out, int64_t width)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < width; j += VL) v_store(out + i * width + j, v_loadm(d + i * ldd + j, v_first(cols - j)));
}

/* One block of rows, one panel of G's columns: tile after tile down G's rows. */
static void panel_outer(int64_t m, int64_t k, int64_t nv, int64_t cols, const float *a, int64_t lda, const float *d,
                        int64_t ldd, float *g, int64_t ldg, fetch *ahead)
{
    float copy[M_BLOCK * TILE_NV_MAX * VL] __attribute__((aligned(64)));
    int64_t step = TILE_ROWS(nv);
    if (cols < nv * VL || k > COPY_ABOVE * step) {
        copy_panel(m, cols, d, ldd, copy, nv * VL);
        d = copy, ldd = nv * VL;
    }
    for (int64_t i = 0; i < k; i += step) {
        int64_t rows = k - i < step ? k - i : step;
        tile_fetch f = {0};
        f.lines = fetch_take(ahead, &f.from);
        tiles[nv][rows](m, a + i, lda, d, ldd, cols, g + i * ldg, ldg, f);
    }
}

/* Spread over all tiles. */
static fetch fetch_during(int64_t m, int64_t k, int64_t n, const od_ahead *list)
{
    int64_t tiles_in_all = 0, nv;
    if (!list || !list->floats) return (fetch){0};
    for (int64_t v = 0, vectors = vectors_in(n); v < vectors; v += nv) {
        nv = PANEL_NV(vectors - v);
        tiles_in_all += (k + TILE_ROWS(nv) - 1) / TILE_ROWS(nv);
    }
    return fetch_of(list, tiles_in_all * ((m + M_BLOCK - 1) / M_BLOCK));
}

static void gemm_tn(int64_t m, int64_t k, int64_t n, const float *a, int64_t lda, const float *d, int64_t ldd, float *g,
                    int64_t ldg, const od_ahead *list)
{
    fetch ahead = fetch_during(m, k, n, list);
    for (int64_t i = 0; i < m; i += M_BLOCK) {
        int64_t rows = m - i < M_BLOCK ? m - i : M_BLOCK, nv;
        for (int64_t col = 0; col < n; col += nv * VL) {
            nv = PANEL_NV(vectors_in(n - col));
            int64_t cols = n - col < nv * VL ? n - col : nv * VL;
            panel_outer(rows, k, nv, cols, a + i * lda, lda, d + i * ldd + col, ldd, g + col, ldg, &ahead);
        }
    }
}

#endif
