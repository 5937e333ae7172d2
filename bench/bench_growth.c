/* SPDX-License-Identifier: Apache-2.0
 *
 * How a training step grows with threads, batch and image size: times each, and draws the curves beside a straight line from the first
 * point (for threads: the first point's time divided by the threads).
 *
 *   bench_growth PIPELINE_CONFIG OUT_DIR [STEPS]        writes growth_threads.svg, growth_batch.svg, growth_size.svg there
 */
#include "objdet/bench.h"
#include "report/svg_chart.h"
#include "util/file.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_POINTS = 8 };

typedef struct curve {
    const char *file, *title, *x_label;
    double x[MAX_POINTS], seconds[MAX_POINTS], straight[MAX_POINTS];
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
    printf("threads %d batch %lld size %d: %.4f s (min %.4f), %.1f GFLOP/s\n", r.num_threads, (long long)r.batch_size, r.height, r.step.median,
           r.step.min, r.gflops / r.step.min);
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
    od_strbuf svg = {0};
    char path[4096];
    const od_chart_series series[] = {{.name = "objdet", .x = c->x, .y = c->seconds, .count = c->count, .markers = true},
                                      {.name = "linear", .x = c->x, .y = c->straight, .count = c->count, .dashed = true}};
    const od_chart chart = {.title = c->title, .x_label = c->x_label, .y_label = "seconds a step", .series = series, .series_count = 2};
    snprintf(path, sizeof path, "%s/%s", dir, c->file);
    od_status status = od_chart_svg(&chart, &svg, err);
    if (status == OD_OK) status = od_file_write_all(path, svg.data, svg.size, err);
    od_strbuf_deinit(&svg);
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
    curve threads = {.file = "growth_threads.svg", .title = "Training step, batch 8 of 320x320", .x_label = "threads"};
    curve batch = {.file = "growth_batch.svg", .title = "Training step at 320x320, all threads", .x_label = "images a batch"};
    curve size = {.file = "growth_size.svg", .title = "Training step, batch 8, all threads", .x_label = "thousands of pixels an image"};
    for (int t = 1; t <= cores && threads.count < MAX_POINTS; t = t < cores && 2 * t > cores ? cores : 2 * t) add(&threads, t, measure(argv[1], steps, t, 8, 320));
    for (int64_t n = 1; n <= 32; n *= 2) add(&batch, (double)n, measure(argv[1], steps, cores, n, 320));
    static const int sizes[] = {160, 224, 320, 448, 640};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) add(&size, 1e-3 * sizes[i] * sizes[i], measure(argv[1], steps, cores, 8, sizes[i]));
    for (size_t i = 0; i < threads.count; i++) threads.straight[i] = threads.seconds[0] / threads.x[i];
    for (size_t i = 0; i < batch.count; i++) batch.straight[i] = batch.seconds[0] * batch.x[i];
    for (size_t i = 0; i < size.count; i++) size.straight[i] = size.seconds[0] * size.x[i] / size.x[0];
    curve *curves[] = {&threads, &batch, &size};
    for (int i = 0; i < 3; i++) {
        od_error err = {0};
        if (draw(curves[i], argv[2], &err) == OD_OK) continue;
        fprintf(stderr, "bench_growth: %s\n", err.message);
        return 1;
    }
    return 0;
}
