/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluators filled from a test case: {"gt": {"images", "annotations", "categories"}, "dt": [...]}, as COCO files have them.
 */
#ifndef TEST_COCO_PROBLEM_H
#define TEST_COCO_PROBLEM_H

#include "objdet/eval.h"

#include <jansson.h>

/* Image i occurs copies[i] times, in a row (NULL: once), with ids of their own. With `grouped`, each image's "patient" names
 * its group. Run with one thread; fails the test when it can't. The caller frees. */
od_coco_eval *test_coco_problem(const json_t *problem, const uint32_t *copies, int grouped);

/* tests/eval/data/NAME; the caller decrefs. */
json_t *test_eval_data(const char *name);

#endif
