/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's annotation file (https://cocodataset.org/#format-data): its images, boxes and categories. The text is
 * read as a stream, and polygons, masks and captions are skipped, so that memory holds little more than the boxes; of
 * segmentations and keypoints only their places are kept.
 */
#ifndef OD_DATA_COCO_JSON_H
#define OD_DATA_COCO_JSON_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_coco_image {
    int64_t id;
    char *file_name;
    char *group;         /* see group_fields; NULL: none */
    int width, height;   /* 0: not given */
    size_t first, count; /* its annotations */
} od_coco_image;

typedef struct od_coco_annotation {
    int64_t image_id;
    size_t image, number;    /* index of its image; its place in the file */
    int32_t category_id;
    int crowd;
    double bbox[4];          /* x, y, width, height in pixels */
    double area;             /* pixels^2; 0: not given */
} od_coco_annotation;

/* Where a value stands in the file's bytes. */
typedef struct od_coco_span {
    uint64_t at;
    uint32_t size; /* 0: not there */
} od_coco_span;

typedef struct od_coco_category {
    int32_t id;
    char *name; /* NULL: not given */
} od_coco_category;

typedef struct od_coco_json {
    const char *group_fields; /* in: members of "images" that tell the group, "patient_id,patient"; borrowed while loading */
    int want_segments, want_keypoints; /* in: fill `segments`, `keypoints` */
    od_coco_image *images; /* in the file's order */
    size_t image_count, image_capacity;
    od_coco_annotation *annotations; /* by image, then in the file's order; those of unknown images are gone */
    size_t annotation_count, annotation_capacity;
    od_coco_category *categories; /* by id */
    size_t category_count, category_capacity;
    od_coco_span *segments; /* "segmentation" of annotation `number`, when wanted: its bytes, brackets included */
    size_t segment_count, segment_capacity;
    od_coco_span *keypoints; /* the same of "keypoints", of the annotations up to the last that has some */
    size_t keypoint_count, keypoint_capacity;
    size_t orphans, boxless; /* annotations left out: image_id not among the images; without a bbox */
} od_coco_json;

/* Reads `path`. Errors: "path: not valid JSON at byte N: ..." or "path: annotations[7]: image_id is ...". The caller deinits
 * (also after an error). */
od_status od_coco_json_load(od_coco_json *out, const char *path, od_error *err);
/* The same from memory; `name` stands for the path. */
od_status od_coco_json_parse(od_coco_json *out, const char *text, size_t size, const char *name, od_error *err);
void od_coco_json_deinit(od_coco_json *c);

/* NULL when there is none. */
const od_coco_category *od_coco_json_category(const od_coco_json *c, int32_t id);

#endif
