/* SPDX-License-Identifier: Apache-2.0
 *
 * Which image and class of the ground truth a detection means, as the tools write it: ids, numbers of files, names.
 */
#ifndef OD_EVAL_COCO_RESULTS_IDS_H
#define OD_EVAL_COCO_RESULTS_IDS_H

#include "eval/coco_load.h"
#include "eval/id_map.h"
#include "eval/image_names.h"

typedef union od_raw_id {
    int64_t number;
    const char *text;
} od_raw_id;

/* A detection as written; few bytes, since there are many. A string id is kept as the place of its opening quote. */
typedef struct od_raw_det {
    od_coco_box box;
    double score;
    od_raw_id image, category;
    const char *segment;   /* JSON; NULL: none, or not wanted */
    uint32_t segment_size;
    char image_kind, category_kind; /* '0', '"', 0 missing */
    uint8_t has_box, has_score;
    uint8_t by_name; /* `image` is its file_name */
} od_raw_det;

/* What resolving ids needs. */
typedef struct od_id_resolver {
    od_coco_eval *e;
    const char *path, *end; /* end of the file's bytes */
    const od_coco_load_options *options;
    od_image_names names; /* built when strings occur */
    od_id_map *numbers;   /* file-name numbers -> index, when ids are those; NULL otherwise */
    od_hashmap class_names;
} od_id_resolver;

/* Decides from all detections how ids are meant; logs what isn't plain. od_id_resolver_deinit also after failure. */
od_status od_id_resolver_prepare(od_id_resolver *r, const od_raw_det *dets, size_t n, od_error *err);
void od_id_resolver_deinit(od_id_resolver *r);

/* Are all detections' file_names those of one image each? (After prepare.) */
int od_id_resolver_names_fit(const od_id_resolver *r, const od_raw_det *dets, size_t n);

/* Index, or OD_IMAGE_UNKNOWN, OD_IMAGE_AMBIGUOUS. */
int64_t od_id_resolver_image(const od_id_resolver *r, const od_raw_det *d);
/* Index, or -1. */
int64_t od_id_resolver_class(const od_id_resolver *r, const od_raw_det *d);

/* As written, for messages; NULL when out of memory. */
char *od_id_resolver_image_text(const od_id_resolver *r, const od_raw_det *d);
char *od_id_resolver_class_text(const od_id_resolver *r, const od_raw_det *d);

/* After loading: when numeric categories match no class, or classes of objects have no detection at all, and another offset
 * would put that right: that offset, else 0. */
int64_t od_id_resolver_better_offset(const od_id_resolver *r, const od_raw_det *dets, size_t n);

#endif
