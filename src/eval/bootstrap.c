/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/bootstrap.h"

#include "eval/bootstrap_interval.h"
#include "eval/resample_coco.h"
#include "util/alloc.h"
#include "util/strbuf.h"

#include <inttypes.h>
#include <math.h>

/* A bootstrap, of one detector or of a difference: the resamples, and the intervals made from them once. */
typedef struct paired {
    od_bootstrap_options options;
    od_bootstrap_info info;
    od_resampled_coco resampled;
    od_interval *intervals; /* [figures] */
    int is_difference;
} paired;

struct od_bootstrap {
    paired p;
};

struct od_compare {
    paired p;
    double *a, *b; /* [figures] */
};

static size_t figure_of(int64_t class_index, od_coco_stat stat)
{
    return (size_t)(OD_COCO_NUM_STATS * (class_index + 1)) + stat;
}

od_bootstrap_options od_bootstrap_options_default(void)
{
    return (od_bootstrap_options){.num_resamples = 1000, .level = .95};
}

static od_status check(const od_bootstrap_options *o, const od_coco_eval *e, od_error *err)
{
    if (!e->class_rank) return od_error_set(err, OD_ERR_ARG, "the evaluation has not been run");
    if ((unsigned)o->method >= OD_BOOTSTRAP_METHODS) return od_error_set(err, OD_ERR_ARG, "unknown method %d", (int)o->method);
    if (!(o->level > 0 && o->level < 1))
        return od_error_set(err, OD_ERR_ARG, "level %g: expected a probability such as 0.95", o->level);
    if (o->num_resamples < 40 || o->num_resamples > 1000000)
        return od_error_set(err, OD_ERR_ARG, "%" PRId64 " resamples: expected 40 to 1000000 (1000 is usual)", o->num_resamples);
    return OD_OK;
}

/* `scratch`: [num_resamples] */
static od_interval interval_of(const paired *p, size_t figure, od_bootstrap_method method, double *scratch)
{
    const od_resampled_coco *r = &p->resampled;
    const double *row = r->rows + figure * r->columns.total;
    od_resampled one = od_columns_resampled(&r->columns, row);
    one.lowest = p->is_difference ? -1 : 0;
    one.highest = 1;
    one.is_fraction = !p->is_difference;
    return od_bootstrap_interval(row[od_columns_data(&r->columns)], &one, method, p->options.level, scratch);
}

static od_status make_intervals(paired *p, od_error *err)
{
    double *scratch = od_malloc(p->resampled.columns.resamples, sizeof *scratch);
    p->intervals = od_malloc(p->resampled.num_figures, sizeof *p->intervals);
    int ok = scratch && p->intervals;
    for (size_t f = 0; ok && f < p->resampled.num_figures; f++)
        p->intervals[f] = interval_of(p, f, p->options.method, scratch);
    od_free(scratch);
    return ok ? OD_OK : od_error_nomem(err, "the intervals");
}

static od_status run(paired *p, const od_coco_eval *a, const od_coco_eval *b, const od_bootstrap_options *options,
                     od_error *err)
{
    od_units units = {0};
    od_status status;
    p->options = options ? *options : od_bootstrap_options_default();
    OD_TRY(check(&p->options, a, err));
    OD_TRY(od_units_init(&units, a->images, a->num_images, err));
    OD_TRY_GOTO(od_resample_coco(&p->resampled, a, b, &units, p->options.seed, (size_t)p->options.num_resamples,
                                 p->options.num_threads, err));
    p->is_difference = b != NULL;
    OD_TRY_GOTO(make_intervals(p, err));
    p->info = (od_bootstrap_info){.units = (int64_t)units.count,
                                  .images = (int64_t)units.num_images,
                                  .grouped = units.grouped,
                                  .num_resamples = p->options.num_resamples,
                                  .level = p->options.level,
                                  .seed = p->options.seed,
                                  .method = od_bootstrap_method_text(p->options.method)};
done:
    od_units_deinit(&units);
    return status;
}

static void paired_deinit(paired *p)
{
    od_resampled_coco_deinit(&p->resampled);
    od_free(p->intervals);
}

od_status od_bootstrap_run(od_bootstrap **out, const od_coco_eval *e, const od_bootstrap_options *options, od_error *err)
{
    od_bootstrap *b = od_calloc(1, sizeof *b);
    if (!b) return od_error_nomem(err, "the bootstrap");
    od_status status = run(&b->p, e, NULL, options, err);
    if (status == OD_OK)
        *out = b;
    else
        od_bootstrap_free(b);
    return status;
}

void od_bootstrap_free(od_bootstrap *b)
{
    if (!b) return;
    paired_deinit(&b->p);
    od_free(b);
}

od_interval od_bootstrap_stat(const od_bootstrap *b, od_coco_stat stat)
{
    return b->p.intervals[figure_of(-1, stat)];
}

od_interval od_bootstrap_class_stat(const od_bootstrap *b, int64_t class_index, od_coco_stat stat)
{
    return b->p.intervals[figure_of(class_index, stat)];
}

od_interval od_bootstrap_interval_by(const od_bootstrap *b, int64_t class_index, od_coco_stat stat,
                                     od_bootstrap_method method)
{
    double *scratch = od_malloc(b->p.resampled.columns.resamples, sizeof *scratch);
    if (!scratch) return (od_interval){.value = NAN, .low = NAN, .high = NAN, .se = NAN, .why_not = "out of memory"};
    od_interval out = interval_of(&b->p, figure_of(class_index, stat), method, scratch);
    od_free(scratch);
    return out;
}

const double *od_bootstrap_samples(const od_bootstrap *b, int64_t class_index, od_coco_stat stat)
{
    return b->p.resampled.rows + figure_of(class_index, stat) * b->p.resampled.columns.total;
}

/* Both detectors' values, NAN for -1. */
static od_status keep_values(od_compare *c, const od_coco_eval *a, const od_coco_eval *b, od_error *err)
{
    size_t n = c->p.resampled.num_figures;
    c->a = od_malloc(n, sizeof *c->a);
    c->b = od_malloc(n, sizeof *c->b);
    if (!c->a || !c->b) return od_error_nomem(err, "the comparison");
    for (size_t f = 0; f < n; f++) {
        c->a[f] = od_coco_figure(a, f);
        c->b[f] = od_coco_figure(b, f);
    }
    return OD_OK;
}

od_status od_compare_run(od_compare **out, const od_coco_eval *a, const od_coco_eval *b,
                         const od_bootstrap_options *options, od_error *err)
{
    if (!a->class_rank || !b->class_rank) return od_error_set(err, OD_ERR_ARG, "the evaluation has not been run");
    OD_TRY(od_coco_same_truth(a, b, err));
    od_compare *c = od_calloc(1, sizeof *c);
    if (!c) return od_error_nomem(err, "the comparison");
    od_status status = run(&c->p, a, b, options, err);
    if (status == OD_OK) status = keep_values(c, a, b, err);
    if (status == OD_OK)
        *out = c;
    else
        od_compare_free(c);
    return status;
}

void od_compare_free(od_compare *c)
{
    if (!c) return;
    paired_deinit(&c->p);
    od_free(c->a);
    od_free(c->b);
    od_free(c);
}

static od_difference difference_of(const od_compare *c, size_t figure)
{
    od_interval i = c->p.intervals[figure];
    return (od_difference){c->a[figure], c->b[figure], i, i.low > 0 || i.high < 0};
}

od_difference od_compare_stat(const od_compare *c, od_coco_stat stat)
{
    return difference_of(c, figure_of(-1, stat));
}

od_difference od_compare_class_stat(const od_compare *c, int64_t class_index, od_coco_stat stat)
{
    return difference_of(c, figure_of(class_index, stat));
}

od_bootstrap_info od_compare_describe(const od_compare *c)
{
    return c->p.info;
}

od_bootstrap_info od_bootstrap_describe(const od_bootstrap *b)
{
    return b->p.info;
}
