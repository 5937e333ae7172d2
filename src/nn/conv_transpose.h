/* SPDX-License-Identifier: Apache-2.0
 *
 * A transposed convolution by phases: with stride s the output pixels fall into s*s classes ("phases", oy % s and ox % s), each an
 * ordinary stride-1 convolution with the taps that reach it, so that no zeros are multiplied. Kernels are Keras'
 * [kh,kw,out,in]; padding is SAME, i.e. the output is s times the input.
 */
#ifndef OD_NN_CONV_TRANSPOSE_H
#define OD_NN_CONV_TRANSPOSE_H

#include "nn/net.h"

/* Along one dimension: the taps of a phase, ascending, and the input pixel that each reads relative to the output's own. */
typedef struct od_phase {
    int count;
    int tap[16], offset[16];
} od_phase;

od_phase od_conv_transpose_phase(int kernel, int stride, int pad, int phase);
/* Floats of the packed weights and of room for one phase's kernel, which lies behind them; where phase (py, px) begins. */
size_t od_conv_transpose_packed_size(const od_net *net, const od_node *node);
size_t od_conv_transpose_phase_at(const od_net *net, const od_node *node, int py, int px);
/* Packs all phases of the kernel `w`, and, for training, [taps*out, in] into packed_t (may be NULL). */
void od_conv_transpose_pack(const od_net *net, const od_node *node, const float *w, const float *column_scale, float *packed, float *packed_t);

#endif
