/* SPDX-License-Identifier: Apache-2.0
 *
 * When Winograd's convolution is used, and its weights: 36 packed matrices [Cin, Cout] (forward) and [Cout, Cin] (backward).
 */
#include "nn/conv_weights.h"
#include "nn/conv_winograd.h"

#include <string.h>

enum { CHUNK = 16 }; /* rows of the matrices that are transformed at a time: 36 * 16 * 256 floats stay in the second-level cache */

int od_conv_winograd_used(const od_net *net, const od_node *node)
{
    if (node->op != &od_op_conv2d) return 0;
    const od_conv_attrs *a = &node->conv;
    od_tensor_shape in = net->graph->values[node->in[0]].shape, out = net->graph->values[node->out].shape;
    if (a->kernel_h != 3 || a->kernel_w != 3 || a->stride != 1 || a->dilation != 1 || a->pad_top != 1 || a->pad_left != 1) return 0;
    if (in.h != out.h || in.w != out.w || in.c < 16 || out.c < 8) return 0;
    int64_t tiles = out.n * ((out.h + 3) / 4) * ((out.w + 3) / 4), pixels = out.n * out.h * out.w;
    if (tiles < 16 || 8 * tiles > pixels) return 0;
    /* Training transforms the weights, both ways, and their gradient every step: 4 times their floats, which need enough tiles. Measured on
     * Faster R-CNN ResNet50 640 only (100 tiles of 1024 to 512 channels, 64 of 512 to 512): its step took .7 of the direct one's time. */
    return net->mode != OD_NET_TRAIN || tiles * 65536 >= 12 * in.c * out.c;
}

size_t od_conv_winograd_owner(const od_net *net, const od_node *node)
{
    size_t index = (size_t)(node - net->graph->nodes);
    for (size_t i = 0; i < index; i++) {
        const od_node *other = &net->graph->nodes[i];
        if (other->op == &od_op_conv2d && other->var[0] == node->var[0] && od_conv_winograd_used(net, other)) return i;
    }
    return index;
}

static int any_needs_input_grad(const od_net *net, const od_node *node)
{
    for (size_t i = 0; i < net->graph->node_count && net->mode == OD_NET_TRAIN; i++) {
        const od_node *other = &net->graph->nodes[i];
        if (other->op == &od_op_conv2d && other->var[0] == node->var[0] && net->graph->values[other->in[0]].needs_grad) return 1;
    }
    return 0;
}

void od_conv_winograd_weight_sizes(const od_net *net, const od_node *node, size_t *forward, size_t *backward)
{
    int64_t in = net->graph->values[node->in[0]].shape.c, out = net->graph->values[node->out].shape.c;
    *forward = *backward = 0;
    if (od_conv_winograd_owner(net, node) != (size_t)(node - net->graph->nodes)) return;
    int back = any_needs_input_grad(net, node);
    /* Behind the matrices: room for a chunk of transformed rows, and for the transposed taps. */
    size_t chunk = (size_t)(OD_WINOGRAD_PLACES * CHUNK * (in > out ? in : out)), taps = back ? (size_t)(9 * in * out) : 0;
    *forward = OD_WINOGRAD_PLACES * net->k->gemm_packed_size(in, out) + chunk + taps;
    if (back) *backward = OD_WINOGRAD_PLACES * net->k->gemm_packed_size(out, in);
}

/* rows x columns taps `tap` apart at w (nine of them), transformed and packed. */
static void pack_matrix(const od_kernels *k, int64_t rows, int64_t columns, const float *w, int64_t tap, float *chunk, float *packed)
{
    size_t size = k->gemm_packed_size(rows, columns);
    int64_t plane = CHUNK * columns;
    for (int64_t row = 0; row < rows; row += CHUNK) {
        int64_t count = rows - row < CHUNK ? rows - row : CHUNK;
        for (int64_t i = 0; i < count; i++) k->winograd_weights(columns, w + (row + i) * columns, tap, chunk + i * columns, plane);
        for (int p = 0; p < OD_WINOGRAD_PLACES; p++)
            k->gemm_pack_rows(rows, columns, row, count, chunk + p * plane, columns, packed + (size_t)p * size);
    }
}

void od_conv_winograd_pack(od_net *net, size_t index)
{
    const od_node *node = &net->graph->nodes[index];
    int64_t in = net->graph->values[node->in[0]].shape.c, out = net->graph->values[node->out].shape.c;
    const float *w = od_variables_value(net->vars, node->var[0]);
    float *chunk = net->packed[index] + OD_WINOGRAD_PLACES * net->k->gemm_packed_size(in, out);
    pack_matrix(net->k, in, out, w, in * out, chunk, net->packed[index]);
    if (!net->packed_t[index]) return;
    float *taps = chunk + OD_WINOGRAD_PLACES * CHUNK * (in > out ? in : out);
    for (int t = 0; t < 9; t++) od_matrix_transpose(in, out, w + t * in * out, taps + t * in * out);
    pack_matrix(net->k, out, in, taps + 8 * in * out, -in * out, chunk, net->packed_t[index]);
}
