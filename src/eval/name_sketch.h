/* SPDX-License-Identifier: Apache-2.0
 *
 * A set of names kept as the lowest of their hashes: enough to find out later whether another set shares names with it.
 */
#ifndef OD_EVAL_NAME_SKETCH_H
#define OD_EVAL_NAME_SKETCH_H

#include "eval/coco_eval.h"

#include <jansson.h>

enum { OD_SKETCH_MOST = 20000 };

typedef struct od_name_sketch {
    uint64_t *hashes; /* rising, without repeats */
    size_t count;     /* at most OD_SKETCH_MOST */
    int64_t total;    /* how many names there were, repeats counted once */
} od_name_sketch;

/* Sorts `hashes` and takes it (od_malloc), also on failure; drops repeats. */
void od_name_sketch_of(od_name_sketch *s, uint64_t *hashes, size_t n);
void od_name_sketch_deinit(od_name_sketch *s);
int od_name_sketch_has(const od_name_sketch *s, uint64_t hash);

/* File name without folder and extension, else the id. */
uint64_t od_image_name_hash(const od_coco_image *image);
od_status od_image_sketch(od_name_sketch *out, const od_coco_eval *e, int *by_id, od_error *err);
/* Empty when images have no groups. */
od_status od_group_sketch(od_name_sketch *out, const od_coco_eval *e, od_error *err);

json_t *od_name_sketch_to_json(const od_name_sketch *s); /* ["hex", ...] */
od_status od_name_sketch_from_json(od_name_sketch *out, const json_t *list, int64_t total, const char *where, od_error *err);

#endif
