/* SPDX-License-Identifier: Apache-2.0
 *
 * What the run can put into an item of a checklist.
 */
#include "report/checklist_facts.h"

#include "objdet/version.h"
#include "report/answers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Each writes into `out`, empty for nothing, and gives the anchor of its evidence. */
typedef const char *(*fact_fn)(const od_report *r, char *out, size_t size);

static const char *metrics(const od_report *r, char *out, size_t size)
{
    char map[OD_FIGURE_TEXT], ap50[OD_FIGURE_TEXT], froc[OD_FIGURE_TEXT];
    if (!r->coco.present || isnan(r->coco.stats[OD_COCO_AP].value)) return NULL;
    int n = snprintf(out, size, "mAP %s, AP50 %s", od_figure_text(map, &r->coco.stats[OD_COCO_AP], 3), od_figure_text(ap50, &r->coco.stats[OD_COCO_AP50], 3));
    if (r->localisation.present && n > 0 && (size_t)n < size) snprintf(out + n, size - (size_t)n, "; mean FROC sensitivity %s", od_figure_text(froc, &r->localisation.froc.mean, 3));
    return "coco";
}

static const char *uncertainty(const od_report *r, char *out, size_t size)
{
    if (!r->coco.interval_text) return NULL;
    snprintf(out, size, "%s Proportions: Wilson's intervals, of clusters where images are grouped.", r->coco.interval_text);
    return "coco";
}

/* Sensitivity and specificity of the first class that has both. */
static const od_binary_figures *judged_class(const od_report *r, int64_t *index)
{
    for (int64_t k = 0; r->image_level && k < r->image_level->num_classes; k++)
        if (r->image_level->classes[k].positives && r->image_level->classes[k].negatives) {
            *index = k;
            return &r->image_level->classes[k];
        }
    return NULL;
}

static const char *diagnostic(const od_report *r, char *out, size_t size)
{
    int64_t k;
    char sensitivity[OD_FIGURE_TEXT], specificity[OD_FIGURE_TEXT], auc[OD_FIGURE_TEXT];
    const od_binary_figures *f = judged_class(r, &k);
    if (!f) return NULL;
    snprintf(out, size, "%s: sensitivity %s, specificity %s, ROC-AUC %s%s", r->coco.classes[k].name, od_figure_text(sensitivity, &f->sensitivity, 3), od_figure_text(specificity, &f->specificity, 3), od_figure_text(auc, &f->roc_auc, 3),
             r->image_level->num_classes > 1 ? "; the other classes in the table" : "");
    return "image_level";
}

static const char *confusion(const od_report *r, char *out, size_t size)
{
    int64_t k;
    const od_binary_figures *f = judged_class(r, &k);
    if (!f) return NULL;
    snprintf(out, size, "%s: %" PRId64 " true positive, %" PRId64 " false positive, %" PRId64 " false negative, %" PRId64 " true negative images", r->coco.classes[k].name, f->tp, f->fp, f->fn, f->tn);
    return "image_level";
}

static const char *failures(const od_report *r, char *out, size_t size)
{
    if (!r->failures) return NULL;
    snprintf(out, size, "%zu failures in %zu images by kind and cost, with a gallery", od_failures_count(r->failures), od_failures_num_images(r->failures));
    return "failures";
}

static const char *calibration(const od_report *r, char *out, size_t size)
{
    const od_report_operating *p = &r->operating;
    if (!p->present || isnan(p->raw.images.ece)) return NULL;
    int n = snprintf(out, size, "FROC, LRP; ECE of images %.3f, D-ECE of boxes %.3f", p->raw.images.ece, p->raw.boxes.ece);
    if (p->has_calibrated && n > 0 && (size_t)n < size) snprintf(out + n, size - (size_t)n, "; after calibration %.3f and %.3f", p->calibrated.images.ece, p->calibrated.boxes.ece);
    return "calibration";
}

static const char *robustness(const od_report *r, char *out, size_t size)
{
    const od_robust_study *s = &r->robustness;
    int worse = 0;
    if (!s->count) return NULL;
    for (size_t i = 1; i < s->count; i++) worse += s->rows[i].distinct && s->rows[i].change.value < 0;
    int n = snprintf(out, size, "%zu changes of the test pictures (flips, turns, light, noise, blur, compression), paired: mAP is worse beyond noise under %d", s->count - 1, worse);
    if (isfinite(s->relative) && n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, "; %.0f %% of it is left on average under those that move nothing", 100 * s->relative);
    return "robustness";
}

static const char *threshold(const od_report *r, char *out, size_t size)
{
    static const char *const sources[] = {"set by the authors", "saved with the model before this evaluation", "chosen on the validation set", "explored on the test set itself"};
    if (!r->operating.present) return NULL;
    snprintf(out, size, "Score threshold %.4g, %s", r->threshold, sources[r->operating.source]);
    return "operating_point";
}

static const char *partitions(const od_report *r, char *out, size_t size)
{
    const od_data_check *c = r->data.check;
    if (!c || !r->data.has_train) return NULL;
    size_t used = 0;
    for (int i = 0; i < c->split_count && used < size; i++) {
        int n = snprintf(out + used, size - used, "%s%s: %" PRId64 " images, %" PRId64 " boxes, %" PRId64 " images without boxes", i ? "; " : "", c->splits[i].name, c->splits[i].images, c->splits[i].boxes, c->splits[i].null_images);
        used += n > 0 ? (size_t)n : 0;
    }
    return "sets";
}

static const char *disjoint(const od_report *r, char *out, size_t size)
{
    const od_data_check *c = r->data.check;
    if (!c || !r->data.has_train) return NULL;
    const char *groups = !c->group_source || !c->group_source[0] ? "groups (patients) unknown" : c->group_leak_count ? "NOT disjoint by group (patient)" : "disjoint by group (patient)";
    const char *pictures = !c->images_searched ? "pictures not compared" : c->pairs_across ? "with pictures in several sets" : "no picture in two sets, copies included";
    snprintf(out, size, "%s; %s", groups, pictures);
    return "findings";
}

static const char *counts(const od_report *r, char *out, size_t size)
{
    if (!r->test) return NULL;
    snprintf(out, size, "Evaluated: %" PRId64 " images, %" PRId64 " boxes of %" PRId64 " classes. Exclusions before that are for the authors to add", r->coco.counts.images, r->coco.counts.truths[0], r->coco.counts.classes);
    return "coco";
}

static const char *imbalance(const od_report *r, char *out, size_t size)
{
    if (!r->data.check || r->data.check->class_count < 2) return NULL;
    snprintf(out, size, "The most frequent class has %.1f times the boxes of the rarest", r->data.check->imbalance);
    return "class_counts";
}

static const char *sample_size(const od_report *r, char *out, size_t size)
{
    const od_interval *v = &r->coco.stats[OD_COCO_AP];
    if (!r->test || isnan(v->low)) return NULL;
    snprintf(out, size, "%" PRId64 " images give mAP to ± %.3f; the intended size is for the authors to state", r->coco.counts.images, (v->high - v->low) / 2);
    return "coco";
}

static const char *missing(const od_report *r, char *out, size_t size)
{
    const od_data_check *c = r->data.check;
    if (!c) return NULL;
    int64_t unreadable = 0;
    for (int i = 0; i < c->split_count; i++) unreadable += c->splits[i].unreadable;
    snprintf(out, size, "%" PRId64 " images or records could not be read", unreadable);
    return "findings";
}

static const char *software(const od_report *r, char *out, size_t size)
{
    (void)r;
    snprintf(out, size, "Evaluation: objdet %s%s", od_version(), r->config_path ? "; training: pipeline.config in the model's folder" : "");
    return "about";
}

static const char *copy_text(const char *text, const char *anchor, char *out, size_t size)
{
    if (!text) return NULL;
    snprintf(out, size, "%s", text);
    return anchor;
}

static const char *model(const od_report *r, char *out, size_t size)
{
    return copy_text(r->config.model, "about", out, size);
}

static const char *initial(const od_report *r, char *out, size_t size)
{
    return copy_text(r->config.initial, "about", out, size);
}

static const char *training(const od_report *r, char *out, size_t size)
{
    return copy_text(r->config.training, "training", out, size);
}

static const char *preprocessing(const od_report *r, char *out, size_t size)
{
    return copy_text(r->config.preprocessing, "about", out, size);
}

static const char *selection(const od_report *r, char *out, size_t size)
{
    const od_training *t = &r->training;
    if (!t->best_checkpoint) return NULL;
    snprintf(out, size, "Best %s on the evaluation set during training: %.4f (%s)", t->best_metric, t->best_value, t->best_checkpoint);
    return "best_checkpoint";
}

static const char *internal(const od_report *r, char *out, size_t size)
{
    if (!r->test) return NULL;
    snprintf(out, size, "Evaluated on %s; whether that is internal or external is for the authors to say", r->gt);
    return "coco";
}

static const fact_fn facts[] = {[OD_FACT_METRICS] = metrics, [OD_FACT_UNCERTAINTY] = uncertainty, [OD_FACT_DIAGNOSTIC] = diagnostic, [OD_FACT_CONFUSION] = confusion, [OD_FACT_FAILURES] = failures, [OD_FACT_CALIBRATION] = calibration, [OD_FACT_THRESHOLD] = threshold, [OD_FACT_ROBUSTNESS] = robustness,
                                [OD_FACT_PARTITIONS] = partitions, [OD_FACT_DISJOINT] = disjoint, [OD_FACT_COUNTS] = counts, [OD_FACT_IMBALANCE] = imbalance, [OD_FACT_SAMPLE_SIZE] = sample_size, [OD_FACT_MISSING] = missing,
                                [OD_FACT_SOFTWARE] = software, [OD_FACT_MODEL] = model, [OD_FACT_INITIAL] = initial, [OD_FACT_TRAINING] = training, [OD_FACT_PREPROCESSING] = preprocessing, [OD_FACT_SELECTION] = selection,
                                [OD_FACT_INTERNAL] = internal};

const char *od_checklist_fact(const od_report *r, od_fact fact, char *out, size_t size)
{
    out[0] = 0;
    if ((size_t)fact >= sizeof facts / sizeof *facts || !facts[fact]) return NULL;
    return facts[fact](r, out, size);
}
