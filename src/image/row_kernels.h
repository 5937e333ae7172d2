/* SPDX-License-Identifier: Apache-2.0
 *
 * The loops of decoding and resizing over a row of pixels, once plainly and once for AVX2, from the same source:
 * multiplications and additions are not fused, so that both give the same bits. Private to src/image.
 */
#ifndef OD_IMAGE_ROW_KERNELS_H
#define OD_IMAGE_ROW_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Where an output column or row takes its two neighbours. */
typedef struct od__tap {
    uint32_t low, high; /* columns: index in the row; rows: row number */
    float fraction;
} od__tap;

typedef struct od__row_kernels {
    /* rgb[3 i .. 3 i + 2] = gray[i], `width` pixels. */
    void (*spread_gray)(const uint8_t *restrict gray, uint8_t *restrict rgb, size_t width);
    /* row[i] = in[i] * factor[i % 3] - offset[i % 3]. */
    void (*scale_bytes)(const uint8_t *restrict in, float *restrict row, size_t count, const float factor[3],
                        const float offset[3]);
    /* out[x] = the pixels row[low] and row[high] blended, three channels; writes one float more than `width` pixels. */
    void (*blend_columns)(const float *restrict row, const od__tap *restrict columns, int width, float *restrict out);
    /* out = top + (bottom - top) * fraction. */
    void (*blend_rows)(const float *restrict top, const float *restrict bottom, float fraction, float *restrict out,
                       size_t count);
} od__row_kernels;

extern const od__row_kernels od__row_kernels_portable;

/* The fastest that this processor runs. */
const od__row_kernels *od__row_kernels_best(void);

#endif
