/* SPDX-License-Identifier: Apache-2.0
 *
 * How mAP's owner compares with papers that report accuracy.
 */
#include "report/answers.h"

#include <inttypes.h>
#include <math.h>

enum { NAMED_CLASSES = 4 };

static void tell_papers(od_answer *a, const od_report *r)
{
    for (int i = 0; i < OD_REPORT_PAPERS; i++) {
        od_paper p = od_image_level_paper(r->image_level, od_report_papers[i], 0);
        od_texts_add(&a->points, "A paper's %.0f %% on as many images (%" PRId64 ") has the interval %.3f to %.3f, which %s.", 100 * p.accuracy, p.images, p.interval.low, p.interval.high,
                     p.overlaps ? "overlaps yours: so few images can't tell the two apart" : "does not overlap yours");
    }
    od_texts_add(&a->points, "Only image-level figures compare with a paper's accuracy, and only on the same task and a like share of positive images; mAP does not.");
}

/* The comparison with always giving the more frequent answer. */
static void tell_baseline(od_answer *a, const od_interval *accuracy, const od_interval *majority)
{
    if (isnan(accuracy->low) || isnan(majority->value) || accuracy->low > majority->value) return;
    od_texts_add(&a->points, "That is not beyond always giving the more frequent answer (%.3f).", majority->value);
    od_answer_worsen(a, OD_VERDICT_WATCH);
}

static void tell_classes(od_answer *a, const od_report *r)
{
    const od_image_level *l = r->image_level;
    char sensitivity[OD_FIGURE_TEXT], specificity[OD_FIGURE_TEXT], f1[OD_FIGURE_TEXT], auc[OD_FIGURE_TEXT];
    for (int64_t k = 0; k < l->num_classes && k < NAMED_CLASSES; k++) {
        const od_binary_figures *f = &l->classes[k];
        if (!f->positives) continue;
        od_texts_add(&a->points, "%s: sensitivity %s, specificity %s, F1 %s, ROC-AUC %s (%" PRId64 " images with it, %" PRId64 " without).%s%s", r->coco.classes[k].name, od_figure_text(sensitivity, &f->sensitivity, 3),
                     od_figure_text(specificity, &f->specificity, 3), od_figure_text(f1, &f->f1, 3), od_figure_text(auc, &f->roc_auc, 3), f->positives, f->negatives, isnan(f->specificity.value) && f->specificity.why_not ? " No specificity: " : "",
                     isnan(f->specificity.value) && f->specificity.why_not ? f->specificity.why_not : "");
    }
}

void od_answer_image_accuracy(od_answer *a, const od_report *r)
{
    const od_image_level *l = r->image_level;
    char accuracy[OD_FIGURE_TEXT], sensitivity[OD_FIGURE_TEXT], specificity[OD_FIGURE_TEXT];
    od_answer_link_add(a, "image_level", "image-level figures");
    if (!l) {
        od_texts_add(&a->headline, "Accuracy is about whole images, and needs the detections.");
        od_texts_add(&a->missing, "This needs the detections and their ground truth.");
        od_texts_add(&a->commands, "objdet report --gt=GT.json --dt=DETECTIONS.json --output=report.html");
        return;
    }
    a->verdict = OD_VERDICT_TOLD;
    const od_binary_figures *one = l->num_classes == 1 ? &l->classes[0] : &l->any;
    if (!l->labels.why_not) {
        od_texts_add(&a->headline, "Image-level accuracy is %s on %" PRId64 " images, where always answering ‘%s’ gives %.3f.", od_figure_text(accuracy, &l->labels.accuracy, 3), l->labels.images, l->labels.majority_name ? l->labels.majority_name : "",
                     l->labels.majority.value);
        tell_baseline(a, &l->labels.accuracy, &l->labels.majority);
    } else if (one->positives && one->negatives) {
        od_texts_add(&a->headline, "Is there %s in the image? Accuracy %s, sensitivity %s, specificity %s, where the more frequent answer alone gives %.3f.", l->num_classes == 1 ? r->coco.classes[0].name : "any object", od_figure_text(accuracy, &one->accuracy, 3),
                     od_figure_text(sensitivity, &one->sensitivity, 3), od_figure_text(specificity, &one->specificity, 3), one->majority.value);
        tell_baseline(a, &one->accuracy, &one->majority);
        od_texts_add(&a->points, "One answer for each image: %s.", l->labels.why_not);
    } else {
        a->verdict = OD_VERDICT_WATCH;
        od_texts_add(&a->headline, "These images can't give an accuracy that compares with a paper's: %s.", l->labels.why_not);
    }
    tell_classes(a, r);
    if (!l->labels.why_not) tell_papers(a, r);
    if (!l->null_images) od_texts_add(&a->points, "No image is without objects, so ‘healthy or not’ can't be judged here.");
    od_answer_link_add(a, "roc", "ROC curves");
}
