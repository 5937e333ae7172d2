/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OD_EVAL_LOCALISATION_OPTIONS_H
#define OD_EVAL_LOCALISATION_OPTIONS_H

#include "eval/box_match.h"
#include "eval/resample_figures.h"

/* OD_ERR_ARG with the option's name and value. */
od_status od_localisation_options_check(const od_localisation_options *o, od_error *err);
od_resampling od_localisation_resampling(const od_localisation_options *o);

/* Matches and lists one class (-1: all). */
od_status od_localisation_list(const od_coco_eval *e, int64_t class_index, const od_localisation_options *o,
                               od_box_list *out, od_error *err);

#endif
