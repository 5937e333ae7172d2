/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes over rows and the optimiser's update for AVX2 with FMA.
 */
#include "kernels/x86/simd_avx2.h"

#include "kernels/x86/moments_impl.h"
#include "kernels/x86/rows_impl.h"

void od__kernels_rows_avx2(od_kernels *t)
{
    t->rows_affine_act = rows_affine_act;
    t->rows_affine_act_add = rows_affine_act_add;
    t->rows_stats = rows_stats;
    t->rows_act_grad = rows_act_grad;
    t->rows_bn_grad = rows_bn_grad;
    t->copy_past = copy_past;
    t->add = add;
    t->momentum_update = momentum_update;
    t->sum_squares = sum_squares;
    t->matmul_double = matmul_double;
}
