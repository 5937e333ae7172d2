/* SPDX-License-Identifier: Apache-2.0
 *
 * 3x3 convolutions with stride 1 by Winograd's F(4x4, 3x3): 2.25 multiplications a pixel and pair of channels instead of 9 (Lavin
 * & Gray, CVPR 2016; kernels/winograd_impl.h has the transforms and their precision). A band of rows of 4x4 tiles at a time:
 * all threads transform its tiles, then multiply, place by place of the 36, with the transformed weights, then transform back.
 * The weights' gradient is the exact adjoint, summed over tiles before it is transformed back.
 */
#ifndef OD_NN_CONV_WINOGRAD_H
#define OD_NN_CONV_WINOGRAD_H

#include "nn/net.h"

enum { OD_WINOGRAD_PLACES = 36 };

/* Whether the node is computed this way: where it costs less. Depends on shapes and the mode only. */
int od_conv_winograd_used(const od_net *net, const od_node *node);

/* Floats of the transformed weights [Cin, Cout]; the turned kernel's from outputs to inputs are [Cout, Cin]. */
size_t od_conv_winograd_packed_size(const od_net *net, int64_t rows, int64_t columns);
/* Packs rows [first, first + count) of a node's transformed weights. scratch: od_conv_winograd_pack_scratch floats. */
void od_conv_winograd_pack_rows(const od_net *net, size_t index, int backward, int64_t first, int64_t count, float *scratch);
size_t od_conv_winograd_pack_scratch(const od_net *net, const od_node *node);

/* Floats: of each thread's scratch, and of the workspace that threads share. */
size_t od_conv_winograd_scratch(const od_net *net, const od_node *node);
size_t od_conv_winograd_workspace(const od_net *net, const od_node *node, int backward);

void od_conv_winograd_forward(od_net *net, const od_node *node);
void od_conv_winograd_backward(od_net *net, const od_node *node);

#endif
