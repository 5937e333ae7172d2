/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding and reading the image files that annotations name.
 */
#ifndef OD_DATA_IMAGE_FILE_H
#define OD_DATA_IMAGE_FILE_H

#include "data/example.h"

/* Where `name` lies: in `image_dir` (when given; by its whole name, else its last part), else below `dir`, `dir`/images,
 * `dir`/JPEGImages, then by the last part of the name in the same three. *path is freed with od_free.
 * OD_ERR_NOT_FOUND, naming the folders looked in. */
od_status od_image_file_find(char **path, const char *dir, const char *image_dir, const char *name, od_error *err);

/* Finds the image and loads its bytes into e->encoded (with_image) and its real size into *width and *height (0 when the header
 * can't be read). Without `with_image` only the size is read. */
od_status od_image_file_load(const char *dir, const char *image_dir, const char *name, int with_image, od_example *e,
                             int *width, int *height, od_error *err);

/* The same for an image whose path is known. */
od_status od_image_file_read(const char *path, int with_image, od_example *e, int *width, int *height, od_error *err);

#endif
