/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of COCO ground truth and COCO results share: an id that may be a number or a string, fields with
 * messages that name them, and the count of what was odd but acceptable.
 */
#ifndef OD_EVAL_COCO_LOAD_H
#define OD_EVAL_COCO_LOAD_H

#include "eval/coco_eval.h"
#include "eval/json_array.h"

/* An id as written: `number`, or when text.bytes is set a string. kind is 0 when the field is missing. */
typedef struct od_coco_id {
    int64_t number;
    od_json_text text;
    char kind; /* '0' or '"' */
} od_coco_id;

/* Where a field reader puts its complaint. */
typedef struct od_coco_complaint {
    char *message;
    size_t size;
} od_coco_complaint;

int od_coco_read_id(od_json *j, const char *field, od_coco_id *out, od_coco_complaint c);
/* A number that may not be NaN or infinite. */
int od_coco_read_number(od_json *j, const char *field, double *out, od_coco_complaint c);
int od_coco_read_box(od_json *j, od_coco_box *out, od_coco_complaint c);
int od_coco_read_string(od_json *j, const char *field, od_json_text *out, od_coco_complaint c);
static inline int od_coco_wants_masks(const od_coco_load_options *o)
{
    return o->iou_type == OD_COCO_SEGM || o->keep_masks;
}

/* Where a "segmentation" stands; null counts as none (*out NULL). */
int od_coco_read_segment(od_json *j, const char **out, uint32_t *size, od_coco_complaint c);
int od_coco_complain(od_coco_complaint c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "5" or "'abc'" into buffer; returns buffer. */
const char *od_coco_id_text(const od_coco_id *id, char *buffer, size_t size);

#endif
