/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/image_level.h"

#include "eval/binary_figures.h"
#include "eval/image_resample.h"
#include "eval/image_scores.h"
#include "eval/roc.h"
#include "util/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

od_image_options od_image_options_default(void)
{
    return (od_image_options){.threshold = .5, .level = .95, .num_resamples = 1000};
}

/* Work space of a run. */
typedef struct work {
    uint8_t *cells;        /* [K + 1, images] */
    uint8_t *label_cells;  /* [K + 1, images] */
    od_score_order *order; /* [K + 1] */
    double *components;    /* [images] */
    double *scratch;       /* [4 * units], also as whole numbers */
    double *correlation;   /* [K + 1, K + 1] */
    od_interval *recalls;  /* [K + 1] */
} work;

static od_status work_init(work *w, const od_image_scores *s, od_error *err)
{
    size_t rows = s->num_classes + 1, n = s->num_images;
    w->cells = od_malloc(rows, n);
    w->label_cells = od_malloc(rows, n);
    w->order = od_calloc(rows, sizeof *w->order);
    w->components = od_malloc(n, sizeof *w->components);
    w->scratch = od_malloc(4 * s->units.count, sizeof *w->scratch);
    w->correlation = od_malloc(rows * sizeof *w->correlation, rows);
    w->recalls = od_malloc(rows, sizeof *w->recalls);
    if (!w->cells || !w->label_cells || !w->order || !w->components || !w->scratch || !w->correlation || !w->recalls)
        return od_error_nomem(err, "the image-level figures");
    for (size_t k = 0; k < rows; k++) OD_TRY(od_score_order_init(&w->order[k], s->score + k * n, n, err));
    return OD_OK;
}

static void work_deinit(work *w, size_t rows)
{
    for (size_t k = 0; w->order && k < rows; k++) od_score_order_deinit(&w->order[k]);
    od_free(w->cells);
    od_free(w->label_cells);
    od_free(w->order);
    od_free(w->components);
    od_free(w->scratch);
    od_free(w->correlation);
    od_free(w->recalls);
}

static int64_t *whole_scratch(work *w)
{
    return (int64_t *)(void *)w->scratch;
}

static void fill_row(od_binary_figures *out, const od_image_scores *s, size_t row, work *w, const od_image_options *options)
{
    size_t n = s->num_images;
    const double *scores = s->score + row * n;
    const uint8_t *truth = s->truth + row * n;
    uint8_t *cells = w->cells + row * n;
    for (size_t i = 0; i < n; i++) cells[i] = (uint8_t)od_cell_of(truth[i], scores[i] >= options->threshold);
    out->name = row < s->num_classes ? s->names[row] : "any object";
    out->threshold = options->threshold;
    od_binary_figures_fill(out, cells, n, &s->units, options, whole_scratch(w));
    double auc = od_roc_components(&w->order[row], scores, truth, w->components);
    double variance = isnan(auc) ? NAN : od_roc_variance(w->components, truth, n, &s->units, w->scratch);
    out->roc_auc = od_roc_interval(auc, variance, truth, n, &s->units, options->level);
}

static const od_interval no_figure = {.value = NAN, .low = NAN, .high = NAN, .se = NAN};

static od_interval missing(const char *why)
{
    od_interval out = no_figure;
    out.why_not = why;
    return out;
}

/* One label against the rest; without positives its figures say so. */
static void fill_label(od_binary_figures *out, const od_image_scores *s, size_t label, work *w,
                       const od_image_options *options)
{
    uint8_t *cells = w->label_cells + label * s->num_images;
    for (size_t i = 0; i < s->num_images; i++)
        cells[i] = (uint8_t)(s->label[i] == OD_LABEL_SEVERAL
                                 ? OD_LEFT_OUT
                                 : od_cell_of(s->label[i] == (int32_t)label, s->answer[i] == (int32_t)label));
    out->name = s->names[label];
    out->threshold = NAN;
    od_binary_figures_fill(out, cells, s->num_images, &s->units, options, whole_scratch(w));
    out->roc_auc = out->pr_auc = missing("answers have no score to rank by; see the class at all thresholds");
}

/* Mean of the recalls of the labels that occur. */
static od_interval balanced_accuracy(const od_label_figures *f, const od_image_scores *s, work *w)
{
    enum { TP = 1u << OD_TP, FN = 1u << OD_FN };
    size_t n = s->num_images, used = 0;
    for (size_t k = 0; k < (size_t)f->num_labels; k++) used += f->labels[k].positives > 0;
    if (used < 2) return missing("all images have the same label");
    for (size_t k = 0, i = 0; k < (size_t)f->num_labels; k++) {
        if (!f->labels[k].positives) continue;
        w->recalls[i] = f->labels[k].sensitivity;
        for (size_t m = 0, j = 0; m < (size_t)f->num_labels && s->units.grouped; m++)
            if (f->labels[m].positives)
                w->correlation[i * used + j++] = od_cell_correlation(
                    w->label_cells + k * n, TP, TP | FN, w->label_cells + m * n, TP, TP | FN, n, &s->units, w->scratch);
        i++;
    }
    return od_mean_interval(w->recalls, used, s->units.grouped ? w->correlation : NULL);
}

/* Accuracy of all labels, and of always answering the most frequent one. */
static void fill_accuracy(od_label_figures *f, const od_image_scores *s, work *w, const od_image_options *options)
{
    enum { TP = 1u << OD_TP, FP = 1u << OD_FP, TN = 1u << OD_TN, FN = 1u << OD_FN };
    uint8_t *cells = (uint8_t *)w->components;
    size_t frequent = 0;
    for (size_t k = 1; k < (size_t)f->num_labels; k++)
        if (f->labels[k].positives > f->labels[frequent].positives) frequent = k;
    for (size_t i = 0; i < s->num_images; i++)
        cells[i] = s->label[i] == OD_LABEL_SEVERAL ? OD_LEFT_OUT : s->answer[i] == s->label[i] ? OD_TP : OD_FP;
    f->accuracy = od_cell_proportion(cells, s->num_images, TP, TP | FP, &s->units, options, whole_scratch(w));
    f->majority = od_cell_proportion(w->label_cells + frequent * s->num_images, s->num_images, TP | FN, TP | FP | TN | FN,
                                     &s->units, options, whole_scratch(w));
    f->majority_name = s->names[frequent];
}

static od_status fill_labels(od_image_level *l, od_image_scores *s, work *w, const od_image_options *options, od_error *err)
{
    od_label_figures *f = &l->labels;
    size_t rows = s->num_classes + 1;
    f->accuracy = f->balanced_accuracy = f->macro_f1 = f->mcc = f->majority = no_figure;
    f->majority_name = "";
    for (size_t i = 0; i < s->num_images; i++) f->left_out += s->label[i] == OD_LABEL_SEVERAL;
    f->images = l->images - f->left_out;
    if (!s->num_classes) f->why_not = "there are no classes";
    if (!f->images) f->why_not = "every image has several classes, so that none has one right answer";
    if (f->why_not) return OD_OK;
    f->threshold = l->null_images ? options->threshold : 0;
    od_image_scores_answer(s, l->null_images ? options->threshold : -INFINITY);
    f->num_labels = (int64_t)rows;
    f->confusion = od_calloc(rows * rows, sizeof *f->confusion);
    f->labels = od_calloc(rows, sizeof *f->labels);
    if (!f->confusion || !f->labels) return od_error_nomem(err, "the confusion matrix");
    for (size_t i = 0; i < s->num_images; i++)
        if (s->label[i] != OD_LABEL_SEVERAL) f->confusion[(size_t)s->label[i] * rows + (size_t)s->answer[i]]++;
    for (size_t k = 0; k < rows; k++) fill_label(&f->labels[k], s, k, w, options);
    fill_accuracy(f, s, w, options);
    f->balanced_accuracy = balanced_accuracy(f, s, w);
    return OD_OK;
}

static od_status fill(od_image_level *l, const od_image_options *options, od_error *err)
{
    od_image_scores *s = l->scores;
    work w = {0};
    od_status status;
    OD_TRY_GOTO(work_init(&w, s, err));
    for (size_t k = 0; k < s->num_classes; k++) fill_row(&l->classes[k], s, k, &w, options);
    fill_row(&l->any, s, s->num_classes, &w, options);
    l->null_images = l->any.negatives;
    OD_TRY_GOTO(fill_labels(l, s, &w, options, err));
    od_image_sample sample = {s, w.cells, w.order, !l->labels.why_not};
    OD_TRY_GOTO(od_image_resample(l, &sample, options, err));
done:
    work_deinit(&w, s->num_classes + 1);
    return status;
}

static od_status check(const od_coco_eval *e, const od_image_options *o, od_error *err)
{
    if (!e->num_images) return od_error_set(err, OD_ERR_ARG, "there are no images");
    if (!(o->level > 0 && o->level < 1))
        return od_error_set(err, OD_ERR_ARG, "level %g: expected a probability such as 0.95", o->level);
    if (isnan(o->threshold)) return od_error_set(err, OD_ERR_ARG, "the threshold is not a number");
    if (o->num_resamples < 40 || o->num_resamples > 1000000)
        return od_error_set(err, OD_ERR_ARG, "%" PRId64 " resamples: expected 40 to 1000000 (1000 is usual)", o->num_resamples);
    return OD_OK;
}

od_status od_image_level_run(od_image_level **out, const od_coco_eval *e, const od_image_options *options, od_error *err)
{
    od_image_options standard = od_image_options_default();
    if (!options) options = &standard;
    OD_TRY(check(e, options, err));
    od_image_level *l = od_calloc(1, sizeof *l);
    if (!l) return od_error_nomem(err, "the image-level figures");
    l->images = (int64_t)e->num_images;
    l->num_classes = (int64_t)e->num_classes;
    l->level = options->level;
    l->threshold = options->threshold;
    l->classes = od_calloc(e->num_classes, sizeof *l->classes);
    od_status status = l->classes ? od_image_scores_create(&l->scores, e, err) : od_error_nomem(err, "the image-level figures");
    if (status == OD_OK) {
        l->units = (int64_t)l->scores->units.count;
        l->grouped = l->scores->units.grouped;
        status = fill(l, options, err);
    }
    if (status == OD_OK)
        *out = l;
    else
        od_image_level_free(l);
    return status;
}

void od_image_level_free(od_image_level *l)
{
    if (!l) return;
    od_image_scores_free(l->scores);
    od_free(l->classes);
    od_free(l->labels.confusion);
    od_free(l->labels.labels);
    od_free(l);
}

static size_t row_of(const od_image_level *l, int64_t class_index)
{
    return (size_t)(class_index < 0 ? l->num_classes : class_index);
}

const double *od_image_level_scores(const od_image_level *l, int64_t class_index)
{
    return l->scores->score + row_of(l, class_index) * l->scores->num_images;
}

const uint8_t *od_image_level_truth(const od_image_level *l, int64_t class_index)
{
    return l->scores->truth + row_of(l, class_index) * l->scores->num_images;
}

int64_t od_image_level_curve(const od_image_level *l, int64_t class_index, od_roc_point *out)
{
    const double *scores = od_image_level_scores(l, class_index);
    const uint8_t *truth = od_image_level_truth(l, class_index);
    const od_binary_figures *f = class_index < 0 ? &l->any : &l->classes[class_index];
    od_score_order order = {0};
    int64_t count = 0;
    double tp = 0, fp = 0, positives = (double)f->positives, negatives = (double)f->negatives;
    if (od_score_order_init(&order, scores, l->scores->num_images, NULL) != OD_OK) return 0;
    out[count++] = (od_roc_point){INFINITY, positives ? 0 : NAN, negatives ? 1 : NAN, NAN};
    for (size_t i = 0; i < order.n; i++) {
        double score = scores[order.index[i]];
        (truth[order.index[i]] ? &tp : &fp)[0]++;
        if (i + 1 < order.n && scores[order.index[i + 1]] == score) continue;
        out[count++] = (od_roc_point){score, tp / positives, 1 - fp / negatives, tp / (tp + fp)};
    }
    od_score_order_deinit(&order);
    return count;
}

od_paper od_image_level_paper(const od_image_level *l, double accuracy, int64_t images)
{
    od_paper out = {.accuracy = accuracy, .images = images > 0 ? images : l->labels.images};
    out.interval = od_interval_wilson((int64_t)llround(accuracy * (double)out.images), out.images, l->level);
    const od_interval *ours = &l->labels.accuracy;
    out.overlaps = ours->low <= out.interval.high && out.interval.low <= ours->high;
    return out;
}
