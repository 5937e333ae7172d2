/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the files of a conversion go: the annotation file, the images' folder, by format and part.
 */
#ifndef OD_DATA_OUTPUT_LAYOUT_H
#define OD_DATA_OUTPUT_LAYOUT_H

#include "data/writer.h"

typedef struct od_output_layout {
    const od_writer_format *format;
    const char *split; /* borrowed, or NULL */
    int beside;        /* Roboflow: a folder a part, annotations beside the images */
    char *root;        /* the output's folder */
    char *path;        /* the annotation file, or the folder of a format that is one */
    char *image_dir;   /* where images' files go */
    const char *image_prefix; /* before their names in annotations */
} od_output_layout;

/* OD_ERR_ARG for an unknown format, a path that is a file when there are parts, and parts that the format doesn't know. The
 * caller deinits (also after an error). */
od_status od_output_layout_init(od_output_layout *out, const od_data_output *output, const char *split, od_error *err);
void od_output_layout_deinit(od_output_layout *l);

/* Whether the path is the annotation file itself, not a folder that gets it. */
int od_output_is_file(const od_data_output *output);

#endif
