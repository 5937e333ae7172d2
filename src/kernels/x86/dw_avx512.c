/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution rows for AVX-512.
 */
#include "kernels/x86/simd_avx512.h"

#include <math.h>

/* Input columns of a gradient block, of which each takes two registers. */
#define GRAD_BLOCK(kw, stride) 8
#include "kernels/x86/dw_grad_impl.h"

void od__kernels_dw_avx512(od_kernels *t)
{
    t->dw_row = dw_row;
    t->dw_row_grad = dw_row_grad;
}
