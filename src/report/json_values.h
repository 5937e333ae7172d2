/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of the report's JSON: numbers that may be missing, intervals, texts of any bytes.
 */
#ifndef OD_REPORT_JSON_VALUES_H
#define OD_REPORT_JSON_VALUES_H

#include "objdet/interval.h"
#include "report/curve.h"
#include "report/texts.h"

#include <jansson.h>

/* null where it isn't finite. */
json_t *od_report_json_number(double value);
/* null for NULL; bytes that aren't UTF-8 become U+FFFD. */
json_t *od_report_json_text(const char *text);
/* {"value", "low", "high", "se", "method"}, and "why_not" where something is missing; "count" and "total" of proportions. */
json_t *od_report_json_interval(const od_interval *v);
/* Array of texts. */
json_t *od_report_json_texts(const od_texts *t);
/* {"tag", "steps": [], "values": []}, null for an empty one. */
json_t *od_report_json_curve(const od_curve *c);
json_t *od_report_json_numbers(const double *values, size_t n);

#endif
