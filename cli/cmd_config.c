/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet config check PIPELINE_CONFIG..., objdet config format PIPELINE_CONFIG, objdet config fields [PATH...]
 */
#include "commands.h"
#include "flags.h"
#include "objdet/config.h"

#include <stdio.h>
#include <string.h>

static void print_problem(const od_config_problem *p)
{
    static const char *const names[] = {"note", "warning", "error"};
    printf("%s:", p->file);
    if (p->line) printf("%d:", p->line);
    if (p->column) printf("%d:", p->column);
    printf(" %s: ", names[p->severity]);
    if (p->field[0]) printf("%s%s%s: ", p->field, p->value[0] ? ": " : "", p->value);
    printf("%s\n", p->message);
    if (p->expected[0]) printf("    expected: %s\n", p->expected);
    if (p->fix[0]) printf("    fix: %s\n", p->fix);
}

/* 0: no errors; 1: errors, or the file can't be read */
static int check_file(const char *path, const od_config_check_options *options, bool quiet)
{
    od_config_problems *problems = NULL;
    od_error err = {0};
    if (od_config_check_file(path, options, &problems, &err) != OD_OK) {
        cli_fail(&err);
        return 1;
    }
    size_t count = od_config_problems_count(problems);
    for (size_t i = 0; i < count; i++) {
        const od_config_problem *p = od_config_problems_get(problems, i);
        if (!quiet || p->severity != OD_CONFIG_NOTE) print_problem(p);
    }
    int errors = od_config_problems_of(problems, OD_CONFIG_ERROR), warnings = od_config_problems_of(problems, OD_CONFIG_WARNING);
    printf("%s: %d error%s, %d warning%s\n", path, errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    od_config_problems_free(problems);
    return errors > 0;
}

static int format_file(const char *path)
{
    od_config *config = NULL;
    od_error err = {0};
    char *text = NULL;
    size_t size = 0;
    od_status status = od_config_load(path, &config, &err);
    if (status == OD_OK) status = od_config_format(config, &text, &size, &err);
    if (status == OD_OK) fwrite(text, 1, size, stdout);
    od_config_text_free(text);
    od_config_free(config);
    return status == OD_OK ? 0 : cli_fail(&err);
}

/* A field's description, or (NULL) the whole page. */
static int print_fields(const char *path)
{
    od_error err = {0};
    char *text = NULL;
    size_t size = 0;
    if (od_config_describe_fields(path, &text, &size, &err) != OD_OK) return cli_fail(&err);
    fwrite(text, 1, size, stdout);
    od_config_text_free(text);
    return 0;
}

int od_cmd_config(int argc, char **argv)
{
    bool skip_files = false, quiet = false, markdown = false;
    const cli_flag flags[] = {
        {"skip_files", CLI_BOOL, &skip_files, "don't look whether data, label maps and checkpoints exist"},
        {"quiet", CLI_BOOL, &quiet, "errors and warnings only, no notes"},
        {"markdown", CLI_BOOL, &markdown, "fields: all of them as one page"},
        {0},
    };
    const cli_usage usage = {
        "config check|format|fields PIPELINE_CONFIG|FIELD... [FLAGS]",
        "check tells everything that is wrong with a pipeline.config at once: the line, the value, what is expected and the fix.\n"
        "The exit code is 1 if there is an error. Paths in a config count from the folder where objdet is started.\n"
        "format prints the config as it is understood: every field on its line, without comments.\n"
        "fields tells what a field does, here and in TensorFlow 2.",
        "  objdet config check pipeline.config\n"
        "  objdet config check --skip_files zoo/*.config\n"
        "  objdet config format pipeline.config > tidy.config\n"
        "  objdet config fields model.ssd.loss train_config.use_bfloat16\n",
    };
    int positional = 0, failed = 0, code = cli_flags_parse(argc, argv, flags, &usage, &positional);
    if (code >= 0) return code;
    if (positional == 2 && !strcmp(argv[1], "format")) return format_file(argv[2]);
    if (positional == 1 && markdown && !strcmp(argv[1], "fields")) return print_fields(NULL);
    if (positional > 1 && !strcmp(argv[1], "fields")) {
        for (int i = 2; i <= positional; i++) failed |= print_fields(argv[i]);
        return failed;
    }
    if (positional < 2 || strcmp(argv[1], "check")) {
        fprintf(stderr, "objdet config: error: expected 'check' or 'format' and a pipeline.config, or 'fields' and a field; see objdet config --help\n");
        return 2;
    }
    const od_config_check_options options = {.skip_files = skip_files};
    for (int i = 2; i <= positional; i++) failed |= check_file(argv[i], &options, quiet);
    return failed;
}
