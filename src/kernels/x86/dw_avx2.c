/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution rows for AVX2 with FMA.
 */
#include "kernels/x86/simd_avx2.h"

#include <math.h>

/* Input columns of a gradient block. With 16 registers few sums and inputs fit in them: more columns pay only where each has fewer taps' work. */
#define GRAD_BLOCK(kw, stride) ((kw) == 3 && (stride) == 1 ? 4 : 8)
#include "kernels/x86/dw_grad_impl.h"

void od__kernels_dw_avx2(od_kernels *t)
{
    t->dw_row = dw_row;
    t->dw_row_grad = dw_row_grad;
}
