/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet model list, objdet model show PIPELINE_CONFIG
 */
#include "commands.h"
#include "flags.h"
#include "objdet/model_summary.h"

#include <stdio.h>
#include <string.h>

static int list(void)
{
    const char *meta, *last = "";
    for (int i = 0;; i++) {
        const char *type = od_model_supported_type(i, &meta);
        if (!type) return 0;
        if (strcmp(meta, last)) printf("model { %s { feature_extractor { type: ... } } }\n", meta);
        last = meta;
        printf("  %s\n", type);
    }
}

static void print_info(const od_model_summary *m)
{
    printf("%s (%s), %d class%s, %d x %d\n\n", m->type, m->meta, m->num_classes, m->num_classes == 1 ? "" : "es", m->height, m->width);
    printf("%-12s %12s %16s\n", "", "parameters", "GFLOP an image");
    for (int i = 0; i < m->part_count; i++)
        if (m->parts[i].parameters || m->parts[i].gflops > 0)
            printf("%-12s %10.3f M %16.3f\n", m->parts[i].name, 1e-6 * (double)m->parts[i].parameters, m->parts[i].gflops);
    printf("%-12s %10.3f M %16.3f\n", "all", 1e-6 * (double)m->parameters, m->gflops);
    printf("%-12s %10.3f M\n\n", "  trained", 1e-6 * (double)m->trained_parameters);
    if (m->anchors) printf("anchors                        %lld\n", (long long)m->anchors);
    printf("memory, prediction             %.0f MB, and %.1f MB for each further image of a batch\n", 1e-6 * (double)m->predict_bytes,
           1e-6 * (double)m->predict_bytes_more);
    printf("memory, training               %.0f MB, and %.1f MB for each further image of a batch\n", 1e-6 * (double)m->train_bytes,
           1e-6 * (double)m->train_bytes_more);
}

static int show(const od_model_summary_options *options, const char *svg)
{
    od_model_summary info;
    od_error err = {0};
    if (od_model_summary_get(options, &info, &err) != OD_OK) return cli_fail(&err);
    print_info(&info);
    if (!svg) return 0;
    if (od_model_draw(options, svg, &err) != OD_OK) return cli_fail(&err);
    printf("drawing                        %s\n", svg);
    return 0;
}

int od_cmd_model(int argc, char **argv)
{
    int64_t height = 0, width = 0, threads = 0;
    const char *svg = NULL, *config = NULL;
    const cli_flag flags[] = {
        {"pipeline_config_path", CLI_STRING, &config, "show: the config, as the other commands take it"},
        {"svg", CLI_STRING, &svg, "show: also draw the network into this file"},
        {"height", CLI_INT, &height, "of the image (the config's)"},
        {"width", CLI_INT, &width, "of the image (the config's)"},
        {"num_threads", CLI_INT, &threads, "threads (all processors); each has scratch memory"},
        {0},
    };
    const cli_usage usage = {
        "model list | model show PIPELINE_CONFIG [FLAGS]",
        "list names the supported networks: what feature_extractor.type may be. show tells what the network of a pipeline.config is:\n"
        "parameters, multiplications and additions (of direct convolution), memory, and draws it.",
        "  objdet model list\n"
        "  objdet model show pipeline.config\n"
        "  objdet model show pipeline.config --svg=network.svg\n",
    };
    int positional = 0, code = cli_flags_parse(argc, argv, flags, &usage, &positional);
    if (code >= 0) return code;
    if (positional == 1 && !strcmp(argv[1], "list")) return list();
    if (positional == 2 && !config) config = argv[2], positional = 1;
    if (positional != 1 || !config || strcmp(argv[1], "show")) {
        fprintf(stderr, "objdet model: error: expected 'list', or 'show' and a pipeline.config; see objdet model --help\n");
        return 2;
    }
    if (height < 0 || width < 0 || height > 32768 || width > 32768 || threads < 0 || threads > 4096) {
        fprintf(stderr, "objdet model: error: --height and --width: expected 1 to 32768; --num_threads: at most 4096\n");
        return 2;
    }
    const od_model_summary_options options = {config, (int)height, (int)width, (int)threads};
    return show(&options, svg);
}
