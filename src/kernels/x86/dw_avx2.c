/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution rows for AVX2 with FMA.
 */
#include "kernels/x86/simd_avx2.h"

#include <math.h>

#include "kernels/x86/dw_impl.h"

void od__kernels_dw_avx2(od_kernels *t)
{
    t->dw_row = dw_row;
    t->dw_row_grad_in = dw_row_grad_in;
    t->dw_row_grad_weights = dw_row_grad_weights;
}
