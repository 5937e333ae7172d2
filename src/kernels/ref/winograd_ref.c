/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's transforms, portable.
 */
#include "kernels/ref/simd_ref.h"
#include "kernels/winograd_impl.h"

void od__kernels_winograd_ref(od_kernels *t)
{
    winograd_fill(t);
}
