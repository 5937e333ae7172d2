/* SPDX-License-Identifier: Apache-2.0
 *
 * Image-level figures in words and as a table.
 */
#include "objdet/image_level.h"
#include "util/strbuf.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static char *finish(od_strbuf *b)
{
    if (!b->data && !b->failed) od_strbuf_puts(b, "");
    if (!od_strbuf_failed(b)) return b->data;
    od_strbuf_deinit(b);
    return NULL;
}

/* "0.942 [0.921, 0.958]" */
static void put_interval(od_strbuf *b, const od_interval *i)
{
    if (isnan(i->value))
        od_strbuf_puts(b, "not defined");
    else if (isnan(i->low))
        od_strbuf_printf(b, "%.3f [no interval]", i->value);
    else
        od_strbuf_printf(b, "%.3f [%.3f, %.3f]", i->value, i->low, i->high);
}

static const char *units_of(const od_image_level *l)
{
    return l->grouped ? "groups" : "images";
}

static void explain_counts(od_strbuf *b, const od_image_level *l)
{
    od_strbuf_printf(b, "%" PRId64 " images", l->images);
    if (l->grouped) od_strbuf_printf(b, " in %" PRId64 " groups", l->units);
    od_strbuf_printf(b, ", %" PRId64 " of them without any box.\n", l->null_images);
}

static void explain_labels(od_strbuf *b, const od_image_level *l)
{
    const od_label_figures *f = &l->labels;
    if (f->why_not) {
        od_strbuf_printf(b, "There is no accuracy over all classes: %s. Each class by itself is below.\n", f->why_not);
        return;
    }
    od_strbuf_puts(b, "Accuracy over all classes ");
    put_interval(b, &f->accuracy);
    od_strbuf_printf(b, ": the class of the highest score is the image's class (%" PRId64 " images", f->images);
    if (l->null_images) od_strbuf_printf(b, "; below %g the answer is \"nothing\"", f->threshold);
    od_strbuf_puts(b, "). Always answering '");
    od_strbuf_printf(b, "%s' would reach %.3f", f->majority_name, f->majority.value);
    if (!isnan(f->accuracy.low) && f->accuracy.low <= f->majority.value)
        od_strbuf_puts(b, ", which the interval does not exclude");
    od_strbuf_puts(b, ".\n");
    if (f->left_out)
        od_strbuf_printf(b, "%" PRId64 " images have boxes of several classes, hence no single right answer: left out here, "
                            "counted class by class below.\n", f->left_out);
}

static void explain_missing(od_strbuf *b, const od_image_level *l)
{
    for (int64_t k = 0; k < l->num_classes; k++) {
        const od_binary_figures *f = &l->classes[k];
        if (!f->positives)
            od_strbuf_printf(b, "%s: no image has it, so there is no sensitivity, AUC or F1.\n", f->name);
        else if (!f->negatives)
            od_strbuf_printf(b, "%s: every image has it, so there is no specificity, NPV of worth or AUC: false alarms can't be "
                                "counted on images. Add images without it.\n", f->name);
    }
    if (!l->null_images)
        od_strbuf_puts(b, "Every image has a box: how often a detector finds something where nothing is can't be told.\n");
}

static void explain_paper(od_strbuf *b, const od_image_level *l, double accuracy)
{
    od_paper p = od_image_level_paper(l, accuracy, 0);
    od_strbuf_printf(b, "A paper's %.1f %% on %" PRId64 " images would have the interval [%.3f, %.3f]: ", 100 * accuracy, p.images,
                     p.interval.low, p.interval.high);
    const od_interval *a = &l->labels.accuracy;
    if (p.overlaps)
        od_strbuf_puts(b, "it overlaps yours, so that these images can't tell the two apart.\n");
    else
        od_strbuf_printf(b, "yours lies wholly %s it.\n", a->value < accuracy ? "below" : "above");
}

char *od_image_level_explain(const od_image_level *l, const double *papers, int64_t num_papers)
{
    od_strbuf b = {0};
    explain_counts(&b, l);
    explain_labels(&b, l);
    explain_missing(&b, l);
    od_strbuf_puts(&b, "A paper's accuracy may be compared with the accuracy over all classes (or of its one class), its AUC with "
                       "the ROC-AUC, if its classes, its share of each class and its images are alike: same task, patients not "
                       "in training. It may not be compared with mAP, precision or recall of boxes, which also judge where "
                       "things are.\n");
    for (int64_t i = 0; i < num_papers && papers && !l->labels.why_not; i++) explain_paper(&b, l, papers[i]);
    return finish(&b);
}

static void put_column(od_strbuf *b, const od_interval *i)
{
    od_strbuf cell = {0};
    put_interval(&cell, i);
    od_strbuf_printf(b, "  %-22s", cell.data ? cell.data : "");
    od_strbuf_deinit(&cell);
}

/* Name and member of each column. */
#define SUMMARY(X) \
    X("accuracy", accuracy) \
    X("sensitivity", sensitivity) \
    X("specificity", specificity) \
    X("PPV", ppv) \
    X("NPV", npv) \
    X("F1", f1) \
    X("balanced accuracy", balanced_accuracy) \
    X("MCC", mcc) \
    X("ROC-AUC", roc_auc) \
    X("PR-AUC", pr_auc) \
    X("majority class", majority)

static void put_binary(od_strbuf *b, const od_binary_figures *f)
{
    od_strbuf_printf(b, "%s: %" PRId64 " images have it, %" PRId64 " don't", f->name, f->positives, f->negatives);
    if (!isnan(f->threshold)) od_strbuf_printf(b, "; said to be there from score %g", f->threshold);
    od_strbuf_printf(b, "; TP %" PRId64 ", FP %" PRId64 ", TN %" PRId64 ", FN %" PRId64 "\n", f->tp, f->fp, f->tn, f->fn);
#define X(text, member) \
    od_strbuf_printf(b, "  %-18s", text); \
    put_column(b, &f->member); \
    od_strbuf_printf(b, " %s\n", f->member.why_not ? f->member.why_not : f->member.method ? f->member.method : "");
    SUMMARY(X)
#undef X
}

static void put_confusion(od_strbuf *b, const od_label_figures *f)
{
    enum { MOST = 12 };
    if (f->num_labels > MOST) return;
    od_strbuf_printf(b, "%-18s answered\n%-18s", "truth", "");
    for (int64_t k = 0; k < f->num_labels; k++) od_strbuf_printf(b, " %12.12s", f->labels[k].name);
    od_strbuf_puts(b, "\n");
    for (int64_t k = 0; k < f->num_labels; k++) {
        od_strbuf_printf(b, "%-18.18s", f->labels[k].name);
        for (int64_t j = 0; j < f->num_labels; j++) od_strbuf_printf(b, " %12" PRId64, f->confusion[k * f->num_labels + j]);
        od_strbuf_puts(b, "\n");
    }
}

char *od_image_level_table(const od_image_level *l)
{
    od_strbuf b = {0};
    const od_label_figures *f = &l->labels;
    if (!f->why_not) {
        od_strbuf_printf(&b, "all classes: the class of the highest score, %" PRId64 " %s\n", l->grouped ? l->units : f->images,
                         units_of(l));
        const struct {
            const char *name;
            const od_interval *value;
        } rows[] = {{"accuracy", &f->accuracy}, {"balanced accuracy", &f->balanced_accuracy}, {"macro F1", &f->macro_f1},
                    {"MCC", &f->mcc}, {"majority class", &f->majority}};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            od_strbuf_printf(&b, "  %-18s", rows[i].name);
            put_column(&b, rows[i].value);
            const od_interval *v = rows[i].value;
            od_strbuf_printf(&b, " %s\n", v->why_not ? v->why_not : v->method ? v->method : "");
        }
        put_confusion(&b, f);
    }
    for (int64_t k = 0; k < l->num_classes; k++) put_binary(&b, &l->classes[k]);
    put_binary(&b, &l->any);
    return finish(&b);
}
