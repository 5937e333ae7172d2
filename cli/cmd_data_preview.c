/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet data preview
 */
#include "cmd_data.h"

#include "flags.h"
#include "objdet/data_preview.h"

#include <stdio.h>

int cli_data_preview(int argc, char **argv)
{
    od_data_preview_options o = od_data_preview_options_default();
    int64_t images = o.images, draws = o.draws, seed = 0;
    const cli_flag flags[] = {
        {"pipeline_config_path", CLI_STRING, &o.pipeline_config_path, "whose data_augmentation_options are drawn"},
        {"output", CLI_STRING, &o.output, "the page to write (.html)"},
        {"input_path", CLI_STRING, &o.input_path, "pictures instead of the config's train_input_reader"},
        {"image_dir", CLI_STRING, &o.image_dir, "where COCO, VOC and CSV pictures lie"},
        {"images", CLI_INT, &images, "how many pictures (3)"},
        {"draws", CLI_INT, &draws, "results of each augmentation and picture (4)"},
        {"seed", CLI_INT, &seed, "other draws (0)"},
        {0}};
    const cli_usage usage = {"data preview --pipeline_config_path=P --output=preview.html",
                             "One self-contained page of what the config's augmentations do to your pictures and "
                             "boxes: each alone, and all in\n"
                             "order. Says which of them falsify labels (a mirrored left lung is a right one).",
                             "  objdet data preview --pipeline_config_path=pipeline.config --output=preview.html\n"
                             "  objdet data preview --pipeline_config_path=pipeline.config --input_path=train.json "
                             "--images=6 --output=preview.html\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    if (code >= 0) return code;
    od_error err = {0};
    o.images = (int)images;
    o.draws = (int)draws;
    o.seed = (uint64_t)seed;
    if (od_data_preview(&o, &err) != OD_OK) return cli_fail(&err);
    printf("wrote %s\n", o.output);
    return 0;
}
