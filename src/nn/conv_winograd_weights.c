/* SPDX-License-Identifier: Apache-2.0
 *
 * When Winograd's convolution is used, and its weights: 36 packed matrices [Cin, Cout] (forward) and [Cout, Cin] (backward).
 */
#include "nn/conv_weights.h"
#include "nn/conv_winograd.h"

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

size_t od_conv_winograd_packed_size(const od_net *net, int64_t rows, int64_t columns)
{
    return OD_WINOGRAD_PLACES * net->k->gemm_packed_size(rows, columns);
}

/* A chunk of transformed rows, and nine taps of as many transposed rows. */
size_t od_conv_winograd_pack_scratch(const od_net *net, const od_node *node)
{
    int64_t in = net->graph->values[node->in[0]].shape.c, out = net->graph->values[node->out].shape.c;
    return (size_t)((OD_WINOGRAD_PLACES + 9) * CHUNK * (in > out ? in : out));
}

/* `count` rows from `row` on of a [rows, columns] matrix a place: w is the first of them, its nine taps `tap` apart. */
static void pack_chunk(const od_kernels *k, int64_t rows, int64_t columns, int64_t row, int64_t count, const float *w, int64_t tap, float *chunk, float *packed)
{
    size_t size = k->gemm_packed_size(rows, columns);
    int64_t plane = CHUNK * columns;
    for (int64_t i = 0; i < count; i++) k->winograd_weights(columns, w + i * columns, tap, chunk + i * columns, plane);
    for (int p = 0; p < OD_WINOGRAD_PLACES; p++)
        k->gemm_pack_rows(rows, columns, row, count, chunk + p * plane, columns, 0, packed + (size_t)p * size);
}

void od_conv_winograd_pack_rows(const od_net *net, size_t index, int backward, int64_t first, int64_t count, float *scratch)
{
    const od_node *node = &net->graph->nodes[index];
    int64_t in = net->graph->values[node->in[0]].shape.c, out = net->graph->values[node->out].shape.c, end = first + count;
    const float *w = od_variables_value(net->vars, node->var[0]);
    float *taps = scratch + OD_WINOGRAD_PLACES * CHUNK * (in > out ? in : out);
    for (int64_t row = first; row < end; row += CHUNK) {
        int64_t rows = end - row < CHUNK ? end - row : CHUNK;
        if (!backward) {
            pack_chunk(net->k, in, out, row, rows, w + row * out, in * out, scratch, net->packed[index]);
            continue;
        }
        for (int t = 0; t < 9; t++) od_matrix_transpose(in, rows, w + t * in * out + row, out, taps + t * CHUNK * in);
        pack_chunk(net->k, out, in, row, rows, taps + 8 * CHUNK * in, -CHUNK * in, scratch, net->packed_t[index]);
    }
}
