/* SPDX-License-Identifier: Apache-2.0
 *
 * G += A^T D for AVX2 with FMA.
 */
#include "kernels/x86/tiles_avx2.h"

#define M_BLOCK 128
#define COPY_ABOVE 6

#include "kernels/x86/gemm_tn_impl.h"

void od__kernels_gemm_tn_avx2(od_kernels *t)
{
    t->gemm_tn = gemm_tn;
}
