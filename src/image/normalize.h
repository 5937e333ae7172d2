/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixel normalisation as a short list of elementwise steps, done in the order and in the float arithmetic of the
 * feature extractors' preprocess() in the OD API, so that the results are the same bits.
 */
#ifndef OD_IMAGE_NORMALIZE_H
#define OD_IMAGE_NORMALIZE_H

#include <stddef.h>
#include <stdint.h>

typedef enum od_normalize_op { OD_NORMALIZE_MULTIPLY, OD_NORMALIZE_DIVIDE, OD_NORMALIZE_SUBTRACT } od_normalize_op;

enum { OD_NORMALIZE_MAX_STEPS = 4 };

/* All zeros: pixels stay 0..255. */
typedef struct od_normalization {
    int reverse_channels; /* RGB to BGR, before the steps */
    int count;
    struct {
        od_normalize_op op;
        float value[3]; /* per output channel */
    } steps[OD_NORMALIZE_MAX_STEPS];
} od_normalization;

/* Appends a step; at most OD_NORMALIZE_MAX_STEPS are taken, the caller's business. */
void od_normalization_add(od_normalization *n, od_normalize_op op, float v0, float v1, float v2);

/* row [width, 3], in place. */
void od_normalize_row(const od_normalization *n, float *row, size_t width);

/* table[channel of the output][byte]: what a byte becomes; reverse_channels is left to the reader of the table. */
void od_normalize_table(const od_normalization *n, float table[3][256]);

#endif
