/* SPDX-License-Identifier: Apache-2.0
 *
 * What the passes of the depthwise convolution share: its geometry, and a window on the last few rows of an image.
 */
#ifndef OD_NN_DEPTHWISE_H
#define OD_NN_DEPTHWISE_H

#include "nn/expand.h"
#include "nn/op.h"
#include "nn/rows_io.h"

enum { OD_DW_MAX_KERNEL = 16, OD_DW_MAX_RING = 126 };

typedef struct od_dw {
    const od_conv_attrs *a;
    od_tensor_shape in, out;
    od_dw_shape row;
    int64_t reach;                 /* rows from the kernel's first to its last */
    int64_t in_floats, out_floats; /* of a row */
    const od_expand *expand;       /* a fused expansion makes the input (expand.h); NULL: it is stored */
    int keeps_z;                   /* of the expansion: its activation's derivative needs the value before it */
    int64_t bands;                 /* of an image's rows; image by band is the threads' unit of work */
} od_dw;

od_dw od_dw_of(const od_net *net, const od_node *node);

/* The last `size` rows of an image that have been loaded, up to row `next`; row y in place y % size. */
typedef struct od_dw_ring {
    float *slots;       /* for rows that had to be transformed, `floats` apart */
    const float **rows; /* [size] */
    int64_t size, floats, next;
} od_dw_ring;

static inline int64_t od_dw_clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

size_t od_dw_backward_scratch(const od_net *net, const od_node *node);
void od_dw_backward(od_net *net, const od_node *node);

#endif
