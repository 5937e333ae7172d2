/* SPDX-License-Identifier: Apache-2.0
 *
 * What sources share that keep their one annotation file mapped and an index of places in it.
 */
#ifndef OD_DATA_MAPPED_SOURCE_H
#define OD_DATA_MAPPED_SOURCE_H

#include "data/source.h"
#include "util/file.h"

/* The first member of such a source's own struct. */
typedef struct od_mapped_source {
    od_source base;
    char *dir, *image_dir; /* dir: where the file lies */
    od_file_view view;
    int masks; /* some are wanted */
} od_mapped_source;

/* Fills *s (zeroed) and maps `file`, which is `path` without the name of a part. The caller closes, also after an error. */
od_status od_mapped_source_open(od_mapped_source *s, const od_source_format *format, const char *path, const char *file, const od_source_options *options, od_error *err);
/* All but the struct itself. */
void od_mapped_source_close(od_mapped_source *s);

#endif
