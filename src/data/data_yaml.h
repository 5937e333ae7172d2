/* SPDX-License-Identifier: Apache-2.0
 *
 * The data.yaml of Ultralytics' YOLO (https://docs.ultralytics.com/datasets/detect/): where the parts' images lie and what the
 * classes are called.
 *
 *     path: shapes          # the root; without it the file's folder
 *     train: images/train   # a folder, a .txt of image paths, or a list of these
 *     val: images/val
 *     names: [square, triangle]     # or {0: square, 1: triangle}
 */
#ifndef OD_DATA_DATA_YAML_H
#define OD_DATA_DATA_YAML_H

#include "data/paths.h"

enum { OD_YAML_TRAIN, OD_YAML_VAL, OD_YAML_TEST, OD_YAML_PARTS };

typedef struct od_data_yaml {
    char *root;                        /* "path" as it is written, or NULL */
    od_path_list parts[OD_YAML_PARTS]; /* as they are written */
    char **names;                      /* [name_count] by class index; NULL where names skips an index */
    int name_count;
    int keypoints;                     /* kpt_shape is there: rows of labels go on with keypoints behind the box */
} od_data_yaml;

extern const char *const od_data_yaml_part_names[OD_YAML_PARTS]; /* "train", "val", "test" */

/* OD_ERR_FORMAT with "path:line: ...". The caller deinits (also after an error). */
od_status od_data_yaml_load(od_data_yaml *out, const char *path, od_error *err);
od_status od_data_yaml_parse(od_data_yaml *out, const char *text, size_t size, const char *name, od_error *err);
void od_data_yaml_deinit(od_data_yaml *y);

/* Adds what `part` stands for to `list`: folders and .txt files that exist, found as Ultralytics finds them: below the root,
 * which may be relative to the file; "../train/images" is looked for below the root, too (Roboflow writes it so).
 * OD_ERR_NOT_FOUND naming what was looked for. */
od_status od_data_yaml_resolve(const od_data_yaml *y, const char *yaml_path, int part, od_path_list *list, od_error *err);

#endif
