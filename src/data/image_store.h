/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a conversion puts the images' files, and what annotations call them.
 */
#ifndef OD_DATA_IMAGE_STORE_H
#define OD_DATA_IMAGE_STORE_H

#include "data/example.h"
#include "util/hashmap.h"

typedef struct od_image_store {
    const char *dir;    /* borrowed: the folder for files; made when the first one is written */
    od_hashmap *names;  /* borrowed: the names taken in `dir` */
    const char *from;   /* borrowed: with `keep`, names are relative to this folder */
    const char *prefix; /* of the names of files in `dir` ("images/") */
    int keep;           /* images that are files stay where they are */
    int link;           /* images that are files are linked to instead of copied */
    int by_stem;        /* names differ without their endings, too */
    char *real_from;
    int made;
} od_image_store;

/* Puts the image's file where it belongs and tells its name in *name (freed with od_free); `number` makes a name of its own for
 * images without one. e->encoded must be there. */
od_status od_image_store_put(od_image_store *s, const od_example *e, int64_t number, char **name, od_error *err);
void od_image_store_deinit(od_image_store *s);

#endif
