/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/resample_figures.h"

#include "util/alloc.h"
#include "util/error.h"

#include <inttypes.h>
#include <math.h>

typedef struct run {
    const od_figures *f;
    od_units units;
    od_columns columns;
    double *values; /* [figures, columns.total] */
} run;

typedef struct worker {
    uint32_t *units, *images;
    int32_t *weights;            /* [images, OD_LANES] */
    double (*values)[OD_LANES];
    void *scratch;
} worker;

static int worker_init(worker *w, const run *r)
{
    w->units = od_malloc(r->units.count, sizeof *w->units);
    w->images = od_malloc(r->units.num_images, sizeof *w->images);
    w->weights = od_malloc(r->units.num_images, OD_LANES * sizeof *w->weights);
    w->values = od_malloc(r->f->count, sizeof *w->values);
    w->scratch = od_malloc(r->f->scratch_size, 1);
    return w->units && w->images && w->weights && w->values && w->scratch;
}

static void worker_deinit(worker *w)
{
    od_free(w->units);
    od_free(w->images);
    od_free(w->weights);
    od_free(w->values);
    od_free(w->scratch);
}

static void run_columns(const run *r, size_t first, worker *w)
{
    size_t total = r->columns.total, lanes = total - first < OD_LANES ? total - first : OD_LANES;
    od_columns_lanes(&r->columns, first, w->units, w->images, w->weights);
    r->f->compute(r->f->user, w->weights, w->values, w->scratch);
    for (size_t k = 0; k < r->f->count; k++)
        for (size_t l = 0; l < lanes; l++) r->values[k * total + first + l] = w->values[k][l];
}

static int run_all(const run *r, int threads)
{
    int failed = 0; /* in each thread its own, joined at the end */
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        worker w = {0};
        failed = !worker_init(&w, r);
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < r->columns.total; i += OD_LANES)
            if (!failed) run_columns(r, i, &w);
        worker_deinit(&w);
    }
    return !failed;
}

static od_interval interval_of(const run *r, size_t k, double level, double *sorted)
{
    const double *row = r->values + k * r->columns.total;
    double value = row[od_columns_data(&r->columns)];
    if (!r->columns.resamples)
        return (od_interval){.value = value, .low = NAN, .high = NAN, .se = NAN,
                             .why_not = isnan(value) ? "there is nothing to compute it from" : "no resamples were asked for"};
    od_resampled s = od_columns_resampled(&r->columns, row);
    s.lowest = r->f->lowest;
    s.highest = r->f->highest;
    s.is_fraction = r->f->highest < HUGE_VAL;
    s.excess_error = r->f->excess_error;
    return od_bootstrap_interval(value, &s, r->f->method, level, sorted);
}

static od_status check(const od_resampling *r, od_error *err)
{
    if (r->num_resamples != 0 && (r->num_resamples < 40 || r->num_resamples > 1000000))
        return od_error_set(err, OD_ERR_ARG, "%" PRId64 " resamples; expected 40 to 1000000, or 0 for no intervals", r->num_resamples);
    if (!(r->level > 0 && r->level < 1)) return od_error_set(err, OD_ERR_ARG, "the level is %g; expected a share such as .95", r->level);
    return OD_OK;
}

od_status od_resample_figures(const od_coco_eval *e, const od_figures *figures, const od_resampling *resampling,
                              od_interval *intervals, od_error *err)
{
    OD_TRY(check(resampling, err));
    run r = {.f = figures};
    OD_TRY(od_units_init(&r.units, e->images, e->num_images, err));
    int with_resamples = resampling->num_resamples && r.units.count;
    r.columns = od_columns_of(&r.units, resampling->seed, with_resamples ? (size_t)resampling->num_resamples : 0,
                              with_resamples ? figures->method : OD_BOOTSTRAP_PERCENTILE);
    r.values = od_malloc(figures->count * sizeof *r.values, r.columns.total);
    double *sorted = od_malloc(r.columns.resamples, sizeof *sorted);
    int ok = r.values && sorted && run_all(&r, od_eval_threads(resampling->num_threads));
    for (size_t k = 0; ok && k < figures->count; k++) intervals[k] = interval_of(&r, k, resampling->level, sorted);
    od_free(r.values);
    od_free(sorted);
    od_units_deinit(&r.units);
    return ok ? OD_OK : od_error_nomem(err, "the resamples");
}
