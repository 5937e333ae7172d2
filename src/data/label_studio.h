/* SPDX-License-Identifier: Apache-2.0
 *
 * Label Studio's exports JSON and JSON-MIN (https://labelstud.io/guide/export): a list of tasks, boxes in percent of the image.
 * Scanned once for where each task lies; a task is then parsed from there, so that memory holds 16 bytes an image.
 */
#ifndef OD_DATA_LABEL_STUDIO_H
#define OD_DATA_LABEL_STUDIO_H

#include "data/class_list.h"
#include "data/example.h"

typedef struct od_task_place {
    int64_t offset; /* of the task's { in the file */
    int32_t size;
    int32_t line;
} od_task_place;

typedef struct od_task_index {
    od_task_place *tasks; /* those that somebody has annotated */
    size_t count, capacity;
    od_class_list classes;
    int64_t open;         /* tasks without an annotation, or skipped by the annotator: left out */
    int64_t others;       /* further annotations of a task: left out (the ground truth counts, else the first) */
    int64_t regions;      /* keypoints, brushes of no pixel, ...: left out */
    int64_t rotated;      /* regions for which their tasks can't be read */
} od_task_index;

/* OD_ERR_FORMAT with "path:line: ...". The caller deinits (also after an error). */
od_status od_label_studio_scan(od_task_index *out, const char *bytes, size_t size, const char *path, od_error *err);
void od_task_index_deinit(od_task_index *index);

/* Fills *out (zeroed; the caller deinits it whatever happens) from a task: id (source_id), the image's name (filename), its size (0
 * when no region tells) and boxes. Polygons and ellipses (as polygons) become outlines, with `masks` brushes become masks; else they are reduced to the boxes around them
 * (OD_OBJECT_OUTLINE).
 * OD_ERR_UNSUPPORTED for rotated boxes and images. */
od_status od_label_studio_read(const od_task_index *index, size_t number, const char *bytes, const char *path, int masks, od_example *out,
                               od_error *err);

/* The file that an image's address in a task names: what stands behind ?d= of local files, else its path without scheme, query
 * and Label Studio's folders; %20 and the like decoded. Caller frees; NULL when out of memory. */
char *od_label_studio_image_name(const char *address);

#endif
