/* SPDX-License-Identifier: Apache-2.0
 *
 * Average precision as VOCdevkit 2010 and later define it: the area under precision against recall, precision made falling, at every
 * recall that occurs (utils/metrics.py of the OD API).
 */
#ifndef OD_EVAL_PASCAL_PRECISION_H
#define OD_EVAL_PASCAL_PRECISION_H

#include "eval/pascal_match.h"

/* Sorts `hits` by score. Only recalls in [low, high] are looked at; the curve goes from there to 0 and 1 as the OD API draws it.
 * NAN without anything to be found, 0 without detections. */
od_status od_pascal_average_precision(od_pascal_hit *hits, size_t num_hits, double num_truths, double low, double high, double *out, od_error *err);

#endif
