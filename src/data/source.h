/* SPDX-License-Identifier: Apache-2.0
 *
 * One opened file or folder of annotated images, of any format: what dataset.c is made of. A source gives
 * examples exactly as they are written: classes aren't looked up, boxes aren't judged. Private to src/data.
 */
#ifndef OD_DATA_SOURCE_H
#define OD_DATA_SOURCE_H

#include "data/class_list.h"
#include "data/example.h"

typedef struct od_source od_source;

typedef struct od_source_options {
    const char *image_dir;    /* where the images lie that annotations name, or NULL */
    const char *group_fields; /* od_example.group comes from the first of them that is there; NULL: no groups */
    od_mask_loading masks;    /* of formats that have masks */
    int class_scores;         /* od_object.class_scores, of formats that have them */
    int frame_index;          /* of sequences: which frame is the example; -1: each */
    int keypoints;            /* od_object.keypoints, of formats that have them: so many an object; OD_KEYPOINTS_IF_ANY, OD_KEYPOINTS_NONE */
} od_source_options;

typedef struct od_source_format {
    const char *name;  /* "tfrecord", "coco", "voc", "csv", "yolo" */
    const char *title; /* "COCO JSON" */
    const char *unit;  /* what an example is called in messages: "record", "image" */
    /* Takes copies of the options. */
    od_status (*open)(od_source **out, const char *path, const od_source_options *options, od_error *err);
    /* Fills *out (zeroed; the caller deinits it whatever happens). Thread-safe. Without `with_image` the image's bytes
     * may be left out. Errors name the file and the place. */
    od_status (*read)(const od_source *s, int64_t index, int with_image, od_example *out, od_error *err);
    /* Adds the classes that the data names. May read everything. */
    od_status (*list_classes)(const od_source *s, od_class_list *classes, od_error *err);
    void (*free)(od_source *s);
    int has_ids; /* the data gives its classes numbers; else it only names them */
    /* How often an example is to be drawn in training, relative to the others of the source; NULL: all equally often. */
    double (*share)(const od_source *s, int64_t index);
} od_source_format;

/* The first member of every format's own struct. */
struct od_source {
    const od_source_format *format;
    char *path;
    int64_t count;
};

extern const od_source_format od_source_tfrecord, od_source_coco, od_source_voc, od_source_csv, od_source_yolo, od_source_cvat,
    od_source_labelstudio, od_source_openimages;
extern const od_source_format od_source_sequence; /* in the place of od_source_tfrecord, when asked for */

#endif
