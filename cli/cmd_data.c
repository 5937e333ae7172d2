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
        {"format", CLI_STRING, &in.format, CLI_DATA_FORMATS "; default: what the data looks like"},
        {"image_dir", CLI_STRING, &in.image_dir, "where the images lie that annotations name; default: beside them"},
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

static const struct data_action {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} actions[] = {
    {"info", "what is in a data set", data_info},
    {"check", "leaks between splits, duplicates, broken boxes, missing classes: before training", cli_data_check},
    {"split", "into training, validation and test; patients, copies and classes minded", cli_data_split},
    {"preview", "a page of what the config's augmentations do to your pictures", cli_data_preview},
    {"convert", "between TFRecord, COCO, VOC, CSV, YOLO, CVAT and others", cli_data_convert},
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
