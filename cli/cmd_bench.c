/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet bench train|infer
 */
#include "commands.h"
#include "flags.h"
#include "objdet/bench.h"
#include "objdet/version.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void json_number(FILE *f, const char *name, double x, const char *end)
{
    if (isfinite(x)) fprintf(f, "  \"%s\": %.9g%s\n", name, x, end);
    else fprintf(f, "  \"%s\": null%s\n", name, end);
}

static int write_json(const char *path, const od_bench_options *o, const od_bench_result *r)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        return 1;
    }
    const char *second = o->training ? "step_seconds_with_input" : "step_seconds_with_postprocessing";
    char name[64];
    fprintf(f, "{\n  \"work\": \"%s\",\n  \"isa\": \"%s\",\n", o->training ? "train" : "infer", od_kernels_isa());
    json_number(f, "step_seconds", r->step.median, ",");
    json_number(f, "step_seconds_min", r->step.min, ",");
    json_number(f, second, r->step_with_input.median, ",");
    snprintf(name, sizeof name, "%s_min", second);
    json_number(f, name, r->step_with_input.min, ",");
    json_number(f, "images_per_second", r->images_per_second, ",");
    json_number(f, "startup_seconds", r->startup_seconds, ",");
    fprintf(f, "  \"peak_rss_bytes\": %lld,\n  \"batch_size\": %lld,\n  \"height\": %d,\n  \"width\": %d,\n  \"num_threads\": %d,\n", (long long)r->peak_rss_bytes,
            (long long)r->batch_size, r->height, r->width, r->num_threads);
    json_number(f, "forward_gflop", r->gflops, ",");
    fprintf(f, "  \"ops\": {");
    for (int i = 0; i < r->op_count; i++)
        fprintf(f, "%s\n    \"%s\": {\"nodes\": %d, \"forward_seconds\": %.9g, \"backward_seconds\": %.9g, \"forward_gflop\": %.9g}", i ? "," : "", r->ops[i].name,
                r->ops[i].nodes, r->ops[i].forward_seconds, r->ops[i].backward_seconds, r->ops[i].gflops);
    fprintf(f, "\n  }\n}\n");
    int failed = ferror(f);
    if (fclose(f) || failed) {
        perror(path);
        return 1;
    }
    return 0;
}

static void print_time(const char *what, od_bench_time t)
{
    if (isfinite(t.median)) printf("%-34s %10.2f ms (min %.2f)\n", what, 1e3 * t.median, 1e3 * t.min);
    else printf("%-34s not measured: the config's data can't be opened\n", what);
}

static void print_table(const od_bench_options *o, const od_bench_result *r)
{
    printf("%s, batch %lld of %dx%d, %d threads, %s kernels\n", o->training ? "training step" : "forward pass", (long long)r->batch_size, r->height, r->width,
           r->num_threads, od_kernels_isa());
    print_time(o->training ? "step, input ready" : "forward, raw predictions", r->step);
    print_time(o->training ? "step with input" : "forward with post-processing", r->step_with_input);
    printf("%-34s %10.1f\n%-34s %10.2f s\n%-34s %10.0f MB\n%-34s %10.2f (%.0f GFLOP/s forward%s)\n", "images per second", r->images_per_second,
           "process start to first step's end", r->startup_seconds, "peak memory", (double)r->peak_rss_bytes / 1e6, "GFLOP of a forward pass", r->gflops,
           r->gflops * (o->training ? 3 : 1) / r->step.median, o->training ? " and backward" : "");
    if (r->op_count) printf("\n%-22s %6s %12s %12s\n", "op", "nodes", "forward ms", "backward ms");
    for (int i = 0; i < r->op_count; i++)
        printf("%-22s %6d %12.2f %12.2f\n", r->ops[i].name, r->ops[i].nodes, 1e3 * r->ops[i].forward_seconds, 1e3 * r->ops[i].backward_seconds);
}

int od_cmd_bench(int argc, char **argv)
{
    od_bench_options o = od_bench_options_default();
    int64_t threads = 0, height = 0, width = 0;
    bool ops = true;
    const char *json = NULL;
    const cli_flag flags[] = {
        {"pipeline_config_path", CLI_STRING, &o.pipeline_config_path, "the pipeline.config; its data are needed for step_seconds_with_input only"},
        {"batch_size", CLI_INT, &o.batch_size, "images at once (train: the config's; infer: 1)"},
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
    o.height = (int)height;
    o.width = (int)width;
    o.num_threads = (int)threads;
    o.with_ops = ops;
    od_error err = {0};
    od_bench_result result;
    if (od_bench_run(&o, &result, &err) != OD_OK) return cli_fail(&err);
    print_table(&o, &result);
    return json ? write_json(json, &o, &result) : 0;
}
