/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet coco-eval: pycocotools' table for any detector's results.
 */
#include "commands.h"
#include "flags.h"
#include "objdet/detection_errors.h"
#include "objdet/image_level.h"
#include "objdet/localisation.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *gt, *dt, *iou_type, *json, *image_ids, *details, *failures;
    int64_t threads, resamples, seed;
    double level, threshold;
    bool match_zero_id, per_class, image_level, explain;
    od_coco_load_options load;
} settings;

static int parse(int argc, char **argv, settings *s)
{
    const cli_flag flags[] = {
        {"gt", CLI_STRING, &s->gt, "ground truth: a COCO annotation file"},
        {"dt", CLI_STRING, &s->dt, "detections: COCO results (image_id, category_id, bbox, score)"},
        {"iou_type", CLI_STRING, &s->iou_type, "bbox (the default): boxes overlap; segm: masks do"},
        {"json", CLI_STRING, &s->json, "also write the numbers, per class and counts to this file"},
        {"per_class", CLI_BOOL, &s->per_class, "also print a line for each class"},
        {"details", CLI_STRING, &s->details, "write FROC, JAFROC, LRP, TIDE, operating curves, calibration to this JSON file"},
        {"failures", CLI_STRING, &s->failures, "write what was missed, invented, mislocated, ... to this JSON file, worst first"},
        {"explain", CLI_BOOL, &s->explain, "say what each number means (the default; --noexplain)"},
        {"resamples", CLI_INT, &s->resamples, "for the intervals; 0: none; default 1000, or 0 above 100,000 detections"},
        {"level", CLI_DOUBLE, &s->level, "of the intervals, default 0.95"},
        {"seed", CLI_INT, &s->seed, "of the resamples, default 0"},
        {"group_by", CLI_STRING, &s->load.group_by, "field of the image entries that names the patient: intervals over patients"},
        {"group_regex", CLI_STRING, &s->load.group_regex, "the same from the file name: the regex's first group"},
        {"image_level", CLI_BOOL, &s->image_level, "also accuracy, sensitivity, specificity, AUC ... of whole images"},
        {"threshold", CLI_DOUBLE, &s->threshold, "lowest score of --failures, and from which an image is said to have a class (.5)"},
        {"image_ids", CLI_STRING, &s->image_ids, "what a detection's image_id is: id, name (of the file), or auto"},
        {"category_offset", CLI_INT, &s->load.category_offset, "added to the detections' category_id"},
        {"match_zero_id", CLI_BOOL, &s->match_zero_id, "take annotation id 0 as any other (pycocotools doesn't)"},
        {"num_threads", CLI_INT, &s->threads, "threads; 0: one a core"},
        {0}};
    const cli_usage usage = {
        "coco-eval --gt=GT.json --dt=DT.json [FLAGS]",
        "Prints COCO's twelve numbers, equal to pycocotools', with their intervals, and says what each means and why one is -1.",
        "  objdet coco-eval --gt=instances_val2017.json --dt=detections.json --json=out.json\n"
        "  objdet coco-eval --gt=instances_val2017.json --dt=masks.json --iou_type=segm\n"
        "  objdet coco-eval --gt=test.json --dt=detections.json --image_level --group_by=patient\n"
        "  objdet coco-eval --gt=_annotations.coco.json --dt=predictions.json --category_offset=1\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    if (code >= 0) return code;
    if (!s->gt || !s->dt) {
        fprintf(stderr, "objdet coco-eval: error: --gt and --dt are needed; see objdet coco-eval --help\n");
        return 2;
    }
    int segm = !strcmp(s->iou_type, "segm");
    if (!segm && strcmp(s->iou_type, "bbox")) {
        fprintf(stderr, "objdet coco-eval: error: --iou_type=%s: expected bbox or segm\n", s->iou_type);
        return 2;
    }
    if (segm && (s->details || s->failures)) {
        fprintf(stderr, "objdet coco-eval: error: --%s explains boxes; leave it out with --iou_type=segm\n", s->details ? "details" : "failures");
        return 2;
    }
    s->load.iou_type = segm ? OD_COCO_SEGM : OD_COCO_BBOX;
    static const char *const kinds[] = {"auto", "id", "name"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(s->image_ids, kinds[i])) {
            s->load.image_ids = (od_coco_image_ids)i;
            s->load.match_zero_id = s->match_zero_id;
            s->load.num_threads = (int)s->threads;
            return -1;
        }
    fprintf(stderr, "objdet coco-eval: error: --image_ids=%s: expected auto, id or name\n", s->image_ids);
    return 2;
}

static void print_counts(const od_coco_eval *e)
{
    od_coco_counts c;
    od_coco_eval_counts(e, &c);
    printf("%" PRId64 " images (%" PRId64 " without boxes), %" PRId64 " boxes: %" PRId64 " small, %" PRId64
           " medium, %" PRId64 " large",
           c.images, c.images_without_truth, c.truths[0], c.truths[1], c.truths[2], c.truths[3]);
    if (c.crowds) printf(", and %" PRId64 " crowds", c.crowds);
    printf("; %" PRId64 " detections", c.detections);
    if (c.detections_beyond_limit)
        printf(" (%" PRId64 " beyond the first 100 of their image and class, not used)", c.detections_beyond_limit);
    printf("\n");
    if (c.classes_without_truth && c.truths[0])
        printf("%" PRId64 " of %" PRId64 " classes have no boxes here; the means leave them out\n", c.classes_without_truth,
               c.classes);
}

static void print_classes(const od_coco_eval *e)
{
    printf("%-24s %8s %8s %8s %8s %8s %8s\n", "class", "boxes", "AP", "AP50", "AP75", "AR10", "AR100");
    for (int64_t k = 0; k < od_coco_eval_num_classes(e); k++) {
        od_coco_counts c;
        const double *s = od_coco_eval_class_stats(e, k);
        od_coco_eval_class_counts(e, k, &c);
        printf("%-24s %8" PRId64 " %8.3f %8.3f %8.3f %8.3f %8.3f\n", od_coco_eval_class_name(e, k), c.truths[0],
               s[OD_COCO_AP], s[OD_COCO_AP50], s[OD_COCO_AP75], s[OD_COCO_AR10], s[OD_COCO_AR100]);
    }
}

static int print_results(const od_coco_eval *e, const settings *s)
{
    char *table = od_coco_stats_table(od_coco_eval_stats(e)), *absent = od_coco_eval_explain_absent(e);
    if (table && absent) {
        printf("%s%s", table, absent);
        print_counts(e);
        if (s->per_class) print_classes(e);
    }
    int code = table && absent ? 0 : 1;
    free(table);
    free(absent);
    return code;
}

static od_status write_failures(const od_coco_eval *e, const settings *s, od_error *err)
{
    od_failures *f = NULL;
    od_status status = od_failures_find(&f, e, s->threshold, NULL, err);
    if (status == OD_OK) status = od_failures_write_json(f, e, -1, s->failures, err);
    od_failures_free(f);
    return status;
}

static od_status write_details(const od_coco_eval *e, const settings *s, od_error *err)
{
    od_localisation_options o = od_localisation_options_default();
    o.score_threshold = s->threshold;
    o.num_resamples = s->resamples >= 0 ? s->resamples : 1000;
    o.num_threads = (int)s->threads;
    return od_coco_eval_write_details(e, &o, s->details, err);
}

typedef struct results {
    od_coco_eval *e;
    od_bootstrap *b;
    od_image_level *l;
} results;

static void print_interval(const od_interval *i)
{
    if (isnan(i->value))
        printf("     -1                 ");
    else if (isnan(i->low))
        printf("%7.3f                 ", i->value);
    else
        printf("%7.3f [%.3f, %.3f]  ", i->value, i->low, i->high);
}

/* A line for each number: value, interval, what it says. */
static void print_explained(const results *r)
{
    const double *stats = od_coco_eval_stats(r->e);
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) {
        od_coco_stat stat = (od_coco_stat)i;
        od_interval plain = {.value = stats[i] > -1 ? stats[i] : NAN, .low = NAN, .high = NAN};
        od_interval interval = r->b ? od_bootstrap_stat(r->b, stat) : plain;
        printf("%-10s", od_coco_stat_name(stat));
        print_interval(&interval);
        printf("%s\n", od_coco_stat_explain(stat));
    }
}

static void print_class_intervals(const results *r)
{
    static const od_coco_stat shown[] = {OD_COCO_AP, OD_COCO_AP50, OD_COCO_AP75, OD_COCO_AR100};
    printf("%-24s  %-24s%-24s%-24s%-24s\n", "class", "AP", "AP50", "AP75", "AR100");
    for (int64_t k = 0; k < od_coco_eval_num_classes(r->e); k++) {
        printf("%-24s ", od_coco_eval_class_name(r->e, k));
        for (int i = 0; i < 4; i++) {
            od_interval interval = od_bootstrap_class_stat(r->b, k, shown[i]);
            print_interval(&interval);
        }
        printf("\n");
    }
}

static int print_text(char *text)
{
    if (text && text[0]) printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
    free(text);
    return text != NULL;
}

static int print_all(const results *r, const settings *s)
{
    int code = print_results(r->e, s);
    if (s->explain || r->b) {
        printf("\n");
        if (s->explain) print_explained(r);
        if (r->b && s->per_class) print_class_intervals(r);
        if (r->b && !print_text(od_bootstrap_text(r->b))) code = 1;
    }
    if (r->l) {
        printf("\nWhole images\n");
        if (!print_text(od_image_level_explain(r->l, NULL, 0)) || !print_text(od_image_level_table(r->l))) code = 1;
    }
    return code;
}

static od_status evaluate(results *r, const settings *s, od_error *err)
{
    od_coco_counts counts;
    od_status status = od_coco_eval_load_truth(r->e, s->gt, &s->load, err);
    if (status == OD_OK) status = od_coco_eval_load_detections(r->e, s->dt, &s->load, err);
    if (status == OD_OK) status = od_coco_eval_run(r->e, (int)s->threads, err);
    if (status != OD_OK) return status;
    od_coco_eval_counts(r->e, &counts);
    int64_t resamples = s->resamples >= 0 ? s->resamples : counts.detections <= 100000 ? 1000 : 0;
    od_bootstrap_options bootstrap = od_bootstrap_options_default();
    bootstrap.num_resamples = resamples;
    bootstrap.level = s->level;
    bootstrap.seed = (uint64_t)s->seed;
    bootstrap.num_threads = (int)s->threads;
    if (resamples) status = od_bootstrap_run(&r->b, r->e, &bootstrap, err);
    od_image_options images = od_image_options_default();
    images.threshold = s->threshold;
    images.level = s->level;
    images.num_resamples = resamples ? resamples : images.num_resamples;
    images.seed = (uint64_t)s->seed;
    images.num_threads = (int)s->threads;
    if (status == OD_OK && s->image_level) status = od_image_level_run(&r->l, r->e, &images, err);
    if (status == OD_OK && s->details) status = write_details(r->e, s, err);
    if (status == OD_OK && s->failures) status = write_failures(r->e, s, err);
    if (status == OD_OK && s->json) status = od_eval_write_json(r->e, r->b, r->l, s->json, err);
    return status;
}

int od_cmd_coco_eval(int argc, char **argv)
{
    settings s = {.iou_type = "bbox", .image_ids = "auto", .load = od_coco_load_options_default(), .resamples = -1,
                  .level = .95, .threshold = .5, .explain = true};
    int code = parse(argc, argv, &s);
    if (code >= 0) return code;
    od_error err = {0};
    results r = {0};
    od_status status = od_coco_eval_create(&r.e, &err);
    if (status == OD_OK) status = evaluate(&r, &s, &err);
    code = status == OD_OK ? print_all(&r, &s) : cli_fail(&err);
    od_image_level_free(r.l);
    od_bootstrap_free(r.b);
    od_coco_eval_free(r.e);
    return code;
}
