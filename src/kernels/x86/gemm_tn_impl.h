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

INLINE void tile_outer(const int mr, const int nv, int64_t m, const float *a, int64_t lda, const float *d, int64_t ldd,
                       tile_acc acc)
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int v = 0; v < nv; v++) acc[i][v] = v_zero();
    }
    for (int64_t p = 0; p < m; p++, a += lda, d += ldd) {
        vf row[TILE_NV_MAX];
        UNROLL
        for (int v = 0; v < nv; v++) row[v] = v_load(d + v * VL);
        UNROLL
        for (int i = 0; i < mr; i++) {
            vf x = v_set1(a[i]);
            UNROLL
            for (int v = 0; v < nv; v++) acc[i][v] = v_fma(x, row[v], acc[i][v]);
        }
    }
}

typedef void (*tile_fn)(int64_t m, const float *a, int64_t lda, const float *d, int64_t ldd, int64_t cols, float *g,
                        int64_t ldg);

#define TILE(mr, nv)                                                                                                   \
    static void tile_##mr##x##nv(int64_t m, const float *a, int64_t lda, const float *d, int64_t ldd, int64_t cols,    \
                                 float *g, int64_t ldg)                                                                \
    {                                                                                                                  \
        tile_acc acc;                                                                                                  \
        tile_outer(mr, nv, m, a, lda, d, ldd, acc);                                                                    \
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
                        int64_t ldd, float *g, int64_t ldg)
{
    float copy[M_BLOCK * TILE_NV_MAX * VL] __attribute__((aligned(64)));
    int64_t step = TILE_ROWS(nv);
    if (cols < nv * VL || k > COPY_ABOVE * step) {
        copy_panel(m, cols, d, ldd, copy, nv * VL);
        d = copy, ldd = nv * VL;
    }
    for (int64_t i = 0; i < k; i += step) {
        int64_t rows = k - i < step ? k - i : step;
        tiles[nv][rows](m, a + i, lda, d, ldd, cols, g + i * ldg, ldg);
    }
}

static void gemm_tn(int64_t m, int64_t k, int64_t n, const float *a, int64_t lda, const float *d, int64_t ldd, float *g,
                    int64_t ldg)
{
    for (int64_t i = 0; i < m; i += M_BLOCK) {
        int64_t rows = m - i < M_BLOCK ? m - i : M_BLOCK, nv;
        for (int64_t col = 0; col < n; col += nv * VL) {
            nv = PANEL_NV(vectors_in(n - col));
            int64_t cols = n - col < nv * VL ? n - col : nv * VL;
            panel_outer(rows, k, nv, cols, a + i * lda, lda, d + i * ldd + col, ldd, g + col, ldg);
        }
    }
}

#endif
