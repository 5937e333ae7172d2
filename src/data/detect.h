/* SPDX-License-Identifier: Apache-2.0
 *
 * The format of annotated data: by name when one is given, else by content and ending.
 */
#ifndef OD_DATA_DETECT_H
#define OD_DATA_DETECT_H

#include "data/paths.h"
#include "data/source.h"

/* A folder that only holds one annotation file (or TFRecords) stands for those: they are appended to `list` in its place;
 * every other path is appended as it is. OD_ERR_FORMAT, naming what was looked for, when it can't be told. */
od_status od_path_list_add_detected(od_path_list *list, const char *path, const char *name, od_error *err);

/* The format of an existing file, part of a file or folder: by `name` when given ("tfrecord", "coco", ...). */
od_status od_source_format_detect(const od_source_format **out, const char *path, const char *name, od_error *err);

#endif
