/* SPDX-License-Identifier: Apache-2.0
 *
 * How a training step grows with threads, batch and image size, and an epoch's input with the images of the data set:
 * times each, and draws the curves beside a straight line from the first point (for threads: the first point's time
 * divided by the threads).
 *
 *   bench_growth PIPELINE_CONFIG OUT_DIR [STEPS]        writes growth_threads.svg, _batch.svg, _size.svg and
 * _images.svg there
 */
#include "config/config.h"
#include "data/loader.h"
#include "objdet/bench.h"
#include "objdet/synth.h"
#include "report/svg_chart.h"
#include "util/file.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_POINTS = 8, RECORD_IMAGES = 100, MAX_RECORDS = 300, BATCH = 10 };

typedef struct curve {
    const char *file, *title, *x_label, *y_label;
    double x[MAX_POINTS], seconds[MAX_POINTS];
    int falls; /* twice the x should take half the time, not twice */
    size_t count;
} curve;

/* Seconds of a step, the fastest; 0 after a message. */
static double measure(const char *config, int64_t steps, int threads, int64_t batch, int size)
{
    od_bench_options o = od_bench_options_default();
    od_bench_result r;
    od_error err = {0};
    o.pipeline_config_path = config, o.training = 1, o.steps = steps, o.num_threads = threads, o.batch_size = batch;
    o.height = o.width = size, o.with_ops = 0;
    if (od_bench_run(&o, &r, &err) != OD_OK) {
        fprintf(stderr, "bench_growth: %s\n", err.message);
        return 0;
    }
    printf("threads %d batch %lld size %d: %.4f s (min %.4f), %.1f GFLOP/s\n", r.num_threads, (long long)r.batch_size,
           r.height, r.step.median, r.step.min, r.gflops / r.step.min);
    fflush(stdout);
    return r.step.min;
}

static void add(curve *c, double x, double seconds)
{
    c->x[c->count] = x, c->seconds[c->count] = seconds;
    c->count++;
}

static od_status draw(curve *c, const char *dir, od_error *err)
{
    double straight[MAX_POINTS];
    for (size_t i = 0; i < c->count; i++) straight[i] = c->seconds[0] * (c->falls ? c->x[0] / c->x[i] : c->x[i] / c->x[0]);
    od_strbuf svg = {0};
    char path[4096];
    const od_chart_series series[] = {
        {.name = "objdet", .x = c->x, .y = c->seconds, .count = c->count, .markers = true},
        {.name = "linear", .x = c->x, .y = straight, .count = c->count, .dashed = true}};
    const od_chart chart = {
        .title = c->title, .x_label = c->x_label, .y_label = c->y_label, .series = series, .series_count = 2};
    snprintf(path, sizeof path, "%s/%s", dir, c->file);
    od_status status = od_chart_svg(&chart, &svg, err);
    if (status == OD_OK) status = od_file_write_all(path, svg.data, svg.size, err);
    od_strbuf_deinit(&svg);
    return status;
}

/* Seconds from opening `copies` times the same TFRecord to the last batch of an epoch; by one worker. */
static od_status stream(const od_preprocess *preprocess, const char *record, size_t copies, double *seconds,
                        od_error *err)
{
    const char *paths[MAX_RECORDS];
    od_loader_options o = od_loader_options_training(preprocess, BATCH);
    const od_batch *batch;
    od_dataset *dataset = NULL;
    od_loader *loader = NULL;
    for (size_t i = 0; i < copies; i++) paths[i] = record;
    o.num_threads = 1;
    double start = omp_get_wtime();
    od_status status = od_dataset_open(&dataset, paths, copies, NULL, err);
    if (status == OD_OK) status = od_loader_create(&loader, dataset, &o, err);
    for (size_t i = 0; i < copies * RECORD_IMAGES / BATCH && status == OD_OK; i++)
        status = od_loader_next(loader, &batch, err);
    *seconds = omp_get_wtime() - start;
    od_loader_free(loader);
    od_dataset_free(dataset);
    return status;
}

/* A synthetic TFRecord in dir, read 1, 3, 10 ... times. */
static od_status measure_images(curve *c, const char *config_path, const char *dir, od_error *err)
{
    static const size_t copies[] = {1, 3, 10, 30, 100, MAX_RECORDS};
    char data[4096], record[4200];
    od_synth_options synth;
    od_config *config;
    od_preprocess preprocess;
    snprintf(data, sizeof data, "%s/growth_images", dir);
    snprintf(record, sizeof record, "%s/train.record", data);
    od_synth_options_default(&synth);
    synth.output_dir = data, synth.train = RECORD_IMAGES, synth.val = synth.test = 0, synth.width = synth.height = 64;
    OD_TRY(od_synth(&synth, err));
    OD_TRY(od_config_load(config_path, &config, err));
    od_status status = od_preprocess_init(&preprocess, od_config_proto(config)->model, err);
    for (size_t i = 0; i < sizeof copies / sizeof *copies && status == OD_OK; i++) {
        double seconds = 0, images = RECORD_IMAGES * (double)copies[i];
        status = stream(&preprocess, record, copies[i], &seconds, err);
        printf("images %.0f: %.2f s\n", images, seconds);
        fflush(stdout);
        add(c, 1e-3 * images, seconds);
    }
    od_config_free(config);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench_growth PIPELINE_CONFIG OUT_DIR [STEPS]\n");
        return 2;
    }
    int64_t steps = argc > 3 ? atoi(argv[3]) : 5;
    int cores = omp_get_num_procs();
    curve threads = {.file = "growth_threads.svg",
                     .title = "Training step, batch 8 of 320x320",
                     .x_label = "threads",
                     .falls = 1,
                     .y_label = "seconds a step"};
    curve batch = {.file = "growth_batch.svg",
                   .title = "Training step at 320x320, all threads",
                   .x_label = "images a batch",
                   .y_label = "seconds a step"};
    curve size = {.file = "growth_size.svg",
                  .title = "Training step, batch 8, all threads",
                  .x_label = "thousands of pixels an image",
                  .y_label = "seconds a step"};
    curve images = {.file = "growth_images.svg",
                    .title = "Input of an epoch, opening included, one worker",
                    .x_label = "thousands of images",
                    .y_label = "seconds"};
    od_error err = {0};
    if (measure_images(&images, argv[1], argv[2], &err) != OD_OK) {
        fprintf(stderr, "bench_growth: %s\n", err.message);
        return 1;
    }
    for (int t = 1; t <= cores && threads.count < MAX_POINTS; t = t < cores && 2 * t > cores ? cores : 2 * t)
        add(&threads, t, measure(argv[1], steps, t, 8, 320));
    for (int64_t n = 1; n <= 32; n *= 2) add(&batch, (double)n, measure(argv[1], steps, cores, n, 320));
    static const int sizes[] = {160, 224, 320, 448, 640};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        add(&size, 1e-3 * sizes[i] * sizes[i], measure(argv[1], steps, cores, 8, sizes[i]));
    curve *curves[] = {&threads, &batch, &size, &images};
    for (int i = 0; i < 4; i++) {
        if (draw(curves[i], argv[2], &err) == OD_OK) continue;
        fprintf(stderr, "bench_growth: %s\n", err.message);
        return 1;
    }
    return 0;
}
