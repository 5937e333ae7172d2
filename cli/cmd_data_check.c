/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet data check
 */
#include "cmd_data.h"

#include "flags.h"
#include "objdet/data_check.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SPLITS = 16 };

typedef struct check_flags {
    od_data_check_options options;
    const char *image_dir, *label_map_path, *format, *json;
    int64_t threads;
    bool annotations_only, strict;
    od_data_split splits[MAX_SPLITS];
    const char *paths[MAX_SPLITS]; /* each split has one */
    char names[MAX_SPLITS][64];
} check_flags;

/* "test=DATA": the length of "test"; 0 when the argument is a path. */
static size_t name_length(const char *argument)
{
    size_t n = 0;
    while (isalnum((unsigned char)argument[n]) || argument[n] == '_' || argument[n] == '-') n++;
    return n && n < 64 && argument[n] == '=' && access(argument, F_OK) ? n : 0;
}

static const char *default_name(int i, int count)
{
    static const char *const three[] = {"train", "val", "test"}, *const two[] = {"train", "test"};
    return count == 1 ? "data" : count == 2 ? two[i] : count == 3 ? three[i] : NULL;
}

/* 0, or an exit code. */
static int take_splits(check_flags *f, int count, char **arguments)
{
    if (count > MAX_SPLITS) {
        fprintf(stderr, "objdet data check: error: %d splits; expected at most %d\n", count, MAX_SPLITS);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        size_t n = name_length(arguments[i]);
        const char *name = n ? NULL : default_name(i, count);
        if (n)
            snprintf(f->names[i], sizeof f->names[i], "%.*s", (int)n, arguments[i]);
        else if (name)
            snprintf(f->names[i], sizeof f->names[i], "%s", name);
        else
            snprintf(f->names[i], sizeof f->names[i], "split%d", i + 1);
        f->paths[i] = arguments[i] + (n ? n + 1 : 0);
        f->splits[i] = (od_data_split){f->names[i],
                                       {.paths = &f->paths[i], .path_count = 1, .format = f->format, .image_dir = f->image_dir,
                                        .label_map_path = f->label_map_path}};
    }
    f->options.splits = f->splits;
    f->options.split_count = count;
    return 0;
}

static void show_progress(void *user, const char *what, int64_t done, int64_t total)
{
    (void)user;
    fprintf(stderr, "\r%s: %lld of %lld\x1b[K", what, (long long)done, (long long)total);
    if (done == total) fprintf(stderr, "\r\x1b[K");
}

static int write_text(const char *path, const char *text)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "w") : stdout;
    int failed = !file || fputs(text, file) < 0;
    if (file && file != stdout) failed |= fclose(file) != 0;
    if (failed) fprintf(stderr, "objdet data check: error: cannot write %s\n", path);
    return failed;
}

static int report(const check_flags *f, const od_data_check *check)
{
    od_error err = {0};
    char *text;
    int only_json = f->json && !strcmp(f->json, "-"), failed = 0;
    for (int json = 0; json < 2; json++) {
        if (json ? !f->json : only_json) continue;
        if (od_data_check_format(check, json, &text, &err) != OD_OK) return cli_fail(&err);
        failed |= write_text(json ? f->json : "-", text);
        od_data_text_free(text);
    }
    return failed || check->errors || (f->strict && check->warnings);
}

int cli_data_check(int argc, char **argv)
{
    check_flags f = {0};
    int count;
    const cli_flag flags[] = {
        {"group_by", CLI_STRING, &f.options.group_by, "field of each image that names its patient, scene, ... (several: A,B)"},
        {"group_regex", CLI_STRING, &f.options.group_regex, "the same from file names: the expression's first parenthesis"},
        {"pipeline_config_path", CLI_STRING, &f.options.pipeline_config_path, "hold its augmentations against the labels; without SPLITs, check its input paths"},
        {"label_map_path", CLI_STRING, &f.label_map_path, "the classes; default: those that the data names"},
        {"image_dir", CLI_STRING, &f.image_dir, "where the images lie that annotations name; default: beside them"},
        {"format", CLI_STRING, &f.format, "of all splits; default: what the data looks like"},
        {"json", CLI_STRING, &f.json, "write everything found as JSON (-: to the output, instead of text)"},
        {"annotations_only", CLI_BOOL, &f.annotations_only, "don't read images: quick, but no duplicates are found"},
        {"strict", CLI_BOOL, &f.strict, "exit with 1 for warnings, too"},
        {"num_threads", CLI_INT, &f.threads, "threads (all processors)"},
        {0}};
    const cli_usage usage = {
        "data check SPLIT... [FLAGS]",
        "Looks for what spoils a training or an evaluation before it is run: the same picture in two splits (also flipped, turned,\n"
        "cropped, recoded or brighter), patients on both sides, broken boxes, missing and rare classes, labels that a flip\n"
        "falsifies. A SPLIT is NAME=DATA or DATA (TFRecord, COCO JSON, VOC, CSV); the first is the one trained on.\n"
        "Exit code: 0 clean, 1 errors found, 2 wrong use.",
        "  objdet data check train=train.record val=val.record test=test.record\n"
        "  objdet data check train.json test.json --image_dir=images --group_by=patient\n"
        "  objdet data check train=xrays/train test=xrays/test --group_regex='person([0-9]+)_'\n"
        "  objdet data check --pipeline_config_path=pipeline.config --json=check.json\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, &count);
    if (code >= 0) return code;
    if (!count && !f.options.pipeline_config_path) {
        fprintf(stderr, "objdet data check: error: needs splits, e.g. train=train.record test=test.record; see objdet data check --help\n");
        return 2;
    }
    if ((code = take_splits(&f, count, argv + 1))) return code;
    f.options.annotations_only = f.annotations_only;
    f.options.num_threads = (int)f.threads;
    f.options.progress = isatty(2) ? show_progress : NULL;
    od_data_check *check;
    od_error err = {0};
    if (od_data_check_run(&f.options, &check, &err) != OD_OK) return cli_fail(&err);
    code = report(&f, check);
    od_data_check_free(check);
    return code;
}
