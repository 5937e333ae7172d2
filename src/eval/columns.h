/* SPDX-License-Identifier: Apache-2.0
 *
 * The columns that an interval is made from: image weights of the bootstrap's resamples, of the jackknife's parts, of the
 * splits, and at last the data as they are. What is computed once a column lies in rows [total], a row for each figure.
 * OD_LANES columns can be computed side by side, an image's weights next to each other: then the loop over detections, which
 * is the same for all columns, is walked once for all of them.
 */
#ifndef OD_EVAL_COLUMNS_H
#define OD_EVAL_COLUMNS_H

#include "eval/bootstrap_interval.h"
#include "eval/resample.h"

enum { OD_LANES = 16 };

typedef struct od_columns {
    const od_units *units; /* borrowed */
    uint64_t seed;
    size_t resamples, jackknife, splits; /* splits: columns, OD_SPLIT_COLUMNS for each split */
    size_t total;                        /* all of them and one */
} od_columns;

/* With as many jackknife parts and splits as `method` needs. */
od_columns od_columns_of(const od_units *units, uint64_t seed, size_t resamples, od_bootstrap_method method);
/* The last column. */
size_t od_columns_data(const od_columns *c);

/* Weights of one column. unit_scratch: [units->count]; weights: [images]. */
void od_columns_weights(const od_columns *c, size_t column, uint32_t *unit_scratch, uint32_t *weights);

/* Weights of OD_LANES columns from `first` on; those beyond the last are 0. image_scratch: [images]; lanes: [images, OD_LANES]. */
void od_columns_lanes(const od_columns *c, size_t first, uint32_t *unit_scratch, uint32_t *image_scratch, int32_t *lanes);

/* Parts of a figure's row; the caller sets the range. */
od_resampled od_columns_resampled(const od_columns *c, const double *row);

#endif
