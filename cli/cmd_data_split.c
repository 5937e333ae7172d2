/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet data split
 */
#include "cmd_data.h"

#include "flags.h"
#include "objdet/data_split.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void show_progress(void *user, const char *what, int64_t done, int64_t total)
{
    (void)user;
    fprintf(stderr, "\r%s: %lld of %lld\x1b[K", what, (long long)done, (long long)total);
    if (done == total) fprintf(stderr, "\r\x1b[K");
}

/* ".7,.15,.15"; the number of fractions, or -1. */
static int take_fractions(const char *text, double *fractions)
{
    int n = 0;
    for (const char *p = text; *p;) {
        char *end;
        if (n == OD_DATA_SPLIT_MAX) return -1;
        fractions[n++] = strtod(p, &end);
        if (end == p || (*end && *end != ',')) return -1;
        p = end + (*end == ',');
    }
    return n;
}

/* "train,val,test" into `copy`, cut at its commas. */
static int take_names(char *copy, const char **names)
{
    int n = 0;
    for (char *name = strtok(copy, ","); name && n < OD_DATA_SPLIT_MAX; name = strtok(NULL, ",")) names[n++] = name;
    return n;
}

int cli_data_split(int argc, char **argv)
{
    od_data_split_options o = {0};
    const char *fraction_text = ".7,.15,.15", *name_text = NULL, *names[OD_DATA_SPLIT_MAX];
    double fractions[OD_DATA_SPLIT_MAX];
    char copy[512];
    int64_t seed = 0, threads = 0;
    bool annotations_only = false, links = false;
    const cli_flag flags[] = {
        {"fractions", CLI_STRING, &fraction_text, "sizes of the parts (.7,.15,.15)"},
        {"names", CLI_STRING, &name_text, "names of the parts (train,val,test; of two: train,test)"},
        {"output_dir", CLI_STRING, &o.output_dir, "where the parts, their file names (NAME.txt) and label_map.pbtxt are written"},
        {"to", CLI_STRING, &o.format, "a format as in objdet data convert (tfrecord for TFRecords, coco for all else)"},
        {"link_images", CLI_BOOL, &links, "symbolic links instead of copies of the image files"},
        {"group_by", CLI_STRING, &o.group_by, "field of each image that names its patient, scene, ...: kept together"},
        {"group_regex", CLI_STRING, &o.group_regex, "the same from file names: the expression's first parenthesis"},
        {"seed", CLI_INT, &seed, "another seed, another split (0)"},
        {"label_map_path", CLI_STRING, &o.input.label_map_path, "the classes; default: those that the data names"},
        {"image_dir", CLI_STRING, &o.input.image_dir, "where the images lie that annotations name; default: beside them"},
        {"format", CLI_STRING, &o.input.format, "of the data; default: what it looks like"},
        {"annotations_only", CLI_BOOL, &annotations_only, "don't look for copies of one picture (quick)"},
        {"num_threads", CLI_INT, &threads, "threads (all processors)"},
        {0}};
    const cli_usage usage = {
        "data split --output_dir=D [FLAGS] DATA...",
        "Splits a data set: patients (or other groups) and copies of one picture stay on one side, each class is spread as evenly as\n"
        "that allows. Written is what objdet data convert would write, in any of its formats (NAME.txt has the file names, to split\n"
        "anything else alike).",
        "  objdet data split all.json --image_dir=images --output_dir=split --group_by=patient\n"
        "  objdet data split xrays/ --fractions=.8,.2 --group_regex='person([0-9]+)_' --to=tfrecord --output_dir=split --seed=1\n"
        "  objdet data split VOC2012 --to=yolo --output_dir=yolo\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, &o.input.path_count);
    if (code >= 0) return code;
    if (!o.input.path_count || !o.output_dir) {
        fprintf(stderr, "objdet data split: error: needs %s; see objdet data split --help\n", o.output_dir ? "the data to split" : "--output_dir");
        return 2;
    }
    o.input.paths = (const char *const *)argv + 1;
    o.count = take_fractions(fraction_text, fractions);
    if (o.count < 2) {
        fprintf(stderr, "objdet data split: error: --fractions=%s: expected 2 to %d numbers, e.g. .7,.15,.15\n", fraction_text, OD_DATA_SPLIT_MAX);
        return 2;
    }
    if (name_text) {
        snprintf(copy, sizeof copy, "%s", name_text);
        int n = take_names(copy, names);
        if (n != o.count) {
            fprintf(stderr, "objdet data split: error: --names=%s: expected %d names, one for each fraction\n", name_text, o.count);
            return 2;
        }
        o.names = names;
    }
    o.fractions = fractions;
    o.seed = (uint64_t)seed;
    o.num_threads = (int)threads;
    o.annotations_only = annotations_only;
    o.link_images = links;
    o.progress = isatty(2) ? show_progress : NULL;
    od_data_split_result result;
    od_error err = {0};
    if (od_data_split_run(&o, &result, &err) != OD_OK) return cli_fail(&err);
    fputs(result.text, stdout);
    od_data_split_result_free(&result);
    return 0;
}
