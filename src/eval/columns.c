/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/columns.h"

od_columns od_columns_of(const od_units *units, uint64_t seed, size_t resamples, od_bootstrap_method method)
{
    od_columns c = {.units = units, .seed = seed, .resamples = resamples};
    if (method != OD_BOOTSTRAP_PERCENTILE) c.jackknife = od_units_jackknife_parts(units);
    if (method == OD_BOOTSTRAP_STUDENT) c.splits = OD_RESAMPLE_SPLITS * OD_SPLIT_COLUMNS;
    c.total = c.resamples + c.jackknife + c.splits + 1;
    return c;
}

size_t od_columns_data(const od_columns *c)
{
    return c->total - 1;
}

void od_columns_weights(const od_columns *c, size_t column, uint32_t *unit_scratch, uint32_t *weights)
{
    size_t of_jackknife = column - c->resamples, of_splits = of_jackknife - c->jackknife;
    if (column < c->resamples)
        od_units_draw(c->units, c->seed, column, unit_scratch, weights);
    else if (of_jackknife < c->jackknife)
        od_units_leave_out(c->units, of_jackknife, weights);
    else if (of_splits < c->splits)
        od_units_split(c->units, c->seed, of_splits, unit_scratch, weights);
    else
        for (size_t i = 0; i < c->units->num_images; i++) weights[i] = 1;
}

void od_columns_lanes(const od_columns *c, size_t first, uint32_t *unit_scratch, uint32_t *image_scratch, int32_t *lanes)
{
    for (size_t lane = 0; lane < OD_LANES; lane++) {
        int is_there = first + lane < c->total;
        if (is_there) od_columns_weights(c, first + lane, unit_scratch, image_scratch);
        for (size_t i = 0; i < c->units->num_images; i++) lanes[i * OD_LANES + lane] = is_there ? (int32_t)image_scratch[i] : 0;
    }
}

od_resampled od_columns_resampled(const od_columns *c, const double *row)
{
    return (od_resampled){.samples = row,
                          .num_samples = c->resamples,
                          .jackknife = row + c->resamples,
                          .num_jackknife = c->jackknife,
                          .splits = row + c->resamples + c->jackknife,
                          .num_splits = c->splits / OD_SPLIT_COLUMNS};
}
