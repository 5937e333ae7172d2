/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/localisation_options.h"

#include "util/error.h"

#include <math.h>

od_localisation_options od_localisation_options_default(void)
{
    return (od_localisation_options){
        .hit = OD_HIT_IOU, .iou = .5, .score_threshold = .5, .num_resamples = 1000, .level = .95};
}

od_status od_localisation_options_check(const od_localisation_options *o, od_error *err)
{
    if (o->hit != OD_HIT_IOU && o->hit != OD_HIT_CENTRE)
        return od_error_set(err, OD_ERR_ARG, "hit is %d; expected OD_HIT_IOU or OD_HIT_CENTRE", (int)o->hit);
    if (o->hit == OD_HIT_IOU && !(o->iou > 0 && o->iou <= 1))
        return od_error_set(err, OD_ERR_ARG, "the IoU threshold is %g; expected above 0, at most 1", o->iou);
    if (isnan(o->score_threshold)) return od_error_set(err, OD_ERR_ARG, "the score threshold is not a number");
    return OD_OK;
}

od_resampling od_localisation_resampling(const od_localisation_options *o)
{
    return (od_resampling){o->num_resamples, o->level, o->seed, o->num_threads};
}

od_status od_localisation_list(const od_coco_eval *e, int64_t class_index, const od_localisation_options *o,
                               od_box_list *out, od_error *err)
{
    const od_box_matches *m;
    OD_TRY(od_localisation_options_check(o, err));
    OD_TRY(od_box_check(e, class_index, err));
    OD_TRY(od_box_matches_find(e, o->hit, o->iou, o->num_threads, &m, err));
    return od_box_list_build(e, m, class_index, out, err);
}
