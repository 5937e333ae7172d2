/* SPDX-License-Identifier: Apache-2.0
 *
 * Detection problems stored as JSON with their answers: {"cases": [{"name", "gt": COCO, "dt": COCO results, ...}]}.
 */
#ifndef EVAL_CASE_H
#define EVAL_CASE_H

#include "objdet/eval.h"

#include <jansson.h>

/* The array of cases in a file of the source tree; NULL when it can't be read. Caller decrefs. */
json_t *eval_cases_load(const char *path);
/* The case in memory, and run; fails the test on any error. */
od_coco_eval *eval_case_run(json_t *c);

#endif
