/* SPDX-License-Identifier: Apache-2.0
 *
 * Images right or wrong: what papers on classification report, from the detections.
 */
#include "report/report_data.h"

#include <stdlib.h>
#include <string.h>

/* What papers on the founding question's data set report. */
const double od_report_papers[OD_REPORT_PAPERS] = {.96, .98};

od_status od_gather_image_level(od_report *r, od_error *err)
{
    if (!r->test || !r->coco.counts.images) return OD_OK;
    od_image_options o = od_image_options_default();
    o.threshold = r->threshold;
    o.num_resamples = r->o->num_resamples;
    o.seed = r->o->seed;
    o.num_threads = r->o->num_threads;
    OD_TRY(od_image_level_run(&r->image_level, r->test, &o, err));
    r->image_level_words = od_image_level_explain(r->image_level, od_report_papers, OD_REPORT_PAPERS);
    return r->image_level_words ? OD_OK : od_error_nomem(err, "the image-level figures");
}

void od_gather_image_level_deinit(od_report *r)
{
    od_image_level_free(r->image_level);
    free(r->image_level_words);
    r->image_level = NULL;
    r->image_level_words = NULL;
}
