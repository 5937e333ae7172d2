/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers from the detections' figures: what mAP means, -1, null images, the threshold, failures.
 */
#include "report/answers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMED_CLASSES = 6 };

static void need_detections(od_answer *a)
{
    od_texts_add(&a->missing, "This needs the detections and their ground truth.");
    od_texts_add(&a->commands, "objdet report --gt=GT.json --dt=DETECTIONS.json --output=report.html");
}

/* ---- 1 ---- */

static void tell_classes(od_answer *a, const od_report_coco *c)
{
    char text[900] = "", figure[OD_FIGURE_TEXT];
    size_t used = 0;
    int64_t shown = 0, absent = 0;
    for (int64_t k = 0; k < c->num_classes; k++) {
        const od_report_class *class = &c->classes[k];
        if (!class->counts.truths[0]) {
            absent++;
            continue;
        }
        if (shown++ >= NAMED_CLASSES || used >= sizeof text - 1) continue;
        int n = snprintf(text + used, sizeof text - used, "%s%.60s %s over %" PRId64 " boxes", used ? "; " : "", class->name, od_figure_text(figure, &class->stats[OD_COCO_AP], 3), class->counts.truths[0]);
        used += n > 0 ? (size_t)n : 0;
    }
    if (shown) od_texts_add(&a->points, "AP of each class: %s%s.", text, shown > NAMED_CLASSES ? "; the others are in the table" : "");
    if (!absent) return;
    for (int64_t k = 0; k < c->num_classes; k++)
        if (!c->classes[k].counts.truths[0]) {
            od_texts_add(&a->points, "%" PRId64 " of %" PRId64 " classes have no boxes in this set (the first: %s): the mean leaves them out, and nothing is known about them.", absent, c->num_classes, c->classes[k].name);
            break;
        }
    od_answer_worsen(a, OD_VERDICT_WATCH);
}

static int leaks(const od_report *r)
{
    return od_report_finding(r, OD_DATA_LEAK_IMAGE) || od_report_finding(r, OD_DATA_LEAK_NEAR) || od_report_finding(r, OD_DATA_LEAK_GROUP) || od_report_finding(r, OD_DATA_LEAK_NAME);
}

static void tell_comparison(od_answer *a, const od_report_coco *c)
{
    double large = c->counts.truths[0] ? 100. * (double)c->counts.truths[3] / (double)c->counts.truths[0] : 0;
    if (c->from_events)
        od_texts_add(&a->points, "Model zoos quote mAP over COCO's 80 classes, most of whose objects are small or medium: no comparison with other classes and images.");
    else
        od_texts_add(&a->points, "Model zoos quote 0.20 to 0.50 over COCO's 80 classes, where most objects are small or medium. A mean over %" PRId64 " class%s with %.0f %% large boxes is another, usually easier, problem: the numbers don't compare. "
                                 "Detectors compare on the same images: objdet compare --gt=GT A.json B.json.",
                     c->num_classes, c->num_classes == 1 ? "" : "es", large);
}

void od_answer_map_meaning(od_answer *a, const od_report *r)
{
    const od_report_coco *c = &r->coco;
    char map[OD_FIGURE_TEXT], ap50[OD_FIGURE_TEXT], ap75[OD_FIGURE_TEXT];
    od_answer_link_add(a, "coco", "the twelve numbers");
    if (!c->present) {
        od_texts_add(&a->headline, "There are no detections to score.");
        need_detections(a);
        return;
    }
    const od_interval *v = &c->stats[OD_COCO_AP];
    if (isnan(v->value)) {
        od_texts_add(&a->headline, "The set has no ground-truth boxes, so mAP has no value.");
        a->verdict = OD_VERDICT_WATCH;
        return;
    }
    a->verdict = OD_VERDICT_TOLD;
    od_figure_text(map, v, 3);
    od_figure_text(ap50, &c->stats[OD_COCO_AP50], 3);
    od_figure_text(ap75, &c->stats[OD_COCO_AP75], 3);
    if (c->from_events) {
        od_texts_add(&a->headline, "mAP is %s at step %.0f, the last evaluation in the event files; AP50 %s, AP75 %s.", map, c->events_step, ap50, ap75);
        tell_comparison(a, c);
        od_texts_add(&a->missing, "Event files hold no detections: no interval, no classes, no boxes by area.");
        od_texts_add(&a->commands, "objdet eval --model_dir=%s", r->o->model_dir);
        return;
    }
    int64_t with_boxes = c->counts.classes - c->counts.classes_without_truth;
    od_texts_add(&a->headline, "mAP is %s, a mean over %" PRId64 " class%s, IoU 0.50 to 0.95 and all areas, on %" PRId64 " images with %" PRId64 " boxes.", map, with_boxes, with_boxes == 1 ? "" : "es", c->counts.images, c->counts.truths[0]);
    od_texts_add(&a->points, "At IoU 0.50 it is %s, at 0.75 %s%s.", ap50, ap75, c->stats[OD_COCO_AP50].value - c->stats[OD_COCO_AP75].value > .25 ? ": objects are found, but boxes sit loosely" : "");
    tell_classes(a, c);
    tell_comparison(a, c);
    if (v->high - v->low > .1) {
        od_texts_add(&a->points, "The interval is %.3f wide: differences smaller than that can't be told from chance with %" PRId64 " images.", v->high - v->low, c->counts.images);
        od_answer_worsen(a, OD_VERDICT_WATCH);
    }
    if (c->interval_warning && c->interval_warning[0]) {
        od_texts_add(&a->points, "%s", c->interval_warning);
        od_answer_worsen(a, OD_VERDICT_WATCH);
    }
    if (leaks(r)) {
        od_texts_add(&a->points, "Pictures or groups of the training set are among the evaluated ones (question 12): the figure is too good.");
        od_answer_worsen(a, OD_VERDICT_PROBLEM);
    }
    od_answer_link_add(a, "per_class", "each class");
    if (c->counts.truths[0]) od_answer_link_add(a, "precision_recall", "precision against recall");
}

/* ---- 3 ---- */

void od_answer_absent_areas(od_answer *a, const od_report *r)
{
    static const char *const names[] = {"", "small", "medium", "large"};
    const od_report_coco *c = &r->coco;
    od_answer_link_add(a, r->test ? "area_bins" : "coco", "boxes by area");
    if (!c->present || c->from_events) {
        int absent = c->from_events && isnan(c->stats[OD_COCO_AP_SMALL].value) + isnan(c->stats[OD_COCO_AP_MEDIUM].value) + isnan(c->stats[OD_COCO_AP_LARGE].value);
        if (c->from_events) a->verdict = OD_VERDICT_TOLD;
        od_texts_add(&a->headline, absent ? "-1 means that the evaluated set has no box of that area: ‘absent’, not ‘bad’." : "-1 would mean that the evaluated set has no box of that area: ‘absent’, not ‘bad’.");
        if (c->from_events)
            od_texts_add(&a->missing, "How many boxes each range has is not in the event files."), od_texts_add(&a->commands, "objdet eval --model_dir=%s", r->o->model_dir);
        else
            need_detections(a);
        return;
    }
    const int64_t *n = c->counts.truths;
    char list[64] = "";
    for (int i = 1; i <= 3; i++)
        if (!n[i]) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", list[0] ? " and " : "", names[i]);
    a->verdict = list[0] ? OD_VERDICT_TOLD : OD_VERDICT_GOOD;
    if (!n[0])
        od_texts_add(&a->headline, "All numbers are -1: the set has no ground-truth boxes at all.");
    else if (list[0])
        od_texts_add(&a->headline, "AP and AR for %s are -1 because no box has that area: %" PRId64 " small, %" PRId64 " medium, %" PRId64 " large. It means ‘absent’, not ‘bad’.", list, n[1], n[2], n[3]);
    else
        od_texts_add(&a->headline, "None is -1 here: %" PRId64 " small, %" PRId64 " medium and %" PRId64 " large boxes.", n[1], n[2], n[3]);
    od_texts_add(&a->points, "Small is up to 32 × 32 pixels, medium up to 96 × 96, large above, in pixels of the original image, not of the network's input.");
    for (int i = 1; i <= 3; i++)
        if (n[i] && n[i] < 10) {
            od_texts_add(&a->points, "AP and AR for %s rest on only %" PRId64 " box%s.", names[i], n[i], n[i] == 1 ? "" : "es");
            od_answer_worsen(a, OD_VERDICT_WATCH);
        }
}

/* ---- 7 ---- */

/* The class whose look-alikes are marked most often. */
static void tell_lookalikes(od_answer *a, const od_report *r)
{
    const od_report_localisation *l = &r->localisation;
    const od_score_spread *worst = NULL;
    int64_t at = -1;
    char share[OD_FIGURE_TEXT];
    for (int64_t k = 0; k < l->num_class_parts; k++) {
        const od_score_spread *s = &l->class_nulls[k].of[OD_IMAGES_LOOKALIKE];
        if (!s->images || isnan(s->images_with_false.value)) continue;
        if (!worst || s->images_with_false.value > worst->images_with_false.value) worst = s, at = k;
    }
    if (!worst) return;
    od_texts_add(&a->points, "Look-alikes (images with objects of other classes only): %s is most often invented there, on %s of %" PRId64 " images.", r->coco.classes[at].name,
                 od_figure_text(share, &worst->images_with_false, 3), worst->images);
    if (worst->images_with_false.value > .3) od_answer_worsen(a, OD_VERDICT_WATCH);
}

void od_answer_null_images(od_answer *a, const od_report *r)
{
    const od_report_localisation *l = &r->localisation;
    char share[OD_FIGURE_TEXT], rate[OD_FIGURE_TEXT];
    od_answer_link_add(a, l->present ? "null_images" : "localisation", "scores on such images");
    if (!l->present) {
        od_texts_add(&a->headline, "What is invented on empty images is unknown without detections.");
        need_detections(a);
        return;
    }
    const od_score_spread *null = &l->nulls.of[OD_IMAGES_NULL], *with = &l->nulls.of[OD_IMAGES_WITH];
    if (!null->images) {
        od_texts_add(&a->headline, "The set has no image without objects: what the detector invents there can't be known.");
        od_texts_add(&a->missing, "Add images without annotations to the set (for an X-ray detector: normal ones, and other diseases). They take part in every figure, and mAP alone hardly shows what is invented on them.");
        tell_lookalikes(a, r);
        return;
    }
    double false_share = null->images_with_false.value;
    a->verdict = false_share > .3 ? OD_VERDICT_PROBLEM : false_share > .1 ? OD_VERDICT_WATCH : OD_VERDICT_GOOD;
    od_texts_add(&a->headline, "At the threshold %.3g, %s of the %" PRId64 " images without objects have a false detection; %s false ones per such image.", r->threshold, od_figure_text(share, &null->images_with_false, 3), null->images,
                 od_figure_text(rate, &null->false_per_image, 3));
    od_texts_add(&a->points, "Their highest scores: half of these images are below %.3f, 95 %% below %.3f. Images with objects: half above %.3f.", null->quantile[3], null->quantile[5], with->quantile[3]);
    if (with->images && !isnan(with->false_per_image.value) && null->false_per_image.value > 2 * with->false_per_image.value + .05)
        od_texts_add(&a->points, "Images with objects have fewer false detections (%s each): it is the empty images that mislead this detector. Train with such images.", od_figure_text(rate, &with->false_per_image, 3));
    tell_lookalikes(a, r);
    od_texts_add(&a->points, "Classes the detector was never shown (another disease) count here as what they are: images without objects of its classes. Put them into the set without boxes.");
}

/* ---- 8 ---- */

void od_answer_operating_point(od_answer *a, const od_report *r)
{
    const od_report_operating *p = &r->operating;
    char precision[OD_FIGURE_TEXT], recall[OD_FIGURE_TEXT], f1[OD_FIGURE_TEXT];
    static const char *const sources[] = {"as given", "saved with the model", "chosen on the validation set", "chosen on these very images"};
    od_answer_link_add(a, "operating_point", "what each threshold gives");
    if (p->present) od_answer_link_add(a, "calibration", "calibration");
    if (!p->present) {
        od_texts_add(&a->headline, "No threshold can be judged without detections.");
        need_detections(a);
        return;
    }
    a->verdict = p->source == OD_THRESHOLD_TEST ? OD_VERDICT_WATCH : OD_VERDICT_GOOD;
    od_texts_add(&a->headline, "At the threshold %.3g (%s): precision %s, recall %s, F1 %s, %.2f false detections per image.", r->threshold, sources[p->source], od_figure_text(precision, &p->at.precision, 3),
                 od_figure_text(recall, &p->at.recall, 3), od_figure_text(f1, &p->at.f1, 3), p->at.false_per_image);
    if (p->source != OD_THRESHOLD_GIVEN) od_texts_add(&a->points, "%s", p->source == OD_THRESHOLD_SAVED ? od_operating_file_reason(p->saved) : p->choice.reason);
    if (p->has_overlap && p->overlap.images_seen) {
        od_texts_add(&a->points, "%" PRId64 " of these %" PRId64 " images are among those that the threshold%s fitted on%s: nothing here is held out.", p->overlap.images_seen, p->overlap.images, p->has_calibrated ? " and the calibrator were" : " was",
                     p->overlap.by_id ? " (by their ids; they have no file names)" : "");
        od_answer_worsen(a, p->overlap.by_id ? OD_VERDICT_WATCH : OD_VERDICT_PROBLEM);
    } else if (p->has_overlap && p->overlap.groups_seen) {
        od_texts_add(&a->points, "%" PRId64 " groups (patients; the first: %s) are both in the set that the threshold was fitted on and here.", p->overlap.groups_seen, p->overlap.first_group ? p->overlap.first_group : "");
        od_answer_worsen(a, OD_VERDICT_PROBLEM);
    }
    od_texts_add(&a->points, "Whether that is enough depends on what a miss and a false alarm cost: --cost_fn and --cost_fp choose by cost, and the section has thresholds for other aims.");
    if (!isnan(p->raw.images.ece))
        od_texts_add(&a->points, p->has_calibrated ? "Scores are off by %.3f on average as image probabilities (ECE), %.3f after calibration." : "Scores are off by %.3f on average as image probabilities (ECE).", p->raw.images.ece,
                     p->calibrated.images.ece);
    if (p->source != OD_THRESHOLD_TEST) return;
    od_texts_add(&a->missing, "No validation set was given: threshold and figures come from the same images, which is optimistic, and no calibrator can be fitted.");
    od_texts_add(&a->commands, "objdet report --gt=GT --dt=DT --val_gt=VAL_GT --val_dt=VAL_DT --output=report.html");
}

/* ---- 9 ---- */

void od_answer_failures(od_answer *a, const od_report *r)
{
    od_answer_link_add(a, "failures", "the failures, worst first");
    if (r->failures) od_answer_link_add(a, "tide", "what each kind costs");
    if (!r->failures) {
        od_texts_add(&a->headline, "Which images fail is unknown without detections.");
        need_detections(a);
        return;
    }
    const od_tide *t = &r->localisation.tide;
    int costliest = 0;
    for (int i = 1; i < OD_FAILURE_NUM_KINDS; i++)
        if (t->cost[i] > t->cost[costliest]) costliest = i;
    a->verdict = OD_VERDICT_TOLD;
    od_texts_add(&a->headline, "Tested on all %" PRId64 " images: %zu failures in %zu of them at the threshold %.3g.", r->coco.counts.images, od_failures_count(r->failures), od_failures_num_images(r->failures), r->threshold);
    od_texts_add(&a->points, "%" PRId64 " missed, %" PRId64 " invented, %" PRId64 " mislocated, %" PRId64 " confused, %" PRId64 " duplicated, %" PRId64 " mislocated and confused.", od_failures_count_kind(r->failures, OD_FAILURE_MISSED),
                 od_failures_count_kind(r->failures, OD_FAILURE_INVENTED), od_failures_count_kind(r->failures, OD_FAILURE_MISLOCATED), od_failures_count_kind(r->failures, OD_FAILURE_CONFUSED),
                 od_failures_count_kind(r->failures, OD_FAILURE_DUPLICATED), od_failures_count_kind(r->failures, OD_FAILURE_BOTH));
    char cost[OD_FIGURE_TEXT];
    if (t->cost[costliest] > 0)
        od_texts_add(&a->points, "Over all scores, %s ones (%s) cost the most: AP50 would be %s higher without them.", od_failure_kind_name((od_failure_kind)costliest), od_failure_kind_sentence((od_failure_kind)costliest),
                     od_figure_text(cost, &t->cost_interval[costliest], 3));
    if (!od_failures_count(r->failures)) a->verdict = OD_VERDICT_GOOD;
    if (r->gallery_shown) {
        od_texts_add(&a->points, "The worst are shown with pictures, ground truth beside detection.");
    } else if (od_failures_count(r->failures) && r->o->gallery) {
        od_texts_add(&a->missing, "No picture was found to show them.");
        od_texts_add(&a->commands, "objdet report ... --images=FOLDER_WITH_THE_PICTURES");
    }
}
