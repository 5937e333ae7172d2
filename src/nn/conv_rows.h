/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution's input as a matrix.
 */
#ifndef OD_NN_CONV_ROWS_H
#define OD_NN_CONV_ROWS_H

#include "nn/rows_io.h"

/* What output rows [row, row + rows) of a convolution read, [rows, taps * Cin], zero outside the image: the input itself for 1x1 with
 * stride 1, else gathered into scratch [rows, taps * Cin]. */
const float *od_conv_rows(const od_net *net, const od_node *node, const od_source *s, int64_t row, int64_t rows, float *scratch);

#endif
