/* SPDX-License-Identifier: Apache-2.0
 *
 * CVAT's XML 1.1 "for images" (https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/): all images of a task with
 * their shapes. Scanned once for where each image's element lies; an image is then parsed from there, so that memory holds 16
 * bytes an image.
 */
#ifndef OD_DATA_CVAT_XML_H
#define OD_DATA_CVAT_XML_H

#include "data/class_list.h"
#include "data/example.h"

typedef struct od_cvat_place {
    int64_t offset; /* of <image in the file */
    int32_t size;   /* to the end of its element */
    int32_t line;
} od_cvat_place;

typedef struct od_cvat_index {
    od_cvat_place *images;
    size_t count, capacity;
    od_class_list classes;        /* of the task's labels and of the shapes */
    char *encoding;               /* of the file, or NULL */
    int64_t rotated;              /* shapes for which their images can't be read */
    int64_t shapes, tags, attributes; /* left out: polylines, points, cuboids, skeletons; tags; attributes without a meaning here */
} od_cvat_index;

/* `subset`: only images of this subset (of a project's export); NULL: all. OD_ERR_FORMAT with "path:line: ...". The caller deinits
 * (also after an error). */
od_status od_cvat_scan(od_cvat_index *out, const char *bytes, size_t size, const char *path, const char *subset, od_error *err);
void od_cvat_index_deinit(od_cvat_index *index);

/* Fills *out (zeroed; the caller deinits it whatever happens) from an image's element: id (source_id), name, size, boxes. Polygons
 * and ellipses (as polygons) become outlines, with `masks` masks become masks; else they are reduced to the boxes around them
 * (OD_OBJECT_OUTLINE). OD_ERR_UNSUPPORTED for a rotated box. */
od_status od_cvat_read(const od_cvat_index *index, size_t number, const char *bytes, const char *path, int masks, od_example *out, od_error *err);

#endif
