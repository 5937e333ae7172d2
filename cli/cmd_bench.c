/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet bench train|infer
 */
#include "commands.h"
#include "flags.h"
#include "objdet/bench.h"
#include "objdet/version.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void print_time(const char *what, od_bench_time t)
{
    if (isfinite(t.median)) printf("%-36s %10.2f ms (min %.2f)\n", what, 1e3 * t.median, 1e3 * t.min);
}

static void print_training(const od_bench_result *r)
{
    print_time("step, input ready", r->step);
    print_time("step with input", r->step_with_input);
    if (r->input_problem[0]) printf("%-36s not measured: %s\n", "step with input", r->input_problem);
    printf("%-36s %10.2f ms\n%-36s %10.2f ms\n", "  of it losses", 1e3 * r->loss_seconds, "  of it the update", 1e3 * r->update_seconds);
}

static void print_inference(const od_bench_result *r)
{
    print_time("forward, raw predictions", r->step);
    print_time("forward with post-processing", r->with_postprocessing);
    if (r->batch_size == 1) return;
    print_time("one image: raw predictions", r->single);
    print_time("one image: with post-processing", r->single_with_postprocessing);
}

/* "conv2d ..._backbone/layer_with_weights-8": the end of a node's name tells most. */
static void print_node(const od_bench_op *node)
{
    enum { WIDTH = 53 };
    char name[WIDTH + 1];
    int room = WIDTH - (int)strlen(node->kind) - 1, length = (int)strlen(node->name);
    if (length <= room) snprintf(name, sizeof name, "%s %s", node->kind, node->name);
    else snprintf(name, sizeof name, "%s ...%s", node->kind, node->name + length - (room - 3));
    printf("%-*s %12.2f %12.2f %10.3f\n", WIDTH, name, 1e3 * node->forward_seconds, 1e3 * node->backward_seconds, node->gflops);
}

static void print_ops(const od_bench_result *r)
{
    if (!r->op_count) return;
    printf("\n%-46s %6s %12s %12s %10s\n", "op", "nodes", "forward ms", "backward ms", "GFLOP");
    for (int i = 0; i < r->op_count; i++)
        printf("%-46s %6d %12.2f %12.2f %10.3f\n", r->ops[i].name, r->ops[i].nodes, 1e3 * r->ops[i].forward_seconds, 1e3 * r->ops[i].backward_seconds, r->ops[i].gflops);
    printf("\n%-46s %6s %12s %12s %10s\n", "slowest nodes", "", "forward ms", "backward ms", "GFLOP");
    for (int i = 0; i < r->slowest_count; i++) print_node(&r->slowest[i]);
}

static void print_table(const od_bench_result *r)
{
    printf("%s, batch %lld of %dx%d, %d thread%s, %s kernels\n", r->training ? "training step" : "forward pass", (long long)r->batch_size, r->height, r->width,
           r->num_threads, r->num_threads == 1 ? "" : "s", od_kernels_isa());
    if (r->training) print_training(r);
    else print_inference(r);
    printf("%-36s %10.1f\n", "images per second", r->images_per_second);
    if (isfinite(r->startup_seconds)) printf("%-36s %10.2f s\n", "process start to first step's end", r->startup_seconds);
    printf("%-36s %10.0f MB\n%-36s %10.2f (%.1f GFLOP/s)\n", "peak memory", (double)r->peak_rss_bytes / 1e6, "GFLOP of a step", r->gflops, r->gflops_per_second);
    print_ops(r);
}

static int to_int(int64_t n)
{
    return n > INT_MAX ? INT_MAX : n < INT_MIN ? INT_MIN : (int)n;
}

int od_cmd_bench(int argc, char **argv)
{
    od_bench_options o = od_bench_options_default();
    int64_t threads = 0, height = 0, width = 0;
    bool ops = true;
    const char *json = NULL;
    const cli_flag flags[] = {
        {"pipeline_config_path", CLI_STRING, &o.pipeline_config_path, "the pipeline.config; its data are needed for step_seconds_with_input only"},
        {"batch_size", CLI_INT, &o.batch_size, "images at once (train: the config's; infer: 1; infer also times one image)"},
        {"steps", CLI_INT, &o.steps, "timed steps, after two that aren't (20)"},
        {"height", CLI_INT, &height, "of the image (the config's)"},
        {"width", CLI_INT, &width, "of the image (the config's)"},
        {"num_threads", CLI_INT, &threads, "threads (all processors)"},
        {"ops", CLI_BOOL, &ops, "also time each op (true)"},
        {"json", CLI_STRING, &json, "write the figures to this file"},
        {0}};
    const cli_usage usage = {"bench train|infer --pipeline_config_path=P [FLAGS]",
                             "Times training steps or forward passes on random images: seconds with the batch ready and with input, images a second, start-up,\n"
                             "peak memory, and seconds by op.",
                             "  objdet bench train --pipeline_config_path=pipeline.config --batch_size=8\n"
                             "  objdet bench infer --pipeline_config_path=pipeline.config --json=infer.json\n"};
    int count = 0, code = cli_flags_parse(argc, argv, flags, &usage, &count);
    if (code >= 0) return code;
    o.training = count == 1 && !strcmp(argv[1], "train");
    if (count != 1 || (!o.training && strcmp(argv[1], "infer"))) {
        fprintf(stderr, "objdet bench: error: expected 'bench train' or 'bench infer'; see objdet bench --help\n");
        return 2;
    }
    o.height = to_int(height);
    o.width = to_int(width);
    o.num_threads = to_int(threads);
    o.with_ops = ops;
    od_error err = {0};
    od_bench_result result;
    if (od_bench_run(&o, &result, &err) != OD_OK) return cli_fail(&err);
    print_table(&result);
    return json && od_bench_write_json(&result, json, &err) != OD_OK ? cli_fail(&err) : 0;
}
