/* SPDX-License-Identifier: Apache-2.0
 *
 * What writes annotations of one format, an image at a time: what convert.c is made of. Private to src/data.
 */
#ifndef OD_DATA_WRITER_H
#define OD_DATA_WRITER_H

#include "config/label_map.h"
#include "data/example.h"
#include "objdet/dataset.h"

typedef struct od_write_job {
    const char *root;      /* the output's folder */
    const char *path;      /* the annotation file; for formats that are folders the root */
    const char *image_dir; /* where the images' files are put, or NULL when they stay where they are */
    const char *split;     /* "train", "val", ...; NULL: the data isn't divided */
    int beside;            /* annotations lie beside the images, as Roboflow has them */
    const od_label_map *map;
} od_write_job;

typedef struct od_writer od_writer;

typedef struct od_writer_format {
    const char *name;
    const char *file;   /* the annotation file in an output that is a folder; NULL: the format is a folder */
    const char *images; /* folder of the images' files below the output; "%s" stands for the split ("train" without one) */
    const char *prefix; /* before images' names in annotations: "images/" or "" */
    int keep_images;    /* images that are files stay where they are: names are relative to the annotation file */
    int by_stem;        /* an image is known by its name without ending, which must be its own */
    int outlines;       /* writes od_object.outline instead of the box, where there is one */
    int masks;          /* writes od_object.mask instead of the box, where there is one with a pixel and no outline */
    unsigned holds;     /* bits 1 << OD_DATA_KIND_...: what it can say */
    od_status (*open)(od_writer **out, const od_write_job *job, od_error *err);
    /* `image` names the image's file: relative to the annotation file, or its base name when the files lie in job->image_dir.
     * Objects have class texts (the label map's names). */
    od_status (*put)(od_writer *w, const od_example *e, const char *image, od_error *err);
    od_status (*commit)(od_writer *w, od_error *err); /* puts the file into place; the caller frees */
    void (*free)(od_writer *w);                       /* without commit: nothing stays of an annotation file */
    /* Once for the whole output, after all splits; NULL: nothing to do. `splits` may hold a NULL. */
    od_status (*finish)(const od_write_job *job, const char *const *splits, int count, od_error *err);
} od_writer_format;

struct od_writer {
    const od_writer_format *format;
    int64_t clipped; /* boxes that were cut at the image's edge, as the format must have them inside */
};

/* Whether the format writes the object's mask. */
int od_writer_writes_mask(const od_writer_format *f, const od_object *o);

extern const od_writer_format od_writer_csv, od_writer_voc, od_writer_yolo, od_writer_cvat, od_writer_labelstudio,
    od_writer_labelstudio_min, od_writer_openimages;

#endif
