/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OD_EVAL_THRESHOLD_CHOICE_H
#define OD_EVAL_THRESHOLD_CHOICE_H

#include "objdet/operating_point.h"

/* The shortest decimal d, near the middle, with below < d <= above. */
double od_threshold_between(double below, double above);

/* Fills c->reason from the rest of it. */
void od_threshold_reason(od_threshold_choice *c, const od_coco_eval *e, const od_operating_options *o);

#endif
