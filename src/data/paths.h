/* SPDX-License-Identifier: Apache-2.0
 *
 * From what stands in input_path to files, and to the format of each.
 */
#ifndef OD_DATA_PATHS_H
#define OD_DATA_PATHS_H

#include "data/source.h"

typedef struct od_path_list {
    char **items;
    size_t count, capacity;
} od_path_list;

int od_path_list_add(od_path_list *list, const char *path); /* 0, or -1 when out of memory */
void od_path_list_deinit(od_path_list *list);

/* Appends what `pattern` stands for: an existing path itself; "name@4" or "name@4.ext"'s shards name-00000-of-00004.ext...
 * (all must exist); else a glob (*, ?, [..]; so "name-?????-of-00004" works), sorted. OD_ERR_NOT_FOUND when nothing matches. */
od_status od_path_list_expand(od_path_list *list, const char *pattern, od_error *err);

/* The format of an existing file or folder: by `name` when given ("tfrecord", "coco", "voc", "csv"), else by content and
 * ending. A folder that only holds one annotation file (or TFRecords) stands for those: they are appended to `list`
 * in its place. OD_ERR_FORMAT, naming what was looked for, when it can't be told. */
od_status od_path_list_add_detected(od_path_list *list, const char *path, const char *name, od_error *err);
od_status od_source_format_detect(const od_source_format **out, const char *path, const char *name, od_error *err);

#endif
