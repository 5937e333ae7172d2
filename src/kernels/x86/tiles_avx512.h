/* SPDX-License-Identifier: Apache-2.0
 *
 * The register tiles of both matrix products for AVX-512: 8 rows x 48 columns (24 of 32 registers hold results, 3 a
 * row of B, the rest broadcasts), other widths for what is left: 6 x 64, 12 x 32, 16 x 16.
 */
#ifndef OD_KERNELS_X86_TILES_AVX512_H
#define OD_KERNELS_X86_TILES_AVX512_H

#include "kernels/x86/simd_avx512.h"

#define TILE_NV_MAX 4
#define K_STEP 4 /* rows of B that the loop takes at once */
#define TILE_ROWS_MAX 16
#define TILE_ROWS(nv) ((nv) == 1 ? 16 : (nv) == 2 ? 12 : (nv) == 3 ? 8 : 6)
/* Threes, and fours so that no one or two are left behind. */
#define PANEL_NV(left) ((left) < 5 ? (left) : (left) == 5 || (left) % 3 == 0 ? 3 : 4)
#define TILE_LIST(T)                                                                                                   \
    T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1) T(9, 1) T(10, 1) T(11, 1) T(12, 1)                 \
    T(13, 1) T(14, 1) T(15, 1) T(16, 1)                                                                                \
    T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2) T(7, 2) T(8, 2) T(9, 2) T(10, 2) T(11, 2) T(12, 2)                 \
    T(1, 3) T(2, 3) T(3, 3) T(4, 3) T(5, 3) T(6, 3) T(7, 3) T(8, 3)                                                    \
    T(1, 4) T(2, 4) T(3, 4) T(4, 4) T(5, 4) T(6, 4)

#endif
