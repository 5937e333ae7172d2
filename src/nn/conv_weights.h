/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution weights in the order that the kernels want: packed [taps*Cin, Cout] for the forward pass (in inference with
 * the following batch norm's scale multiplied in, and its shift as the bias), and packed [taps*Cout, Cin] for the input's
 * gradient. Depthwise weights are only copied, when a batch norm is folded into them.
 */
#ifndef OD_NN_CONV_WEIGHTS_H
#define OD_NN_CONV_WEIGHTS_H

#include "nn/net.h"

/* Floats needed for each; 0 for nodes that are not convolutions. */
void od_conv_weight_sizes(const od_net *net, const od_node *node, size_t *forward, size_t *backward, size_t *bias);
/* net->pack_order: the nodes with most to pack first, so that threads that take one after another end together. */
od_status od_conv_weights_order(od_net *net, od_error *err);
/* [in][out] -> [out][in], in blocks that stay in the first-level cache. */
void od_matrix_transpose(int64_t in, int64_t out, const float *w, float *t);
/* Renews every packed copy from the variables. */
void od_conv_weights_pack(od_net *net);

#endif
