/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet coco-eval: pycocotools' table for any detector's results.
 */
#include "commands.h"
#include "flags.h"
#include "objdet/detection_errors.h"
#include "objdet/eval.h"
#include "objdet/localisation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *gt, *dt, *iou_type, *json, *image_ids, *details, *failures;
    double threshold;
    int64_t resamples;
    int64_t threads;
    bool match_zero_id, per_class;
    od_coco_load_options load;
} settings;

static int parse(int argc, char **argv, settings *s)
{
    const cli_flag flags[] = {
        {"gt", CLI_STRING, &s->gt, "ground truth: a COCO annotation file"},
        {"dt", CLI_STRING, &s->dt, "detections: COCO results (image_id, category_id, bbox, score)"},
        {"iou_type", CLI_STRING, &s->iou_type, "bbox (the default)"},
        {"json", CLI_STRING, &s->json, "also write the numbers, per class and counts to this file"},
        {"per_class", CLI_BOOL, &s->per_class, "also print a line for each class"},
        {"details", CLI_STRING, &s->details, "write FROC, JAFROC, LRP, TIDE, operating curves, calibration to this JSON file"},
        {"failures", CLI_STRING, &s->failures, "write what was missed, invented, mislocated, ... to this JSON file, worst first"},
        {"threshold", CLI_DOUBLE, &s->threshold, "lowest score of the failures, and of false detections per image (.5)"},
        {"resamples", CLI_INT, &s->resamples, "bootstrap resamples of the intervals in --details (1000; 0: none)"},
        {"image_ids", CLI_STRING, &s->image_ids, "what a detection's image_id is: id, name (of the file), or auto"},
        {"category_offset", CLI_INT, &s->load.category_offset, "added to the detections' category_id"},
        {"match_zero_id", CLI_BOOL, &s->match_zero_id, "take annotation id 0 as any other (pycocotools doesn't)"},
        {"num_threads", CLI_INT, &s->threads, "threads; 0: one a core"},
        {0}};
    const cli_usage usage = {
        "coco-eval --gt=GT.json --dt=DT.json [FLAGS]",
        "Prints COCO's twelve numbers, equal to pycocotools', and says why a number is -1.",
        "  objdet coco-eval --gt=instances_val2017.json --dt=detections.json --json=out.json\n"
        "  objdet coco-eval --gt=_annotations.coco.json --dt=predictions.json --category_offset=1\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    if (code >= 0) return code;
    if (!s->gt || !s->dt) {
        fprintf(stderr, "objdet coco-eval: error: --gt and --dt are needed; see objdet coco-eval --help\n");
        return 2;
    }
    if (strcmp(s->iou_type, "bbox")) {
        fprintf(stderr, "objdet coco-eval: error: --iou_type=%s is not supported yet; only bbox is\n", s->iou_type);
        return 2;
    }
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
    o.num_resamples = s->resamples;
    o.num_threads = (int)s->threads;
    return od_coco_eval_write_details(e, &o, s->details, err);
}

static od_status evaluate(od_coco_eval *e, const settings *s, od_error *err)
{
    od_status status = od_coco_eval_load_truth(e, s->gt, &s->load, err);
    if (status == OD_OK) status = od_coco_eval_load_detections(e, s->dt, &s->load, err);
    if (status == OD_OK) status = od_coco_eval_run(e, (int)s->threads, err);
    if (status == OD_OK && s->json) status = od_coco_eval_write_json(e, s->json, err);
    if (status == OD_OK && s->details) status = write_details(e, s, err);
    if (status == OD_OK && s->failures) status = write_failures(e, s, err);
    return status;
}

int od_cmd_coco_eval(int argc, char **argv)
{
    settings s = {.iou_type = "bbox", .image_ids = "auto", .threshold = .5, .resamples = 1000, .load = od_coco_load_options_default()};
    int code = parse(argc, argv, &s);
    if (code >= 0) return code;
    od_error err = {0};
    od_coco_eval *e = NULL;
    od_status status = od_coco_eval_create(&e, &err);
    if (status == OD_OK) status = evaluate(e, &s, &err);
    code = status == OD_OK ? print_results(e, &s) : cli_fail(&err);
    od_coco_eval_free(e);
    return code;
}
