/* SPDX-License-Identifier: Apache-2.0
 *
 * Intervals, image-level figures and comparisons as JSON, for the commands and the report. Each returns a new reference, or
 * NULL when out of memory. A number that is missing is null, with "why_not".
 */
#ifndef OD_EVAL_RESULTS_JSON_H
#define OD_EVAL_RESULTS_JSON_H

#include "objdet/image_level.h"

#include <jansson.h>

/* {"value", "low", "high", "se", "method"}, "count" and "total" of proportions, "why_not" where something is missing. */
json_t *od_interval_to_json(const od_interval *interval);
/* {"method", "level", "resamples", "seed", "units", "unit", "images", "warning", "stats": {name: interval},
 * "per_class": {class: {name: interval}}} */
json_t *od_bootstrap_to_json(const od_bootstrap *b, const od_coco_eval *e);
/* {"images", "null_images", "units", "unit", "all_classes": {...}, "per_class": {...}, "any_object": {...}} */
json_t *od_image_level_to_json(const od_image_level *l);
/* {"method", ..., "stats": {name: {"a", "b", "difference", "distinct"}}, "per_class": {...}, "images": [...]} */
json_t *od_compare_to_json(const od_compare *c, const od_coco_eval *e, const od_image_comparison *images);

#endif
