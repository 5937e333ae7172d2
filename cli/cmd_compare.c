/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet compare: do two detectors differ beyond what chance does?
 */
#include "commands.h"
#include "flags.h"
#include "objdet/image_level.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *gt, *json, *image_ids, *paths[2];
    int64_t threads, resamples, seed;
    double level, threshold;
    od_coco_load_options load;
} settings;

/* Both detectors, and what their comparison gave. */
typedef struct pair {
    od_coco_eval *e[2];
    od_image_level *l[2];
    od_compare *c;
    od_image_comparison images;
} pair;

static int parse(int argc, char **argv, settings *s)
{
    const cli_flag flags[] = {
        {"gt", CLI_STRING, &s->gt, "ground truth: a COCO annotation file"},
        {"json", CLI_STRING, &s->json, "also write the differences to this file"},
        {"resamples", CLI_INT, &s->resamples, "of the images, default 1000"},
        {"level", CLI_DOUBLE, &s->level, "of the intervals, default 0.95"},
        {"seed", CLI_INT, &s->seed, "of the resamples, default 0"},
        {"group_by", CLI_STRING, &s->load.group_by, "field of the image entries that names the patient: resamples patients"},
        {"group_regex", CLI_STRING, &s->load.group_regex, "the same from the file name: the regex's first group"},
        {"threshold", CLI_DOUBLE, &s->threshold, "score from which an image is said to have a class, default 0.5"},
        {"image_ids", CLI_STRING, &s->image_ids, "what a detection's image_id is: id, name (of the file), or auto"},
        {"category_offset", CLI_INT, &s->load.category_offset, "added to the detections' category_id"},
        {"num_threads", CLI_INT, &s->threads, "threads; 0: one a core"},
        {NULL, CLI_STRING, NULL, NULL},
    };
    const cli_usage usage = {
        "compare --gt=GT.json A.json B.json [FLAGS]",
        "Two detectors (or two checkpoints) on the same images: the difference of COCO's numbers and of image-level figures, B - A,\n"
        "with its interval from resampling the images for both alike. Says which differences are more than chance.",
        "  objdet compare --gt=test.json run1/detections.json run2/detections.json\n"
        "  objdet compare --gt=test.json --group_by=patient step3000.json step5000.json --json=difference.json\n"};
    int count = 0, code = cli_flags_parse(argc, argv, flags, &usage, &count);
    if (code >= 0) return code;
    if (!s->gt || count != 2) {
        fprintf(stderr, "objdet compare: error: expected --gt=GT.json and two files of detections; see objdet compare --help\n");
        return 2;
    }
    s->paths[0] = argv[1];
    s->paths[1] = argv[2];
    static const char *const kinds[] = {"auto", "id", "name"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(s->image_ids, kinds[i])) {
            s->load.image_ids = (od_coco_image_ids)i;
            s->load.num_threads = (int)s->threads;
            return -1;
        }
    fprintf(stderr, "objdet compare: error: --image_ids=%s: expected auto, id or name\n", s->image_ids);
    return 2;
}

static od_status evaluate(pair *p, int i, const settings *s, od_error *err)
{
    od_image_options options = od_image_options_default();
    options.threshold = s->threshold;
    options.level = s->level;
    options.num_resamples = s->resamples;
    options.seed = (uint64_t)s->seed;
    options.num_threads = (int)s->threads;
    od_status status = od_coco_eval_create(&p->e[i], err);
    if (status == OD_OK) status = od_coco_eval_load_truth(p->e[i], s->gt, &s->load, err);
    if (status == OD_OK) status = od_coco_eval_load_detections(p->e[i], s->paths[i], &s->load, err);
    if (status == OD_OK) status = od_coco_eval_run(p->e[i], (int)s->threads, err);
    if (status == OD_OK) status = od_image_level_run(&p->l[i], p->e[i], &options, err);
    return status;
}

static od_status compare(pair *p, const settings *s, od_error *err)
{
    od_bootstrap_options options = od_bootstrap_options_default();
    options.num_resamples = s->resamples;
    options.level = s->level;
    options.seed = (uint64_t)s->seed;
    options.num_threads = (int)s->threads;
    od_status status = OD_OK;
    for (int i = 0; i < 2 && status == OD_OK; i++) status = evaluate(p, i, s, err);
    if (status == OD_OK) status = od_compare_run(&p->c, p->e[0], p->e[1], &options, err);
    if (status == OD_OK) status = od_image_level_compare(&p->images, p->l[0], p->l[1], err);
    if (status == OD_OK && s->json) status = od_compare_write_json(p->c, p->e[0], &p->images, s->json, err);
    return status;
}

static void print_line(const char *name, const char *figure, double a, double b, const od_interval *d)
{
    printf("%-20.20s %-12s ", name, figure);
    if (isnan(a) || isnan(b)) {
        printf("%29s %s\n", "", d->why_not ? d->why_not : "not defined");
        return;
    }
    printf("%7.3f %7.3f  %+7.3f ", a, b, d->value);
    if (!isnan(d->low)) printf("[%+.3f, %+.3f] ", d->low, d->high);
}

/* "B is better", and which. */
static const char *verdict(int distinct, double difference)
{
    return !distinct ? "cannot be told apart" : difference > 0 ? "B is better" : "A is better";
}

static void print_difference(const char *name, od_coco_stat stat, const od_difference *d)
{
    print_line(name, od_coco_stat_name(stat), d->a, d->b, &d->difference);
    if (isnan(d->a) || isnan(d->b)) return;
    if (d->difference.why_not && d->a == d->b)
        printf("equal\n");
    else if (d->difference.why_not)
        printf("no interval: %s\n", d->difference.why_not);
    else
        printf("%s\n", verdict(d->distinct, d->difference.value));
}

static void print_images(const od_image_comparison *c)
{
    for (int64_t i = 0; i < c->count; i++) {
        const od_image_difference *d = &c->items[i];
        print_line(d->name, d->figure, d->a, d->b, &d->difference);
        if (isnan(d->a) || isnan(d->b)) continue;
        printf("%s", verdict(d->distinct, d->difference.value));
        if (strcmp(d->figure, "ROC-AUC")) printf("; only A right %" PRId64 ", only B %" PRId64, d->only_a, d->only_b);
        if (!isnan(d->p)) printf("; p = %.3g (%s)", d->p, d->test);
        printf("\n");
    }
}

static void print_summary(const pair *p)
{
    od_difference ap = od_compare_stat(p->c, OD_COCO_AP);
    od_bootstrap_info info = od_compare_describe(p->c);
    if (isnan(ap.a))
        printf("\nThere are no boxes to find: mAP says nothing here.\n");
    else if (ap.distinct)
        printf("\nmAP: %s, by %.3f (%g %% interval %.3f to %.3f).\n", verdict(1, ap.difference.value), fabs(ap.difference.value),
               100 * info.level, ap.difference.low, ap.difference.high);
    else
        printf("\nmAP: A and B cannot be told apart on these %" PRId64 " %s.\n", info.units, info.grouped ? "groups" : "images");
    printf("Each line is judged by itself: of 20 lines without any difference one will look like one.\n");
    char *warning = od_compare_warning(p->c);
    if (warning && warning[0]) printf("%s\n", warning);
    free(warning);
}

static void print(const pair *p, const settings *s)
{
    static const od_coco_stat shown[] = {OD_COCO_AP, OD_COCO_AP50, OD_COCO_AP75, OD_COCO_AR100};
    printf("A: %s\nB: %s\n\n%-20s %-12s %7s %7s  %7s\n", s->paths[0], s->paths[1], "", "", "A", "B", "B - A");
    for (int i = 0; i < 4; i++) {
        od_difference d = od_compare_stat(p->c, shown[i]);
        print_difference("all classes", shown[i], &d);
    }
    for (int64_t k = 0; k < od_coco_eval_num_classes(p->e[0]); k++)
        for (int i = 0; i < 3; i++) {
            od_difference d = od_compare_class_stat(p->c, k, shown[i]);
            print_difference(od_coco_eval_class_name(p->e[0], k), shown[i], &d);
        }
    printf("\nWhole images (score of at least %g)\n", s->threshold);
    print_images(&p->images);
    print_summary(p);
}

int od_cmd_compare(int argc, char **argv)
{
    settings s = {.image_ids = "auto", .load = od_coco_load_options_default(), .resamples = 1000, .level = .95, .threshold = .5};
    int code = parse(argc, argv, &s);
    if (code >= 0) return code;
    od_error err = {0};
    pair p = {0};
    if (compare(&p, &s, &err) == OD_OK)
        print(&p, &s);
    else
        code = cli_fail(&err);
    od_image_comparison_deinit(&p.images);
    od_compare_free(p.c);
    for (int i = 0; i < 2; i++) {
        od_image_level_free(p.l[i]);
        od_coco_eval_free(p.e[i]);
    }
    return code >= 0 ? code : 0;
}
