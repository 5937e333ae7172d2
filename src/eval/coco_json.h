/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluation as a JSON document, to which others may add before it is written.
 */
#ifndef OD_EVAL_COCO_JSON_H
#define OD_EVAL_COCO_JSON_H

#include "objdet/eval.h"

#include <jansson.h>

/* A new object, or NULL when out of memory. */
json_t *od_coco_eval_to_json(const od_coco_eval *e);
/* Dumps with 17 digits and writes atomically. Takes `document` (freed here); NULL means it could not be made. */
od_status od_json_write(json_t *document, const char *path, od_error *err);
/* The same without spaces and line breaks, for large documents. */
od_status od_json_write_compact(json_t *document, const char *path, od_error *err);

#endif
