/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding an image by what another tool calls it: its file name, with or without folder and extension; and clusters
 * of images (patients).
 */
#ifndef OD_EVAL_IMAGE_NAMES_H
#define OD_EVAL_IMAGE_NAMES_H

#include "eval/coco_types.h"
#include "util/error.h"
#include "util/hashmap.h"

enum { OD_IMAGE_UNKNOWN = -1, OD_IMAGE_AMBIGUOUS = -2 };

typedef struct od_image_names {
    od_hashmap ids, names;
} od_image_names;

od_status od_image_names_build(od_image_names *out, const od_coco_image *images, size_t n, od_error *err);
void od_image_names_deinit(od_image_names *names);
/* Index, or one of the above. */
int64_t od_image_names_find(const od_image_names *names, const char *text);

/* The number that an image's file is called ("000123.jpg": 123); 0 when it isn't one. */
int od_image_name_number(const od_coco_image *image, int64_t *number);

/* Sets each image's group from its name: the regex's first group, or the whole match. */
od_status od_image_groups_by_regex(od_coco_image *images, size_t n, const char *regex, od_error *err);

#endif
