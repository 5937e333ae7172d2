/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet data ACTION: one row in `actions` and one function each, the longer ones in cmd_data_*.c.
 */
#include "cmd_data.h"
#include "commands.h"
#include "flags.h"
#include "objdet/dataset.h"

#include <stdio.h>
#include <string.h>

static int data_info(int argc, char **argv)
{
    od_data_input in = {0};
    bool json = false;
    const cli_flag flags[] = {
        {"format", CLI_STRING, &in.format, "tfrecord, coco, voc or csv; default: what the data looks like"},
        {"image_dir", CLI_STRING, &in.image_dir, "where the images of coco, voc and csv lie"},
        {"label_map_path", CLI_STRING, &in.label_map_path, "the classes; default: those that the data names"},
        {"json", CLI_BOOL, &json, "print JSON"},
        {0}};
    const cli_usage usage = {"data info [FLAGS] DATA...",
                             "Tells what is in a data set: images, boxes, classes, sizes, and what looks wrong.",
                             "  objdet data info train.record\n"
                             "  objdet data info 'train.record-*-of-00010' --label_map_path=label_map.pbtxt\n"
                             "  objdet data info annotations/instances_val2017.json --image_dir=val2017 --json\n"
                             "  objdet data info VOCdevkit/VOC2012/ImageSets/Main/train.txt\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, &in.path_count);
    if (code >= 0) return code;
    in.paths = (const char *const *)argv + 1;
    char *text;
    od_error err = {0};
    if (od_data_info(&in, json, &text, &err) != OD_OK) return cli_fail(&err);
    fputs(text, stdout);
    od_data_text_free(text);
    return 0;
}

static void print_converted(const od_data_converted *done, const od_data_output *out)
{
    printf("%s: %lld images (%lld without boxes), %lld boxes\n", out->path, (long long)done->images,
           (long long)done->null_images, (long long)done->boxes);
    if (done->skipped) printf("left out, as they could not be read: %lld\n", (long long)done->skipped);
    if (done->label_map_saved) printf("label_map.pbtxt written beside it\n");
}

static int data_convert(int argc, char **argv)
{
    od_data_input in = {0};
    od_data_output out = {0};
    int64_t shards = 1;
    const cli_flag flags[] = {
        {"from", CLI_STRING, &in.format, "tfrecord, coco, voc or csv; default: what the data looks like"},
        {"to", CLI_STRING, &out.format, "tfrecord or coco"},
        {"output", CLI_STRING, &out.path, "the file to write (coco: a .json, or a folder)"},
        {"image_dir", CLI_STRING, &in.image_dir, "where the images of coco, voc and csv lie"},
        {"label_map_path", CLI_STRING, &in.label_map_path, "the classes; default: made from the data, written beside the output"},
        {"shards", CLI_INT, &shards, "write OUTPUT-00000-of-0000N ... instead of one TFRecord"},
        {0}};
    const cli_usage usage = {"data convert --to=FORMAT --output=OUT [FLAGS] DATA...",
                             "Converts annotated images: from VOC, COCO, CSV or TFRecord to TFRecords as the OD API's\n"
                             "dataset_tools write them, or to COCO JSON.",
                             "  objdet data convert --from=voc --to=tfrecord VOC2012 --output=train.record\n"
                             "  objdet data convert --to=tfrecord train.json --output=train.record --shards=10\n"
                             "  objdet data convert --to=coco train.record --output=coco/train.json\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, &in.path_count);
    if (code >= 0) return code;
    if (!out.format || !out.path || !in.path_count) {
        fprintf(stderr, "objdet data convert: error: needs %s; see objdet data convert --help\n",
                !out.format ? "--to" : !out.path ? "--output" : "the data to read");
        return 2;
    }
    if (shards < 1 || shards > 9999) {
        fprintf(stderr, "objdet data convert: error: --shards=%lld: expected 1 to 9999\n", (long long)shards);
        return 2;
    }
    in.paths = (const char *const *)argv + 1;
    out.shards = (int)shards;
    od_data_converted done;
    od_error err = {0};
    if (od_data_convert(&in, &out, &done, &err) != OD_OK) return cli_fail(&err);
    print_converted(&done, &out);
    return 0;
}

static const struct data_action {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} actions[] = {
    {"info", "what is in a data set", data_info},
    {"check", "leaks between splits, duplicates, broken boxes, missing classes: before training", cli_data_check},
    {"split", "into training, validation and test; patients, copies and classes minded", cli_data_split},
    {"preview", "a page of what the config's augmentations do to your pictures", cli_data_preview},
    {"convert", "from VOC, COCO, CSV or TFRecord to TFRecord or COCO", data_convert},
};

static void print_actions(FILE *to)
{
    fprintf(to, "usage: objdet data ACTION [FLAGS]      (objdet data ACTION --help tells more)\n\nactions:\n");
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) fprintf(to, "  %-12s %s\n", actions[i].name, actions[i].help);
}

int od_cmd_data(int argc, char **argv)
{
    if (argc < 2) {
        print_actions(stderr);
        return 2;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_actions(stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(argv[1], actions[i].name)) continue;
        char name[64];
        snprintf(name, sizeof name, "data %s", actions[i].name);
        argv[1] = name;
        return actions[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "objdet data: error: unknown action '%s'; see objdet data --help\n", argv[1]);
    return 2;
}
