/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet data convert
 */
#include "cmd_data.h"

#include "flags.h"
#include "objdet/dataset.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NAME = 64 };

/* "test=DATA" is split at its sign; another argument is a path. */
static void take_names(char **arguments, int count, const char **names)
{
    for (int i = 0; i < count; i++) {
        size_t n = 0;
        while (isalnum((unsigned char)arguments[i][n]) || arguments[i][n] == '_' || arguments[i][n] == '-') n++;
        if (!n || n >= MAX_NAME || arguments[i][n] != '=' || access(arguments[i], F_OK) == 0) continue;
        arguments[i][n] = 0;
        names[i] = arguments[i];
        arguments[i] += n + 1;
    }
}

static void print_dropped(const od_data_converted *done, const char *format)
{
    int any = 0;
    for (int k = 0; k < OD_DATA_KIND_COUNT; k++) {
        if (!done->dropped[k]) continue;
        if (!any) printf("not kept, as %s can't say it: ", format);
        printf("%s%lld %s", any ? ", " : "", (long long)done->dropped[k], od_data_kind_text((od_data_kind)k));
        any = 1;
    }
    if (any) printf("\n");
}

static void print_converted(const od_data_converted *done, const od_data_output *out)
{
    printf("%s: %lld images (%lld without boxes), %lld boxes\n", out->path, (long long)done->images,
           (long long)done->null_images, (long long)done->boxes);
    if (done->skipped) printf("left out, as they could not be read: %lld\n", (long long)done->skipped);
    print_dropped(done, out->format);
    if (done->windowed)
        printf("%lld grey pictures of more than 8 bits became 8-bit PNGs (window: %s)\n", (long long)done->windowed, out->window ? out->window : "file");
    if (done->deep)
        printf("note: %lld pictures have 16 bits of grey (or are DICOM) and stay as they are; of a 16-bit PNG training sees the high byte only,\n"
               "as in TensorFlow: --window=minmax or --window=CENTER,WIDTH makes 8-bit pictures\n", (long long)done->deep);
    if (done->label_map_saved) printf("label_map.pbtxt written beside it\n");
}

static int convert(od_data_input *in, const od_data_output *out, char **arguments)
{
    const char **names = calloc((size_t)in->path_count, sizeof *names);
    if (!names) return 1;
    take_names(arguments, in->path_count, names);
    in->paths = (const char *const *)arguments;
    in->split_names = names;
    od_data_converted done;
    od_error err = {0};
    od_status status = od_data_convert(in, out, &done, &err);
    free(names);
    if (status != OD_OK) return cli_fail(&err);
    print_converted(&done, out);
    return 0;
}

int cli_data_convert(int argc, char **argv)
{
    od_data_input in = {0};
    od_data_output out = {0};
    int64_t shards = 1;
    bool links = false;
    const cli_flag flags[] = {
        {"from", CLI_STRING, &in.format, CLI_DATA_FORMATS "; default: what the data looks like"},
        {"to", CLI_STRING, &out.format, CLI_DATA_FORMATS "; labelstudio-min; roboflow-coco, roboflow-voc, ..."},
        {"output", CLI_STRING, &out.path, "the file or folder to write"},
        {"image_dir", CLI_STRING, &in.image_dir, "where the images lie that annotations name; default: beside them"},
        {"label_map_path", CLI_STRING, &in.label_map_path, "the classes; default: made from the data, written beside the output"},
        {"shards", CLI_INT, &shards, "write OUTPUT-00000-of-0000N ... instead of one TFRecord"},
        {"window", CLI_STRING, &out.window, "16-bit PNG and DICOM to 8 bits: file, minmax or CENTER,WIDTH (docs/DATA.md)"},
        {"link_images", CLI_BOOL, &links, "symbolic links instead of copies of the image files"},
        {0}};
    const cli_usage usage = {"data convert --to=FORMAT --output=OUT [FLAGS] [PART=]DATA...",
                             "Converts annotated images between formats, and tells by number and kind what the new one can't hold. Parts\n"
                             "(train, val, test) are kept: those of a data.yaml or of folders train/, valid/, test/, or those that are named.\n"
                             "To coco and csv, image files stay where they are; the other formats get copies. docs/DATA.md compares the\n"
                             "formats.",
                             "  objdet data convert --from=voc --to=tfrecord VOC2012 --output=train.record\n"
                             "  objdet data convert --to=tfrecord train.json --output=train.record --shards=10\n"
                             "  objdet data convert --to=coco train.record --output=coco/train.json\n"
                             "  objdet data convert --to=yolo train=train.record val=val.record --output=yolo\n"
                             "  objdet data convert --to=tfrecord yolo/data.yaml --output=records       # train.record, val.record\n"
                             "  objdet data convert --to=coco 'yolo/data.yaml#val' --output=val.json\n"
                             "  objdet data convert --to=roboflow-voc shapes --output=export\n"};
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
    out.shards = (int)shards;
    out.link_images = links;
    return convert(&in, &out, argv + 1);
}
