/* SPDX-License-Identifier: Apache-2.0
 *
 * C = Σ A_s B_s, the product of a convolution's output row with its kernel rows in place: the tiles and the epilogue are
 * gemm_impl.h's, which the including file includes first. Sums stay in registers over all segments.
 */
#ifndef OD_KERNELS_X86_GEMM_SEGMENTS_IMPL_H
#define OD_KERNELS_X86_GEMM_SEGMENTS_IMPL_H

typedef struct segments {
    int64_t k; /* of one segment */
    int count;
    const float *const *a; /* [count]; NULL: zeros */
    int64_t offset, lda;
} segments;

INLINE void segments_product(const int mr, const int nv, const segments *s, const float *b, tile_acc acc)
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int v = 0; v < nv; v++) acc[i][v] = v_zero();
    }
    int64_t lda = s->lda;
    for (int j = 0; j < s->count; j++, b += s->k * nv * VL) {
        if (!s->a[j]) continue;
        const float *a = s->a[j] + s->offset, *piece = b;
        for (int64_t p = 0; p < s->k; p++, a++, piece += nv * VL) {
            vf row[TILE_NV_MAX];
            UNROLL
            for (int v = 0; v < nv; v++) row[v] = v_load(piece + v * VL);
            UNROLL
            for (int i = 0; i < mr; i++) {
                vf x = v_set1(a[i * lda]);
                UNROLL
                for (int v = 0; v < nv; v++) acc[i][v] = v_fma(x, row[v], acc[i][v]);
            }
        }
    }
}

typedef void (*segments_fn)(const segments *s, const float *b, const tile_out *o);

#define TILE(mr, nv)                                                                                                   \
    static void segments_##mr##x##nv(const segments *s, const float *b, const tile_out *o)                             \
    {                                                                                                                  \
        tile_acc acc;                                                                                                  \
        segments_product(mr, nv, s, b, acc);                                                                           \
        tile_finish(mr, nv, acc, o);                                                                                   \
    }
TILE_LIST(TILE)
#undef TILE

#define TILE(mr, nv) [nv][mr] = segments_##mr##x##nv,
static const segments_fn segment_tiles[TILE_NV_MAX + 1][TILE_ROWS_MAX + 1] = {TILE_LIST(TILE)};
#undef TILE

static void gemm_segments(int64_t m, int64_t n, int64_t k, int count, const float *const *a, int64_t lda, const float *packed_b,
                          float *c, int64_t ldc, const od_gemm_post *post)
{
    int64_t nv;
    for (int64_t v = 0, vectors = vectors_in(n); v < vectors; v += nv) {
        nv = PANEL_NV(vectors - v);
        int64_t col = v * VL, left = n - col, step = TILE_ROWS(nv);
        segments s = {k, count, a, 0, lda};
        tile_out o = {.c = c + col, .ldc = ldc, .cols = left > nv * VL ? nv * VL : left, .col = col, .post = post};
        for (int64_t i = 0; i < m; i += step) {
            int64_t rows = m - i < step ? m - i : step;
            s.offset = i * lda;
            segment_tiles[nv][rows](&s, packed_b + col * k * count, &o);
            o.c += rows * ldc, o.row += rows;
        }
    }
}

#endif
