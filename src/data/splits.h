/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a data set that lie under one path: a data.yaml of YOLO with train, val and test, or a folder with train/, valid/
 * and test/ below it or below its images/, as Roboflow and Ultralytics lay them out.
 */
#ifndef OD_DATA_SPLITS_H
#define OD_DATA_SPLITS_H

#include "util/error.h"

#include <stddef.h>

typedef struct od_split_item {
    char *name; /* "train", "val", "test" */
    char *path; /* "shapes/data.yaml#val", "shapes/valid" */
} od_split_item;

typedef struct od_split_list {
    od_split_item *items;
    size_t count, capacity;
} od_split_list;

/* Fills *out (zeroed; the caller deinits it whatever happens) with the parts of `path`; none when it isn't divided. `format`
 * as in od_dataset_options. */
od_status od_split_list_find(od_split_list *out, const char *path, const char *format, od_error *err);
void od_split_list_deinit(od_split_list *list);

/* "valid" and "validation" are "val", "training" is "train", "testing" is "test"; other names stay. */
const char *od_split_name(const char *name);

#endif
