/* SPDX-License-Identifier: Apache-2.0
 *
 * The pictures of an evaluated set by their names: in a folder, beside the annotations, or inside the TFRecords that a
 * config evaluates on; and smaller JPEGs of them for the page.
 */
#ifndef OD_REPORT_PICTURES_H
#define OD_REPORT_PICTURES_H

#include "image/image.h"

typedef struct od_pictures od_pictures;

typedef struct od_picture_places {
    const char *annotations; /* pictures may lie beside this file, or in images/ or JPEGImages/ there */
    const char *image_dir;   /* NULL: not given */
    const char *config_path; /* a pipeline.config whose evaluation data may hold them; NULL: none */
} od_picture_places;

/* Strings are borrowed for the handle's life. NULL when out of memory. */
od_pictures *od_pictures_open(const od_picture_places *places);
void od_pictures_close(od_pictures *p);
/* Finds and decodes the picture that annotations call `name`. OD_ERR_NOT_FOUND or the decoder's errors. */
od_status od_pictures_load(od_pictures *p, const char *name, od_image *out, od_error *err);

/* Part of a picture as bytes of a JPEG, its longest side at most `longest` pixels. *bytes is freed with od_free. */
typedef struct od_picture_part {
    int x, y, width, height; /* inside the picture */
} od_picture_part;
od_status od_picture_encode(const od_image *image, const od_picture_part *part, int longest, int quality, uint8_t **bytes, size_t *size, od_error *err);

#endif
