/* SPDX-License-Identifier: Apache-2.0
 *
 * Figures are numbered: for each class and any object (K + 1 rows) MCC and PR-AUC; then for each label (K + 1) MCC; then
 * macro F1 and the MCC of all labels.
 */
#include "eval/image_resample.h"

#include "eval/binary_figures.h"
#include "eval/bootstrap_interval.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

enum { SPLITS = OD_RESAMPLE_SPLITS * OD_SPLIT_COLUMNS };

static size_t num_figures(size_t rows)
{
    return 3 * rows + 2;
}

typedef struct work {
    uint32_t *unit_weights, *weights;
    double *table;   /* [rows, rows] weighted confusion */
    double *figures; /* [num_figures] */
} work;

static double row_mcc(const od_image_sample *s, size_t row, const uint32_t *weights)
{
    size_t n = s->scores->num_images;
    uint64_t counts[5] = {0};
    for (size_t i = 0; i < n; i++) counts[s->cells[row * n + i]] += weights[i];
    if (!(counts[OD_TP] + counts[OD_FN]) || !(counts[OD_TN] + counts[OD_FP])) return NAN;
    return od_mcc((double)counts[OD_TP], (double)counts[OD_FP], (double)counts[OD_TN], (double)counts[OD_FN]);
}

static void label_figures(const od_image_sample *s, const uint32_t *weights, double *table, double *mcc, double *all)
{
    const od_image_scores *scores = s->scores;
    size_t rows = scores->num_classes + 1;
    double total = 0, right = 0, products = 0, truths2 = 0, answers2 = 0, f1 = 0, used = 0;
    memset(table, 0, rows * rows * sizeof *table);
    for (size_t i = 0; i < scores->num_images; i++)
        if (scores->label[i] != OD_LABEL_SEVERAL) table[(size_t)scores->label[i] * rows + (size_t)scores->answer[i]] += weights[i];
    for (size_t k = 0; k < rows * rows; k++) total += table[k];
    for (size_t k = 0; k < rows; k++) {
        double truths = 0, answers = 0, tp = table[k * rows + k];
        for (size_t j = 0; j < rows; j++) {
            truths += table[k * rows + j];
            answers += table[j * rows + k];
        }
        mcc[k] = truths > 0 && truths < total ? od_mcc(tp, answers - tp, total - truths - answers + tp, truths - tp) : NAN;
        right += tp;
        products += truths * answers;
        truths2 += truths * truths;
        answers2 += answers * answers;
        if (truths > 0) {
            f1 += 2 * tp / (truths + answers);
            used++;
        }
    }
    /* Gorodkin's R_K, Comput. Biol. Chem. 28, 2004 */
    double spread = (total * total - truths2) * (total * total - answers2);
    all[0] = used ? f1 / used : NAN;
    all[1] = total * total > truths2 ? (spread > 0 ? (right * total - products) / sqrt(spread) : 0) : NAN;
}

static void compute(const od_image_sample *s, work *w)
{
    size_t rows = s->scores->num_classes + 1, n = s->scores->num_images;
    for (size_t k = 0; k < rows; k++) {
        w->figures[2 * k] = row_mcc(s, k, w->weights);
        w->figures[2 * k + 1] =
            od_average_precision(&s->order[k], s->scores->score + k * n, s->scores->truth + k * n, w->weights);
    }
    if (s->with_labels)
        label_figures(s, w->weights, w->table, w->figures + 2 * rows, w->figures + 3 * rows);
    else
        for (size_t f = 2 * rows; f < num_figures(rows); f++) w->figures[f] = NAN;
}

static int work_init(work *w, const od_image_scores *s)
{
    size_t rows = s->num_classes + 1;
    w->unit_weights = od_malloc(s->units.count, sizeof *w->unit_weights);
    w->weights = od_malloc(s->num_images, sizeof *w->weights);
    w->table = od_malloc(rows * sizeof *w->table, rows);
    w->figures = od_malloc(num_figures(rows), sizeof *w->figures);
    return w->unit_weights && w->weights && w->table && w->figures;
}

static void work_deinit(work *w)
{
    od_free(w->unit_weights);
    od_free(w->weights);
    od_free(w->table);
    od_free(w->figures);
}

/* Columns: resamples, jackknife, splits, and last the data as they are. */
typedef struct columns {
    size_t resamples, jackknife, total;
    double *values; /* [figures, total] */
} columns;

static int run_columns(const columns *c, const od_image_sample *s, uint64_t seed, int threads)
{
    const od_units *units = &s->scores->units;
    size_t figures = num_figures(s->scores->num_classes + 1);
    int failed = 0; /* in each thread its own, joined at the end */
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        work w = {0};
        failed = !work_init(&w, s->scores);
#pragma omp for schedule(dynamic, 4)
        for (size_t i = 0; i < c->total; i++) {
            if (failed) continue;
            size_t j = i - c->resamples;
            if (i < c->resamples)
                od_units_draw(units, seed, i, w.unit_weights, w.weights);
            else if (j < c->jackknife)
                od_units_leave_out(units, j, w.weights);
            else if (i + 1 < c->total)
                od_units_split(units, seed, j - c->jackknife, w.unit_weights, w.weights);
            else
                for (size_t k = 0; k < units->num_images; k++) w.weights[k] = 1;
            compute(s, &w);
            for (size_t f = 0; f < figures; f++) c->values[f * c->total + i] = w.figures[f];
        }
        work_deinit(&w);
    }
    return !failed;
}

static void set_interval(od_interval *out, const columns *c, size_t figure, double lowest, double level, double *scratch)
{
    const double *v = c->values + figure * c->total;
    od_resampled r = {.samples = v,
                      .num_samples = c->resamples,
                      .jackknife = v + c->resamples,
                      .num_jackknife = c->jackknife,
                      .splits = v + c->resamples + c->jackknife,
                      .num_splits = OD_RESAMPLE_SPLITS,
                      .lowest = lowest,
                      .highest = 1,
                      .is_fraction = 1};
    if (isnan(v[c->total - 1]) && out->why_not) return; /* keeps the reason */
    *out = od_bootstrap_interval(v[c->total - 1], &r, OD_BOOTSTRAP_STUDENT, level, scratch);
}

static void set_all(od_image_level *l, const columns *c, const od_image_sample *s, double *scratch)
{
    size_t k_count = s->scores->num_classes, rows = k_count + 1;
    for (size_t k = 0; k < rows; k++) {
        od_binary_figures *f = k < k_count ? &l->classes[k] : &l->any;
        set_interval(&f->mcc, c, 2 * k, -1, l->level, scratch);
        f->pr_auc = (od_interval){.value = NAN, .low = NAN, .high = NAN, .se = NAN,
                                  .why_not = "no image has it: there are no positives to rank"};
        set_interval(&f->pr_auc, c, 2 * k + 1, 0, l->level, scratch);
        if (s->with_labels) set_interval(&l->labels.labels[k].mcc, c, 2 * rows + k, -1, l->level, scratch);
    }
    if (!s->with_labels) return;
    set_interval(&l->labels.macro_f1, c, 3 * rows, 0, l->level, scratch);
    set_interval(&l->labels.mcc, c, 3 * rows + 1, -1, l->level, scratch);
}

od_status od_image_resample(od_image_level *l, const od_image_sample *sample, const od_image_options *options,
                            od_error *err)
{
    columns c = {.resamples = (size_t)options->num_resamples, .jackknife = od_units_jackknife_parts(&sample->scores->units)};
    c.total = c.resamples + c.jackknife + SPLITS + 1;
    c.values = od_malloc(num_figures(sample->scores->num_classes + 1) * sizeof *c.values, c.total);
    double *scratch = od_malloc(c.resamples, sizeof *scratch);
    int ok = c.values && scratch && run_columns(&c, sample, options->seed, od_eval_threads(options->num_threads));
    if (ok) set_all(l, &c, sample, scratch);
    od_free(c.values);
    od_free(scratch);
    return ok ? OD_OK : od_error_nomem(err, "the image-level resamples");
}
