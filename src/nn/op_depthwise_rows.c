/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution as a stage of a chain.
 */
#include "nn/chain.h"

enum { MAX_KERNEL = 16 };

int od_depthwise_rows_ok(const od_net *net, const od_node *node)
{
    (void)net;
    return node->conv.kernel_h <= MAX_KERNEL;
}

void od_depthwise_forward_rows(const od_net *net, const od_node *node, const od_rows_job *job)
{
    const od_conv_attrs *a = &node->conv;
    size_t index = (size_t)(node - net->graph->nodes);
    const od_fold *fold = &net->fold[index];
    od_tensor_shape in = net->graph->values[node->in[0]].shape, out = net->graph->values[node->out].shape;
    od_dw_shape shape = {in.c, in.w, out.w, a->kernel_h, a->kernel_w, a->stride, a->dilation, a->pad_left};
    const float *weights = fold->bn >= 0 ? net->packed[index] : od_variables_value(net->vars, node->var[0]);
    od_gemm_post post = {.act = fold->act};
    if (fold->bn >= 0) post.bias = net->folded_bias[index];
    else if (node->var[1] != OD_NO_VAR) post.bias = od_variables_value(net->vars, node->var[1]);
    for (int64_t oy = job->from; oy < job->to; oy++) {
        const float *taps[MAX_KERNEL];
        for (int ky = 0; ky < a->kernel_h; ky++) {
            int64_t y = oy * a->stride - a->pad_top + (int64_t)ky * a->dilation;
            taps[ky] = y < 0 || y >= in.h ? NULL : od_rows_at(&job->in, y);
        }
        net->k->dw_row(&shape, taps, weights, od_rows_at(&job->out, oy), &post);
    }
}
