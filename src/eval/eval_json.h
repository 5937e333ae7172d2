/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluation's structures as JSON. Each returns a new value, or NULL when out of memory. NAN becomes null.
 */
#ifndef OD_EVAL_EVAL_JSON_H
#define OD_EVAL_EVAL_JSON_H

#include "objdet/calibration.h"
#include "objdet/detection_errors.h"
#include "objdet/localisation.h"
#include "objdet/operating_point.h"

#include <jansson.h>

json_t *od_json_real(double value);
/* {"value", "low", "high", "method" or "why_not"; "count", "total" of proportions} */
json_t *od_json_interval(const od_interval *i);

json_t *od_froc_to_json(const od_froc *f);
json_t *od_jafroc_to_json(const od_jafroc *j);
json_t *od_null_images_to_json(const od_null_images *n, const od_coco_eval *e);
json_t *od_lrps_to_json(const od_lrps *l, const od_coco_eval *e);
json_t *od_tide_to_json(const od_tide *t);
json_t *od_operating_point_to_json(const od_operating_point *p);
json_t *od_operating_curve_to_json(const od_operating_curve *c);
json_t *od_threshold_choice_to_json(const od_threshold_choice *c);
json_t *od_calibration_to_json(const od_calibration *c);

#endif
