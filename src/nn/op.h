/* SPDX-License-Identifier: Apache-2.0
 *
 * One row an op: its shape rule, forward and backward, and what the fusion passes and the memory planner need to know.
 * Ops read inputs and gradients through the sources and sinks of rows_io.h, so that a batch norm between two ops
 * costs no pass over memory of its own.
 */
#ifndef OD_NN_OP_H
#define OD_NN_OP_H

#include "nn/graph.h"

struct od_net;
struct od_rows_job;

enum {
    OD_OP_AFFINE_IN = 1 << 0,       /* reads its inputs through od_source (scale, shift, activation on load) */
    OD_OP_GRAD_SINK = 1 << 1,       /* finishes each row of its (first) input's gradient through od_sink */
    OD_OP_VIRTUAL_GRAD = 1 << 2,    /* reads its output's gradient through od_grad_source */
    OD_OP_EMITS_STATS = 1 << 3,     /* can add up its output's batch statistics while computing it */
    OD_OP_BACKWARD_READS_IN = 1 << 4,
    OD_OP_BACKWARD_READS_OUT = 1 << 5,
    OD_OP_FOLDS = 1 << 6,           /* inference: takes a following batch norm, activation or addition into itself */
};

typedef struct od_op {
    const char *name;
    unsigned flags;
    /* Sets the output's shape; validates attributes. */
    od_status (*shape)(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err);
    /* Scratch floats for each thread. */
    size_t (*scratch)(const struct od_net *net, const od_node *node);
    /* Floats that all threads share while the forward or the backward pass of the op runs, at net->workspace. */
    size_t (*workspace)(const struct od_net *net, const od_node *node, int backward);
    /* Floats that the forward pass keeps for the backward pass, at net->node_state. */
    size_t (*state)(const struct od_net *net, const od_node *node);
    void (*forward)(struct od_net *net, const od_node *node);
    void (*backward)(struct od_net *net, const od_node *node);
    /* Inference on the calling thread, some rows of one image at a time, for chains (chain.h); NULL: whole values only.
     * rows_ok: whether this node can. rows_scratch: floats for `rows` output rows at once; NULL: none. */
    int (*rows_ok)(const struct od_net *net, const od_node *node);
    void (*forward_rows)(const struct od_net *net, const od_node *node, const struct od_rows_job *job);
    size_t (*rows_scratch)(const struct od_net *net, const od_node *node, int64_t rows);
    /* Multiplications and additions of a forward pass. */
    double (*flops)(const od_graph *g, const od_node *node);
} od_op;

extern const od_op od_op_conv2d, od_op_conv2d_transpose, od_op_depthwise, od_op_batch_norm, od_op_activation, od_op_add, od_op_add_act, od_op_upsample2x, od_op_upsample2x_bilinear,
    od_op_pad_to_multiple, od_op_max_pool, od_op_avg_pool, od_op_concat_channels, od_op_add_scaled, od_op_concat_predictions, od_op_weighted_sum, od_op_squeeze_excite, od_op_drop_connect,
    od_op_dropout, od_op_clip, od_op_flatten, od_op_first_channel, od_op_resize, od_op_roi_crop, od_op_host;

static inline int od_op_is_addition(const od_op *op)
{
    return op == &od_op_add || op == &od_op_add_act;
}

/* Output size and padding before the first pixel along one dimension. */
void od_conv_geometry(int64_t in, int kernel, int stride, int dilation, od_padding padding, int64_t *out, int *pad_before);

#endif
