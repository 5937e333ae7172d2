/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers from the training and its data: overfitting, balance, flips, curves, losses, leaks.
 */
#include "report/answers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* "step 3000 (epoch 12.5)" */
static const char *step_text(const od_training *t, double step, char *out, size_t size)
{
    if (isnan(t->steps_per_epoch))
        snprintf(out, size, "step %.0f", step);
    else
        snprintf(out, size, "step %.0f (epoch %.1f)", step, step / t->steps_per_epoch);
    return out;
}

static void need_training(od_answer *a, const od_report *r)
{
    od_texts_add(&a->missing, r->o->model_dir ? "The folder has no event files." : "No training was given, only its detections.");
    od_texts_add(&a->commands, "objdet report --model_dir=MODEL_DIR --output=report.html");
}

/* ---- 4 ---- */

static void tell_best(od_answer *a, const od_training *t)
{
    char where[80], last[80];
    if (!t->map.count) return;
    size_t best = od_curve_highest(&t->map), end = t->map.count - 1;
    step_text(t, t->map.step[best], where, sizeof where);
    step_text(t, t->map.step[end], last, sizeof last);
    if (best == end)
        od_texts_add(&a->points, "mAP is highest at the last evaluation: %.3f at %s. Longer training may still help.", t->map.value[best], where);
    else
        od_texts_add(&a->points, "mAP is highest at %s (%.3f) and %.3f at the last, %s.", where, t->map.value[best], t->map.value[end], last);
    if (t->best_checkpoint) od_texts_add(&a->points, "%s is kept as the best checkpoint (%s %.4f).", t->best_checkpoint, t->best_metric, t->best_value);
}

/* Whether the last and the best checkpoint differ beyond noise. */
static void tell_comparison(od_answer *a, const od_report *r)
{
    const od_checkpoints *c = &r->checkpoints;
    char figure[OD_FIGURE_TEXT];
    size_t apart = 0;
    if (!c->num_compared) {
        if (r->training.map.count > 1) od_texts_add(&a->missing, "Whether two checkpoints differ beyond noise needs their detections: objdet eval --all_checkpoints keeps them.");
        return;
    }
    for (size_t i = 0; i < c->count; i++) apart += c->rows[i].compared && c->rows[i].difference.distinct;
    od_texts_add(&a->points, "Of %zu checkpoints compared with the best (%s, step %.0f), %zu differ beyond noise and %zu can't be told apart from it.", c->num_compared, c->rows[c->best].name, c->rows[c->best].step, apart, c->num_compared - apart);
    const od_checkpoint_row *last = &c->rows[c->count - 1];
    if (last->compared)
        od_texts_add(&a->points, "The last one (step %.0f) minus the best: mAP %s, %s.", last->step, od_figure_text(figure, &last->difference.difference, 3), last->difference.distinct ? "a real difference" : "which can't be told from chance");
    od_answer_link_add(a, "checkpoints", "checkpoint against checkpoint");
}

void od_answer_overfitting(od_answer *a, const od_report *r)
{
    const od_training *t = &r->training;
    const od_overfit *o = &t->overfit;
    char where[80];
    od_answer_link_add(a, t->present ? "overfitting" : "training", "both losses in one chart");
    if (t->present) od_answer_link_add(a, "best_checkpoint", "best checkpoint");
    if (!t->present) {
        od_texts_add(&a->headline, "Overfitting can't be seen from one set of detections.");
        need_training(a, r);
        return;
    }
    step_text(t, o->start, where, sizeof where);
    switch (o->kind) {
    case OD_OVERFIT_UNKNOWN:
        od_texts_add(&a->headline, "%zu evaluation%s with a loss: too few to see a turn.", o->evaluations, o->evaluations == 1 ? "" : "s");
        od_texts_add(&a->missing, "At least three evaluations are needed.");
        od_texts_add(&a->commands, "objdet eval --model_dir=%s --all_checkpoints", r->o->model_dir);
        break;
    case OD_OVERFIT_NONE:
        a->verdict = OD_VERDICT_GOOD;
        od_texts_add(&a->headline, "No overfitting to be seen in %zu evaluations: the evaluation loss ends at %.4g, its lowest being %.4g at %s.", o->evaluations, o->last, o->lowest, where);
        break;
    case OD_OVERFIT_FOUND:
        a->verdict = OD_VERDICT_PROBLEM;
        od_texts_add(&a->headline, "Overfitting begins after %s: the evaluation loss rises from %.4g to %.4g (+%.0f %%) while the training loss goes from %.4g to %.4g.", where, o->lowest, o->last, 100 * (o->last / o->lowest - 1), o->train_then,
                     o->train_last);
        od_texts_add(&a->points, "The rise is %.1f times the noise of an evaluation's loss. Stop there (objdet train --early_stop_patience), take an earlier checkpoint, or add data and augmentation.", (o->last - o->lowest) / o->noise);
        break;
    case OD_OVERFIT_DIVERGING:
        a->verdict = OD_VERDICT_PROBLEM;
        od_texts_add(&a->headline, "Both losses rise after %s: this is no overfitting, the training itself goes wrong.", where);
        od_texts_add(&a->points, "Evaluation loss %.4g to %.4g, training loss %.4g to %.4g. Usually the learning rate is too high for the batch size.", o->lowest, o->last, o->train_then, o->train_last);
        break;
    case OD_OVERFIT_NO_TRAIN:
        a->verdict = OD_VERDICT_WATCH;
        od_texts_add(&a->headline, "The evaluation loss rises after %s, from %.4g to %.4g; without a training loss its reason can't be told.", where, o->lowest, o->last);
        break;
    }
    tell_best(a, t);
    tell_comparison(a, r);
}

/* ---- 5 ---- */

void od_answer_imbalance(od_answer *a, const od_report *r)
{
    const od_data_check *c = r->data.check;
    od_answer_link_add(a, c ? "class_counts" : "data", "classes in each set");
    if (!c) {
        od_texts_add(&a->headline, "The classes could not be counted.");
        od_texts_add(&a->missing, "No data set could be read.");
        od_texts_add(&a->commands, "objdet data check TRAIN.json TEST.json");
        return;
    }
    const od_data_class_stats *most = NULL, *least = NULL;
    for (int k = 0; k < c->class_count; k++) {
        const od_data_class_stats *s = &c->classes[k];
        if (!most || s->boxes[0] > most->boxes[0]) most = s;
        if (!least || s->boxes[0] < least->boxes[0]) least = s;
    }
    const char *set = c->splits[0].name;
    a->verdict = OD_VERDICT_GOOD;
    if (c->class_count < 2 || !most || !least) {
        od_texts_add(&a->headline, "There is one class: nothing to balance.");
    } else if (c->imbalance >= 3 || !least->boxes[0]) {
        a->verdict = OD_VERDICT_WATCH;
        od_texts_add(&a->headline, "The %s set is unbalanced: %" PRId64 " boxes of %s against %" PRId64 " of %s%s.", set, most->boxes[0], most->name, least->boxes[0], least->name, least->boxes[0] ? "" : ", that is none");
        od_texts_add(&a->points, "What helps, in this order: more images of the rare class; class-balanced sampling (objdet train --class_balanced_sampling), which shows it more often without new files; stronger augmentation in the config.");
    } else {
        od_texts_add(&a->headline, "The %s set is fairly balanced: %" PRId64 " boxes of %s, the most frequent, against %" PRId64 " of %s.", set, most->boxes[0], most->name, least->boxes[0], least->name);
    }
    od_texts_add(&a->points, "The pipeline augments anew at every step: copies made beforehand add nothing to that. Made before the split, they leak into the test set.");
    const od_data_finding *copies = od_report_finding(r, OD_DATA_LEAK_NAME) ? od_report_finding(r, OD_DATA_LEAK_NAME) : od_report_finding(r, OD_DATA_LEAK_NEAR);
    if (copies) {
        od_texts_add(&a->points, "Such copies are there: %s", copies->message);
        od_answer_worsen(a, OD_VERDICT_PROBLEM);
        if (c->pair_count) od_answer_link_add(a, "duplicates", "the copies");
    }
    const od_data_finding *absent = od_report_finding(r, OD_DATA_CLASS_ABSENT);
    if (absent) {
        od_texts_add(&a->points, "%s", absent->message);
        od_answer_worsen(a, OD_VERDICT_WATCH);
    }
    if (r->data.has_train) return;
    od_texts_add(&a->missing, "These are counts of the evaluated set; no training set was given.");
    od_texts_add(&a->commands, "objdet report ... --train_gt=TRAIN.json");
}

/* ---- 6 ---- */

/* "upside down: mAP .41 [..], -.32 [..] (worse)" for each flip and turn that was tried. */
static void tell_turned(od_answer *a, const od_robust_study *s)
{
    static const struct { const char *name, *text; } turns[] = {{"flip_horizontal", "left and right exchanged"}, {"flip_vertical", "flipped upside down"},
                                                                {"rotate_90", "a quarter turn to the left"}, {"rotate_180", "a half turn"}, {"rotate_270", "a quarter turn to the right"}};
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        const od_robust_row *row = od_robust_study_find(s, turns[i].name, 1);
        char map[OD_FIGURE_TEXT], change[OD_FIGURE_TEXT];
        if (!row) continue;
        od_texts_add(&a->points, "The trained model on the test pictures, %s: mAP %s, a difference of %s%s.", turns[i].text, od_figure_text(map, &row->map, 3),
                     od_figure_text(change, &row->change, 3), row->distinct ? "" : ", which cannot be told from none");
    }
    od_answer_link_add(a, "robustness", "mAP on changed pictures");
}

static void tell_robustness(od_answer *a, const od_report *r)
{
    if (r->robustness.count) {
        tell_turned(a, &r->robustness);
        return;
    }
    od_texts_add(&a->missing, "How the trained model scores on flipped and rotated test images is not among the inputs.");
    od_texts_add(&a->commands, "objdet eval --model_dir=%s --robustness", r->o->model_dir ? r->o->model_dir : "DIR");
}

void od_answer_flips(od_answer *a, const od_report *r)
{
    const od_data_finding *config = od_report_finding(r, OD_DATA_LABEL_FLIP_CONFIG), *names = od_report_finding(r, OD_DATA_LABEL_FLIP);
    od_answer_link_add(a, r->data.check ? "findings" : "data", "what was found in the data");
    if (!r->data.check) {
        od_texts_add(&a->headline, "The class names could not be read.");
        od_texts_add(&a->missing, "No data set could be read.");
        od_texts_add(&a->commands, "objdet data preview --pipeline_config_path=pipeline.config --output=preview.html");
        return;
    }
    if (config) {
        a->verdict = OD_VERDICT_PROBLEM;
        od_texts_add(&a->headline, "%s", config->message);
        if (config->remedy && config->remedy[0]) od_texts_add(&a->points, "%s", config->remedy);
    } else if (names) {
        a->verdict = OD_VERDICT_WATCH;
        od_texts_add(&a->headline, "%s", names->message);
        if (names->remedy && names->remedy[0]) od_texts_add(&a->points, "%s", names->remedy);
    } else {
        a->verdict = r->config_path ? OD_VERDICT_GOOD : OD_VERDICT_TOLD;
        od_texts_add(&a->headline, "No class name depends on orientation, so flips and rotations falsify no label%s.", r->config_path ? ", nor does the config's augmentation" : "");
    }
    od_texts_add(&a->points, "Whether such pictures occur in use is another matter: an X-ray upside down doesn't. Flips that never occur cost capacity; see whether they help by training with and without.");
    tell_robustness(a, r);
    od_texts_add(&a->missing, "What the augmentations do to your pictures is drawn by another command.");
    od_texts_add(&a->commands, "objdet data preview --pipeline_config_path=%s --output=preview.html", r->config_path ? r->config_path : "pipeline.config");
}

/* ---- 10 ---- */

void od_answer_curves(od_answer *a, const od_report *r)
{
    const od_training *t = &r->training;
    od_answer_link_add(a, "training", "the curves");
    if (!t->present) {
        od_texts_add(&a->headline, "There are no curves without a training.");
        need_training(a, r);
        return;
    }
    size_t n = t->map.count > t->eval_loss.count ? t->map.count : t->eval_loss.count;
    if (n >= 2) {
        const od_curve *c = t->map.count >= t->eval_loss.count ? &t->map : &t->eval_loss;
        a->verdict = OD_VERDICT_GOOD;
        od_texts_add(&a->headline, "A line: %zu evaluations from step %.0f to %.0f, and %zu values of the training loss.", n, c->step[0], c->step[c->count - 1], t->train_loss.count);
        return;
    }
    a->verdict = OD_VERDICT_WATCH;
    od_texts_add(&a->headline, n ? "One evaluation only: a dot, not a line." : "No evaluation is in the event files: there is only the training's curve.");
    od_texts_add(&a->points, "model_main_tf2.py evaluates in a process of its own and only checkpoints that appear while it runs; afterwards only the last is left. objdet train evaluates on the way.");
    od_texts_add(&a->missing, "The checkpoints that are still there can be evaluated now:");
    od_texts_add(&a->commands, "objdet eval --model_dir=%s --all_checkpoints", r->o->model_dir);
}

/* ---- 11 ---- */

void od_answer_losses(od_answer *a, const od_report *r)
{
    const od_training *t = &r->training;
    char map[OD_FIGURE_TEXT];
    int has_map = r->coco.present && !isnan(r->coco.stats[OD_COCO_AP].value);
    od_figure_text(map, &r->coco.stats[OD_COCO_AP], 3);
    od_answer_link_add(a, t->num_parts ? "loss_parts" : "training", "the parts of the loss");
    od_answer_link_add(a, "coco", "mAP and the rest");
    if (t->train_loss.count || t->eval_loss.count) {
        const od_curve *loss = t->train_loss.count ? &t->train_loss : &t->eval_loss;
        a->verdict = has_map ? OD_VERDICT_GOOD : OD_VERDICT_WATCH;
        if (has_map)
            od_texts_add(&a->headline, "Both are here: %s loss %.4g at the end, of %zu parts, and mAP %s.", t->train_loss.count ? "training" : "evaluation", loss->value[loss->count - 1], t->num_parts, map);
        else
            od_texts_add(&a->headline, "The losses are here (%.4g at the end), mAP is not: no evaluation has been run.", loss->value[loss->count - 1]);
        od_texts_add(&a->points, "A loss is what training lowers; it has no scale of good and bad and compares only within one config. mAP says how well objects are found.");
        if (has_map) return;
        od_texts_add(&a->missing, "One command gives both, with the flags of model_main_tf2.py:");
        od_texts_add(&a->commands, "objdet run --model_dir=%s --pipeline_config_path=pipeline.config --checkpoint_dir=%s", r->o->model_dir, r->o->model_dir);
        return;
    }
    if (has_map) a->verdict = OD_VERDICT_TOLD;
    od_texts_add(&a->headline, has_map ? "mAP is %s; losses belong to a training, and none was given." : "Neither losses nor mAP are among the inputs.%s", has_map ? map : "");
    need_training(a, r);
}

/* ---- 12 ---- */

static int tell_leak(od_answer *a, const od_report *r, od_data_finding_kind kind)
{
    const od_data_finding *f = od_report_finding(r, kind);
    if (!f) return 0;
    od_texts_add(&a->points, "%s", f->message);
    return 1;
}

void od_answer_leaks(od_answer *a, const od_report *r)
{
    const od_report_data *d = &r->data;
    const od_data_check *c = d->check;
    od_answer_link_add(a, c ? "findings" : "data", "what was found in the data");
    if (!d->has_train || !c) {
        od_texts_add(&a->headline, "That can't be told without the training set.");
        od_texts_add(&a->missing, d->has_train ? "The data could not be read." : "No training set was given.");
        od_texts_add(&a->commands, "objdet report ... --train_gt=TRAIN.json --images=FOLDER");
        od_texts_add(&a->commands, "objdet data check TRAIN.json TEST.json");
        return;
    }
    int found = tell_leak(a, r, OD_DATA_LEAK_IMAGE) + tell_leak(a, r, OD_DATA_LEAK_NEAR) + tell_leak(a, r, OD_DATA_LEAK_GROUP) + tell_leak(a, r, OD_DATA_LEAK_NAME);
    if (found) {
        a->verdict = OD_VERDICT_PROBLEM;
        od_texts_add(&a->headline, "Yes: %" PRId64 " pair%s of pictures and %d group%s (patients) are on both sides. The figures of this report are too good.", c->pairs_across, c->pairs_across == 1 ? "" : "s", c->group_leak_count,
                     c->group_leak_count == 1 ? "" : "s");
        od_texts_add(&a->missing, "Split again with whole groups on one side, then train again:");
        od_texts_add(&a->commands, "objdet data split DATA --fractions=.7,.15,.15 --group_by=FIELD");
        if (c->pair_count) od_answer_link_add(a, "duplicates", "the pictures");
        if (c->group_leak_count) od_answer_link_add(a, "group_leaks", "the groups");
        return;
    }
    int groups_known = c->group_source && c->group_source[0];
    a->verdict = c->images_searched && groups_known ? OD_VERDICT_GOOD : OD_VERDICT_WATCH;
    od_texts_add(&a->headline, "No%s%s%s.", c->images_searched ? " picture occurs in two sets, exact, flipped, cropped or recoded" : "ne was found, but the pictures were not compared", groups_known ? ", and no group (patient) is on both sides" : "",
                 groups_known ? "" : "; which images belong to one patient is unknown");
    if (groups_known) od_texts_add(&a->points, "Groups come from %s.", c->group_source);
    if (!c->images_searched) {
        od_texts_add(&a->missing, "The pictures were not found:");
        od_texts_add(&a->commands, "objdet report ... --images=FOLDER_WITH_THE_PICTURES");
    }
    if (!groups_known) {
        od_texts_add(&a->missing, "Nothing says which images belong to one patient:");
        od_texts_add(&a->commands, "objdet report ... --group_by=FIELD, or --group_regex='^(person[0-9]+)_'");
    }
}
