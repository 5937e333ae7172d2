/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet predict
 */
#include "commands.h"
#include "flags.h"
#include "objdet/predict.h"
#include "stop.h"

#include <stdio.h>
#include <time.h>

static void show(void *user, const od_predicted *p)
{
    (void)user;
    if (p->problem) {
        fprintf(stderr, "objdet: warning: skipped: %s\n", p->problem);
        return;
    }
    printf("%s: %d detection%s", p->path, p->count, p->count == 1 ? "" : "s");
    if (p->count) printf(", best %s %.0f %%", p->best_label ? p->best_label : "class", 100 * p->best_score);
    printf(" -> %s\n", p->output_path);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int od_cmd_predict(int argc, char **argv)
{
    od_predict_options o = od_predict_options_default();
    int64_t threads = 0, max_boxes = o.max_boxes, predicted = 0;
    const cli_flag flags[] = {
        {"model_dir", CLI_STRING, &o.model_dir, "a training's folder, or an unpacked zoo model"},
        {"checkpoint", CLI_STRING, &o.checkpoint, "one checkpoint, e.g. D/ckpt-3 (the newest)"},
        {"pipeline_config_path", CLI_STRING, &o.pipeline_config_path, "the pipeline.config (the model_dir's own)"},
        {"label_map_path", CLI_STRING, &o.label_map_path, "names of the classes (the model_dir's label_map.pbtxt)"},
        {"min_score_thresh", CLI_DOUBLE, &o.min_score_thresh, "lowest score to draw (.5); given, also the lowest in detections.json"},
        {"max_boxes", CLI_INT, &max_boxes, "boxes drawn on a picture (20)"},
        {"output_dir", CLI_STRING, &o.output_dir, "where pictures and detections.json go (predictions)"},
        {"num_threads", CLI_INT, &threads, "threads (all processors)"},
        {0}};
    const cli_usage usage = {"predict --model_dir=D [FLAGS] IMAGE_OR_DIR...",
                             "Finds objects in pictures (JPEG, PNG, BMP, WebP): writes annotated copies, and detections.json in COCO's results format.",
                             "  objdet predict --model_dir=runs/1 photo.jpg\n"
                             "  objdet predict --model_dir=runs/1 --min_score_thresh=.3 --output_dir=out images/\n"
                             "  objdet predict --model_dir=ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8 --label_map_path=mscoco_label_map.pbtxt *.jpg\n"};
    int count = 0, code = cli_flags_parse(argc, argv, flags, &usage, &count);
    if (code >= 0) return code;
    o.num_threads = (int)threads;
    o.max_boxes = (int)max_boxes;
    o.inputs = (const char *const *)(argv + 1);
    o.input_count = count;
    o.progress = show;
    o.stop = cli_stop_flag();
    od_error err = {0};
    double start = now();
    od_status status = od_predict_run(&o, &predicted, &err);
    if (status != OD_OK) return cli_fail(&err);
    printf("%lld picture%s in %.1f s, %s/detections.json\n", (long long)predicted, predicted == 1 ? "" : "s", now() - start, o.output_dir);
    return 0;
}
