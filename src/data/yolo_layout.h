/* SPDX-License-Identifier: Apache-2.0
 *
 * How YOLO's files lie: the label file of an image, the file that names the classes, and whether a folder is YOLO's at all.
 */
#ifndef OD_DATA_YOLO_LAYOUT_H
#define OD_DATA_YOLO_LAYOUT_H

#include "data/paths.h"

/* The label file of an image, as Ultralytics finds it: the last folder called images in its path becomes labels, the ending
 * .txt. Caller frees; NULL when out of memory. */
char *od_yolo_label_path(const char *image);

/* The folder's data.yaml, or its only .yaml that looks like one (has names), or NULL in *path. Caller frees. */
od_status od_yolo_find_yaml(char **path, const char *dir, od_error *err);

/* Class names for images in `dir`: a data.yaml, classes.txt, obj.names or _darknet.labels (a name a line) there or in one of the
 * three folders above. NULL in *path when there is none. Caller frees. */
od_status od_yolo_find_names(char **path, const char *dir, od_error *err);

/* Whether the folder holds images/ beside labels/, lies below a folder images that has labels beside it, or holds label files
 * beside its images and a file with class names. */
int od_yolo_is_folder(const char *dir);

#endif
