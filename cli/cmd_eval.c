/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet eval
 */
#include "commands.h"
#include "flags.h"
#include "objdet/robustness.h"
#include "objdet/train.h"
#include "progress.h"
#include "stop.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static void print_curve(const od_eval_curve *c)
{
    printf("%10s  %-12s %7s  %-18s %7s %10s  %s\n", "step", "checkpoint", "mAP", "95 % interval", "mAP@.50", "total loss", "against the best");
    for (int i = 0; i < c->count; i++) {
        const od_eval_point *p = &c->points[i];
        char band[40] = "-";
        if (isfinite(p->map_low)) snprintf(band, sizeof band, "[%.4f, %.4f]", p->map_low, p->map_high);
        printf("%10lld  %-12s %7.4f  %-18s %7.4f %10.4f  ", (long long)p->step, p->checkpoint, p->stats[0], band, p->stats[1], p->total_loss);
        if (i == c->best)
            printf("best\n");
        else if (isfinite(p->to_best_low))
            printf("%+.4f [%+.4f, %+.4f] %s\n", p->to_best, p->to_best_low, p->to_best_high, p->distinct ? "worse" : "cannot be told apart");
        else
            printf("-\n");
    }
}

static int run_all(const od_eval_options *o, cli_progress *progress)
{
    od_error err = {0};
    od_eval_curve curve;
    od_status status = od_eval_all(o, &curve, &err);
    cli_progress_free(progress);
    if (status != OD_OK) return cli_fail(&err);
    print_curve(&curve);
    od_eval_curve_free(&curve);
    return 0;
}

static int run_robustness(const od_eval_options *o, const od_robustness_options *which, cli_progress *progress)
{
    od_error err = {0};
    od_robustness r;
    od_status status = od_robustness_run(o, which, &r, &err);
    cli_progress_free(progress);
    if (status != OD_OK) return cli_fail(&err);
    fputs(r.text, stdout);
    od_robustness_free(&r);
    return 0;
}

int od_cmd_eval(int argc, char **argv)
{
    od_eval_options o = od_eval_options_default();
    int64_t threads = 0;
    bool all = false, robustness = false;
    int64_t levels = 3;
    od_robustness_options which = {0};
    const cli_flag flags[] = {
        {"pipeline_config_path", CLI_STRING, &o.pipeline_config_path, "the pipeline.config (the model_dir's own)"},
        {"model_dir", CLI_STRING, &o.model_dir, "where the checkpoints are, and eval/ is written"},
        {"checkpoint", CLI_STRING, &o.checkpoint, "one checkpoint, e.g. D/ckpt-3 (the newest)"},
        {"checkpoint_dir", CLI_STRING, &o.checkpoint_dir, "where the newest checkpoint is looked for (model_dir)"},
        {"eval_input_path", CLI_STRING, &o.eval_input_path, "data: TFRecord, COCO JSON, VOC folder, CSV (the config's eval_input_reader)"},
        {"label_map_path", CLI_STRING, &o.label_map_path, "label map (the config's)"},
        {"image_dir", CLI_STRING, &o.image_dir, "where the images of COCO, VOC and CSV data lie"},
        {"sample_1_of_n_eval_examples", CLI_INT, &o.sample_1_of_n, "only every n-th example (1)"},
        {"all_checkpoints", CLI_BOOL, &all, "every checkpoint in the folder, the OD API's as well: a curve, and which differ from the best"},
        {"robustness", CLI_BOOL, &robustness, "scores flipped, turned, shrunk, dark, noisy, blurred, compressed pictures, too"},
        {"robustness_levels", CLI_INT, &levels, "of each change, from the mildest: 1 to 3 (3)"},
        {"robustness_changes", CLI_STRING, &which.kinds, "only these, e.g. flip_horizontal,blur (all)"},
        {"num_threads", CLI_INT, &threads, "threads (all processors)"},
        {0}};
    const cli_usage usage = {
        "eval --model_dir=D [FLAGS]",
        "Evaluates a checkpoint once: COCO's 12 numbers, per class, and the losses. Writes D/eval/metrics.json, detections.json and\n"
        "groundtruth.json (COCO formats) and TensorBoard's event files; with --eval_input_path to D/on_NAME (on_test for test.record). --robustness scores a checkpoint on changed pictures as well, each change\n"
        "held against the unchanged ones by paired intervals, and writes D/eval/robustness.json, which objdet report shows.",
        "  objdet eval --model_dir=runs/1\n"
        "  objdet eval --model_dir=runs/1 --all_checkpoints\n"
        "  objdet eval --model_dir=runs/1 --robustness\n"
        "  objdet eval --model_dir=runs/1 --checkpoint=runs/1/ckpt-3 --eval_input_path=test.record\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    if (code >= 0) return code;
    cli_progress *progress = cli_progress_create(NULL);
    o.num_threads = (int)threads;
    o.stop = cli_stop_flag();
    o.progress = cli_progress_show;
    o.progress_user = progress;
    which.levels = (int)levels;
    if (robustness && (levels < 1 || levels > 3 || all)) {
        cli_progress_free(progress);
        fprintf(stderr, "objdet eval: %s\n", all ? "--robustness takes one checkpoint, not --all_checkpoints" : "--robustness_levels: expected 1 to 3");
        return 2;
    }
    if (robustness) return run_robustness(&o, &which, progress);
    if (all) return run_all(&o, progress);
    od_error err = {0};
    od_eval_summary summary;
    od_status status = od_eval_run(&o, &summary, &err);
    cli_progress_free(progress);
    if (status != OD_OK) return cli_fail(&err);
    fputs(summary.table, stdout);
    free(summary.table);
    return 0;
}
