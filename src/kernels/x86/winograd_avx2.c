/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's transforms for AVX2.
 */
#include "kernels/x86/simd_avx2.h"

#include "kernels/winograd_impl.h"

void od__kernels_winograd_avx2(od_kernels *t)
{
    winograd_fill(t);
}
