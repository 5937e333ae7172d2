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

enum { L = OD_LANES };

static size_t num_figures(size_t rows)
{
    return 3 * rows + 2;
}

typedef struct work {
    uint32_t *unit_weights, *image_weights;
    int32_t *weights;        /* [images, L] */
    double (*table)[L];      /* [rows, rows] weighted confusion */
    double (*figures)[L];    /* [num_figures] */
} work;

typedef struct job {
    const od_image_sample *s;
    od_columns columns;
    uint32_t *ranking; /* [rows, images] */
    double *values;    /* [figures, columns.total] */
} job;

static void row_mcc(const uint8_t *cells, size_t n, const int32_t *weights, double mcc[L])
{
    int32_t counts[OD_LEFT_OUT + 1][L] = {0};
    for (size_t i = 0; i < n; i++)
        for (int l = 0; l < L; l++) counts[cells[i]][l] += weights[i * L + (size_t)l];
    for (int l = 0; l < L; l++) {
        double tp = counts[OD_TP][l], fp = counts[OD_FP][l], tn = counts[OD_TN][l], fn = counts[OD_FN][l];
        mcc[l] = tp + fn > 0 && tn + fp > 0 ? od_mcc(tp, fp, tn, fn) : (double)NAN;
    }
}

/* One lane's figures from the table: the labels' MCC, macro F1, the MCC of all. */
static void read_table(size_t rows, work *w, int lane)
{
    double total = 0, right = 0, products = 0, truths2 = 0, answers2 = 0, f1 = 0, used = 0;
    for (size_t k = 0; k < rows * rows; k++) total += w->table[k][lane];
    for (size_t k = 0; k < rows; k++) {
        double truths = 0, answers = 0, tp = w->table[k * rows + k][lane];
        for (size_t j = 0; j < rows; j++) {
            truths += w->table[k * rows + j][lane];
            answers += w->table[j * rows + k][lane];
        }
        w->figures[2 * rows + k][lane] = truths > 0 && truths < total ? od_mcc(tp, answers - tp, total - truths - answers + tp, truths - tp) : (double)NAN;
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
    w->figures[3 * rows][lane] = used > 0 ? f1 / used : (double)NAN;
    w->figures[3 * rows + 1][lane] = total * total > truths2 ? (spread > 0 ? (right * total - products) / sqrt(spread) : 0) : (double)NAN;
}

static void label_figures(const od_image_scores *s, work *w)
{
    size_t rows = s->num_classes + 1;
    memset(w->table, 0, rows * rows * sizeof *w->table);
    for (size_t i = 0; i < s->num_images; i++) {
        if (s->label[i] == OD_LABEL_SEVERAL) continue;
        double *cell = w->table[(size_t)s->label[i] * rows + (size_t)s->answer[i]];
        for (int l = 0; l < L; l++) cell[l] += w->weights[i * L + (size_t)l];
    }
    for (int l = 0; l < L; l++) read_table(rows, w, l);
}

static void compute(const job *j, work *w)
{
    const od_image_sample *s = j->s;
    size_t rows = s->scores->num_classes + 1, n = s->scores->num_images;
    for (size_t k = 0; k < rows; k++) {
        row_mcc(s->cells + k * n, n, w->weights, w->figures[2 * k]);
        od_average_precision_lanes(j->ranking + k * n, n, w->weights, w->figures[2 * k + 1]);
    }
    if (s->with_labels)
        label_figures(s->scores, w);
    else
        for (size_t f = 2 * rows; f < num_figures(rows); f++)
            for (int l = 0; l < L; l++) w->figures[f][l] = NAN;
}

static int work_init(work *w, const od_image_scores *s)
{
    size_t rows = s->num_classes + 1;
    w->unit_weights = od_malloc(s->units.count, sizeof *w->unit_weights);
    w->image_weights = od_malloc(s->num_images, sizeof *w->image_weights);
    w->weights = od_malloc(s->num_images, L * sizeof *w->weights);
    w->table = od_malloc(rows * sizeof *w->table, rows);
    w->figures = od_malloc(num_figures(rows), sizeof *w->figures);
    return w->unit_weights && w->image_weights && w->weights && w->table && w->figures;
}

static void work_deinit(work *w)
{
    od_free(w->unit_weights);
    od_free(w->image_weights);
    od_free(w->weights);
    od_free(w->table);
    od_free(w->figures);
}

static void run_columns(const job *j, work *w, size_t first)
{
    size_t total = j->columns.total, lanes = total - first < L ? total - first : L;
    od_columns_lanes(&j->columns, first, w->unit_weights, w->image_weights, w->weights);
    compute(j, w);
    for (size_t f = 0; f < num_figures(j->s->scores->num_classes + 1); f++)
        for (size_t l = 0; l < lanes; l++) j->values[f * total + first + l] = w->figures[f][l];
}

static int run_all(const job *j, int threads)
{
    int failed = 0; /* in each thread its own, joined at the end */
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        work w = {0};
        failed = !work_init(&w, j->s->scores);
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < j->columns.total; i += L)
            if (!failed) run_columns(j, &w, i);
        work_deinit(&w);
    }
    return !failed;
}

static void set_interval(od_interval *out, const job *j, size_t figure, double lowest, double level, double *scratch)
{
    const double *row = j->values + figure * j->columns.total;
    double value = row[od_columns_data(&j->columns)];
    od_resampled r = od_columns_resampled(&j->columns, row);
    r.lowest = lowest;
    r.highest = 1;
    r.is_fraction = 1;
    if (isnan(value) && out->why_not) return; /* keeps the reason */
    *out = od_bootstrap_interval(value, &r, OD_BOOTSTRAP_STUDENT, level, scratch);
}

static void set_all(od_image_level *l, const job *j, double *scratch)
{
    const od_image_sample *s = j->s;
    size_t k_count = s->scores->num_classes, rows = k_count + 1;
    for (size_t k = 0; k < rows; k++) {
        od_binary_figures *f = k < k_count ? &l->classes[k] : &l->any;
        set_interval(&f->mcc, j, 2 * k, -1, l->level, scratch);
        f->pr_auc = (od_interval){.value = NAN, .low = NAN, .high = NAN, .se = NAN,
                                  .why_not = "no image has it: there are no positives to rank"};
        set_interval(&f->pr_auc, j, 2 * k + 1, 0, l->level, scratch);
        if (s->with_labels) set_interval(&l->labels.labels[k].mcc, j, 2 * rows + k, -1, l->level, scratch);
    }
    if (!s->with_labels) return;
    set_interval(&l->labels.macro_f1, j, 3 * rows, 0, l->level, scratch);
    set_interval(&l->labels.mcc, j, 3 * rows + 1, -1, l->level, scratch);
}

static void rank_images(const job *j)
{
    const od_image_scores *s = j->s->scores;
    for (size_t k = 0; k <= s->num_classes; k++)
        od_ranking_fill(j->ranking + k * s->num_images, &j->s->order[k], s->score + k * s->num_images, s->truth + k * s->num_images);
}

od_status od_image_resample(od_image_level *l, const od_image_sample *sample, const od_image_options *options,
                            od_error *err)
{
    const od_image_scores *s = sample->scores;
    job j = {.s = sample, .columns = od_columns_of(&s->units, options->seed, (size_t)options->num_resamples, OD_BOOTSTRAP_STUDENT)};
    j.ranking = od_malloc((s->num_classes + 1) * sizeof *j.ranking, s->num_images);
    j.values = od_malloc(num_figures(s->num_classes + 1) * sizeof *j.values, j.columns.total);
    double *scratch = od_malloc(j.columns.resamples, sizeof *scratch);
    int ok = j.ranking && j.values && scratch;
    if (ok) rank_images(&j);
    ok = ok && run_all(&j, od_eval_threads(options->num_threads));
    if (ok) set_all(l, &j, scratch);
    od_free(j.ranking);
    od_free(j.values);
    od_free(scratch);
    return ok ? OD_OK : od_error_nomem(err, "the image-level resamples");
}
