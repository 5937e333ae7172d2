/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet threshold: from which score to believe a detection.
 */
#include "commands.h"
#include "flags.h"
#include "objdet/eval.h"
#include "objdet/operating_point.h"
#include "objdet/predict.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *fit_gt, *fit_dt, *gt, *dt, *level, *class_name, *calibrator, *image_ids, *save_to, *json;
    double cost_fp, cost_fn, min_sensitivity, max_fp_per_image;
    int64_t threads, seed;
    bool match_zero_id, per_class;
    od_coco_load_options load;
    od_threshold_study_options study;
} settings;

static int refuse(const char *format, const char *value)
{
    fprintf(stderr, "objdet threshold: error: ");
    fprintf(stderr, format, value);
    fputc('\n', stderr);
    return 2;
}

/* -1: not among them. */
static int choose(const char *value, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(value, words[i])) return i;
    return -1;
}

/* The rule that was asked for; at most one. */
static int find_rule(settings *s)
{
    int by_cost = !isnan(s->cost_fp) || !isnan(s->cost_fn), by_sensitivity = !isnan(s->min_sensitivity), by_false = !isnan(s->max_fp_per_image);
    od_threshold_study_options *o = &s->study;
    if (by_cost + by_sensitivity + by_false > 1)
        return refuse("give costs%s, or --min_sensitivity, or --max_fp_per_image, not several", " (--cost_fp, --cost_fn)");
    o->rule = by_cost ? OD_RULE_COST : by_sensitivity ? OD_RULE_MIN_SENSITIVITY : by_false ? OD_RULE_MAX_FALSE_PER_IMAGE : OD_RULE_F1;
    o->bound = by_sensitivity ? s->min_sensitivity : by_false ? s->max_fp_per_image : 0;
    o->operating.cost_fp = isnan(s->cost_fp) ? 1 : s->cost_fp;
    o->operating.cost_fn = isnan(s->cost_fn) ? 1 : s->cost_fn;
    return -1;
}

static int check(settings *s)
{
    static const char *const levels[] = {"box", "image", NULL}, *const ids[] = {"auto", "id", "name", NULL},
                      *const calibrators[] = {"none", "auto", "platt", "isotonic", NULL};
    if (!s->fit_gt || !s->fit_dt) return refuse("--fit_gt and --fit_dt are needed (validation data)%s; see objdet threshold --help", "");
    if (!s->gt != !s->dt) return refuse("--gt and --dt go together%s", "");
    int level = choose(s->level, levels), id = choose(s->image_ids, ids), calibrator = choose(s->calibrator, calibrators);
    if (level < 0) return refuse("--level=%s: expected box or image", s->level);
    if (id < 0) return refuse("--image_ids=%s: expected auto, id or name", s->image_ids);
    if (calibrator < 0) return refuse("--calibrator=%s: expected auto, platt, isotonic or none", s->calibrator);
    s->study.level = (od_level)level;
    if (s->per_class && s->class_name) return refuse("--class=%s and --per_class: give one of them", s->class_name);
    s->study.per_class = s->per_class;
    s->study.calibrator = calibrator - 2; /* none -2, auto -1, then the kinds */
    s->load.image_ids = (od_coco_image_ids)id;
    s->load.match_zero_id = s->match_zero_id;
    s->load.num_threads = s->study.operating.match.num_threads = (int)s->threads;
    s->study.operating.match.seed = (uint64_t)s->seed;
    return find_rule(s);
}

static int parse(int argc, char **argv, settings *s)
{
    od_localisation_options *m = &s->study.operating.match;
    const cli_flag flags[] = {
        {"fit_gt", CLI_STRING, &s->fit_gt, "ground truth to choose on (validation): a COCO annotation file"},
        {"fit_dt", CLI_STRING, &s->fit_dt, "detections on it: COCO results"},
        {"gt", CLI_STRING, &s->gt, "ground truth of a test set: what the choice is worth on images it hasn't seen"},
        {"dt", CLI_STRING, &s->dt, "detections on it"},
        {"cost_fp", CLI_DOUBLE, &s->cost_fp, "cost of a false detection; with this or the next the lowest cost is chosen (1)"},
        {"cost_fn", CLI_DOUBLE, &s->cost_fn, "cost of a missed object (1)"},
        {"min_sensitivity", CLI_DOUBLE, &s->min_sensitivity, "choose the highest threshold that finds at least this share"},
        {"max_fp_per_image", CLI_DOUBLE, &s->max_fp_per_image, "choose the lowest threshold with at most so many false detections an image"},
        {"level", CLI_STRING, &s->level, "box (objects), or image (is there one or not?) (box)"},
        {"class", CLI_STRING, &s->class_name, "choose by this class alone (all classes together)"},
        {"per_class", CLI_BOOL, &s->per_class, "besides the threshold of all, one of each class's own by the same rule"},
        {"iou", CLI_DOUBLE, &m->iou, "overlap from which a detection is right (.5)"},
        {"calibrator", CLI_STRING, &s->calibrator, "auto, platt, isotonic or none (auto)"},
        {"save_to", CLI_STRING, &s->save_to, "a model_dir: objdet predict will use the threshold and calibrator"},
        {"json", CLI_STRING, &s->json, "write everything, with reliability diagrams, to this file"},
        {"group_by", CLI_STRING, &s->load.group_by, "field of the images that names the patient: intervals by patient"},
        {"group_regex", CLI_STRING, &s->load.group_regex, "the same from the file name: an extended regular expression, its first group"},
        {"image_ids", CLI_STRING, &s->image_ids, "what a detection's image_id is: id, name (of the file), or auto"},
        {"category_offset", CLI_INT, &s->load.category_offset, "added to the detections' category_id"},
        {"match_zero_id", CLI_BOOL, &s->match_zero_id, "take annotation id 0 as any other"},
        {"resamples", CLI_INT, &m->num_resamples, "bootstrap resamples of the threshold's interval (1000; 0: none)"},
        {"seed", CLI_INT, &s->seed, "of the resamples (0)"},
        {"num_threads", CLI_INT, &s->threads, "threads; 0: one a core"},
        {0}};
    const cli_usage usage = {
        "threshold --fit_gt=GT.json --fit_dt=DT.json [--gt --dt] [RULE] [--save_to=MODEL_DIR]",
        "Chooses the score from which a detection is believed, says why, fits a calibrator that turns scores into probabilities, and\n"
        "shows what both are worth on a test set. Without a rule the threshold of the highest F1 is chosen.",
        "  objdet threshold --fit_gt=val.json --fit_dt=val_dt.json --gt=test.json --dt=test_dt.json --save_to=runs/1\n"
        "  objdet threshold --fit_gt=val.json --fit_dt=val_dt.json --cost_fp=1 --cost_fn=20\n"
        "  objdet threshold --fit_gt=val.json --fit_dt=val_dt.json --per_class --save_to=runs/1\n"
        "  objdet threshold --fit_gt=val.json --fit_dt=val_dt.json --level=image --min_sensitivity=.95\n"
        "  objdet threshold --fit_gt=val.json --fit_dt=val_dt.json --max_fp_per_image=.5 --group_by=patient\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    return code >= 0 ? code : check(s);
}

static od_status load(od_coco_eval **out, const char *gt, const char *dt, const settings *s, od_error *err)
{
    od_status status = od_coco_eval_create(out, err);
    if (status == OD_OK) status = od_coco_eval_load_truth(*out, gt, &s->load, err);
    if (status == OD_OK) status = od_coco_eval_load_detections(*out, dt, &s->load, err);
    if (status == OD_OK) status = od_coco_eval_run(*out, (int)s->threads, err);
    return status;
}

static int find_class(settings *s, const od_coco_eval *fit)
{
    if (!s->class_name) return -1;
    for (int64_t k = 0; k < od_coco_eval_num_classes(fit); k++)
        if (!strcmp(od_coco_eval_class_name(fit, k), s->class_name)) {
            s->study.class_index = k;
            return -1;
        }
    fprintf(stderr, "objdet threshold: error: --class=%s: %s has no such class; it has", s->class_name, s->fit_gt);
    for (int64_t k = 0; k < od_coco_eval_num_classes(fit); k++) fprintf(stderr, "%s %s", k ? "," : "", od_coco_eval_class_name(fit, k));
    fputc('\n', stderr);
    return 2;
}

static void print_share(const char *name, const od_interval *fit, const od_interval *test)
{
    const od_interval *both[] = {fit, test};
    printf("%-24s", name);
    for (int i = 0; i < 2 && both[i]; i++) {
        if (isnan(both[i]->value))
            printf("%-26s", "-");
        else if (isnan(both[i]->low))
            printf("%-26.3f", both[i]->value);
        else
            printf("%.3f [%.3f, %.3f]%6s", both[i]->value, both[i]->low, both[i]->high, "");
    }
    printf("\n");
}

static void print_number(const char *name, double fit, double test, int has_test)
{
    printf("%-24s%-26.3f", name, fit);
    if (has_test) printf("%-26.3f", test);
    printf("\n");
}

static void print_table(const od_threshold_study *s, od_level level)
{
    const od_operating_point *fit = &s->choice.at, *test = s->has_test ? &s->test : NULL;
    printf("\n%-24s%-26s%s\n", "", "fitted on", !test ? "" : s->held_out ? "held out" : "test, NOT held out");
    print_share("precision", &fit->precision, test ? &test->precision : NULL);
    print_share("recall (sensitivity)", &fit->recall, test ? &test->recall : NULL);
    print_share("F1", &fit->f1, test ? &test->f1 : NULL);
    if (level == OD_LEVEL_IMAGE)
        print_share("specificity", &fit->specificity, test ? &test->specificity : NULL);
    else
        print_number("false ones an image", fit->false_per_image, test ? test->false_per_image : 0, s->has_test);
    print_number("cost an image", fit->cost, test ? test->cost : 0, s->has_test);
    print_number("D-ECE, scores as are", s->fit_raw.boxes.ece, s->test_raw.boxes.ece, s->has_test);
    if (s->calibrator) print_number("D-ECE, calibrated", s->fit_calibrated.boxes.ece, s->test_calibrated.boxes.ece, s->has_test);
    printf("\n");
}

static void print_share_short(const od_interval *v)
{
    if (isnan(v->value))
        printf("%8s", "-");
    else
        printf("%8.3f", v->value);
}

/* Each class's own threshold, and what it gives on the set that the last column names. */
static void print_classes(const od_threshold_study *s)
{
    if (!s->classes) return;
    printf("\n%-24s%10s  %-18s%10s%8s%8s\n", "class's own threshold", "", "95 % interval", "precision", "recall", "F1");
    for (int64_t k = 0; k < s->num_classes; k++) {
        const od_class_threshold *c = &s->classes[k];
        if (!c->chosen) {
            printf("%-24s%10s  %s\n", c->name, "-", c->why_not);
            continue;
        }
        const od_operating_point *at = c->has_test ? &c->test : &c->choice.at;
        char interval[40] = "-";
        if (!isnan(c->choice.interval.low)) snprintf(interval, sizeof interval, "[%.3g, %.3g]", c->choice.interval.low, c->choice.interval.high);
        printf("%-24s%10.4g  %-18s  ", c->name, c->choice.threshold, interval);
        print_share_short(&at->precision);
        print_share_short(&at->recall);
        print_share_short(&at->f1);
        printf("  %s\n", c->has_test ? s->held_out ? "held out" : "test, NOT held out" : "fitted on");
    }
}

static int print_study(const od_threshold_study *s, const od_coco_eval *test, const settings *o)
{
    char *words = od_threshold_study_explain(s, test, o->fit_gt, o->gt ? o->gt : "");
    char *calibrator = s->calibrator ? od_calibrator_describe(s->calibrator) : NULL;
    printf("Threshold: %s\n", s->choice.reason);
    if (calibrator) printf("Calibrator: %s\n", calibrator);
    print_table(s, o->study.level);
    print_classes(s);
    if (words) printf("%s", words);
    int code = words && (calibrator || !s->calibrator) ? 0 : 1;
    free(words);
    free(calibrator);
    return code;
}

static od_status save(const od_threshold_study *s, const od_coco_eval *fit, const settings *o, od_error *err)
{
    od_operating_file *f = NULL;
    od_status status = od_operating_file_create(&f, fit, o->fit_gt, o->fit_dt, &s->choice, &o->study.operating, s->calibrator, err);
    for (int64_t k = 0; k < s->num_classes && status == OD_OK; k++)
        if (s->classes[k].chosen) status = od_operating_file_set_class(f, s->classes[k].name, s->classes[k].choice.threshold, err);
    if (status == OD_OK) status = od_predict_save_operating_point(o->save_to, f, err);
    od_operating_file_free(f);
    if (status == OD_OK) printf("Saved to %s/%s; objdet predict uses it unless --min_score_thresh is given.\n", o->save_to, OD_OPERATING_FILE);
    return status;
}

/* Returns an exit code. */
static int study(settings *s, const od_coco_eval *fit, const od_coco_eval *test)
{
    od_error err = {0};
    od_threshold_study *result = NULL;
    int code = find_class(s, fit);
    if (code >= 0) return code;
    od_status status = od_threshold_study_run(&result, fit, test, &s->study, &err);
    if (status == OD_OK) {
        code = print_study(result, test, s);
        if (s->json) status = od_threshold_study_write_json(result, s->json, &err);
        if (status == OD_OK && s->save_to) status = save(result, fit, s, &err);
    }
    od_threshold_study_free(result);
    return status == OD_OK ? code : cli_fail(&err);
}

int od_cmd_threshold(int argc, char **argv)
{
    settings s = {.level = "box", .calibrator = "auto", .image_ids = "auto", .cost_fp = NAN, .cost_fn = NAN, .min_sensitivity = NAN,
                  .max_fp_per_image = NAN, .load = od_coco_load_options_default(), .study = od_threshold_study_options_default()};
    int code = parse(argc, argv, &s);
    if (code >= 0) return code;
    od_error err = {0};
    od_coco_eval *fit = NULL, *test = NULL;
    od_status status = load(&fit, s.fit_gt, s.fit_dt, &s, &err);
    if (status == OD_OK && s.gt) status = load(&test, s.gt, s.dt, &s, &err);
    code = status == OD_OK ? study(&s, fit, test) : cli_fail(&err);
    od_coco_eval_free(fit);
    od_coco_eval_free(test);
    return code;
}
