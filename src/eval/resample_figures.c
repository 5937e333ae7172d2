/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/resample_figures.h"

#include "eval/bootstrap_interval.h"
#include "eval/resample.h"
#include "util/alloc.h"
#include "util/error.h"

#include <inttypes.h>
#include <math.h>

typedef struct run {
    const od_figures *f;
    const od_resampling *r;
    od_units units;
    size_t parts, splits, runs; /* jackknife; columns of splits; everything: 1 + parts + splits + resamples */
    double *values;     /* [figure][run] */
} run;

typedef struct worker {
    uint32_t *units, *weights;
    double *values;
    void *scratch;
} worker;

static int worker_init(worker *w, const run *r)
{
    w->units = od_malloc(r->units.count, sizeof *w->units);
    w->weights = od_malloc(r->units.num_images, sizeof *w->weights);
    w->values = od_malloc(r->f->count, sizeof *w->values);
    w->scratch = od_malloc(r->f->scratch_size, 1);
    return w->units && w->weights && w->values && w->scratch;
}

static void worker_deinit(worker *w)
{
    od_free(w->units);
    od_free(w->weights);
    od_free(w->values);
    od_free(w->scratch);
}

enum { SPLITS = OD_RESAMPLE_SPLITS * OD_SPLIT_COLUMNS };

/* Run 0: the data; then the jackknife's parts, the splits, the resamples. */
static void one_run(run *r, size_t i, worker *w)
{
    if (i == 0)
        for (size_t j = 0; j < r->units.num_images; j++) w->weights[j] = 1;
    else if (i <= r->parts)
        od_units_leave_out(&r->units, i - 1, w->weights);
    else if (i <= r->parts + r->splits)
        od_units_split(&r->units, r->r->seed, i - 1 - r->parts, w->units, w->weights);
    else
        od_units_draw(&r->units, r->r->seed, i - 1 - r->parts - r->splits, w->units, w->weights);
    r->f->compute(r->f->user, w->weights, w->values, w->scratch);
    for (size_t k = 0; k < r->f->count; k++) r->values[k * r->runs + i] = w->values[k];
}

static int run_all(run *r)
{
    int failed = 0; /* in each thread its own, joined at the end */
#pragma omp parallel num_threads(od_eval_threads(r->r->num_threads)) reduction(|| : failed)
    {
        worker w = {0};
        failed = !worker_init(&w, r);
#pragma omp for schedule(dynamic, 4)
        for (size_t i = 0; i < r->runs; i++)
            if (!failed) one_run(r, i, &w);
        worker_deinit(&w);
    }
    return !failed;
}

static od_interval interval_of(const run *r, size_t k, double *sorted)
{
    const double *v = r->values + k * r->runs;
    if (!r->r->num_resamples)
        return (od_interval){.value = v[0], .low = NAN, .high = NAN, .se = NAN,
                             .why_not = isnan(v[0]) ? "there is nothing to compute it from" : "no resamples were asked for"};
    od_resampled s = {.samples = v + 1 + r->parts + r->splits,
                      .num_samples = (size_t)r->r->num_resamples,
                      .jackknife = v + 1,
                      .num_jackknife = r->parts,
                      .splits = v + 1 + r->parts,
                      .num_splits = r->splits / OD_SPLIT_COLUMNS,
                      .lowest = r->f->lowest,
                      .highest = r->f->highest,
                      .is_fraction = r->f->highest < HUGE_VAL};
    return od_bootstrap_interval(v[0], &s, r->f->method, r->r->level, sorted);
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
    run r = {.f = figures, .r = resampling, .runs = 1};
    OD_TRY(od_units_init(&r.units, e->images, e->num_images, err));
    if (resampling->num_resamples && r.units.count) {
        r.parts = figures->method == OD_BOOTSTRAP_PERCENTILE ? 0 : od_units_jackknife_parts(&r.units);
        r.splits = figures->method == OD_BOOTSTRAP_STUDENT ? SPLITS : 0;
        r.runs += r.parts + r.splits + (size_t)resampling->num_resamples;
    }
    r.values = od_malloc(figures->count * r.runs, sizeof *r.values);
    double *sorted = od_malloc((size_t)resampling->num_resamples, sizeof *sorted);
    int ok = r.values && sorted && run_all(&r);
    od_resampling none = *resampling;
    if (r.runs == 1) none.num_resamples = 0, r.r = &none;
    for (size_t k = 0; ok && k < figures->count; k++) intervals[k] = interval_of(&r, k, sorted);
    od_free(r.values);
    od_free(sorted);
    od_units_deinit(&r.units);
    return ok ? OD_OK : od_error_nomem(err, "the resamples");
}
