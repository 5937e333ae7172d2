/* SPDX-License-Identifier: Apache-2.0
 *
 * Two detectors' image-level answers on the same images: McNemar's test and DeLong's, and their versions for groups.
 */
#include "eval/binary_figures.h"
#include "eval/distributions.h"
#include "eval/image_scores.h"
#include "eval/mcnemar.h"
#include "eval/roc.h"
#include "objdet/image_level.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>
#include <string.h>

typedef struct comparer {
    const od_image_level *a, *b;
    const od_units *units;
    size_t n;
    int8_t *right[2];   /* [images]: 1 right, 0 wrong, -1 not counted */
    double *components; /* [2, images] */
    double *scratch;    /* [4 * units] */
    od_image_comparison *out;
} comparer;

static od_status check(const od_image_level *a, const od_image_level *b, od_error *err)
{
    const od_image_scores *sa = a->scores, *sb = b->scores;
    size_t n = sa->num_images, rows = sa->num_classes + 1;
    if (n != sb->num_images || sa->num_classes != sb->num_classes || memcmp(sa->truth, sb->truth, rows * n) ||
        sa->units.count != sb->units.count || memcmp(sa->units.of_image, sb->units.of_image, n * sizeof *sa->units.of_image))
        return od_error_set(err, OD_ERR_MISMATCH, "the two detectors were not judged on the same images, classes and groups");
    if (a->level != b->level || a->threshold != b->threshold)
        return od_error_set(err, OD_ERR_ARG, "levels %g and %g, thresholds %g and %g: expected the same for both detectors",
                            a->level, b->level, a->threshold, b->threshold);
    return OD_OK;
}

static od_image_difference *next(comparer *c, const char *name, const char *figure)
{
    od_image_difference *d = &c->out->items[c->out->count++];
    *d = (od_image_difference){.name = name, .figure = figure, .a = NAN, .b = NAN, .p = NAN};
    d->difference = (od_interval){.value = NAN, .low = NAN, .high = NAN, .se = NAN};
    return d;
}

/* Of c->right, where images are counted for both alike. */
static void compare_rights(comparer *c, const char *name, const char *figure, const char *why_none)
{
    od_image_difference *d = next(c, name, figure);
    double counts[2] = {0}, total = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->right[0][i] < 0) continue;
        total++;
        counts[0] += c->right[0][i];
        counts[1] += c->right[1][i];
        d->only_a += c->right[0][i] && !c->right[1][i];
        d->only_b += !c->right[0][i] && c->right[1][i];
    }
    if (total == 0) {
        d->difference.why_not = why_none;
        return;
    }
    d->a = counts[0] / total;
    d->b = counts[1] / total;
    d->difference = od_paired_difference(c->right[0], c->right[1], c->n, c->units, c->a->level, c->scratch, &d->p);
    d->test = c->units->grouped ? "McNemar, cluster-robust" : "McNemar, mid-p";
    d->distinct = d->p < 1 - c->a->level;
}

static void set_rights(comparer *c, size_t row, double threshold, int among)
{
    const od_image_scores *s[2] = {c->a->scores, c->b->scores};
    for (int x = 0; x < 2; x++)
        for (size_t i = 0; i < c->n; i++) {
            int truth = s[x]->truth[row * c->n + i], answer = s[x]->score[row * c->n + i] >= threshold;
            c->right[x][i] = (int8_t)(among >= 0 && truth != among ? -1 : truth == answer);
        }
}

static od_status compare_auc(comparer *c, size_t row, const char *name, od_error *err)
{
    const od_image_scores *s[2] = {c->a->scores, c->b->scores};
    const uint8_t *truth = s[0]->truth + row * c->n;
    od_image_difference *d = next(c, name, "ROC-AUC");
    double auc[2];
    for (int x = 0; x < 2; x++) {
        od_score_order order = {0};
        const double *scores = s[x]->score + row * c->n;
        OD_TRY(od_score_order_init(&order, scores, c->n, err));
        auc[x] = od_roc_components(&order, scores, truth, c->components + (size_t)x * c->n);
        od_score_order_deinit(&order);
    }
    d->a = auc[0];
    d->b = auc[1];
    if (isnan(auc[0])) {
        d->difference.why_not = "there are no positives or no negatives";
        return OD_OK;
    }
    for (size_t i = 0; i < c->n; i++) c->components[i] = c->components[c->n + i] - c->components[i];
    double variance = od_roc_variance(c->components, truth, c->n, c->units, c->scratch);
    od_interval *out = &d->difference;
    out->value = auc[1] - auc[0];
    if (!(variance > 0)) {
        out->why_not = "the data hold no variation of the difference to judge by";
        return OD_OK;
    }
    double tail = .5 + c->a->level / 2, df = (double)c->units->count - 1;
    double z = c->units->grouped ? od_student_quantile(tail, df) : od_normal_quantile(tail);
    out->se = sqrt(variance);
    out->low = fmax(out->value - z * out->se, -1);
    out->high = fmin(out->value + z * out->se, 1);
    out->method = d->test = c->units->grouped ? "Obuchowski" : "DeLong";
    double t = fabs(out->value) / out->se;
    d->p = c->units->grouped ? od_student_two_sided(t, df) : 2 * od_normal_cdf(-t);
    d->distinct = d->p < 1 - c->a->level;
    return OD_OK;
}

static od_status compare_row(comparer *c, size_t row, const char *name, od_error *err)
{
    set_rights(c, row, c->a->threshold, -1);
    compare_rights(c, name, "accuracy", NULL);
    set_rights(c, row, c->a->threshold, 1);
    compare_rights(c, name, "sensitivity", "no image has it");
    set_rights(c, row, c->a->threshold, 0);
    compare_rights(c, name, "specificity", "every image has it");
    return compare_auc(c, row, name, err);
}

static void compare_labels(comparer *c)
{
    const od_image_scores *s[2] = {c->a->scores, c->b->scores};
    for (int x = 0; x < 2; x++)
        for (size_t i = 0; i < c->n; i++)
            c->right[x][i] = (int8_t)(s[x]->label[i] == OD_LABEL_SEVERAL ? -1 : s[x]->label[i] == s[x]->answer[i]);
    compare_rights(c, "all classes", "accuracy", c->a->labels.why_not);
}

od_status od_image_level_compare(od_image_comparison *out, const od_image_level *a, const od_image_level *b, od_error *err)
{
    OD_TRY(check(a, b, err));
    size_t n = a->scores->num_images, rows = a->scores->num_classes + 1;
    od_image_comparison result = {0, od_calloc(1 + 4 * rows, sizeof *result.items)};
    comparer c = {.a = a, .b = b, .units = &a->scores->units, .n = n, .out = &result};
    for (int x = 0; x < 2; x++) c.right[x] = od_malloc(n, 1);
    c.components = od_malloc(2 * n, sizeof *c.components);
    c.scratch = od_malloc(4 * c.units->count, sizeof *c.scratch);
    od_status status = result.items && c.right[0] && c.right[1] && c.components && c.scratch
                           ? OD_OK : od_error_nomem(err, "the comparison of images");
    if (status == OD_OK) compare_labels(&c);
    for (size_t k = 0; k < rows && status == OD_OK; k++)
        status = compare_row(&c, k, k + 1 < rows ? a->classes[k].name : a->any.name, err);
    for (int x = 0; x < 2; x++) od_free(c.right[x]);
    od_free(c.components);
    od_free(c.scratch);
    if (status == OD_OK)
        *out = result;
    else
        od_free(result.items);
    return status;
}

void od_image_comparison_deinit(od_image_comparison *c)
{
    od_free(c->items);
    *c = (od_image_comparison){0};
}
