/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's transforms for AVX-512.
 */
#include "kernels/x86/simd_avx512.h"

#include "kernels/winograd_impl.h"

void od__kernels_winograd_avx512(od_kernels *t)
{
    winograd_fill(t);
}
