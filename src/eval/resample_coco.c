/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/resample_coco.h"

#include "eval/coco_lanes.h"
#include "util/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What one thread needs. */
typedef struct worker {
    od_coco_lanes lanes[2];
    uint32_t *unit_weights, *image_weights;
    int32_t *weights;               /* [images, OD_LANES] */
    double (*figures[2])[OD_LANES]; /* [num_figures] of each detector */
} worker;

typedef struct job {
    const od_coco_eval *evals[2];
    int num_evals;
    od_resampled_coco *out;
} job;

static int worker_init(worker *w, const job *j)
{
    const od_units *units = j->out->columns.units;
    int ok = 1;
    for (int i = 0; i < j->num_evals && ok; i++) {
        ok = od_coco_lanes_init(&w->lanes[i], j->evals[i]->curves, j->evals[i]->num_classes, NULL) == OD_OK;
        w->figures[i] = od_malloc(j->out->num_figures, sizeof *w->figures[i]);
        ok = ok && w->figures[i];
    }
    w->unit_weights = od_malloc(units->count, sizeof *w->unit_weights);
    w->image_weights = od_malloc(units->num_images, sizeof *w->image_weights);
    w->weights = od_malloc(units->num_images, OD_LANES * sizeof *w->weights);
    return ok && w->unit_weights && w->image_weights && w->weights;
}

static void worker_deinit(worker *w)
{
    for (int i = 0; i < 2; i++) {
        od_coco_lanes_deinit(&w->lanes[i]);
        od_free(w->figures[i]);
    }
    od_free(w->unit_weights);
    od_free(w->image_weights);
    od_free(w->weights);
}

/* Means over the classes with ground truth, a lane each. */
static void add_class(double (*class)[OD_LANES], double (*sums)[OD_LANES], double (*counts)[OD_LANES])
{
    for (int s = 0; s < OD_COCO_NUM_STATS; s++)
        for (int l = 0; l < OD_LANES; l++) {
            if (isnan(class[s][l])) continue;
            sums[s][l] += class[s][l];
            counts[s][l]++;
        }
}

/* figures: [12 * (1 + K)], class by class index; the means over classes are those of the classes with ground truth. */
static void compute(const od_coco_eval *e, const int32_t *weights, od_coco_lanes *lanes, double (*figures)[OD_LANES])
{
    double counts[OD_COCO_NUM_STATS][OD_LANES] = {0};
    memset(figures, 0, sizeof counts);
    for (size_t k = 0; k < e->num_classes; k++) {
        double(*class)[OD_LANES] = figures + OD_COCO_NUM_STATS * (1 + (size_t)e->groups.class_order[k]);
        od_coco_lanes_stats(&e->curves[k], weights, lanes, class);
        add_class(class, figures, counts);
    }
    for (int s = 0; s < OD_COCO_NUM_STATS; s++)
        for (int l = 0; l < OD_LANES; l++) figures[s][l] = counts[s][l] > 0 ? figures[s][l] / counts[s][l] : (double)NAN;
}

static void run_columns(const job *j, worker *w, size_t first)
{
    od_resampled_coco *out = j->out;
    size_t lanes = out->columns.total - first < OD_LANES ? out->columns.total - first : OD_LANES;
    od_columns_lanes(&out->columns, first, w->unit_weights, w->image_weights, w->weights);
    for (int i = 0; i < j->num_evals; i++) compute(j->evals[i], w->weights, &w->lanes[i], w->figures[i]);
    for (size_t f = 0; f < out->num_figures; f++)
        for (size_t l = 0; l < lanes; l++)
            out->rows[f * out->columns.total + first + l] = j->num_evals == 2 ? w->figures[1][f][l] - w->figures[0][f][l] : w->figures[0][f][l];
}

double od_coco_figure(const od_coco_eval *e, size_t figure)
{
    size_t k = figure / OD_COCO_NUM_STATS, s = figure % OD_COCO_NUM_STATS;
    double v = k ? e->class_stats[k - 1][s] : e->stats[s];
    return v > -1 ? v : NAN;
}

static int run_all(const job *j, int threads)
{
    int failed = 0; /* in each thread its own, joined at the end */
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        worker w = {0};
        failed = !worker_init(&w, j);
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < j->out->columns.total; i += OD_LANES)
            if (!failed) run_columns(j, &w, i);
        worker_deinit(&w);
    }
    return !failed;
}

od_status od_resample_coco(od_resampled_coco *out, const od_coco_eval *a, const od_coco_eval *b, const od_units *units,
                           uint64_t seed, size_t num_resamples, int num_threads, od_error *err)
{
    od_resampled_coco r = {.num_figures = OD_COCO_NUM_STATS * (1 + a->num_classes),
                           .columns = od_columns_of(units, seed, num_resamples, OD_BOOTSTRAP_STUDENT)};
    job j = {{a, b}, b ? 2 : 1, &r};
    r.rows = od_malloc(r.num_figures * sizeof *r.rows, r.columns.total);
    if (!r.rows || !run_all(&j, od_eval_threads(num_threads))) {
        od_resampled_coco_deinit(&r);
        return od_error_nomem(err, "the resamples");
    }
    for (size_t f = 0; f < r.num_figures; f++) /* the data's own, to pycocotools' last bit */
        r.rows[f * r.columns.total + od_columns_data(&r.columns)] = b ? od_coco_figure(b, f) - od_coco_figure(a, f) : od_coco_figure(a, f);
    r.columns.units = NULL;
    *out = r;
    return OD_OK;
}

void od_resampled_coco_deinit(od_resampled_coco *r)
{
    od_free(r->rows);
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
