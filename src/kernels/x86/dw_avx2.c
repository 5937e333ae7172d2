/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution rows for AVX2 with FMA.
 */
#include "kernels/x86/simd_avx2.h"

#include <math.h>

/* Columns of a gradient block, which holds as many sums, inputs, and two values a tap in registers. */
#define GRAD_BLOCK(kw) 4
#include "kernels/x86/dw_grad_impl.h"

void od__kernels_dw_avx2(od_kernels *t)
{
    t->dw_row = dw_row;
    t->dw_row_grad = dw_row_grad;
}
