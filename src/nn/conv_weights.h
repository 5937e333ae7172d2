/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution weights in the order that the kernels want: packed [taps*Cin, Cout] for the forward pass (in inference with
 * the following batch norm's scale multiplied in, and its shift as the bias), and packed [taps*Cout, Cin] for the input's
 * gradient. Depthwise weights are only copied, when a batch norm is folded into them.
 *
 * In training, where the weights change with every step, large kernels are packed late: right before the pass that reads them, by all
 * threads, into memory that other passes use, too (plan.c). Winograd's are four times the kernel, in each direction.
 */
#ifndef OD_NN_CONV_WEIGHTS_H
#define OD_NN_CONV_WEIGHTS_H

#include "nn/net.h"

/* Whose packed weights each convolution reads, which are packed late, and in what order the others are packed: net->packing, pack_order.
 * After the fusions are decided. */
od_status od_conv_weights_decide(od_net *net, od_error *err);
/* Floats needed for each; 0 for nodes that are not convolutions, or read those of another. */
void od_conv_weight_sizes(const od_net *net, const od_node *node, size_t *forward, size_t *backward, size_t *bias);
/* Scratch floats of a thread that packs the node's weights. */
size_t od_conv_weights_scratch(const od_net *net, const od_node *node);
/* [in][out], rows ldw floats apart -> [out][in], in blocks that stay in the first-level cache. */
void od_matrix_transpose(int64_t in, int64_t out, const float *w, int64_t ldw, float *t);
/* Renews every packed copy that is kept from the variables. */
void od_conv_weights_pack(od_net *net);
/* Before a node's pass: packs what it is the first to read and what isn't kept, if anything. */
void od_conv_weights_pack_late(od_net *net, size_t index, int backward);

#endif
