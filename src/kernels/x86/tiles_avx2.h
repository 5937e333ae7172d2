/* SPDX-License-Identifier: Apache-2.0
 *
 * The register tiles of both matrix products for AVX2: 6 rows x 16 columns (12 of 16 registers hold results, 2 a row
 * of B), 4 x 24 and 8 x 8 for what is left.
 */
#ifndef OD_KERNELS_X86_TILES_AVX2_H
#define OD_KERNELS_X86_TILES_AVX2_H

#include "kernels/x86/simd_avx2.h"

#define TILE_NV_MAX 3
#define K_STEP 1 /* rows of B that the loop takes at once: more would run out of registers for addresses */
#define TILE_ROWS_MAX 8
#define TILE_ROWS(nv) ((nv) == 1 ? 8 : (nv) == 2 ? 6 : 4)
/* Twos, and a three so that no one is left behind. */
#define PANEL_NV(left) ((left) <= 3 ? (left) : 2)
#define TILE_LIST(T)                                                                                                   \
    T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1)                                                    \
    T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2)                                                                    \
    T(1, 3) T(2, 3) T(3, 3) T(4, 3)

#endif
