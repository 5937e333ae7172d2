/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a threshold was chosen, in a sentence.
 */
#include "eval/threshold_choice.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void append(od_threshold_choice *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(od_threshold_choice *c, const char *format, ...)
{
    size_t used = strlen(c->reason);
    va_list args;
    va_start(args, format);
    vsnprintf(c->reason + used, sizeof c->reason - used, format, args);
    va_end(args);
}

static void append_rule(od_threshold_choice *c, const od_operating_options *o)
{
    int boxes = c->level == OD_LEVEL_BOX;
    const char *each = boxes ? "false detections an image" : "false alarms per negative image";
    double per = boxes ? c->at.false_per_image : (double)c->at.fp / (double)(c->at.fp + c->at.tn);
    switch (c->rule) {
    case OD_RULE_F1:
        if (c->reached)
            append(c, "%g gives the highest F1, %.3f", c->threshold, c->at.f1.value);
        else
            append(c, "%g: no threshold gives an F1 above 0, since no detection is right", c->threshold);
        break;
    case OD_RULE_COST:
        append(c, "%g gives the lowest cost, %.4g an image at %g for each false %s and %g for each missed %s", c->threshold,
               c->at.cost, o->cost_fp, boxes ? "detection" : "alarm", o->cost_fn, boxes ? "object" : "positive image");
        if (!c->reached) append(c, "; at these costs it is best to report nothing");
        break;
    case OD_RULE_MIN_SENSITIVITY:
        if (c->reached)
            append(c, "%g is the highest threshold with a sensitivity of at least %g (%.3f)", c->threshold, c->bound, c->at.recall.value);
        else
            append(c, "%g: no threshold reaches a sensitivity of %g; the lowest one gives %.3f", c->threshold, c->bound, c->at.recall.value);
        break;
    case OD_RULE_MAX_FALSE_PER_IMAGE:
        append(c, "%g is the lowest threshold with at most %g %s (%.3g)", c->threshold, c->bound, each, per);
        break;
    }
}

static void append_share(od_threshold_choice *c, const char *name, const od_interval *i)
{
    if (!isnan(i->value)) append(c, "%s %.3f", name, i->value);
}

void od_threshold_reason(od_threshold_choice *c, const od_coco_eval *e, const od_operating_options *o)
{
    c->reason[0] = 0;
    append_rule(c, o);
    append(c, ": ");
    append_share(c, "precision", &c->at.precision);
    append_share(c, isnan(c->at.precision.value) ? "recall" : ", recall", &c->at.recall);
    if (c->level == OD_LEVEL_IMAGE) append_share(c, ", specificity", &c->at.specificity);
    append(c, " on %" PRId64 " images with %" PRId64 " %s.", od_coco_eval_num_images(e), c->at.tp + c->at.fn,
           c->level == OD_LEVEL_BOX ? "objects" : "positive ones among them");
    if (!isnan(c->interval.low))
        append(c, " Other samples of such images would have chosen %.2f to %.2f (%g %%).", c->interval.low, c->interval.high,
               100 * o->match.level);
}
