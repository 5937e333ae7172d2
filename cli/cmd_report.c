/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet report: one page that answers twelve questions about a detector, from detections or from a training.
 */
#include "commands.h"
#include "flags.h"
#include "objdet/report.h"

#include <stdio.h>
#include <string.h>

static const cli_usage usage = {
    "report --gt=GT.json --dt=DETECTIONS.json --output=report.html",
    "One self-contained HTML file about a detector: twelve questions answered with your own numbers, COCO's numbers with\n"
    "intervals, what is found and invented, thresholds and calibration, a gallery of failures, training curves, data checks.\n"
    "Takes any tool's COCO results, or a training's folder (ours or the OD API's). What your files can't tell is said, with\n"
    "the command that would tell it.",
    "  objdet report --gt=test.json --dt=detections.json --images=photos --output=report.html\n"
    "  objdet report --gt=test.json --dt=detections.json --val_gt=val.json --val_dt=val_detections.json --train_gt=train.json \\\n"
    "      --images=photos --group_by=patient --output=report.html --json=report.json\n"
    "  objdet report --model_dir=runs/1 --output=report.html\n"};

static int parse_image_ids(const char *text, od_coco_image_ids *out)
{
    static const char *const names[] = {"auto", "id", "name"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, names[i])) {
            *out = (od_coco_image_ids)i;
            return 0;
        }
    fprintf(stderr, "objdet report: error: --image_ids=%s: expected auto, id or name\n", text);
    return 2;
}

int od_cmd_report(int argc, char **argv)
{
    od_report_options o = od_report_options_default();
    const char *image_ids = "auto";
    int64_t threads = 0, seed = 0;
    bool match_zero_id = false, check_images = true;
    const cli_flag flags[] = {
        {"gt", CLI_STRING, &o.gt, "ground truth, a COCO file"},
        {"dt", CLI_STRING, &o.dt, "detections, COCO results of any tool"},
        {"model_dir", CLI_STRING, &o.model_dir, "folder of a training: its curves, checkpoints, config, last evaluation"},
        {"val_gt", CLI_STRING, &o.val_gt, "validation set: threshold and calibration are fitted on it"},
        {"val_dt", CLI_STRING, &o.val_dt, "detections on the validation set"},
        {"train_gt", CLI_STRING, &o.train_gt, "training set (COCO, TFRecord, VOC, CSV), for counts and leaks; default: the config's"},
        {"images", CLI_STRING, &o.image_dir, "where the pictures lie; default: beside the ground truth"},
        {"group_by", CLI_STRING, &o.load.group_by, "field of the images that names the patient or other group"},
        {"group_regex", CLI_STRING, &o.load.group_regex, "regular expression on file names; its first parenthesis names the group"},
        {"output", CLI_STRING, &o.output, "the page to write (.html)"},
        {"json", CLI_STRING, &o.json, "the same as JSON"},
        {"title", CLI_STRING, &o.title, "heading of the page"},
        {"threshold", CLI_DOUBLE, &o.threshold, "score from which a detection counts; default: saved, or chosen on validation"},
        {"cost_fp", CLI_DOUBLE, &o.cost_fp, "what a false detection costs (1)"},
        {"cost_fn", CLI_DOUBLE, &o.cost_fn, "what a missed object costs (1)"},
        {"resamples", CLI_INT, &o.num_resamples, "of the bootstrap (1000)"},
        {"seed", CLI_INT, &seed, "of the bootstrap (0)"},
        {"gallery", CLI_INT, &o.gallery, "most failures with pictures (200); 0: none"},
        {"max_size_mb", CLI_DOUBLE, &o.max_size_mb, "size of the page (5): pictures beyond are left out"},
        {"check_images", CLI_BOOL, &check_images, "look for duplicate pictures between the sets (on)"},
        {"image_ids", CLI_STRING, &image_ids, "what detections' image_id are: auto, id, name"},
        {"category_offset", CLI_INT, &o.load.category_offset, "added to detections' category_id (1 for results that count from 0)"},
        {"match_zero_id", CLI_BOOL, &match_zero_id, "count annotation id 0 properly, unlike pycocotools"},
        {"threads", CLI_INT, &threads, "0: one a processor"},
        {0}};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    if (code >= 0) return code;
    if ((code = parse_image_ids(image_ids, &o.load.image_ids))) return code;
    o.load.match_zero_id = match_zero_id;
    o.load.num_threads = o.num_threads = (int)threads;
    o.check_images = check_images;
    o.seed = (uint64_t)seed;
    od_error err = {0};
    if (od_report_write(&o, &err) != OD_OK) return cli_fail(&err);
    if (o.output) printf("wrote %s\n", o.output);
    if (o.json) printf("wrote %s\n", o.json);
    return 0;
}
