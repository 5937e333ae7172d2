/* SPDX-License-Identifier: Apache-2.0
 *
 * What the passes of a convolution that multiplies blocks of rows share: op_conv2d.c, conv_input_grad.c.
 */
#ifndef OD_NN_CONV_JOB_H
#define OD_NN_CONV_JOB_H

#include "nn/net.h"
#include "nn/rows_io.h"

/* Everything a block needs to know. */
typedef struct od_conv_job {
    const od_net *net;
    const od_node *node;
    od_tensor_shape in, out;
    int64_t k;          /* taps * Cin */
    int pointwise;      /* 1x1 with stride 1: input rows are output rows */
    int strided;        /* 1x1 with a larger stride: input rows are some rows, which no two outputs share */
    int64_t block;      /* rows a block */
} od_conv_job;

enum { OD_CONV_TAPS_MAX = 64 }; /* of a kernel whose input gradient is made tap by tap */

/* Pointwise: 256 KiB of scratch, an eighth of a usual L2. Gathered blocks are read several times by the product, but a few times as
 * many rows a block save reading all the weights as often, which are more. */
static inline int64_t od_conv_block_rows(int64_t floats_a_row, int gathered)
{
    int64_t rows = (gathered ? 1 << 20 : 65536) / floats_a_row;
    rows = rows < 24 ? 24 : rows > 240 ? 240 : rows;
    return rows / 8 * 8;
}

/* The input's gradient of convolutions that are neither pointwise nor strided 1x1: this thread's share. scratch: as many floats as
 * od_conv_input_grad_scratch says; sums: 2 * Cin floats, zero, left zero. */
void od_conv_input_grad(const od_conv_job *c, const od_grad_source *g, const od_sink *sink, int thread, float *scratch, float *sums);
size_t od_conv_input_grad_scratch(const od_conv_job *c);

#endif
