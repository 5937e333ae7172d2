/* SPDX-License-Identifier: Apache-2.0
 *
 * Which failures are shown with pictures, and those pictures.
 */
#ifndef OD_REPORT_GALLERY_H
#define OD_REPORT_GALLERY_H

#include "objdet/detection_errors.h"
#include "report/pictures.h"

/* One image of the set; both views of a failure are cut from it by the browser. */
typedef struct od_gallery_picture {
    int64_t image;     /* index */
    int width, height; /* of the original */
    uint8_t *jpeg;
    size_t size;
} od_gallery_picture;

typedef struct od_gallery_item {
    size_t failure; /* index in the list */
    size_t picture;
    double crop[4]; /* x, y, width, height in pixels of the original; square, may reach beyond the picture */
    uint8_t *detail; /* the crop as a JPEG of its own where the picture would show it too coarsely; else NULL */
    size_t detail_size;
    od_picture_part detail_part;
} od_gallery_item;

typedef struct od_gallery {
    od_gallery_item *items; /* worst first */
    size_t num_items, wanted; /* wanted: how many would have been shown with every picture at hand */
    od_gallery_picture *pictures;
    size_t num_pictures;
    int64_t not_found;     /* images whose picture could not be read */
    char problem[512];     /* the first reason; "" for none */
} od_gallery;

typedef struct od_gallery_options {
    int64_t most;  /* failures */
    size_t budget; /* bytes of JPEG in all */
    od_picture_places places;
    od_status (*overlay)(void *user, int64_t image, od_image *picture, od_error *err); /* draws on a picture that was read; NULL: nothing to draw */
} od_gallery_options;

/* The worst failures of each kind in turn, up to `most`. `name` gives an image's name. */
od_status od_gallery_make(od_gallery *g, const od_failures *failures, const char *(*name)(void *user, int64_t image), void *user, const od_gallery_options *options, od_error *err);
void od_gallery_deinit(od_gallery *g);

#endif
