/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of src/kernels share among themselves: each instruction set writes its entries over the table's.
 */
#ifndef OD_KERNELS_KERNELS_IMPL_H
#define OD_KERNELS_KERNELS_IMPL_H

#include "kernels/kernels.h"

/* The portable versions: all entries. */
void od__kernels_gemm_ref(od_kernels *t);
void od__kernels_rows_ref(od_kernels *t);
void od__kernels_dw_ref(od_kernels *t);
void od__kernels_winograd_ref(od_kernels *t);
void od__rows_act_grad_ref(int64_t rows, int64_t c, const float *dy, int64_t lddy, const od_act_grad *g, float *dz, int64_t lddz);

#if defined(__x86_64__)
/* Overrides; to be called only where the processor has the instructions. */
void od__kernels_gemm_avx2(od_kernels *t);
void od__kernels_gemm_tn_avx2(od_kernels *t);
void od__kernels_rows_avx2(od_kernels *t);
void od__kernels_dw_avx2(od_kernels *t);
void od__kernels_winograd_avx2(od_kernels *t);
void od__kernels_gemm_avx512(od_kernels *t);
void od__kernels_gemm_tn_avx512(od_kernels *t);
void od__kernels_rows_avx512(od_kernels *t);
void od__kernels_dw_avx512(od_kernels *t);
void od__kernels_winograd_avx512(od_kernels *t);
#endif

#endif
