/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/calibration_pairs.h"

#include "eval/localisation_options.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>

od_calibration_options od_calibration_options_default(void)
{
    return (od_calibration_options){.match = od_localisation_options_default(), .min_score = 0, .num_bins = 15};
}

double od_score_within(double score, int64_t *outside)
{
    if (score >= 0 && score <= 1) return score;
    ++*outside;
    return score > 1 ? 1 : 0;
}

static od_status check(const od_calibration_options *o, od_error *err)
{
    if (o->num_bins < 1 || o->num_bins > OD_RELIABILITY_MOST_BINS)
        return od_error_set(err, OD_ERR_ARG, "the number of bins is %d; expected 1 to %d", o->num_bins, OD_RELIABILITY_MOST_BINS);
    if (isnan(o->min_score)) return od_error_set(err, OD_ERR_ARG, "the lowest score is not a number");
    return OD_OK;
}

od_status od_calibration_pairs_build(od_calibration_pairs *out, const od_coco_eval *e, const od_calibration_options *o,
                                     od_error *err)
{
    od_calibration_pairs p = {0};
    od_box_list list = {0};
    OD_TRY(check(o, err));
    OD_TRY(od_localisation_list(e, -1, &o->match, &list, err));
    p.items = od_malloc(list.count, sizeof *p.items);
    for (size_t i = 0; p.items && i < list.count; i++) {
        const od_box_item *b = &list.items[i];
        if (b->verdict == OD_VERDICT_IGNORED || (b->verdict == OD_VERDICT_DUPLICATE && o->match.ignore_duplicates) ||
            b->score < o->min_score)
            continue;
        int right = b->verdict == OD_VERDICT_TRUE;
        p.items[p.count++] = (od_calibration_pair){od_score_within(b->score, &p.outside), right ? b->iou : 0,
                                                   e->dets[b->det].class_index, (uint8_t)right};
    }
    od_box_list_deinit(&list);
    if (!p.items) return od_error_nomem(err, "the calibration");
    *out = p;
    return OD_OK;
}

void od_calibration_pairs_deinit(od_calibration_pairs *p)
{
    od_free(p->items);
    *p = (od_calibration_pairs){0};
}
