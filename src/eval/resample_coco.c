/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/resample_coco.h"

#include "eval/coco_summarise.h"
#include "util/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What one thread needs. */
typedef struct worker {
    od_coco_accumulator acc[2];
    od_coco_class_result *result;
    uint32_t *unit_weights, *weights;
    double *figures[2]; /* [num_figures] of each detector */
} worker;

typedef struct job {
    const od_coco_eval *evals[2];
    int num_evals;
    const od_units *units;
    uint64_t seed;
    od_resampled_coco *out;
} job;

static int worker_init(worker *w, const job *j)
{
    int ok = 1;
    for (int i = 0; i < j->num_evals && ok; i++) {
        ok = od_coco_accumulator_init(&w->acc[i], j->evals[i]->curves, j->evals[i]->num_classes, NULL) == OD_OK;
        w->figures[i] = od_malloc(j->out->num_figures, sizeof(double));
        ok = ok && w->figures[i];
    }
    w->result = od_malloc(1, sizeof *w->result);
    w->unit_weights = od_malloc(j->units->count, sizeof *w->unit_weights);
    w->weights = od_malloc(j->units->num_images, sizeof *w->weights);
    return ok && w->result && w->unit_weights && w->weights;
}

static void worker_deinit(worker *w)
{
    for (int i = 0; i < 2; i++) {
        od_coco_accumulator_deinit(&w->acc[i]);
        od_free(w->figures[i]);
    }
    od_free(w->result);
    od_free(w->unit_weights);
    od_free(w->weights);
}

/* figures: [12 * (1 + K)], class by class index; the means over classes are those of the classes with ground truth. */
static void compute(const od_coco_eval *e, const uint32_t *weights, od_coco_accumulator *acc,
                    od_coco_class_result *result, double *figures)
{
    double sums[OD_COCO_NUM_STATS] = {0};
    size_t counts[OD_COCO_NUM_STATS] = {0};
    for (size_t k = 0; k < e->num_classes; k++) {
        double *out = figures + OD_COCO_NUM_STATS * (1 + (size_t)e->groups.class_order[k]);
        od_coco_accumulate(&e->curves[k], weights, acc, result);
        od_coco_class_means(result, out);
        for (int s = 0; s < OD_COCO_NUM_STATS; s++) {
            if (isnan(out[s])) continue;
            sums[s] += out[s];
            counts[s]++;
        }
    }
    for (int s = 0; s < OD_COCO_NUM_STATS; s++) figures[s] = counts[s] ? sums[s] / (double)counts[s] : NAN;
}

static void run_column(const job *j, worker *w, double *to, size_t stride)
{
    size_t n = j->out->num_figures;
    for (int i = 0; i < j->num_evals; i++) compute(j->evals[i], w->weights, &w->acc[i], w->result, w->figures[i]);
    for (size_t f = 0; f < n; f++)
        to[f * stride] = j->num_evals == 2 ? w->figures[1][f] - w->figures[0][f] : w->figures[0][f];
}

double od_coco_figure(const od_coco_eval *e, size_t figure)
{
    size_t k = figure / OD_COCO_NUM_STATS, s = figure % OD_COCO_NUM_STATS;
    double v = k ? e->class_stats[k - 1][s] : e->stats[s];
    return v > -1 ? v : NAN;
}

static int run_all(const job *j, int threads)
{
    od_resampled_coco *out = j->out;
    size_t jackknife_end = out->num_resamples + out->num_jackknife, splits = out->num_splits * OD_SPLIT_COLUMNS, total = jackknife_end + splits;
    int failed = 0; /* in each thread its own, joined at the end */
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        worker w = {0};
        failed = !worker_init(&w, j);
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < total; i++) {
            if (failed) continue;
            if (i < out->num_resamples) {
                od_units_draw(j->units, j->seed, i, w.unit_weights, w.weights);
                run_column(j, &w, out->samples + i, out->num_resamples);
            } else if (i >= jackknife_end) {
                od_units_split(j->units, j->seed, i - jackknife_end, w.unit_weights, w.weights);
                run_column(j, &w, out->splits + (i - jackknife_end), splits);
            } else {
                od_units_leave_out(j->units, i - out->num_resamples, w.weights);
                run_column(j, &w, out->jackknife + (i - out->num_resamples), out->num_jackknife);
            }
        }
        worker_deinit(&w);
    }
    return !failed;
}

od_status od_resample_coco(od_resampled_coco *out, const od_coco_eval *a, const od_coco_eval *b, const od_units *units,
                           uint64_t seed, size_t num_resamples, int num_threads, od_error *err)
{
    od_resampled_coco r = {.num_figures = OD_COCO_NUM_STATS * (1 + a->num_classes),
                           .num_resamples = num_resamples,
                           .num_jackknife = od_units_jackknife_parts(units),
                           .num_splits = OD_RESAMPLE_SPLITS};
    r.values = od_malloc(r.num_figures, sizeof *r.values);
    r.samples = od_malloc(r.num_figures * sizeof *r.samples, r.num_resamples);
    r.jackknife = od_malloc(r.num_figures * sizeof *r.jackknife, r.num_jackknife);
    r.splits = od_malloc(r.num_figures * sizeof *r.splits, r.num_splits * OD_SPLIT_COLUMNS);
    job j = {{a, b}, b ? 2 : 1, units, seed, &r};
    if (!r.values || !r.samples || !r.jackknife || !r.splits || !run_all(&j, od_eval_threads(num_threads))) {
        od_resampled_coco_deinit(&r);
        return od_error_nomem(err, "the resamples");
    }
    for (size_t f = 0; f < r.num_figures; f++) r.values[f] = b ? od_coco_figure(b, f) - od_coco_figure(a, f) : od_coco_figure(a, f);
    *out = r;
    return OD_OK;
}

void od_resampled_coco_deinit(od_resampled_coco *r)
{
    od_free(r->values);
    od_free(r->samples);
    od_free(r->jackknife);
    od_free(r->splits);
    *r = (od_resampled_coco){0};
}

od_status od_coco_same_truth(const od_coco_eval *a, const od_coco_eval *b, od_error *err)
{
    if (a->num_images != b->num_images || a->num_classes != b->num_classes || a->num_truths != b->num_truths)
        return od_error_set(err, OD_ERR_MISMATCH,
                            "the two evaluations have %zu and %zu images, %zu and %zu classes, %zu and %zu boxes; detectors "
                            "are compared on the same ground truth",
                            a->num_images, b->num_images, a->num_classes, b->num_classes, a->num_truths, b->num_truths);
    for (size_t k = 0; k < a->num_classes; k++)
        if (a->classes[k].id != b->classes[k].id)
            return od_error_set(err, OD_ERR_MISMATCH, "class %zu has id %" PRId64 " in one evaluation and %" PRId64 " in the other",
                                k, a->classes[k].id, b->classes[k].id);
    for (size_t i = 0; i < a->num_images; i++) {
        const char *ga = a->images[i].group, *gb = b->images[i].group;
        if (a->images[i].id != b->images[i].id || (ga == NULL) != (gb == NULL) || (ga && strcmp(ga, gb)))
            return od_error_set(err, OD_ERR_MISMATCH, "image %zu differs between the two evaluations: id %" PRId64 " (group %s) and "
                                "%" PRId64 " (group %s)", i, a->images[i].id, ga ? ga : "none", b->images[i].id, gb ? gb : "none");
    }
    for (size_t i = 0; i < a->num_truths; i++) {
        const od_coco_truth *ta = &a->truths[i], *tb = &b->truths[i];
        if (ta->image != tb->image || ta->class_index != tb->class_index || ta->box.x != tb->box.x || ta->box.y != tb->box.y ||
            ta->box.w != tb->box.w || ta->box.h != tb->box.h || ta->crowd != tb->crowd)
            return od_error_set(err, OD_ERR_MISMATCH, "ground-truth box %zu differs between the two evaluations", i);
    }
    return OD_OK;
}
