/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet synth
 */
#include "commands.h"
#include "flags.h"
#include "objdet/synth.h"

#include <limits.h>
#include <stdio.h>

int od_cmd_synth(int argc, char **argv)
{
    od_synth_options o;
    od_synth_options_default(&o);
    int64_t train = o.train, val = o.val, test = o.test, seed = 0, width = o.width, height = o.height;
    const cli_flag flags[] = {
        {"output_dir", CLI_STRING, &o.output_dir, "the folder to write"},
        {"train", CLI_INT, &train, "training images (300)"},
        {"val", CLI_INT, &val, "validation images (60)"},
        {"test", CLI_INT, &test, "test images (60)"},
        {"seed", CLI_INT, &seed, "the same seed gives the same bytes (0)"},
        {"width", CLI_INT, &width, "of the images, in pixels (320)"},
        {"height", CLI_INT, &height, "of the images, in pixels (240)"},
        {0}};
    const cli_usage usage = {"synth --output_dir=DIR [FLAGS]",
                             "Makes a data set to try things out on: squares and triangles on textured ground, pentagons as\n"
                             "look-alikes, images without objects. COCO JSON, TFRecords, label map and pipeline.config.",
                             "  objdet synth --output_dir=shapes\n"
                             "  objdet train --pipeline_config_path=shapes/pipeline.config --model_dir=shapes/model\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    if (code >= 0) return code;
    if (!o.output_dir) {
        fprintf(stderr, "objdet synth: error: needs --output_dir; see objdet synth --help\n");
        return 2;
    }
    const struct { int64_t from; int *to; } numbers[] = {
        {train, &o.train}, {val, &o.val}, {test, &o.test}, {width, &o.width}, {height, &o.height}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i].to = numbers[i].from < INT_MIN ? INT_MIN : numbers[i].from > INT_MAX ? INT_MAX : (int)numbers[i].from;
    o.seed = (uint64_t)seed;
    od_error err = {0};
    if (od_synth(&o, &err) != OD_OK) return cli_fail(&err);
    printf("%s: %d training, %d validation and %d test images; train with --pipeline_config_path=%s/pipeline.config\n", o.output_dir,
           o.train, o.val, o.test, o.output_dir);
    return 0;
}
