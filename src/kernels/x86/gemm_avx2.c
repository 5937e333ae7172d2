/* SPDX-License-Identifier: Apache-2.0
 *
 * C = A B for AVX2 with FMA.
 */
#include "kernels/x86/tiles_avx2.h"

#include <math.h>

#define K_BLOCK 512
#define MASKED_TILES 0

#include "kernels/x86/gemm_impl.h"
#include "kernels/x86/gemm_segments_impl.h"

void od__kernels_gemm_avx2(od_kernels *t)
{
    t->gemm_packed_size = gemm_packed_size;
    t->gemm_pack_b = gemm_pack_b;
    t->gemm_pack_rows = gemm_pack_rows;
    t->gemm = gemm;
    t->gemm_segments = gemm_segments;
}
