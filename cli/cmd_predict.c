/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet predict
 */
#include "commands.h"
#include "flags.h"
#include "objdet/predict.h"
#include "stop.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

/* On a terminal a last line says how far it is; it gives way to each picture's own line. */
typedef struct display {
    int terminal, drawn;
    int64_t skipped;
    double seconds; /* of all pictures so far */
} display;

static void clear_line(display *d)
{
    if (d->drawn) fputs("\r\033[K", stderr);
    d->drawn = 0;
}

static void draw_line(display *d, const od_predicted *p)
{
    if (!d->terminal || p->done >= p->total) return;
    double left = p->seconds / (double)p->done * (double)(p->total - p->done);
    fflush(stdout);
    fprintf(stderr, "%lld of %lld pictures, %.1f a second, %d:%02d left", (long long)p->done, (long long)p->total,
            p->seconds > 0 ? (double)p->done / p->seconds : 0, (int)(left / 60), (int)left % 60);
    d->drawn = 1;
}

static void show(void *user, const od_predicted *p)
{
    display *d = user;
    clear_line(d);
    d->seconds = p->seconds;
    if (p->problem) {
        d->skipped++;
        fprintf(stderr, "objdet: warning: skipped: %s\n", p->problem);
    } else {
        printf("%s: %d detection%s", p->path, p->count, p->count == 1 ? "" : "s");
        if (p->count) printf(", best %s %.0f %%", p->best_label, 100 * p->best_score);
        printf(" -> %s\n", p->output_path);
    }
    draw_line(d, p);
}

static void print_summary(const display *d, int64_t pictures, const char *output_dir)
{
    printf("%lld picture%s in %.1f s (%.1f images/s)", (long long)pictures, pictures == 1 ? "" : "s", d->seconds, d->seconds > 0 ? (double)pictures / d->seconds : 0);
    if (d->skipped) printf(", %lld skipped", (long long)d->skipped);
    printf(", %s/detections.json\n", output_dir);
}

static int to_int(int64_t n)
{
    return n > INT_MAX ? INT_MAX : n < INT_MIN ? INT_MIN : (int)n;
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
        {"min_score_thresh", CLI_DOUBLE, &o.min_score_thresh, "lowest score to draw (what objdet threshold saved, else .5); given, also the lowest in detections.json"},
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
    const char *term = getenv("TERM");
    display d = {.terminal = isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb"))};
    o.num_threads = to_int(threads);
    o.max_boxes = to_int(max_boxes);
    o.inputs = (const char *const *)(argv + 1);
    o.input_count = count;
    o.progress = show;
    o.progress_user = &d;
    o.stop = cli_stop_flag();
    od_error err = {0};
    od_status status = od_predict_run(&o, &predicted, &err);
    clear_line(&d);
    if (status != OD_OK) return cli_fail(&err);
    print_summary(&d, predicted, o.output_dir);
    return 0;
}
